"""A reader's own data set: a folder of pictures, matched by the stems of their names."""

import csv
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from ..errors import FundusError
from .files import Record

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
OTHERS = (".png", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".ppm", ".pgm", ".jp2", ".avif")
SUFFIXES = (*JPEG, *OTHERS)


def _composed(text: str) -> str:
    """Return a name as others write it: a Mac writes an umlaut as two characters."""
    return unicodedata.normalize("NFC", text.strip())


def is_picture(path: Path) -> bool:
    """Return whether a file's name is that of a picture, packed (`.gz`) or not; hidden ones not."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def pictures_of(folder: Path) -> list[Path]:
    """List the picture files of a folder, sorted."""
    return [path for path in sorted(folder.iterdir()) if is_picture(path)]


def name_the_rest(folder: Path, pictures: Sequence[Path]) -> None:
    """Name what lies in a folder beside its pictures on standard error, the first three of each."""
    others = set(folder.iterdir()) - set(pictures)
    rest = sorted(one for one in others if not one.name.startswith("."))
    reasons = {
        "folders, which are not searched": [one for one in rest if one.is_dir()],
        "not named as pictures that can be read here": [one for one in rest if not one.is_dir()],
    }
    for reason, those in reasons.items():
        names = [one.name for one in those[:3]] + ["..."] * (len(those) > 3)
        if those:
            said = f"left out {len(those)} ({', '.join(names)}): {reason}"
            print(f"{folder}: {said}", file=sys.stderr)


def stem_of(path: Path) -> str:
    """Return a picture's name without its suffixes: `a` for `a.png` and for `a.ppm.gz`."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return _composed(plain.stem)


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their stem; none if the folder is not there.

    Raises FundusError if a stem stands twice, or a link leads nowhere.
    """
    if folder.is_symlink() and not folder.is_dir():
        raise FundusError(f"{folder} is a link to no folder", "remove it, or make it anew")
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        if not is_picture(path):
            continue
        if not path.is_file():
            problem = f"{path} is no file, but a folder or a link that leads nowhere"
            raise FundusError(problem, "remove it, or put the picture there")
        stem = stem_of(path)
        if stem in found:
            raise FundusError(f"{path} and {found[stem].name} have one stem", "remove one")
        found[stem] = path
    return found


def _goes_on(longer: str, shorter: str) -> bool:
    """Return whether a stem is another one and more: `eye_01_manual` goes on after `eye_01`.

    A letter or digit must not follow: `eye_1` is not the beginning of `eye_12`.
    """
    return longer.startswith(shorter) and not longer[len(shorter) :][:1].isalnum()


def _number(stem: str) -> str | None:
    """Return a stem's first number with the letters that follow it, without zeros before it.

    `21_training` and `21_manual1` have the number 21, `Photo_01L` and `Label_1l` have 1l.
    """
    found = re.search(r"\d[^\W_]*", stem)
    return found[0].lstrip("0").casefold() if found else None


def _partner(stem: str, candidates: Sequence[str]) -> str | None:
    """Return the photograph's stem that belongs to a label's (see `pairs_by_name`), or None."""
    if stem in candidates:
        return stem
    begun = [one for one in candidates if _goes_on(stem, one)]
    if begun:
        return max(begun, key=len)
    going_on = [one for one in candidates if _goes_on(one, stem)]
    if len(going_on) == 1:
        return going_on[0]
    number = _number(stem)
    if number is None:
        return None
    alike = [one for one in candidates if _number(one) == number]
    return alike[0] if len(alike) == 1 else None


def pairs_by_name(photographs: Iterable[Path], labels: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Pair photographs and labels as the names of the public sets, and of most others, allow.

    A label belongs to the photograph whose stem (1) is the same, else (2) is the label's stem up to
    a separator, the longest one that is (`Image_01L` and `Image_01L_1stHO`), or goes on after it,
    if only one does, else (3) has the same first number, if only one has (`21_training` and
    `21_manual1`).

    Args:
        photographs: picture files.
        labels: picture files.

    Returns:
        (photograph, label), in the order of the labels. A photograph may have several labels, such
        as two observers'; a label stands in one pair at most, or in none.
    """
    photograph_of = {stem_of(path): path for path in photographs}
    stems = list(photograph_of)
    pairs = []
    for label in labels:
        partner = _partner(stem_of(label), stems)
        if partner is not None:
            pairs.append((photograph_of[partner], label))
    return pairs


