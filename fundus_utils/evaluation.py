"""Measures of a vessel map against a label, inside the field of view."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from .fov import Bools, Floats
from .storage import FundusError

MEASURES = ("dice", "auc", "average_precision", "mcc", "accuracy", "sensitivity", "specificity")
THRESHOLDS = np.arange(1, 100) / 100
LEVELS = 2**22  # of pooled probabilities: a float32's leading 24 bits, a relative step of 3e-5


def base_rate_loss(share: float) -> float:
    """Return the binary cross-entropy of the best constant prediction: the entropy H(p) in nats.

    A network whose map is the same everywhere cannot do better than this, and a training loss
    that stays at this value says that it has learned the share of vessels and nothing else.

    Args:
        share: the share p of vessel pixels, in [0, 1].
    """
    if share in (0.0, 1.0):
        return 0.0
    return float(-share * np.log(share) - (1 - share) * np.log(1 - share))


def confusion(label: Bools, vessels: Bools) -> tuple[int, int, int, int]:
    """Count (true positives, false positives, false negatives, true negatives) of two masks."""
    both, called, drawn = (label & vessels).sum(), vessels.sum(), label.sum()
    return int(both), int(called - both), int(drawn - both), int(label.size - called - drawn + both)


def _ratio(above: float, below: float, otherwise: float = float("nan")) -> float:
    return above / below if below else otherwise


def dice(label: Bools, vessels: Bools) -> float:
    """Return 2 TP / (2 TP + FP + FN), in [0, 1]; 1 if both masks are empty (Dice 1945)."""
    tp, fp, fn, _ = confusion(label, vessels)
    return _ratio(2 * tp, 2 * tp + fp + fn, 1.0)


def measures(label: Bools, probability: Floats, threshold: float) -> dict[str, float]:
    """Compute every measure of one map, or of many pooled.

    Args:
        label: bool (n,) or any shape: the pixels inside the field of view.
        probability: float, the same shape, in [0, 1].
        threshold: from this probability on a pixel is called a vessel.

    Returns:
        One float for each name of MEASURES. What a label without vessels, or without background,
        leaves undefined (AUC, average precision, sensitivity or specificity) is nan.
    """
    label, probability = label.ravel(), probability.ravel()
    return _measures(confusion(label, probability >= float(threshold)), label, probability)


def _measures(
    counts: tuple[int, ...], label: NDArray, score: NDArray, weight: NDArray | None = None
) -> dict[str, float]:
    """Compute every measure from a confusion and the scores, each standing for `weight` pixels."""
    tp, fp, fn, tn = (float(count) for count in counts)
    spread = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    curves = [float("nan")] * 2
    if tp + fn > 0 and tn + fp > 0:
        areas = metrics.roc_auc_score, metrics.average_precision_score
        curves = [float(area(label, score, sample_weight=weight)) for area in areas]
    mcc = _ratio(tp * tn - fp * fn, np.sqrt(spread), 0.0)
    rates = _ratio(tp + tn, tp + fp + fn + tn), _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    found = _ratio(2 * tp, 2 * tp + fp + fn, 1.0), *curves, mcc, *rates
    return dict(zip(MEASURES, found, strict=True))


def dice_by_threshold(
    pairs: Iterable[tuple[Bools, Floats]], thresholds: NDArray = THRESHOLDS
) -> NDArray[np.float64]:
    """Return the pooled `dice` at each threshold, reading each (label, map) pair once.

    Args:
        pairs: label bool (n,) and probability float (n,) of each photograph, inside its field of
            view.
        thresholds: float (k,), rising.

    Returns:
        float64 (k,).
    """
    # Pixels are counted in the bins between thresholds: bin j holds t[j-1] <= p < t[j].
    counts = np.zeros((2, len(thresholds) + 1))
    for label, probability in pairs:
        # In the map's own precision, as `measures` compares: the float32 0.7 is at or above 0.7.
        cuts = np.asarray(thresholds, probability.dtype)
        bins = np.searchsorted(cuts, probability.ravel(), side="right")
        for kind in (0, 1):
            counts[kind] += np.bincount(bins[label.ravel() == kind], minlength=counts.shape[1])
    false, true = counts[:, :0:-1].cumsum(axis=1)[:, ::-1]  # pixels at or above each threshold
    below = true + false + counts[1].sum()
    return np.divide(2 * true, below, out=np.ones_like(below), where=below > 0)


def best_threshold(pairs: Iterable[tuple[Bools, Floats]]) -> tuple[float, float]:
    """Return the threshold of 0.01 to 0.99 with the highest pooled Dice, and that Dice.

    To be chosen on training or validation photographs, never on the test set.
    """
    scores = dice_by_threshold(pairs)
    best = int(scores.argmax())
    return float(THRESHOLDS[best]), float(scores[best])


def evaluate_maps(
    items: Iterable[tuple[str, Bools | None, Floats, Bools]], threshold: float
) -> dict[str, Any]:
    """Measure maps per photograph and pooled over all pixels, inside the field of view.

    Args:
        items: (name, label bool (H, W), probability float32 (H, W), fov bool (H, W)).
        threshold: see `measures`.

    Returns:
        {"pooled": measures, "photographs": {name: measures}}. The pooled AUC and average precision
        take probabilities for equal that differ by less than 3e-5 of their value.

    Raises:
        FundusError: a photograph has no label, or there is none.
    """
    photographs, total = {}, np.zeros(4, int)
    pooled = np.zeros((2, LEVELS), int)  # counted: the pixels of many photographs fill the memory
    for name, label, probability, fov in items:
        if label is None:
            raise FundusError(f"{name} has no label: its map cannot be measured.")
        inside, found = label[fov], probability[fov]
        photographs[name] = measures(inside, found, threshold)
        total += confusion(inside, found >= float(threshold))
        levels = np.abs(found, dtype=np.float32).view(np.uint32) >> 8
        pooled += [np.bincount(levels[inside == kind], minlength=LEVELS) for kind in (0, 1)]
    if not photographs:
        raise FundusError("no photograph was given: there is nothing to measure.")
    kinds, scores = pooled.nonzero()
    everything = _measures(tuple(total), kinds, scores, pooled[kinds, scores])
    return {"pooled": everything, "photographs": photographs}
