"""What is wrong with a file, in a reader's words, and what its header tells."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import FundusError
from ..photograph import resize
from .pictures import FORMATS

LOOKED_AT = 600  # pixels: the longer side of the shrunk copy on which photographs are judged


@dataclass(frozen=True)
class Fault:
    """Something wrong with a file or a folder, in a reader's words.

    file: the file or folder. problem: what is wrong. effect: what it leads to in training or in
    measuring. cure: what to do. note: it is true and worth knowing, but does no harm here.
    """

    file: Path
    problem: str
    effect: str
    cure: str
    note: bool = False

    def __str__(self) -> str:
        """Return the fault on one line: the file, the problem, the effect, the cure."""
        return f"{self.file}: {self.problem}. {self.effect}. {self.cure}."


def unreadable(path: Path, error: FundusError) -> Fault:
    """Return the fault of a file that cannot be read."""
    problem = error.problem.removeprefix(str(path)).strip()
    cure = error.advice[:1].upper() + error.advice[1:]
    return Fault(path, problem, "A training stops at it", cure)


def header_of(path: Path, content: bytes | None = None) -> tuple[str, int]:
    """Return a picture file's format, such as JPEG, and how many pictures it holds.

    ("", 1) for a file that is broken or packed: whoever reads it will say so.

    Args:
        path: the file.
        content: its bytes, where it is not on the disk.
    """
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=FORMATS) as image:
            return image.format or "", getattr(image, "n_frames", 1)
    except Exception:  # decoders raise anything
        return "", 1


def frame_faults(path: Path, content: bytes | None = None) -> Iterator[Fault]:
    """Look for more than one picture in a file; see `header_of`."""
    kind, frames = header_of(path, content)
    if frames > 1 and kind != "MPO":  # a camera's JPEG with a preview in it
        yield Fault(
            path,
            f"holds {frames} pictures",
            "Only the first is read, which may be a preview or another layer",
            "Save the one that is meant as a file of its own",
        )


def shrunk(picture: np.ndarray) -> np.ndarray:
    """Return a picture or a mask with its longer side LOOKED_AT pixels; a smaller one as it is."""
    height, width = picture.shape[:2]
    factor = min(1, LOOKED_AT / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return resize(picture, size)
