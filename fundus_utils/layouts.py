"""Where the files of each data set lie, in its official layout, and its usual split."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import storage, synthetic
from .storage import FundusError

PICTURE_SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp", ".ppm", ".pgm"
}  # fmt: skip
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


def _first(folder: Path, *names: str) -> Path:
    """Return the first of the files that exists, else the first name."""
    found = [folder / name for name in names if (folder / name).is_file()]
    return found[0] if found else folder / names[0]


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def synthetic_records(root: Path | None = None) -> list[Record]:
    """List the 60 drawn photographs (two eyes of 30 patients); draws them at first use.

    Patients 01-20 train, 21-30 test.
    """
    root = storage.made_folder(
        f"synthetic_{synthetic.COUNT}_seed{synthetic.SEED}", synthetic.draw_set
    )
    records = []
    for photograph in sorted((root / "images").glob("*.png")):
        patient = photograph.stem.removeprefix("drawn_")[:-1]
        part = "train" if int(patient) <= 20 else "test"
        label, fov = root / "labels" / photograph.name, root / "masks" / photograph.name
        records.append(Record(photograph.stem, patient, part, photograph, label, fov))
    return records


def drive_records(root: Path) -> list[Record]:
    """List DRIVE: 21-40 train, 01-20 test.

    Where the test part has come without labels, 36-40 of the training part are held out as the
    test and the official test photographs are `unlabelled`.
    """
    records = []
    withheld = not any((root / "test" / "1st_manual").glob("*_manual1.gif"))
    for number in range(1, 41):
        part = "training" if number > 20 else "test"
        folder, stem = root / part, f"{number:02d}"
        label = folder / "1st_manual" / f"{stem}_manual1.gif"
        split = "train" if number > 20 else "test"
        if withheld:
            split = "test" if number > 35 else "train" if number > 20 else "unlabelled"
        records.append(
            Record(
                name=stem,
                patient=stem,
                part=split,
                photograph=folder / "images" / f"{stem}_{part}.tif",
                label=None if split == "unlabelled" else label,
                fov=folder / "mask" / f"{stem}_{part}_mask.gif",
                label2=_if_there(folder / "2nd_manual" / f"{stem}_manual2.gif"),
            )
        )
    return records


def chase_db1_records(root: Path) -> list[Record]:
    """List CHASE_DB1: both eyes of 14 children; 01L-10R train, 11L-14R test; no masks shipped."""
    records = []
    for child in range(1, 15):
        for eye in "LR":
            stem = f"Image_{child:02d}{eye}"
            records.append(
                Record(
                    name=stem,
                    patient=f"{child:02d}",
                    part="train" if child <= 10 else "test",
                    photograph=root / f"{stem}.jpg",
                    label=root / f"{stem}_1stHO.png",
                    label2=_if_there(root / f"{stem}_2ndHO.png"),
                )
            )
    return records


def stare_records(root: Path) -> list[Record]:
    """List STARE: 20 photographs; no official split, here the first 10 train, the last 10 test."""
    records = []
    for i, number in enumerate(STARE_NUMBERS):
        stem = f"im{number:04d}"
        second = _first(root / "labels-vk", f"{stem}.vk.ppm.gz", f"{stem}.vk.ppm")
        records.append(
            Record(
                name=stem,
                patient=stem,
                part="train" if i < 10 else "test",
                photograph=_first(root / "stare-images", f"{stem}.ppm.gz", f"{stem}.ppm"),
                label=_first(root / "labels-ah", f"{stem}.ah.ppm.gz", f"{stem}.ah.ppm"),
                label2=_if_there(second),
            )
        )
    return records


def hrf_records(root: Path) -> list[Record]:
    """List HRF: 15 healthy (h), 15 glaucoma (g), 15 diabetic (dr); 01-05 train, 06-15 test."""
    records = []
    for number in range(1, 16):
        for kind in ("dr", "g", "h"):
            stem = f"{number:02d}_{kind}"
            records.append(
                Record(
                    name=stem,
                    patient=stem,
                    part="train" if number <= 5 else "test",
                    photograph=_first(root / "images", f"{stem}.jpg", f"{stem}.JPG"),
                    label=root / "manual1" / f"{stem}.tif",
                    fov=root / "mask" / f"{stem}_mask.tif",
                )
            )
    return records


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their stem. Raises FundusError if a stem stands twice."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        if plain.suffix.lower() not in PICTURE_SUFFIXES or path.name.startswith("."):
            continue
        if plain.stem in found:
            raise FundusError(f"{path} and {found[plain.stem].name} have one stem: remove one.")
        found[plain.stem] = path
    return found


def _without_partner(folder: Path, stems: Iterable[str], other: str) -> None:
    lonely = sorted(stems)
    if lonely:
        raise FundusError(
            f"{folder}: no {other} for {', '.join(lonely[:5])}: pairs are found by file stem "
            "(images/a.jpg and labels/a.png)."
        )


def folder_records(root: Path) -> list[Record]:
    """List a reader's own set: images/, labels/, and if there, masks/ and labels2/, by file stem.

    Without labels/ the photographs are `unlabelled`. An optional patients.csv (lines
    `stem,patient`, for every photograph) says whose eye it is; without it each photograph counts
    as a patient. The last third of the patients is the test part.
    """
    photographs, labels = _by_stem(root / "images"), _by_stem(root / "labels")
    masks, seconds = _by_stem(root / "masks"), _by_stem(root / "labels2")
    if not photographs:
        raise FundusError(f"{root / 'images'} holds no pictures: put your photographs there.")
    if (root / "labels").is_dir():
        _without_partner(root / "labels", photographs.keys() - labels.keys(), "label")
        _without_partner(root / "images", labels.keys() - photographs.keys(), "photograph")
    if masks:
        _without_partner(root / "masks", photographs.keys() - masks.keys(), "mask")
    patient_of = {stem: stem for stem in photographs}
    if (root / "patients.csv").is_file():
        with (root / "patients.csv").open(newline="", encoding="utf-8-sig") as file:  # Excel's
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
        patient_of = {row[0]: row[1] for row in rows if len(row) == 2}
        # A misspelt stem would let one patient stand on both sides of the split.
        _without_partner(root / "patients.csv", photographs.keys() - patient_of.keys(), "line")
    patients = sorted(set(patient_of[stem] for stem in photographs))
    test = set(patients[len(patients) - len(patients) // 3 :])
    return [
        Record(
            name=stem,
            patient=patient_of[stem],
            part="unlabelled" if not labels else "test" if patient_of[stem] in test else "train",
            photograph=path,
            label=labels.get(stem),
            fov=masks.get(stem),
            label2=seconds.get(stem),
        )
        for stem, path in photographs.items()
    ]
