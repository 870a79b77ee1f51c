"""What the file of a label tells by itself: grey values, no vessel, lines that are too thin."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import FundusError
from ..photograph import Bools
from .faults import LOOKED_AT, Fault, frame_faults, shrunk, unreadable
from .pictures import open_picture, read_mask

LEAST_LEFT = 0.5  # of the share of vessels, after shrinking; CHASE_DB1 and HRF keep 0.87


@dataclass(frozen=True, eq=False)
class LabelFile:
    """A label as far as it could be read, and what its file tells by itself.

    size: its (height, width) in pixels. label: bool (h, w), shrunk (see `faults.shrunk`), or None
    if it cannot be used any further; one that holds more than two values is cut at one half.
    faults: what is wrong. zero_one: its two values are 0 and 1.
    """

    size: tuple[int, ...] = ()
    label: Bools | None = None
    faults: tuple[Fault, ...] = ()
    zero_one: bool = False


def _brightness(image: Image.Image) -> NDArray:
    """Return one number a pixel, (H, W), that is larger the brighter the pixel is."""
    if image.mode != "P" and len(image.getbands()) == 1:
        return np.asarray(image)
    return np.asarray(image.convert("RGB"), np.int32).sum(axis=2)


def examine_label(path: Path) -> LabelFile:
    """Read a label, also one that a training would refuse, and say what is wrong with it."""
    faults = tuple(frame_faults(path))
    try:
        image = open_picture(path)
        values = _brightness(image)
        found = np.unique(values)
        if found.size > 2:
            cut = values > found[0] / 2 + found[-1] / 2
            return LabelFile(values.shape, shrunk(cut), (*faults, _grey_fault(path, values, found)))
        label = read_mask(path, values.shape)
    except FundusError as error:
        return LabelFile(faults=(*faults, unreadable(path, error)))
    if label.all() or not label.any():
        return LabelFile(label.shape, None, (*faults, _empty_fault(path, bool(label.any()))))
    small = shrunk(label)
    if small.mean() < LEAST_LEFT * label.mean():
        return LabelFile(label.shape, None, (*faults, _thin_fault(path)))
    zero_one = image.mode not in ("1", "P") and int(np.asarray(image).max()) == 1
    return LabelFile(label.shape, small, faults, zero_one)


def _grey_fault(path: Path, values: NDArray, found: NDArray) -> Fault:
    """Return the fault of a label with the given values, `found` being each of them once."""
    between = int(((values > found[0]) & (values < found[-1])).sum())
    count = f"{between} pixels ({between / values.size:.1%})"
    return Fault(
        path,
        f"holds {found.size} values where two are meant: {count} lie between black and white",
        "A training here refuses it, and other tools cut it anywhere",
        "Cut it at one half and save it as PNG; resize labels by the nearest neighbour alone",
    )


def _empty_fault(path: Path, white: bool) -> Fault:
    """Return the fault of a label that is black or white throughout."""
    return Fault(
        path,
        f"is {'white' if white else 'black'} throughout",
        f"The network learns from it that {'all is vessel' if white else 'nothing is vessel'}",
        "Draw the label, or leave it out together with its photograph",
    )


def _thin_fault(path: Path) -> Fault:
    """Return the fault of a label whose lines vanish when it is shrunk to LOOKED_AT pixels."""
    return Fault(
        path,
        f"draws vessels so thin that most are gone when it is shrunk to {LOOKED_AT} pixels",
        "A training shrinks photograph and label, and nearly nothing is left to learn from",
        "Draw vessels as wide as they are; a centre line can be widened to do so",
    )
