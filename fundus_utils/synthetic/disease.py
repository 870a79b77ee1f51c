"""Lesions, the classic false positives: off for the lessons, on for a network's training."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from .ranges import Traits
from .raster import Frame, smooth_noise
from .tree import Array


@dataclass(frozen=True)
class Lesion:
    """One kind of lesion."""

    most: int  # in one picture
    smallest: float  # radius in millimetres
    largest: float
    colour: tuple[float, float, float]  # factor on red, green and blue in its middle


# Dark ones are blood, yellow ones fat, white ones swollen nerve fibres.
LESIONS = {
    "microaneurysm": Lesion(25, 0.02, 0.05, (0.85, 0.55, 0.6)),
    "haemorrhage": Lesion(10, 0.06, 0.30, (0.75, 0.45, 0.5)),
    "exudate": Lesion(40, 0.02, 0.12, (1.15, 1.8, 1.5)),
    "drusen": Lesion(40, 0.03, 0.10, (1.05, 1.25, 1.15)),
    "cotton-wool spot": Lesion(5, 0.15, 0.40, (1.10, 1.6, 1.8)),
}


def add_lesions(picture: Array, traits: Traits, frame: Frame, rng: Generator) -> None:
    """Paint lesions, each kind by chance in a cloud of its own.

    Args:
        picture: float64 (size, size, 3), the fundus in grey values; it is changed.
        traits: of the eye; its `disease` is the share of the lesions that a picture can hold.
        frame: see `raster.Frame`.
        rng: where chance comes from.
    """
    for lesion in LESIONS.values():
        number = int(traits.disease * lesion.most * rng.random())
        if rng.random() >= 0.5:  # half of the eyes do not have this kind
            number = 0
        home = traits.width * rng.uniform(-0.4, 0.4, 2)
        spread = traits.width * rng.uniform(0.05, 0.3)
        # A generator for each lesion: it is the same at every size of the picture.
        for seed in rng.integers(2**32, size=number).tolist():
            lesion_rng = default_rng(seed)
            from_middle = home + spread * lesion_rng.standard_normal(2)
            x, y = frame.size / 2 + frame.unit * from_middle
            _paint(picture, lesion, x, y, frame, lesion_rng)


def _paint(
    picture: Array, lesion: Lesion, x: float, y: float, frame: Frame, rng: Generator
) -> None:
    """Paint one lesion, an ellipse with a ragged rim, around the pixel x, y of a picture."""
    longer = rng.uniform(1, 2.5)  # length / width
    turn = rng.uniform(0, np.pi)
    strength = rng.uniform(0.4, 1)
    radius = frame.unit * rng.uniform(lesion.smallest, lesion.largest) + 0.6
    reach = int(3 * radius * longer) + 2
    side = 2 * reach  # of the square that is painted

    line = np.arange(side) - reach + 0.5
    column, row = np.meshgrid(line, line)
    along = (column * np.cos(turn) + row * np.sin(turn)) / longer
    across = row * np.cos(turn) - column * np.sin(turn)
    ragged = 0.35 * smooth_noise(rng, 6, side)
    inside = np.clip(2 * (1 - np.hypot(along, across) / radius + ragged) + 0.5, 0, 1)
    blend = strength * inside

    left = int(x) - reach
    top = int(y) - reach
    # The part of the square that lies in the picture; it may be empty.
    first_row, last_row = np.clip([top, top + side], 0, frame.size)
    first_column, last_column = np.clip([left, left + side], 0, frame.size)
    seen = blend[first_row - top : last_row - top, first_column - left : last_column - left]
    factor = 1 + seen[..., None] * (np.array(lesion.colour) - 1)
    picture[first_row:last_row, first_column:last_column] *= factor
