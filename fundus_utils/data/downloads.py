"""Public data sets fetched, checked and unpacked, each into the layout that `sets` expects."""

import os
import shutil
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

import pooch
import requests
from tqdm import tqdm

from .. import storage
from ..errors import FundusError
from .archives import ARCHIVES, BY_HAND, Archive
from .files import resolved
from .sets import SOURCES

RETRIES = 3  # after a failure
TIMEOUT = 30  # seconds without an answer
CHUNK_BYTES = 2**16  # bytes written at a time
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, OSError)


def _lacking(name: str, root: Path, archive: Archive) -> list[Path]:
    """Return the files that an archive should have put below `root` but that are not there."""
    folder = root / archive.folder
    if not folder.is_dir():
        return [folder]
    lacking = []
    for record in SOURCES[name].records(root):
        for file in record.files:
            if file.is_relative_to(folder) and not file.is_file():
                lacking.append(file)
    return lacking


def _plan(name: str, root: Path) -> list[Archive]:
    """Return the archives that are to be unpacked: their files are lacking, and they can be had.

    Raises FundusError, with what to do, if the reader must get one of them first.
    """
    needed = [archive for archive in ARCHIVES[name] if _lacking(name, root, archive)]
    if name not in BY_HAND:
        return needed
    absent = [archive for archive in needed if not (root / archive.file).is_file()]
    if not all(archive.optional for archive in absent):
        files = " and ".join(archive.file for archive in absent)
        by_hand = f"{BY_HAND[name]} {files} with your browser at {absent[0].site}"
        advice = f"{by_hand}, put it into {root} as it is and run this again"
        raise FundusError(f"no program can fetch {name}", advice)
    return [archive for archive in needed if archive not in absent]


def _save_answer(answer: requests.Response, part: Path, start: int) -> None:
    """Write what a server sends into the file `part`, from byte `start` on."""
    length = int(answer.headers.get("Content-Length", 0))
    bar = tqdm(
        total=start + length or None,  # None: unknown
        initial=start,
        unit="B",
        unit_scale=True,
        desc=part.stem,
    )
    with part.open("ab" if start else "wb") as file, bar:
        for chunk in answer.iter_content(CHUNK_BYTES):
            bar.update(file.write(chunk))


def _resume(url: str, output_file: str, _: pooch.Pooch) -> None:
    """Download as pooch's downloaders do, but go on from the `.part` of an earlier try."""
    part = Path(output_file).with_name(url.rpartition("/")[2] + ".part")
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # a range of compressed bytes could not be appended
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        nothing_left = answer.status_code == requests.codes.requested_range_not_satisfiable
        if not (start and nothing_left):  # else all is here; the checksum will tell
            answer.raise_for_status()
            if answer.status_code != requests.codes.partial_content:
                start = 0  # everything is sent again
            _save_answer(answer, part, start)
    shutil.move(part, output_file)


def _check_own_copy(name: str, archive: Archive, path: Path) -> None:
    """Compare the checksum of an archive that the reader has put into the set's folder.

    Another one is an error for a set that can be fetched, else a warning: its owner may have issued
    the archive anew.
    """
    algorithm, expected = archive.checksum.split(":")
    if pooch.file_hash(str(path), algorithm) == expected:
        return
    problem = f"{path} has not the expected {algorithm} {expected}"
    if name not in BY_HAND:
        raise FundusError(problem, "remove it and run this again")
    warnings.warn(f"{problem}: cut short, or issued anew. Going on.", stacklevel=4)


def _fetch(name: str, archive: Archive, root: Path) -> Path:
    """Return the archive that lies in the set's folder, else download it; both are checked."""
    own_copy = root / archive.file
    if own_copy.is_file():
        _check_own_copy(name, archive, own_copy)
        return own_copy
    url = archive.site + archive.file
    store = pooch.Pooch(
        path=_download_folder(name),
        base_url=archive.site,
        registry={archive.file: archive.checksum},
        retry_if_failed=RETRIES,
    )
    try:
        return Path(store.fetch(archive.file, downloader=_resume))
    except OSError as error:  # those of requests too
        problem = f"{url} could not be fetched ({type(error).__name__}: {error})"
        again = "run this again, it goes on where it stopped"
        advice = f"check the network and the disk and {again}; or put the file into {root}"
        raise FundusError(problem, advice) from None
    except ValueError as error:  # the checksum
        problem = f"{url} is refused, nothing was unpacked ({error})"
        raise FundusError(problem, "run this again, or get the data set by hand") from None


