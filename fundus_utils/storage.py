"""Where things lie on disk, and how made things are written: whole or not at all."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import filelock

from .errors import FundusError

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_SET = "chase_db1"  # it comes with the project
UTF8 = "utf-8"
ODD = "backslashreplace"  # of a character that a text cannot hold, such as half a file name
MAKING = ".making_"  # what is being written lies in a folder of this name, beside its place
FRESH_SECONDS = 2  # a folder younger than this may not have its lock yet


def _folder_from(variable: str, default: str) -> Path:
    """Return the folder that an environment variable names; a relative one counts from PROJECT."""
    named = Path(os.environ.get(variable) or default)
    try:
        return (PROJECT / named.expanduser()).resolve()
    except (OSError, RuntimeError) as error:  # a home that is not there, links in a circle
        raise FundusError(f"{variable} is {named}, no folder ({error})", "name another") from None


def data_dir() -> Path:
    """Return the folder of the real data sets: `$FUNDUS_DATA`, else the project's `data/`."""
    return _folder_from("FUNDUS_DATA", "data")


def derived_dir() -> Path:
    """Return the folder of everything that is made: `$FUNDUS_DERIVED`, else `data/derived/`."""
    return _folder_from("FUNDUS_DERIVED", "data/derived")


def chosen_set() -> str:
    """Return the data set that a notebook uses.

    The environment variable FUNDUS_DATASET comes first, then what notebook 00 saved, then
    DEFAULT_SET.
    """
    given = os.environ.get("FUNDUS_DATASET")
    if given:
        return given
    saved = derived_dir() / "dataset.txt"
    return saved.read_text(encoding=UTF8).strip() if saved.exists() else DEFAULT_SET


def save_choice(name: str) -> None:
    """Save the data set that the notebooks use from now on (see `chosen_set`)."""
    with writing_whole(derived_dir() / "dataset.txt") as target:
        target.write_text(name + "\n", encoding=UTF8)


def _sweep(parent: Path) -> None:
    """Remove what killed processes have left half-made in a folder.

    A maker holds the lock in its folder as long as it lives, so a lock that is free is nobody's.
    """
    for folder in parent.glob(f"{MAKING}*"):
        with contextlib.suppress(OSError, filelock.Timeout):
            if time.time() - folder.stat().st_mtime > FRESH_SECONDS:
                with filelock.FileLock(folder / "lock", timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give an empty folder on the disk of `path`; it is removed at the end.

    What a killed run has left is removed by the next one that works at the same place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    with (
        tempfile.TemporaryDirectory(
            prefix=MAKING,
            dir=path.parent,
            ignore_cleanup_errors=True,
        ) as folder,
        filelock.FileLock(Path(folder, "lock")),
    ):
        yield Path(folder)


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there at the end, only if nothing failed.

    Works for a file or a folder. An interrupted run leaves the old file, or none: never half.
    """
    with scratch_beside(path) as folder:
        target = folder / path.name
        yield target
        target.replace(path)


@contextlib.contextmanager
def locked(folder: Path, wait: bool) -> Iterator[None]:
    """Hold the lock of a folder that is being filled; it ends with the process that holds it.

    Args:
        folder: made if it is not there; the lock is the file `lock` in it.
        wait: wait until another process is done, instead of refusing.

    Raises:
        FundusError: another process holds the lock, and `wait` is False.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "lock", timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except filelock.Timeout:
        problem = f"another process works in {folder} at this moment"
        raise FundusError(problem, "wait until it is done, or choose another folder") from None
    try:
        yield
    finally:
        lock.release()


def made_folder(name: str, make: Callable[[Path], None]) -> Path:
    """Return `data/derived/NAME`; where it is not there yet, let `make(folder)` fill it first.

    Two notebooks that ask at the same moment make it once: the second one waits for the first.
    The name must tell apart all that may be in it: see `key_of` and `sources`.
    """
    folder = derived_dir() / name
    if folder.exists():
        return folder
    with locked(derived_dir() / ".locks" / name, wait=True):
        if not folder.exists():  # else the other process has made it
            with writing_whole(folder) as target:
                target.mkdir()
                make(target)
    return folder


def save_json(path: Path, content: object) -> None:
    """Write `content` as readable JSON, whole or not at all; nan, unknown to JSON, becomes null."""
    plain = json.loads(json.dumps(content), parse_constant=lambda nan: None)
    with writing_whole(path) as target:
        target.write_text(json.dumps(plain, indent=2) + "\n", encoding=UTF8)


def load_json(path: Path) -> Any:
    """Read a JSON file. Raises FundusError if it is no JSON."""
    try:
        return json.loads(path.read_text(encoding=UTF8))
    except (ValueError, RecursionError) as error:
        raise FundusError(f"{path} is not valid JSON ({error})", "make it again") from None


def key_of(*content: object) -> str:
    """Return ten hexadecimal digits that name some JSON-able content."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(UTF8)).hexdigest()[:10]


def sha256(path: Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources(names: Iterable[str]) -> dict[str, str]:
    """Return the checksum of each source file of some of the package's modules or sub-packages.

    Part of a made thing's key: when the code changes that makes it, it is made again.

    Args:
        names: below the package, such as `augmentation` or `synthetic` (then all of its files).
    """
    package = Path(__file__).parent
    found = {}
    for name in names:
        module = package / f"{name}.py"
        files = [module] if module.is_file() else sorted((package / name).glob("*.py"))
        if not files:
            raise ValueError(f"no module of the package is called {name!r}.")
        for file in files:
            content = file.read_text(encoding=UTF8)
            found[file.relative_to(package).as_posix()] = key_of(content)
    return found
