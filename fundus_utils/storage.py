"""Where things lie on disk, and how made things are written: whole or not at all."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent


class FundusError(ValueError):
    """An error that the reader can act on: it names the file, what is wrong and what to do."""


def _folder_from(variable: str, default: str) -> Path:
    """Return the folder that an environment variable names; a relative one counts from PROJECT."""
    return (PROJECT / Path(os.environ.get(variable) or default).expanduser()).resolve()


def data_dir() -> Path:
    """Return the folder of the real data sets: `$FUNDUS_DATA`, else the project's `data/`."""
    return _folder_from("FUNDUS_DATA", "data")


def derived_dir() -> Path:
    """Return the folder of everything that is made: `$FUNDUS_DERIVED`, else `data/derived/`."""
    return _folder_from("FUNDUS_DERIVED", "data/derived")


def chosen_set() -> str:
    """Return the data set that a notebook uses.

    The environment variable FUNDUS_DATASET comes first, then what notebook 00 saved, then
    `synthetic`.
    """
    saved = derived_dir() / "dataset.txt"
    choice = saved.read_text().strip() if saved.exists() else "synthetic"
    return os.environ.get("FUNDUS_DATASET") or choice


def save_choice(name: str) -> None:
    """Save the data set that the notebooks use from now on (see `chosen_set`)."""
    with writing_whole(derived_dir() / "dataset.txt") as path:
        path.write_text(name + "\n")


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there at the end, only if nothing failed.

    Works for a file or a folder. An interrupted run leaves the old file, or none: never half.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory("", ".making_", path.parent, True) as folder:
        room = Path(folder, path.name)
        yield room
        room.replace(path)


def made_folder(name: str, make: Callable[[Path], None]) -> Path:
    """Return `data/derived/NAME`; where it is not there yet, let `make(folder)` fill it first.

    Two notebooks that ask at the same moment both make it; the first one done is kept, and as
    every made thing depends on its name alone, both would be the same.
    """
    folder = derived_dir() / name
    if not folder.exists():
        try:
            with writing_whole(folder) as room:
                room.mkdir()
                make(room)
        except OSError:
            if not folder.exists():  # else another process was faster
                raise
    return folder


def save_json(path: Path, content: object) -> None:
    """Write `content` as readable JSON, whole or not at all; nan, unknown to JSON, becomes null."""
    content = json.loads(json.dumps(content), parse_constant=lambda nan: None)
    with writing_whole(path) as room:
        room.write_text(json.dumps(content, indent=2) + "\n")


def load_json(path: Path) -> Any:
    """Read a JSON file. Raises FundusError if it is no JSON."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise FundusError(f"{path} is not valid JSON ({error}): make it again.") from None


def key_of(*content: object) -> str:
    """Return ten hexadecimal digits that name some JSON-able content."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def sha256(path: Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
