"""Checks of the exercises in 10, drawn eyes; and how far drawn eyes are from real ones."""

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from fundus_utils.exploration import describe
from fundus_utils.photograph import Sample, rescale
from fundus_utils.synthetic import DrawnEye, EyeRanges, draw_eye

from .checking import Hint, NotAnswered, answered, exercise, numbers

SIZE = 384  # pixels: width and height of what is drawn here
WIDTH = 6.0  # pixels: of a vessel in the narrow field, in exercise 10.1
SHARE = 0.10  # of the narrow field that are vessels
WIDER = 2.0  # times as many degrees
MORE = 1.2  # times as many vessel pixels, in exercise 10.2
OBSERVER = {"generous", "eyesight"}  # the rows that no photograph depends on

# Exercise 10.3: mean and standard deviation of `describe` over the twenty training photographs of
# CHASE_DB1, each rescaled to a field of view of DIAMETER pixels.
DIAMETER = 240
REAL = {
    "share": (0.096, 0.013),
    "width": (1.91, 0.21),
    "green": (14.2, 1.6),
    "dimension": (1.23, 0.022),
}
EYES = 4
TARGET = 1.8


@exercise(
    "10.1",
    "A field twice as wide",
    "Pixels change with the field, shares do not. A network meets thinner vessels, not fewer.",
)
def field_twice_as_wide(predicted: Any) -> None:
    """Accept the width in pixels and the share of vessels in a field twice as wide."""
    asked = "Give two numbers: the width in pixels, and the share of vessels."
    width, share = numbers(predicted, 2, asked)
    if abs(width - WIDTH) < 0.01:
        raise Hint("The vessel is as wide as before in millimetres. How wide is a pixel now?")
    if abs(width - WIDTH * WIDER) < 0.01:
        raise Hint("In a wider field the same number of pixels covers more. Is a vessel larger?")
    if abs(width - WIDTH / WIDER) > 0.01:
        raise Hint("The width: how many millimetres does a pixel cover, before and after?")
    if share > 1:
        raise Hint("The share is a number between 0 and 1, not a percentage.")
    if abs(share - SHARE / WIDER) < 0.001:
        raise Hint("Half as wide in pixels, yes. But how long are all vessels together, in pixels?")
    if abs(share - SHARE) > 0.001:
        raise Hint(
            "The share: cut the wide field into pieces as large as the narrow one. "
            "Which share of each piece is vessel?"
        )


def _narrowed(ranges: Any) -> set[str]:
    """Return the rows that differ from the default's. Raises Hint where one goes beyond it."""
    if not isinstance(answered(ranges), EyeRanges):
        raise Hint(f"The answer must be an EyeRanges, not of type {type(ranges).__name__}.")
    changed = set()
    for row in fields(EyeRanges):
        mine = np.asarray(getattr(ranges, row.name), float)
        usual = np.asarray(getattr(EyeRanges(), row.name), float)
        if mine.shape != usual.shape:
            raise Hint(f"`{row.name}` needs a lowest and a highest value, as the default has.")
        steps = np.stack([usual[0], mine[0], mine[1], usual[1]])
        if not (steps[:-1] <= steps[1:]).all():  # so written, NaN does not pass
            raise Hint(f"`{row.name}` does not lie within the default's range: {usual.tolist()}.")
        if not np.array_equal(mine, usual):
            changed.add(row.name)
    return changed


@cache
def drawn_at_first() -> DrawnEye:
    """Return the eye of exercise 10.2, by the default's ranges."""
    return draw_eye(seed=2026, eye=21, size=SIZE)


@exercise(
    "10.2",
    "The same photograph, another label",
    "A drawn label is a hand, too. Which hand a network learns is chosen by whoever draws.",
)
def another_label(ranges: Any) -> None:
    """Accept ranges by which the same photograph gets a label with more vessel pixels."""
    eyes_own = sorted(_narrowed(ranges) - OBSERVER)
    if eyes_own:
        raise Hint(f"`{eyes_own[0]}` changes the photograph. What changes only how it is labelled?")
    before = drawn_at_first()
    after = draw_eye(seed=2026, eye=21, size=SIZE, ranges=ranges)
    ratio = after.label.sum() / before.label.sum()
    if ratio < 0.97:
        raise Hint(f"The label has {ratio:.2f} times as many vessel pixels: that is the other way.")
    if ratio < 1.02:
        raise Hint("The label has hardly changed. In which rows stands how an observer draws?")
    if ratio < MORE:
        raise Hint(
            f"The photograph is the same, and the label has {ratio:.2f} times as many vessel "
            f"pixels; the target is {MORE}. The table has more than one row about observers."
        )


def distances(ranges: EyeRanges, seed: int = 1) -> pd.Series:
    """Return how far four drawn eyes are from CHASE_DB1's, in its standard deviations.

    Args:
        ranges: by which the eyes are drawn.
        seed: of the set of eyes; the check takes another.

    Returns:
        For each measure of REAL its distance from the real mean, averaged over the eyes; and the
        mean of these.
    """
    rows = []
    for eye in range(0, 2 * EYES, 2):  # of four patients
        drawn = draw_eye(seed, eye, SIZE, ranges)
        sample = Sample(drawn.name, drawn.patient, drawn.photograph, drawn.label, drawn.fov)
        found = describe(rescale(sample, DIAMETER))
        rows.append({name: abs(found[name] - mean) / std for name, (mean, std) in REAL.items()})
    distance = pd.DataFrame(rows).mean()
    distance["mean"] = distance.mean()
    return distance.rename("distance in standard deviations")


@exercise(
    "10.3",
    "Open: draw for one camera",
    "A few narrow rows imitate one camera, in what is measured. Given up are all other cameras.",
)
def for_one_camera(ranges: Any) -> None:
    """Accept ranges whose eyes are nearer to CHASE_DB1's than TARGET."""
    changed = _narrowed(ranges)
    if not changed:
        raise NotAnswered
    if changed <= OBSERVER:
        raise Hint("You have changed the observer alone. An eye and a camera make a photograph.")
    distance = distances(ranges, seed=2)
    away = round(float(distance["mean"]), 2)
    if away > TARGET:
        farthest = distance.drop("mean").idxmax()
        raise Hint(
            f"The check's eyes are {away:.2f} standard deviations away; the target is "
            f"{TARGET}. Farthest is `{farthest}`. Which rows decide about it?"
        )
