"""Where the files of each data set lie, in its official layout, and its usual split."""

import csv
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from . import storage, synthetic
from .storage import FundusError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".ppm", ".pgm")
STARE_NUMBERS = (
    1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """The files of one sample; `label`, `fov` and `label2` may be missing (None).

    part: `train`, `test`, or `unlabelled` for test photographs whose labels are withheld.
    """

    name: str
    patient: str
    part: str
    photograph: Path
    label: Path | None = None
    fov: Path | None = None
    label2: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files that the record names."""
        return [f for f in (self.photograph, self.label, self.fov, self.label2) if f is not None]


def _spelled(path: Path) -> Path:
    """Return the file, also if it is unpacked (`.ppm` for `.ppm.gz`) or ends in capitals."""
    others = path, path.with_suffix(""), path.with_suffix(path.suffix.upper())
    return next((other for other in others if other.is_file()), path)


def _record(root: Path, name: str, patient: str, part: str, *files: str) -> Record:
    """Make a record of photograph, label, field of view and second label ("" where there is none).

    Only the second label may be absent from the disk.
    """
    paths: list[Any] = [_spelled(root / file) if file else None for file in files]
    second = [path for path in paths[3:] if path.is_file()]
    return Record(name, patient, part, *paths[:3], *second)


def synthetic_records(root: Path | None = None) -> Iterator[Record]:
    """List the 60 drawn photographs (two eyes of 30 patients); draws them at first use.

    A folder like a reader's own: patients 01-20 train, 21-30 test.
    """
    sources = sorted(Path(synthetic.__file__).parent.glob("*.py"))
    drawing = storage.key_of(*map(storage.sha256, sources))  # another way of drawing, another set
    return folder_records(storage.made_folder(f"synthetic_{drawing}", synthetic.draw_set))


def drive_records(root: Path) -> Iterator[Record]:
    """List DRIVE: 21-40 train, 01-20 test.

    Where the test part has come without labels, 36-40 of the training part are held out as the
    test and the official test photographs are `unlabelled`.
    """
    withheld = not any((root / "test" / "1st_manual").glob("*_manual1.*"))
    for number in range(1, 41):
        stem, folder = f"{number:02d}", "training" if number > 20 else "test"
        photograph = f"{folder}/images/{stem}_{folder}.tif"
        label = f"{folder}/1st_manual/{stem}_manual1.gif"
        second = f"{folder}/2nd_manual/{stem}_manual2.gif"
        mask = f"{folder}/mask/{stem}_{folder}_mask.gif"
        part = "train" if 20 < number <= (35 if withheld else 40) else "test"
        if withheld and number <= 20:
            part, label = "unlabelled", ""
        yield _record(root, stem, stem, part, photograph, label, mask, second)


def chase_db1_records(root: Path) -> Iterator[Record]:
    """List CHASE_DB1: both eyes of 14 children; 01L-10R train, 11L-14R test; no masks shipped."""
    for child, eye in product(range(1, 15), "LR"):
        stem = f"Image_{child:02d}{eye}"
        files = f"{stem}.jpg", f"{stem}_1stHO.png", "", f"{stem}_2ndHO.png"
        yield _record(root, stem, f"{child:02d}", "train" if child <= 10 else "test", *files)


def stare_records(root: Path) -> Iterator[Record]:
    """List STARE: 20 photographs; no official split, here the first 10 train, the last 10 test."""
    for i, number in enumerate(STARE_NUMBERS):
        stem = f"im{number:04d}"
        label, second = (f"labels-{who}/{stem}.{who}.ppm.gz" for who in ("ah", "vk"))
        files = f"stare-images/{stem}.ppm.gz", label, "", second
        yield _record(root, stem, stem, "train" if i < 10 else "test", *files)


def hrf_records(root: Path) -> Iterator[Record]:
    """List HRF: 15 healthy (h), 15 glaucoma (g), 15 diabetic (dr); 01-05 train, 06-15 test."""
    for number, kind in product(range(1, 16), ("dr", "g", "h")):
        stem = f"{number:02d}_{kind}"
        files = f"images/{stem}.jpg", f"manual1/{stem}.tif", f"mask/{stem}_mask.tif"
        yield _record(root, stem, stem, "train" if number <= 5 else "test", *files)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())  # a Mac writes an umlaut as two characters


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their stem. Raises FundusError if a stem stands twice."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        if plain.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        stem = _composed(plain.stem)
        if stem in found:
            raise FundusError(f"{path} and {found[stem].name} have one stem: remove one.")
        found[stem] = path
    return found


def _match(folder: Path, stems: Set[str], others: Set[str], other: str) -> None:
    """Raise FundusError if some stems of a folder (or file) have no partner among the others."""
    lonely = ", ".join(sorted(stems - others)[:5])
    if lonely:
        rule = "one for every file stem (images/a.jpg, labels/a.png, a line `a,patient`)"
        raise FundusError(f"{folder}: no {other} for {lonely}: there must be {rule}.")


def _patients(table: Path) -> dict[str, str]:
    """Read the lines `stem,patient` (or with semicolons, as Excel may write them) of a table."""
    try:
        text = table.read_text(encoding="utf-8-sig")  # with Excel's mark or without
    except UnicodeDecodeError:
        raise FundusError(f"{table} is not UTF-8 text: save it as CSV UTF-8.") from None
    rows = csv.reader(text.splitlines(), delimiter=";" if ";" in text else ",")
    pairs = [(_composed(row[0]), row[1].strip()) for row in rows if len(row) > 1 and row[1].strip()]
    patient_of = dict(pairs)
    twice = [stem for stem, patient in pairs if patient_of[stem] != patient]
    if twice:
        raise FundusError(f"{table} gives {twice[0]} to two patients: keep one of the lines.")
    return patient_of


def folder_records(root: Path) -> Iterator[Record]:
    """List a reader's own set: images/, labels/, and if there, masks/ and labels2/, by file stem.

    Without labels/ the photographs are `unlabelled`. An optional patients.csv (lines
    `stem,patient`, for every photograph) says whose eye it is; without it each photograph counts
    as a patient. The last third of the patients is the test part.
    """
    folders = "images", "labels", "masks", "labels2"
    photographs, labels, masks, seconds = (_by_stem(root / folder) for folder in folders)
    stems = photographs.keys()
    if not stems:
        raise FundusError(f"{root / 'images'} holds no pictures: put your photographs there.")
    if (root / "labels").is_dir():
        _match(root / "labels", stems, labels.keys(), "label")
        _match(root / "images", labels.keys(), stems, "photograph")
    if masks:
        _match(root / "masks", stems, masks.keys(), "mask")
    patient_of, table = {stem: stem for stem in stems}, root / "patients.csv"
    if table.is_file():
        patient_of = _patients(table)
        # A misspelt stem would let one patient stand on both sides of the split.
        _match(table, stems, patient_of.keys(), "line with a patient")
    patients = sorted({patient_of[stem] for stem in stems})
    test = patients[len(patients) - len(patients) // 3 :]
    for stem, path in photographs.items():
        patient = patient_of[stem]
        part = "unlabelled" if not labels else "test" if patient in test else "train"
        others = labels.get(stem), masks.get(stem), seconds.get(stem)
        yield Record(stem, patient, part, path, *others)
