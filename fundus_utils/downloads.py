"""Public data sets fetched, checked and unpacked, each into the layout that `layouts` expects."""

# ruff: noqa: E501  (the table of archives: one a line)

import os
import shutil
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import pooch
import requests
from tqdm import tqdm

from . import datasets, storage
from .storage import FundusError

RETRIES, TIMEOUT = 3, 30  # after a failure; seconds without an answer
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, OSError)


@dataclass(frozen=True)
class Archive:
    """One archive of a set, and what becomes of it.

    site: the address before its name, or the page where a person gets it. top: what lies at the
    top of the part that fills `folder` (below the set's folder).
    """

    site: str
    file: str
    checksum: str
    top: str
    folder: str = ""
    optional: bool = False


HRF = "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/"
STARE = "http://cecas.clemson.edu/~ahoover/stare/probing/"
DRIVE, CHASE = "https://drive.grand-challenge.org", "https://researchdata.kingston.ac.uk/96/"
BY_HAND = {"drive": "register and get", "chase_db1": "get"}  # no program may or can fetch them
ARCHIVES = {
    "hrf": (Archive(HRF, "all.zip", "sha256:a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4", "images"),),
    "stare": (
        Archive(STARE, "stare-images.tar", "sha256:5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433", "im0001.*", "stare-images"),
        Archive(STARE, "labels-ah.tar", "sha256:ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f", "im0001.*", "labels-ah"),
        Archive(STARE, "labels-vk.tar", "sha256:47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576", "im0001.*", "labels-vk"),
    ),
    "drive": (
        Archive(DRIVE, "training.zip", "sha256:7101e19598e2b7aacdbd5e6e7575057b9154a4aaec043e0f4e28902bf4e2e209", "images", "training"),
        Archive(DRIVE, "test.zip", "sha256:d76c95c98a0353487ffb63b3bb2663c00ed1fde7d8fdfd8c3282c6e310a02731", "images", "test", optional=True),
    ),
    "chase_db1": (Archive(CHASE, "CHASEDB1.zip", "md5:d9e47c4bac125b29996fae4380a68db1", "Image_01L.jpg"),),
}  # fmt: skip


def _lacking(name: str, root: Path, archive: Archive) -> list[Path]:
    """Return the files that an archive should have put below `root` but that are not there."""
    folder = root / archive.folder
    if not folder.is_dir():
        return [folder]
    files = [file for record in datasets.SOURCES[name].records(root) for file in record.files]
    return [file for file in files if file.is_relative_to(folder) and not file.is_file()]


def _resume(url: str, output_file: str, _: pooch.Pooch) -> None:
    """Download as pooch's downloaders do, but go on from the `.part` of an earlier try."""
    part = Path(output_file).with_name(url.rpartition("/")[2] + ".part")
    done = part.stat().st_size if part.exists() else 0
    # `identity`, as a range of compressed bytes could not be appended.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if not (done and answer.status_code == 416):  # 416: all is here; the checksum will tell
            answer.raise_for_status()
            done = done if answer.status_code == 206 else 0  # 200: everything is sent again
            total = done + int(answer.headers.get("Content-Length", 0)) or None
            bar = tqdm(total=total, initial=done, unit="B", unit_scale=True, desc=part.stem)
            with part.open("ab" if done else "wb") as file, bar:
                for chunk in answer.iter_content(1 << 16):
                    bar.update(file.write(chunk))
    shutil.move(part, output_file)