def _match(where: Path, stems: Set[str], partners: Set[str], partner: str) -> None:
    """Raise FundusError if some of the stems have no partner, such as a label, there."""
    lonely = ", ".join(sorted(stems - partners)[:5])
    if lonely:
        rule = "one for every file stem (images/a.jpg, labels/a.png, a line `a,patient`)"
        raise FundusError(f"{where}: no {partner} for {lonely}", f"there must be {rule}")


def _read_rows(table: Path) -> list[list[str]]:
    """Read the cells of a CSV table, with commas or, as Excel may write it, with semicolons.

    Raises FundusError if it is no such table.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")  # with Excel's mark or without
        first = re.search("[,;]", text)  # what comes later may be a remark
        delimiter = first[0] if first else ","
        return list(csv.reader(text.splitlines(), delimiter=delimiter))
    except UnicodeDecodeError:
        raise FundusError(f"{table} is not UTF-8 text", "save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        problem = f"{table} cannot be read as a table ({error})"
        raise FundusError(problem, "write one line `stem,patient` for every photograph") from None


def _read_patients(table: Path) -> dict[str, str]:
    """Read the lines `stem,patient` of a table; what follows on a line is not read.

    Raises FundusError if a stem is given to two patients.
    """
    patient_of: dict[str, str] = {}
    for row in _read_rows(table):
        if len(row) < 2 or not row[1].strip():
            continue
        stem = _composed(row[0])
        patient = _composed(row[1])
        if patient_of.setdefault(stem, patient) != patient:
            raise FundusError(f"{table} gives {stem} to two patients", "keep one of the lines")
    return patient_of


def _patients(root: Path, stems: Set[str]) -> dict[str, str]:
    """Return the patient of each stem: from patients.csv, or each photograph as one of its own."""
    table = root / "patients.csv"
    if not table.exists() and not table.is_symlink():  # a link that leads nowhere is an error
        return {stem: stem for stem in stems}
    patient_of = _read_patients(table)
    # A misspelt stem would let one patient stand on both sides of the split.
    _match(table, stems, patient_of.keys(), "line with a patient")
    return {stem: patient_of[stem] for stem in stems}


def folder_records(root: Path) -> Iterator[Record]:
    """List a reader's own set: images/, labels/, and if there, masks/ and labels2/, by file stem.

    A second label may be there for some photographs only.

    Without labels/ the photographs are `unlabelled`. An optional patients.csv (lines
    `stem,patient`, for every photograph) says whose eye it is; without it each photograph counts
    as a patient. The last third of the patients is the test part.

    Raises:
        FundusError: no photographs, a file without its partner, or a doubtful patients.csv.
    """
    photographs = _by_stem(root / "images")
    labels = _by_stem(root / "labels")
    masks = _by_stem(root / "masks")
    second_labels = _by_stem(root / "labels2")
    stems = photographs.keys()
    if not stems:
        raise FundusError(f"{root / 'images'} holds no pictures", "put your photographs there")
    if (root / "labels").is_dir():
        _match(root / "labels", stems, labels.keys(), "label")
        _match(root / "images", labels.keys(), stems, "photograph")
    if (root / "masks").is_dir():
        _match(root / "masks", stems, masks.keys(), "mask")
    for name, pictures in {"masks": masks, "labels2": second_labels}.items():
        _match(root / name, pictures.keys(), stems, "photograph")
    patient_of = _patients(root, stems)
    patients = sorted(set(patient_of.values()))
    train = set(patients[: len(patients) - len(patients) // 3])
    for stem, photograph in photographs.items():
        patient = patient_of[stem]
        part = "train" if patient in train else "test"
        yield Record(
            name=stem,
            patient=patient,
            part=part if labels else "unlabelled",
            photograph=photograph,
            label=labels.get(stem),
            fov=masks.get(stem),
            label2=second_labels.get(stem),
        )