def _download_folder(name: str) -> Path:
    """Return the folder in which the archives of a set lie until they are unpacked."""
    return storage.derived_dir() / "downloads" / name


def _refuse_outside(path: Path, members: list[str]) -> None:
    """Raise FundusError if an archive would write outside of the folder that it is given."""
    for member in members:
        pure = PureWindowsPath(member)  # takes both slashes as separators
        if pure.anchor or ".." in pure.parts:
            problem = f"{path} is refused, as {member} points out of its folder"
            raise FundusError(problem, "get the archive from the official site")


def _extract(path: Path, folder: Path) -> None:
    """Unpack a zip or tar into a folder. Raises FundusError if it is broken or points outside."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as zipped:
                _refuse_outside(path, zipped.namelist())
                zipped.extractall(folder)
        else:
            with tarfile.open(path) as tarred:
                _refuse_outside(path, tarred.getnames())
                tarred.extractall(folder, filter="data")
    except BROKEN as error:
        raise FundusError(f"{path} cannot be unpacked ({error})", "download it again") from None


def _foreign(path: Path, missing: str) -> FundusError:
    """Return the error of an archive that does not hold what it should."""
    problem = f"{path} holds no {missing}"
    return FundusError(problem, "it is not the official archive, so download that one")


def _find_top(path: Path, folder: Path, top: str) -> Path:
    """Return the folder of an unpacked archive, nearest to its root, that holds `top`."""
    found = sorted(folder.rglob(top), key=lambda file: len(file.parts))
    if not found:
        raise _foreign(path, top)
    return found[0].parent


def _unpack(name: str, path_of: Mapping[Archive, Path], unfinished: Path, target: Path) -> None:
    """Unpack archives into the layout of their set.

    Args:
        name: the set.
        path_of: the file of each archive.
        unfinished: a folder for what is unpacked, on the same disk as `target`.
        target: becomes the set's folder.

    Raises:
        FundusError: an archive is broken, foreign, or points out of its folder.
    """
    for archive, path in path_of.items():
        extracted = unfinished / path.name
        _extract(path, extracted)
        filled = target / archive.folder
        filled.parent.mkdir(exist_ok=True)
        _find_top(path, extracted, archive.top).replace(filled)
        lacking = _lacking(name, target, archive)
        if lacking:
            raise _foreign(path, str(lacking[0].relative_to(target)))


def _unpack_and_move_in(name: str, path_of: Mapping[Archive, Path], root: Path) -> None:
    """Unpack archives beside the set's folder; move their files into it once all are there."""
    with storage.scratch_beside(root) as folder:
        target = folder / root.name
        _unpack(name, path_of, folder / "unfinished", target)
        shutil.copytree(target, root, dirs_exist_ok=True, copy_function=os.replace)


def download(name: str, out: Path | None = None) -> Path:
    """Put a public data set into its folder, checked and whole; what is there is not fetched again.

    Args:
        name: `hrf` or `stare`, which are fetched; `drive` or `chase_db1`, whose archives are only
            unpacked where the reader has put them into the set's folder.
        out: the folder that holds the sets' folders; without it, `storage.data_dir()`.

    Returns:
        The set's folder, such as `data/HRF`.

    Raises:
        FundusError: another name, no network, a broken or foreign archive, or what to do by hand.
    """
    if name not in ARCHIVES:
        problem = f"{name!r} is no set to download"
        raise FundusError(problem, f"choose from {', '.join(ARCHIVES)}")
    root = resolved(Path(out or storage.data_dir()) / SOURCES[name].folder)
    if out is None and SOURCES[name].comes_along and not root.is_dir():
        print(f"{name} comes with the project: {SOURCES[name].find_folder()}")
        return SOURCES[name].find_folder()
    path_of = {}
    for archive in _plan(name, root):
        path_of[archive] = _fetch(name, archive, root)
    if path_of:
        _unpack_and_move_in(name, path_of, root)
    shutil.rmtree(_download_folder(name), ignore_errors=True)
    print(f"{name} is complete in {root}" + ("." if path_of else ": nothing to do."))
    return root
