"""Does a probability mean what it says? Reliability, its error, and what mends it.

Of all pixels that a calibrated map gives 0.3, three in ten are vessels. Everything here looks at
pixels inside the field of view.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from .diagnosis import cross_entropy_of
from .errors import FundusError
from .evaluation import UNDEFINED
from .photograph import Bools, Floats

CLIP = 1e-6  # a probability stays this far from 0 and 1, where its logit would be infinite
HOTTEST = 100.0  # a temperature is sought from 1 / HOTTEST to HOTTEST
SHARE = 0.10  # of the pixels inside the field of view that are vessel in drawn labels
GREYS = 65536  # as many as a map file tells apart
HALFWAY = "halfway"  # the word for a threshold that the photographs help to find
FEW = 6  # with fewer photographs it was not tried


def reliability(label: Bools, probability: Floats, bins: int = 10) -> pd.DataFrame:
    """Return what a reliability diagram shows (DeGroot and Fienberg 1983).

    Args:
        label: bool (n,) or any shape: the pixels inside the field of view.
        probability: float, the same shape, in [0, 1].
        bins: how many, of equal width. A probability between two belongs to the upper one.

    Returns:
        A table with a row a bin: `from` and `to`, its limits; `predicted`, the mean probability of
        its pixels; `observed`, the share of vessels among them; `count`, how many they are. In an
        empty bin the first two of these are nan.

    Raises:
        FundusError: a probability leaves [0, 1].
    """
    score = probability.ravel()
    if not ((score >= 0) & (score <= 1)).all():  # nan too
        problem = "the map holds values outside 0 to 1"
        raise FundusError(problem, "look at the probabilities of a map, not at another picture")
    limits = np.arange(bins + 1) / bins
    # In the map's own precision, as thresholds are compared: the float32 0.7 is at 0.7.
    bin_of = np.searchsorted(limits[1:-1].astype(score.dtype), score, side="right")
    count = np.bincount(bin_of, minlength=bins)
    sums = np.bincount(bin_of, score, minlength=bins)
    vessels = np.bincount(bin_of, label.ravel(), minlength=bins)
    filled = np.where(count > 0, count, UNDEFINED)
    return pd.DataFrame(
        {
            "from": limits[:-1],
            "to": limits[1:],
            "predicted": sums / filled,
            "observed": vessels / filled,
            "count": count,
        }
    )


def expected_calibration_error(label: Bools, probability: Floats, bins: int = 10) -> float:
    """Return how far `predicted` and `observed` lie apart on average over the pixels, in [0, 1].

    Guo et al. (2017), for the probability of a vessel. Most pixels are background with a
    probability near 0: they make the figure small, whatever happens near 0.5.

    Args:
        label: see `reliability`.
        probability: see `reliability`.
        bins: see `reliability`.

    Returns:
        The error; nan without any pixel.

    Raises:
        FundusError: as in `reliability`.
    """
    table = reliability(label, probability, bins)
    pixels = table["count"].sum()
    if not pixels:
        return UNDEFINED
    apart = (table["observed"] - table["predicted"]).abs()
    return float((apart * table["count"]).sum() / pixels)


def _logit(probability: NDArray) -> NDArray[np.float64]:
    return special.logit(probability.astype(np.float64).clip(CLIP, 1 - CLIP))


def temperature_of(pairs: Iterable[tuple[Bools, Floats]]) -> float:
    """Return the temperature that makes the maps' pooled binary cross-entropy smallest.

    Temperature scaling (Guo et al. 2017): sigmoid(logit(p) / T). T above 1 makes a map less sure,
    T below 1 surer. To be chosen on validation photographs, never on the test set.

    Args:
        pairs: label bool (n,) and probability float (n,) in [0, 1] of each photograph, inside its
            field of view. Probabilities are clipped to CLIP from 0 and 1.

    Returns:
        T, from 0.01 to 100; near an end of this range where no T is best, as for a map that ranks
        without any error, or no better than chance.

    Raises:
        FundusError: there is no pixel.
    """
    labels = []
    logits = []
    for label, probability in pairs:
        labels.append(label.ravel())
        logits.append(_logit(probability.ravel()))
    if not sum(map(len, labels)):
        raise FundusError("no pixel was given", "a temperature is chosen on labelled photographs")
    pooled_label = np.concatenate(labels)
    pooled_logit = np.concatenate(logits)

    def loss(log_temperature: float) -> float:
        return cross_entropy_of(pooled_label, pooled_logit / np.exp(log_temperature))

    # The loss is convex in 1 / T, so that it has one valley in log T too.
    ends = (-np.log(HOTTEST), np.log(HOTTEST))
    return float(np.exp(optimize.minimize_scalar(loss, bounds=ends, method="bounded").x))


def with_temperature(probability: Floats, temperature: float) -> Floats:
    """Return sigmoid(logit(p) / T): a map that is as good at ranking pixels, and otherwise sure.

    Args:
        probability: float32, any shape, in [0, 1]; clipped to CLIP from 0 and 1. Outside the field
            of view, where a map is 0, the result is not: it means nothing there.
        temperature: T, above 0. 1 leaves the map as it is, but for the clipping.

    Returns:
        float32, the same shape, in [0, 1].

    Raises:
        FundusError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise FundusError(f"the temperature is {temperature}", "choose one above 0")
    return special.expit(_logit(probability) / temperature).astype(np.float32)


def few_warning(count: int) -> str:
    """Return a warning where a threshold was found on few photographs, or ""."""
    if count >= FEW:
        return ""
    return f"a guess from so few photographs ({count}); it was tried with {FEW} and more"


def halfway_threshold(maps: Iterable[Floats], own: float, share: float = SHARE) -> float:
    """Return a threshold for a camera that a model has not seen, without a label of it.

    It lies halfway from the model's own threshold to the one by which a share of all pixels is
    vessel. Notebook 10 measures it: it gains most of what there is to gain, and loses little where
    there is nothing.

    Args:
        maps: the probabilities inside the field of view of each photograph, float, any shape, in
            [0, 1]; of six photographs or more, by one camera.
        own: the model's threshold.
        share: of all pixels of the set, in (0, 1).

    Raises:
        FundusError: there is no pixel.
    """
    counts = np.zeros(GREYS, np.int64)
    for probability in maps:
        levels = np.rint(probability.ravel() * (GREYS - 1)).astype(np.int64)
        counts += np.bincount(levels, minlength=GREYS)
    if not counts.any():
        raise FundusError("there is no map to find a threshold on", "give photographs of an eye")
    called = counts[::-1].cumsum()[::-1] / counts.sum()  # the share at each level and above
    by_share = int(np.argmax(called <= share)) / (GREYS - 1) if called[-1] <= share else 1.0
    return (own + by_share) / 2
