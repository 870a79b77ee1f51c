"""ROC and precision-recall curves of pooled pixels, with bands that come from the patients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from .errors import FundusError
from .evaluation import LEVELS, UNDEFINED, levels_of
from .photograph import Bools, Floats
from .resampling import Interval, patient_of, resampled

KINDS = ("roc", "pr")
GRID = np.arange(201) / 200  # where the curves are read off
PARTS = 4096  # equal parts of all vessel pixels, and of all others: a bin lies within one of each
BINS = 2 * PARTS + 1


@dataclass(frozen=True, eq=False)
class MapCounts:
    """The pixels inside the field of view, counted by patient and by bin of probability.

    patients: the n names, in alphabetical order. background, vessels: int64 (n, BINS), from the
    most probable bin to the least probable one.
    """

    patients: tuple[str, ...]
    background: NDArray[np.int64]
    vessels: NDArray[np.int64]


def count_maps(
    items: Iterable[tuple[str, Bools | None, Floats, Bools]], patients: Mapping[str, str]
) -> MapCounts:
    """Count the pixels of many maps, reading each once.

    The bins follow the maps, so that a map that is almost the same everywhere keeps its order too:
    a bin holds at most 1/4096 of all vessel pixels and of all others, or else a single level of
    probability. AUC and average precision agree with those of the pixels themselves to 3e-4. As in
    `evaluation.evaluate_maps`, probabilities count as equal that differ by less than 3e-5 of their
    value.

    Args:
        items: (name, label bool (H, W), probability float32 (H, W), fov bool (H, W)), as
            `prediction.predict_set` yields them.
        patients: {name: patient}; it may name more photographs.

    Raises:
        FundusError: a photograph has no label or no patient, or there is none, or a map leaves
            [0, 1].
    """
    by_level: dict[str, sparse.csr_array] = {}
    for name, label, probability, fov in items:
        if label is None:
            raise FundusError(f"{name} has no label", "its map cannot be measured")
        patient = patient_of(name, patients)
        counted = _count_levels(label[fov], levels_of(name, probability[fov]))
        by_level[patient] = by_level[patient] + counted if patient in by_level else counted
    if not by_level:
        raise FundusError("no photograph was given", "there is nothing to measure")
    pooled = sum(by_level.values())
    used = np.unique(pooled.indices)
    bins = _bins_of_levels(pooled[:, used].toarray())
    into_bins = sparse.csr_array((np.ones(len(used), int), (used, bins)), (LEVELS, BINS))
    names = sorted(by_level)
    counts = np.array([(by_level[name] @ into_bins).toarray() for name in names])
    return MapCounts(tuple(names), background=counts[:, 0], vessels=counts[:, 1])


def _count_levels(label: Bools, levels: NDArray) -> sparse.csr_array:
    """Return how many pixels are background and vessel, by level from the highest: (2, LEVELS)."""
    from_above = LEVELS - 1 - levels.astype(np.int64)
    ones = np.ones(len(label), int)  # added up where pixels are of one kind and level
    return sparse.csr_array((ones, (label.astype(int), from_above)), (2, LEVELS))


def _bins_of_levels(pixels: NDArray) -> NDArray[np.int64]:
    """Return each level's bin: a new one begins where either kind reaches its next part."""
    total = np.maximum(1, pixels.sum(axis=1, keepdims=True))
    return (pixels.cumsum(axis=1) * PARTS // total).sum(axis=0)


def curve_bands(
    counts: MapCounts,
    kind: str = "roc",
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the pooled curve and its band over patients, on GRID.

    The band holds for each x alone, not for the curve as a whole.

    Args:
        counts: see `count_maps`.
        kind: `roc`: x is the false positive rate, y the sensitivity, straight between two points.
            `pr`: x is the recall (the sensitivity), y the precision at the highest threshold that
            reaches it: straight lines would flatter (Davis and Goadrich 2006).
        repeats: see `resampling.resampled`.
        seed: see `resampling.resampled`.
        level: see `resampling.resampled`.

    Returns:
        A table with x, y, low and high. y is nan without vessels or without background; low and
        high are nan also with fewer than two patients.

    Raises:
        FundusError: another kind.
    """
    _check_kind(kind)

    def heights(times: NDArray) -> NDArray:
        false_rate, recall, precision = _curve(counts, times)
        if kind == "roc":
            return np.interp(GRID, false_rate, recall)
        return precision[np.searchsorted(recall, np.maximum(GRID, np.finfo(float).tiny))]

    y, low, high = resampled(heights, len(counts.patients), repeats, seed, level)
    return pd.DataFrame({"x": GRID, "y": y, "low": low, "high": high})


def area_interval(
    counts: MapCounts,
    kind: str = "roc",
    repeats: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the area under the pooled curve and its interval over patients.

    Args:
        counts: see `count_maps`, also for how exact the area is.
        kind: `roc`: the AUC. `pr`: the average precision.
        repeats: see `resampling.resampled`.
        seed: see `resampling.resampled`.
        level: see `resampling.resampled`.

    Returns:
        The interval; its `mean` is the area of all pixels pooled, nan without vessels or without
        background.

    Raises:
        FundusError: another kind.
    """
    _check_kind(kind)

    def area(times: NDArray) -> float:
        false_rate, recall, precision = _curve(counts, times)
        if kind == "roc":
            return float(np.trapezoid(recall, false_rate))
        return float(np.diff(recall) @ precision[1:])

    mean, low, high = resampled(area, len(counts.patients), repeats, seed, level)
    return Interval(float(mean), float(low), float(high), len(counts.patients))


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise FundusError(f"no curve is called {kind!r}", f"choose from {', '.join(KINDS)}")


def _curve(counts: MapCounts, times: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return false positive rate, recall and precision as the threshold falls from above 1.

    Each is float64 (BINS + 1,), nan where there is no vessel or no background.
    """
    nothing = np.zeros(1, int)
    false = np.concatenate([nothing, times @ counts.background]).cumsum()
    true = np.concatenate([nothing, times @ counts.vessels]).cumsum()
    if not (false[-1] and true[-1]):
        undefined = np.full(BINS + 1, UNDEFINED)
        return undefined, undefined, undefined
    return false / false[-1], true / true[-1], true / np.maximum(1, true + false)
