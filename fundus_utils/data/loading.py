"""Data sets of fundus photographs: pairs of photograph and label, read one sample at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from .. import storage
from ..errors import FundusError
from ..photograph import Bools, Bytes, Sample, find_fov, lit_pixels
from .files import Record, resolved
from .pictures import read_mask, read_photograph
from .sets import SOURCES


def _refuse_wrong_mask(path: Path, fov: Bools, photograph: Bytes) -> None:
    """Raise FundusError if a field-of-view mask is empty, or lies on the black surround."""
    inside = np.count_nonzero(fov)
    if inside == 0:
        raise FundusError(f"{path} is black", "make it white inside the field of view")
    outside = fov.size - inside
    if outside == 0:
        return
    bright = lit_pixels(photograph)
    bright_inside = np.count_nonzero(bright & fov)
    bright_outside = np.count_nonzero(bright) - bright_inside
    if bright_inside < 0.5 * inside and bright_outside / outside > bright_inside / inside:
        problem = f"{path} marks the black surround of its photograph"
        raise FundusError(problem, "it must be white inside the field of view, so invert it")


def _read_fov(record: Record, photograph: Bytes) -> Bools:
    """Read the field of view of a record, or derive it where the set has no mask."""
    if record.fov is None:
        return find_fov(photograph)
    fov = read_mask(record.fov, photograph.shape[:2], "mask")
    _refuse_wrong_mask(record.fov, fov, photograph)
    return fov


def _refuse_inverted_label(path: Path | None, label: Bools, fov: Bools) -> None:
    """Raise FundusError if more than half of the field of view is labelled as vessel."""
    if np.count_nonzero(label & fov) > 0.5 * np.count_nonzero(fov):
        problem = f"{path} calls more than half of the field of view vessel"
        raise FundusError(problem, "its vessels must be white on black, so invert it")


def _read_sample(record: Record) -> Sample:
    """Read the files of a record. Raises FundusError if one is broken or does not fit."""
    photograph = read_photograph(record.photograph)
    size = photograph.shape[:2]
    label = read_mask(record.label, size) if record.label else None
    label2 = read_mask(record.label2, size) if record.label2 else None
    fov = _read_fov(record, photograph)
    for path, drawn in {record.label: label, record.label2: label2}.items():
        if drawn is not None:
            _refuse_inverted_label(path, drawn, fov)
    return Sample(
        name=record.name,
        patient=record.patient,
        photograph=photograph,
        label=label,
        fov=fov,
        label2=label2,
    )


@dataclass(frozen=True)
class FundusSet(Sequence[Sample]):
    """A data set, or a part of one: `len(s)` samples, and `s[i]` reads sample i from disk.

    A slice, `s[:4]`, is a smaller set, not read yet. note: says how its parts differ from the usual
    ones, "" where they do not.
    """

    name: str
    part: str
    records: tuple[Record, ...]
    note: str = ""

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
        return _read_sample(self.records[index])

    @property
    def fingerprint(self) -> str:
        """Ten hexadecimal digits that change with the files, their dates, and whose eyes they show.

        Made from the files' paths, sizes and dates; nothing is read.
        """
        stamps = []
        for record in self.records:
            for file in record.files:
                status = file.stat()
                stamps.append((str(file), status.st_size, status.st_mtime_ns))
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
        wanted = set(patients)
        records = tuple(record for record in self.records if record.patient in wanted)
        return replace(self, part=part, records=records)

    def first(self, count: int, begin: int = 0) -> "FundusSet":
        """Return `count` samples in the order of patients, a set of the same part.

        Args:
            count: how many.
            begin: the number of the patient to begin with, from 0; after the last comes the first.

        Raises:
            FundusError: there are not so many.
        """
        if count > len(self):
            problem = f"{self.name}, part {self.part!r}, has {len(self)} photographs, not {count}"
            raise FundusError(problem, "take fewer")
        patients = self.patients
        place = {name: (n - begin) % len(patients) for n, name in enumerate(patients)}
        ordered = sorted(self.records, key=lambda record: (place[record.patient], record.name))
        return replace(self, records=tuple(ordered[:count]))

    def hold_out(self, share: float = 0.2) -> tuple["FundusSet", "FundusSet"]:
        """Split into (fit, validation) by whole patients: the last `share` of them validate.

        Two eyes of one person look alike, so they never stand on both sides. At least one patient
        stands on each side.

        Args:
            share: of the patients, 0 to 1.

        Raises:
            FundusError: fewer than two patients.
        """
        patients = self.patients
        if len(patients) < 2:
            problem = f"{self.name}: one patient alone cannot be split"
            raise FundusError(problem, "add photographs of other patients")
        wanted = round(share * len(patients))
        n_held = min(max(1, wanted), len(patients) - 1)
        fit = self.of_patients(patients[:-n_held], "fit")
        validation = self.of_patients(patients[-n_held:], "validation")
        return fit, validation


def _how_to_get(kind: str) -> str:
    """Return the advice on how to come by the files of a set."""
    if kind in ("synthetic", "folder"):
        return "see data/README.md for its layout"
    return f"`python -m fundus_utils download {kind}` fetches it or says where to get it"


def _find_root(kind: str, path: str) -> Path:
    """Return the folder of a set, which is `path` where the reader has named one.

    Raises FundusError if it is not there.
    """
    root = resolved(Path(path) if path else SOURCES[kind].find_folder())
    if not root.is_dir():
        raise FundusError(f"{root} is not there", f"{_how_to_get(kind)}; or set FUNDUS_DATA")
    return root


def _list_records(kind: str, root: Path) -> list[Record]:
    """List the samples of a folder, also those that are not on the disk."""
    try:
        return list(SOURCES[kind].records(root))
    except OSError as error:  # such as a folder that may not be entered
        problem = f"{root} cannot be listed ({error})"
        raise FundusError(problem, "make its folders and files readable") from None


def _missing_files(records: Sequence[Record]) -> str:
    """Name the files that are not on the disk, the first four and how many more; "" if none."""
    missing = []
    for record in records:
        missing += [str(file) for file in record.files if not file.is_file()]
    named = ", ".join(missing[:4])
    return f"{named} and {len(missing) - 4} more" if len(missing) > 4 else named


def load_set(name: str, part: str = "train") -> FundusSet:
    """Return a part of a data set; the pictures are not read yet.

    Args:
        name: `synthetic`, `drive`, `chase_db1`, `stare`, `hrf`, `folder` (the reader's pairs
            under `$FUNDUS_DATA/folder`) or `folder:PATH`.
        part: `train`, `test`, `all` (whatever parts with labels are on disk) or `unlabelled`; or
            `fit` or `validation`, the two sides of `train`, see `FundusSet.hold_out`.

    Raises:
        FundusError: unknown name or part, or files that are not there (it names them).
    """
    if part in ("fit", "validation"):
        fit, validation = load_set(name, "train").hold_out()
        return fit if part == "fit" else validation
    kind, _, path = name.partition(":")
    if kind not in SOURCES or (path and kind != "folder"):
        raise FundusError(f"no data set is called {name!r}", f"choose from {', '.join(SOURCES)}")
    root = _find_root(kind, path)
    listed = _list_records(kind, root)
    present = {record.part for record in listed if record.photograph.is_file()}
    wanted = present - {"unlabelled"} if part == "all" else {part}
    records = tuple(record for record in listed if record.part in wanted)
    if not records:
        found = ", ".join(sorted(present)) or "nothing"
        problem = f"{name} has no part {part!r}, {root} holds {found}"
        if present == {"unlabelled"}:
            advice = "to train or measure, each photograph needs a label; `predict` maps without"
            raise FundusError(f"{problem}, no label", advice)
        raise FundusError(problem, _how_to_get(kind))
    missing = _missing_files(records)
    if missing:
        raise FundusError(f"{name}, part {part!r}, lacks {missing}", _how_to_get(kind))
    note = SOURCES[kind].note(root)
    return FundusSet(name=name, part=part, records=records, note=note)
