"""The files of one sample, and the folders that a reader names."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import FundusError


@dataclass(frozen=True)
class Record:
    """The files of one sample; `label`, `fov` and `label2` may be missing (None).

    part: `train`, `test`, or `unlabelled` for photographs without labels.
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
        files = (self.photograph, self.label, self.fov, self.label2)
        return [file for file in files if file is not None]


def resolved(folder: Path) -> Path:
    """Return a folder's absolute path, `~` and links followed; it need not be there.

    Raises:
        FundusError: links in a circle, a home that is not there, or a name that cannot be.
    """
    try:
        path = folder.expanduser().resolve()
        path.is_dir()  # raises where a name is too long or a folder above may not be entered
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"{folder} cannot be opened as a folder ({error})"
        raise FundusError(problem, "check the path, or name another folder") from None
    return path
