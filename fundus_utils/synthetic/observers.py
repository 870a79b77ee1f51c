"""Labels as people draw them: a little too wide or thin, beside the vessel, the faintest not."""

from dataclasses import dataclass, replace
from types import SimpleNamespace as Traits

import numpy as np
from numpy.random import Generator

from .growth import Array
from .raster import Frame, Strokes, mask_of


@dataclass(frozen=True)
class Observer:
    """The habits of one who draws labels.

    generous: drawn width / width. eyesight: the thinnest vessel that is drawn, in fields. shake:
    how far from the vessel's middle the pen runs, standard deviation in fields.
    """

    generous: float
    eyesight: float
    shake: float


def observers(traits: Traits, rng: Generator) -> tuple[Observer, Observer]:
    """Return the first observer, and a second with other habits."""
    first = Observer(traits.generous, traits.eyesight, 0.0004)
    other = rng.uniform(0.70, 0.85) if rng.random() < 0.5 else rng.uniform(1.15, 1.35)
    keen = rng.uniform(0.8, 1.8)
    return first, Observer(first.generous * other, first.eyesight * keen, 0.0009)


def waves(at: Array, rng: Generator) -> Array:
    """Smooth noise of about unit strength at some places, float64 (n,) for places (n, 2) in mm."""
    ways, starts = rng.normal(0, 4, (2, 4)), rng.uniform(0, 2 * np.pi, 4)
    return np.sin(at[:, :1] * ways[0] + at[:, 1:] * ways[1] + starts).sum(1) / np.sqrt(2)


def observed(frame: Frame, drawn: Strokes, one: Observer, rng: Generator) -> Array:
    """What an observer draws of a tree, bool (size, size)."""
    field = frame.traits.width
    begin, end = drawn.ends[:, :2], drawn.ends[:, 2:]
    seeds = rng.integers(2**32, size=3)
    ends = drawn.ends.copy()
    for axis in (0, 1):  # both ends by the same waves, so that strokes still meet
        for column, at in ((axis, begin), (axis + 2, end)):
            ends[:, column] += one.shake * field * waves(at, np.random.default_rng(seeds[axis]))
    widths = drawn.widths * one.generous
    widths = widths * (1 + 0.12 * waves(begin, np.random.default_rng(seeds[2])))
    seen = drawn.widths * np.sqrt(drawn.faint) > one.eyesight * field
    shown = replace(drawn, ends=ends[seen], widths=widths[seen], faint=drawn.faint[seen])
    return mask_of(frame.draw(shown, [(shown.widths, np.full(seen.sum(), 255))]))