def _verified(name: str, archive: Archive, root: Path) -> Path:
    """Return the archive that lies in the set's folder, else fetch it; its checksum is compared."""
    path, url = root / archive.file, archive.site + archive.file
    algorithm, expected = archive.checksum.split(":")
    if path.is_file():
        if pooch.file_hash(str(path), algorithm) != expected:
            problem = f"{path} has not the expected {algorithm} {expected}"
            if name not in BY_HAND:
                raise FundusError(f"{problem}: remove it and run this again.")
            warnings.warn(f"{problem}: cut short, or issued anew. Going on.", stacklevel=3)
        return path
    folder = storage.derived_dir() / "downloads" / name
    store = pooch.Pooch(folder, archive.site, {archive.file: archive.checksum}, None, RETRIES)
    try:
        return Path(store.fetch(archive.file, downloader=_resume))
    except OSError as error:  # those of requests too
        cause = f"({type(error).__name__}: {error}): check the network and the disk"
        advice = f"run this again, it goes on where it stopped; or put the file into {root}"
        raise FundusError(f"{url} could not be fetched {cause} and {advice}.") from None
    except ValueError as error:
        raise FundusError(f"{url} is refused, nothing was unpacked. {error}") from None


def _unpack(path: Path, top: str, room: Path) -> Path:
    """Unpack a zip or tar into `room`; return the folder in it that holds `top`.

    Raises FundusError if the archive is broken, foreign, or points out of its folder.
    """
    zipped = path.suffix == ".zip"
    opener: Any = zipfile.ZipFile if zipped else tarfile.open
    try:
        with opener(path) as opened:
            for member in opened.namelist() if zipped else opened.getnames():
                pure = PureWindowsPath(member)  # takes both slashes as separators
                if pure.anchor or ".." in pure.parts:
                    raise FundusError(f"{path} is refused: {member} points out of its folder.")
            opened.extractall(room, **({} if zipped else {"filter": "data"}))
    except BROKEN as error:
        raise FundusError(f"{path} cannot be unpacked ({error}): download it again.") from None
    found = min(room.rglob(top), key=lambda file: len(file.parts), default=None)
    if found is None:
        raise FundusError(f"{path} holds no {top}: it is not the official archive.")
    return found.parent


def download(name: str, out: Path | None = None) -> Path:
    """Put a public data set into its folder, checked and whole; what is there is not fetched again.

    Args:
        name: `hrf` or `stare`, which are fetched; `drive` or `chase_db1`, whose archives are only
            unpacked where the reader has put them into the set's folder.
        out: the folder that holds the sets' folders; without it, `storage.data_dir()`.

    Returns:
        The set's folder, such as `data/HRF`.

    Raises:
        FundusError: no network, a broken or foreign archive, or what to do by hand.
    """
    if name not in ARCHIVES:
        raise FundusError(f"{name!r} is no set to download: choose from {', '.join(ARCHIVES)}.")
    root = (Path(out or storage.data_dir()) / datasets.SOURCES[name].folder).resolve()
    todo = [archive for archive in ARCHIVES[name] if _lacking(name, root, archive)]
    absent = [archive for archive in todo if not (root / archive.file).is_file()]
    if name in BY_HAND and not all(archive.optional for archive in absent):
        how = f"{BY_HAND[name]} {' and '.join(one.file for one in absent)} with your browser"
        then = f"put it into {root} as it is and run this again"
        raise FundusError(f"no program can fetch {name}: {how} at {absent[0].site}, {then}.")
    todo = [archive for archive in todo if not (archive.optional and archive in absent)]
    paths = [_verified(name, archive, root) for archive in todo]
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making_", dir=root.parent) as room:
        made = Path(room, root.name)
        for archive, path in zip(todo, paths, strict=True):
            (made / archive.folder).parent.mkdir(exist_ok=True)
            _unpack(path, archive.top, Path(room, "all", path.name)).replace(made / archive.folder)
            if lacking := _lacking(name, made, archive):
                missing = lacking[0].relative_to(made)
                raise FundusError(f"{path} holds no {missing}: it is not the official archive.")
        if todo:
            shutil.copytree(made, root, dirs_exist_ok=True, copy_function=os.replace)
    shutil.rmtree(storage.derived_dir() / "downloads" / name, ignore_errors=True)
    print(f"{name} is complete in {root}" + ("." if todo else ": nothing to do."))
    return root
