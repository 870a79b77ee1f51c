"""Data sets of fundus photographs: pairs of photograph and label, read one sample at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from . import layouts, storage
from .fov import Bools, Bytes, find_fov, resize, scaled_size
from .layouts import Record
from .pictures import read_mask, read_photograph
from .storage import FundusError


@dataclass(frozen=True)
class Source:
    """What is known of a data set: its folder, its licence, and how it is listed."""

    folder: str
    licence: str
    records: Callable[[Path], Iterator[Record]]


DRIVE_LICENCE = "research and education only, no redistribution (Staal et al. 2004)"
STARE_LICENCE = "none stated, no redistribution (Hoover et al. 2000)"
SOURCES = {
    "synthetic": Source("derived", "MIT (drawn by this project)", layouts.synthetic_records),
    "drive": Source("DRIVE", DRIVE_LICENCE, layouts.drive_records),
    "chase_db1": Source("CHASE_DB1", "CC BY 4.0 (Fraz et al. 2012)", layouts.chase_db1_records),
    "stare": Source("STARE", STARE_LICENCE, layouts.stare_records),
    "hrf": Source("HRF", "CC BY 4.0 (Budai et al. 2013)", layouts.hrf_records),
    "folder": Source("folder", "the reader's own", layouts.folder_records),
}


@dataclass(frozen=True, eq=False)
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
    parts = vars(sample).items()
    resized = {name: resize(part, size) for name, part in parts if isinstance(part, np.ndarray)}
    return replace(sample, **resized)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FundusSet(Sequence[Sample]):
    """A data set, or a part of one: `len(s)` samples, and `s[i]` reads sample i from disk.

    A slice, `s[:4]`, is a smaller set, not read yet.
    """

    name: str
    part: str
    records: tuple[Record, ...]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "FundusSet": ...

    def __getitem__(self, index: int | slice) -> "Sample | FundusSet":
        """Read sample `index`. Raises FundusError if a file is broken or does not fit."""
        if isinstance(index, slice):
            return replace(self, records=self.records[index])
        record = self.records[index]
        photograph = read_photograph(record.photograph)
        size = photograph.shape[:2]
        masks = (record.label, record.label2)
        label, label2 = (read_mask(path, size) if path else None for path in masks)
        fov = read_mask(record.fov, size, "mask") if record.fov else find_fov(photograph)
        if not fov.any():
            raise FundusError(f"{record.fov} is black: make it white inside the field of view.")
        if label is not None and label[fov].mean() > 0.5:
            problem = f"{record.label} calls more than half of the field of view vessel"
            raise FundusError(f"{problem}: its vessels must be white on black, so invert it.")
        return Sample(record.name, record.patient, photograph, label, fov, label2)

    @property
    def fingerprint(self) -> str:
        """Ten digits that change with the files, their dates, and whose eyes they show."""
        files = [file for record in self.records for file in record.files]
        stamps = [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
        return storage.key_of(stamps, [record.patient for record in self.records])

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
        fit = self.of_patients(patients[:-held], "fit")
        return fit, self.of_patients(patients[-held:], "validation")


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
    root = Path(path or storage.data_dir() / SOURCES[kind].folder).expanduser().resolve()
    advice = "see data/README.md for its layout"
    if kind not in ("synthetic", "folder"):
        advice = f"`python -m fundus_utils download {kind}` fetches it or says where to get it"
    if kind != "synthetic" and not root.is_dir():
        raise FundusError(f"{root} is not there: {advice}; or set FUNDUS_DATA.")
    listed = list(SOURCES[kind].records(root))
    present = {one.part for one in listed if one.photograph.is_file()}
    wanted = present - {"unlabelled"} if part == "all" else {part}
    records = [record for record in listed if record.part in wanted]
    if not records:
        found = ", ".join(sorted(present)) or "nothing"
        raise FundusError(f"{name} has no part {part!r}, {root} holds {found}: {advice}.")
    missing = [str(file) for one in records for file in one.files if not file.is_file()]
    if missing:
        some = ", ".join(missing[:4])
        some += f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise FundusError(f"{name}, part {part!r}, lacks {some}: {advice}.")
    return FundusSet(name, part, tuple(records))
