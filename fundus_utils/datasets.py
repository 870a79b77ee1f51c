"""Data sets of fundus photographs: pairs of photograph and label, read one sample at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import layouts, storage
from .fov import Bools, Bytes, find_fov, resize, scaled_size
from .layouts import Record
from .pictures import read_mask, read_photograph
from .storage import FundusError


@dataclass(frozen=True)
class Source:
    """What is known of a data set: its folder, its licence, how it is listed and obtained."""

    folder: str
    licence: str
    records: Callable[[Path], list[Record]]
    obtain: str


SOURCES = {
    "synthetic": Source("derived", "MIT (drawn by this project)", layouts.synthetic_records, ""),
    "drive": Source(
        "DRIVE",
        "research and education only, no redistribution (Staal et al. 2004)",
        layouts.drive_records,
        "`python -m fundus_utils download drive` says where to register for it",
    ),
    "chase_db1": Source(
        "CHASE_DB1",
        "CC BY 4.0 (Fraz et al. 2012)",
        layouts.chase_db1_records,
        "`python -m fundus_utils download chase_db1` says where to get it",
    ),
    "stare": Source(
        "STARE",
        "none stated, no redistribution (Hoover et al. 2000)",
        layouts.stare_records,
        "`python -m fundus_utils download stare` fetches it",
    ),
    "hrf": Source(
        "HRF",
        "CC BY 4.0 (Budai et al. 2013)",
        layouts.hrf_records,
        "`python -m fundus_utils download hrf` fetches it",
    ),
    "folder": Source(
        "folder", "the reader's own", layouts.folder_records, "see data/README.md for its layout"
    ),
}
PARTS = ("train", "test", "all", "unlabelled")


@dataclass(frozen=True)
class Sample:
    """One photograph, read.

    photograph: uint8 (H, W, 3) RGB. label: bool (H, W), True on vessels, None if there is none.
    fov: bool (H, W), True inside the field of view. label2: the second observer's label or None.
    """

    name: str
    patient: str
    photograph: Bytes
    label: Bools | None
    fov: Bools
    label2: Bools | None = None


def rescale(sample: Sample, diameter: int) -> Sample:
    """Return the sample resized, aspect kept, so that its field of view has that diameter (px)."""
    size = scaled_size(sample.fov, diameter)
    return replace(
        sample,
        photograph=resize(sample.photograph, size),
        label=None if sample.label is None else resize(sample.label, size),
        fov=resize(sample.fov, size),
        label2=None if sample.label2 is None else resize(sample.label2, size),
    )


@dataclass(frozen=True)
class FundusSet(Sequence[Sample]):
    """A data set, or a part of one: `len(s)` samples, and `s[i]` reads sample i from disk."""

    name: str
    part: str
    records: tuple[Record, ...]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        """Read sample `index`. Raises FundusError if a file is broken or does not fit."""
        record = self.records[index]
        photograph = read_photograph(record.photograph)
        size = photograph.shape[:2]
        return Sample(
            name=record.name,
            patient=record.patient,
            photograph=photograph,
            label=read_mask(record.label, size) if record.label else None,
            fov=read_mask(record.fov, size, "mask") if record.fov else find_fov(photograph),
            label2=read_mask(record.label2, size) if record.label2 else None,
        )

    def __iter__(self) -> Iterator[Sample]:
        """Read the samples one after the other."""
        return (self[i] for i in range(len(self)))

    @property
    def fingerprint(self) -> str:
        """Ten digits that change when a file is added, removed or written anew."""
        files = [file for record in self.records for file in record.files]
        return storage.key_of([(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files])

    @property
    def names(self) -> list[str]:
        """The samples' names, in order."""
        return [record.name for record in self.records]

    @property
    def patients(self) -> list[str]:
        """The patients, sorted, each once."""
        return sorted({record.patient for record in self.records})

    def of_patients(self, patients: Sequence[str], part: str) -> "FundusSet":
        """Return the samples of the given patients as a part of its own name."""
        kept = tuple(record for record in self.records if record.patient in set(patients))
        return replace(self, part=part, records=kept)

    def hold_out(self, share: float = 0.2) -> tuple["FundusSet", "FundusSet"]:
        """Split into (fit, validation) by whole patients: the last `share` of them validate.

        Two eyes of one person look alike, so they never stand on both sides.
        Raises FundusError if there are fewer than two patients.
        """
        patients = self.patients
        if len(patients) < 2:
            raise FundusError(f"{self.name}: one patient alone cannot be split; add photographs.")
        held = min(max(1, round(share * len(patients))), len(patients) - 1)
        cut = len(patients) - held
        fit, validation = patients[:cut], patients[cut:]
        return self.of_patients(fit, "fit"), self.of_patients(validation, "validation")


def _some(paths: Sequence[Path]) -> str:
    """Name up to four files, and how many more there are."""
    more = f" and {len(paths) - 4} more" if len(paths) > 4 else ""
    return ", ".join(str(path) for path in paths[:4]) + more


def load_set(name: str, part: str = "train") -> FundusSet:
    """Return a part of a data set; the pictures are not read yet.

    Args:
        name: `synthetic`, `drive`, `chase_db1`, `stare`, `hrf`, `folder` (the reader's pairs
            under `$FUNDUS_DATA/folder`) or `folder:PATH`.
        part: `train`, `test`, `all` (whatever parts are on disk) or `unlabelled`.

    Raises:
        FundusError: unknown name or part, or files that are not there (it names them).
    """
    kind, _, path = name.partition(":")
    if kind not in SOURCES or (path and kind != "folder"):
        raise FundusError(f"no data set is called {name!r}: choose from {', '.join(SOURCES)}.")
    if part not in PARTS:
        raise FundusError(f"no part is called {part!r}: choose from {', '.join(PARTS)}.")
    source = SOURCES[kind]
    root = Path(path).expanduser() if path else storage.data_dir() / source.folder
    if kind != "synthetic" and not root.is_dir():
        raise FundusError(f"{root} is not there: {source.obtain}; or set FUNDUS_DATA.")
    records = source.records(root)
    if part == "all":
        there = {record.part for record in records if record.photograph.is_file()}
        records = [record for record in records if record.part in there - {"unlabelled"}]
    else:
        records = [record for record in records if record.part == part]
    if not records:
        raise FundusError(f"{root} has no part {part!r} of {name}: {source.obtain}.")
    missing = [file for record in records for file in record.files if not file.is_file()]
    if missing:
        raise FundusError(f"{name}, part {part!r}, lacks {_some(missing)}: {source.obtain}.")
    return FundusSet(name, part, tuple(records))
