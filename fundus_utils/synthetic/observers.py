"""Labels as people draw them: a little too wide or thin, beside the vessel, the faintest not."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from .ranges import Traits
from .raster import Frame, Strokes, mask_of
from .tree import Array


@dataclass(frozen=True)
class Observer:
    """The habits of one who draws labels."""

    generous: float  # drawn width / width
    eyesight: float  # the thinnest vessel that is drawn, in fields
    shake: float  # how far the pen runs from the vessel's middle, standard deviation in fields


def two_observers(traits: Traits, rng: Generator) -> tuple[Observer, Observer]:
    """Return the first observer, and a second with other habits."""
    first = Observer(traits.generous, traits.eyesight, shake=0.0004)
    thinner = (0.70, 0.85)
    wider = (1.15, 1.35)
    low, high = thinner if rng.random() < 0.5 else wider
    width_ratio = rng.uniform(low, high)
    eyesight_ratio = rng.uniform(0.8, 1.8)
    second = Observer(
        generous=first.generous * width_ratio,
        eyesight=first.eyesight * eyesight_ratio,
        shake=0.0009,
    )
    return first, second


def waves(places: Array, rng: Generator) -> Array:
    """Smooth noise of about unit strength: a sum of four waves.

    Args:
        places: where it is wanted, float64 (n, 2), millimetres.
        rng: where chance comes from; the same one again makes the same waves.

    Returns:
        float64 (n,).
    """
    along_x, along_y = rng.normal(0, 4, (2, 4))
    starts = rng.uniform(0, 2 * np.pi, 4)
    phases = places[:, :1] * along_x + places[:, 1:] * along_y + starts
    return np.sin(phases).sum(axis=1) / np.sqrt(2)


def observed(frame: Frame, drawn: Strokes, observer: Observer, rng: Generator) -> Array:
    """Return what an observer draws of a tree, bool (size, size).

    Args:
        frame: see `raster.Frame`.
        drawn: the tree's strokes.
        observer: who draws.
        rng: where chance comes from.
    """
    field = frame.traits.width
    shake = observer.shake * field
    begin = drawn.ends[:, :2]
    end = drawn.ends[:, 2:]
    seed_x, seed_y, seed_width = rng.integers(2**32, size=3)

    # Both ends of a stroke by the same waves, so that strokes still meet.
    ends = drawn.ends.copy()
    ends[:, 0] += shake * waves(begin, default_rng(seed_x))
    ends[:, 1] += shake * waves(begin, default_rng(seed_y))
    ends[:, 2] += shake * waves(end, default_rng(seed_x))
    ends[:, 3] += shake * waves(end, default_rng(seed_y))

    widths = drawn.widths * observer.generous
    widths = widths * (1 + 0.12 * waves(begin, default_rng(seed_width)))
    seen = drawn.widths * np.sqrt(drawn.faint) > observer.eyesight * field
    shown = Strokes(ends, widths, drawn.faint).only(seen)
    white = np.full(len(shown.widths), 255)
    return mask_of(frame.draw(shown, [(shown.widths, white)]))
