"""The data sets: where the files of each lie, its usual split, and its licence.

To add a data set, write a function that lists its files here, and give it a line in `SOURCES`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from .. import storage
from .drawn_set import drawn_folder
from .files import Record
from .own_folder import folder_records

STARE_NUMBERS = (
    1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What is known of a data set.

    folder: the name of its folder below `storage.data_dir()`. licence: under which terms its
    photographs may be used. records: lists the samples of a folder in the set's layout. make: only
    for a set that is made here: makes it where it is not there yet and returns its folder, which
    then counts instead of `folder`. comes_along: the project holds the set in its own `data/`,
    where it is looked for if `storage.data_dir()` is another folder without it. note: says how the
    parts of a folder differ from the usual ones, "" where they do not.
    """

    folder: str
    licence: str
    records: Callable[[Path], Iterator[Record]]
    make: Callable[[], Path] | None = None
    comes_along: bool = False
    note: Callable[[Path], str] = lambda root: ""

    def find_folder(self) -> Path:
        """Return the folder of the set, which need not be there unless the set is made here."""
        if self.make is not None:
            return self.make()
        chosen = storage.data_dir() / self.folder
        if self.comes_along and not chosen.is_dir():
            return storage.PROJECT / "data" / self.folder
        return chosen


def _spelled(path: Path) -> Path:
    """Return the file, also if it is unpacked (`.ppm` for `.ppm.gz`) or ends in capitals."""
    unpacked = path.with_suffix("")
    in_capitals = path.with_suffix(path.suffix.upper())
    for spelling in (path, unpacked, in_capitals):
        if spelling.is_file():
            return spelling
    return path


def _if_there(path: Path) -> Path | None:
    """Return the file as `_spelled` does, or None if it is not on the disk."""
    spelled = _spelled(path)
    return spelled if spelled.is_file() else None


def _drive_part(number: int, withheld: bool) -> str:
    """Return the part of DRIVE that a photograph belongs to (see `drive_records`)."""
    if number <= 20:
        return "unlabelled" if withheld else "test"
    if withheld and number > 35:
        return "test"
    return "train"


def _drive_withheld(root: Path) -> bool:
    """Say whether DRIVE's test part is there without its labels."""
    return not any((root / "test" / "1st_manual").glob("*_manual1.*"))


def drive_note(root: Path) -> str:
    """Say what stands for DRIVE's test part where its labels are not there."""
    if not _drive_withheld(root):
        return ""
    return (
        "DRIVE's test labels are not here: 36-40 of its training part are the test part instead, "
        "and 21-35 the training part; figures do not compare with those on the official 01-20"
    )


def stare_note(root: Path) -> str:
    """Say that STARE's split is this course's own."""
    return "STARE has no official split: its first ten photographs are the training part here"


def drive_records(root: Path) -> Iterator[Record]:
    """List DRIVE: 21-40 train, 01-20 test.

    Where the test part has come without labels, 36-40 of the training part are held out as the
    test and the official test photographs are `unlabelled`.
    """
    withheld = _drive_withheld(root)
    for number in range(1, 41):
        stem = f"{number:02d}"
        folder = "training" if number > 20 else "test"
        part = _drive_part(number, withheld)
        label = root / folder / "1st_manual" / f"{stem}_manual1.gif"
        yield Record(
            name=stem,
            patient=stem,
            part=part,
            photograph=_spelled(root / folder / "images" / f"{stem}_{folder}.tif"),
            label=None if part == "unlabelled" else _spelled(label),
            fov=_spelled(root / folder / "mask" / f"{stem}_{folder}_mask.gif"),
            label2=_if_there(root / folder / "2nd_manual" / f"{stem}_manual2.gif"),
        )


def chase_db1_records(root: Path) -> Iterator[Record]:
    """List CHASE_DB1: both eyes of 14 children; 01L-10R train, 11L-14R test; no masks shipped."""
    for child, eye in product(range(1, 15), "LR"):
        stem = f"Image_{child:02d}{eye}"
        yield Record(
            name=stem,
            patient=f"{child:02d}",
            part="train" if child <= 10 else "test",
            photograph=_spelled(root / f"{stem}.jpg"),
            label=_spelled(root / f"{stem}_1stHO.png"),
            label2=_if_there(root / f"{stem}_2ndHO.png"),
        )


def stare_records(root: Path) -> Iterator[Record]:
    """List STARE: 20 photographs; no official split, here the first 10 train, the last 10 test."""
    for i, number in enumerate(STARE_NUMBERS):
        stem = f"im{number:04d}"
        yield Record(
            name=stem,
            patient=stem,
            part="train" if i < 10 else "test",
            photograph=_spelled(root / "stare-images" / f"{stem}.ppm.gz"),
            label=_spelled(root / "labels-ah" / f"{stem}.ah.ppm.gz"),
            label2=_if_there(root / "labels-vk" / f"{stem}.vk.ppm.gz"),
        )


def hrf_records(root: Path) -> Iterator[Record]:
    """List HRF: 15 healthy (h), 15 glaucoma (g), 15 diabetic (dr); 01-05 train, 06-15 test."""
    for number, kind in product(range(1, 16), ("dr", "g", "h")):
        stem = f"{number:02d}_{kind}"
        yield Record(
            name=stem,
            patient=stem,
            part="train" if number <= 5 else "test",
            photograph=_spelled(root / "images" / f"{stem}.jpg"),
            label=_spelled(root / "manual1" / f"{stem}.tif"),
            fov=_spelled(root / "mask" / f"{stem}_mask.tif"),
        )


SOURCES = {
    "chase_db1": Source(
        folder="CHASE_DB1",
        licence="CC BY 4.0 (Fraz et al. 2012)",
        records=chase_db1_records,
        comes_along=True,
    ),
    "synthetic": Source(
        folder="derived",
        licence="MIT (drawn by this project)",
        records=folder_records,
        make=drawn_folder,
    ),
    "drive": Source(
        folder="DRIVE",
        licence="research and education only, no redistribution (Staal et al. 2004)",
        records=drive_records,
        note=drive_note,
    ),
    "stare": Source(
        folder="STARE",
        licence="none stated, no redistribution (Hoover et al. 2000)",
        records=stare_records,
        note=stare_note,
    ),
    "hrf": Source(
        folder="HRF",
        licence="CC BY 4.0 (Budai et al. 2013)",
        records=hrf_records,
    ),
    "folder": Source(
        folder="folder",
        licence="the reader's own",
        records=folder_records,
    ),
}
