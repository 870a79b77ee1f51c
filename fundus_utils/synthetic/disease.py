"""Lesions, the classic false positives: off for the lessons, on for a network's training."""

from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator, default_rng

from .growth import Array
from .raster import Frame, smooth_noise

# Name: how many at most, radius from and to in millimetres, and the factor on red, green and blue
# in their middle. Dark ones are blood, yellow ones fat, white ones swollen nerve fibres.
LESIONS = {
    "microaneurysm": (25, 0.02, 0.05, (0.85, 0.55, 0.6)),
    "haemorrhage": (10, 0.06, 0.30, (0.75, 0.45, 0.5)),
    "exudate": (40, 0.02, 0.12, (1.15, 1.8, 1.5)),
    "drusen": (40, 0.03, 0.10, (1.05, 1.25, 1.15)),
    "cotton-wool spot": (5, 0.15, 0.40, (1.10, 1.6, 1.8)),
}


def add_lesions(picture: Array, traits: Traits, frame: Frame, rng: Generator) -> None:
    """Paint lesions into a picture in grey values, float64 (size, size, 3), each kind by chance."""
    for most, low, high, factor in LESIONS.values():
        number = int(traits.disease * most * rng.random() * (rng.random() < 0.5))
        home, spread = (
            traits.width * rng.uniform(-0.4, 0.4, 2),
            traits.width * rng.uniform(0.05, 0.3),
        )
        for own in map(default_rng, rng.integers(2**32, size=number).tolist()):
            x, y = frame.size / 2 + frame.unit * (home + spread * own.standard_normal(2))
            longer, turn, strength = own.uniform(1, 2.5), own.uniform(0, np.pi), own.uniform(0.4, 1)
            radius = frame.unit * own.uniform(low, high) + 0.6
            reach = int(3 * radius * longer) + 2
            column, row = np.meshgrid(*[np.arange(2 * reach) - reach + 0.5] * 2)
            u = (column * np.cos(turn) + row * np.sin(turn)) / longer
            v = row * np.cos(turn) - column * np.sin(turn)
            ragged = 0.35 * smooth_noise(own, 6, 2 * reach)
            blend = strength * np.clip(2 * (1 - np.hypot(u, v) / radius + ragged) + 0.5, 0, 1)
            left, top = int(x) - reach, int(y) - reach
            begin, end = np.clip([[top, left], [top + 2 * reach, left + 2 * reach]], 0, frame.size)
            inside = blend[begin[0] - top : end[0] - top, begin[1] - left : end[1] - left, None]
            picture[begin[0] : end[0], begin[1] : end[1]] *= 1 + inside * (np.array(factor) - 1)
