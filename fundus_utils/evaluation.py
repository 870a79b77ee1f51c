"""Measures of a vessel map against a label, inside the field of view."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from .centre_lines import cldice_of, line_counts
from .errors import FundusError
from .photograph import Bools, Floats

PIXEL_MEASURES = (
    "dice",
    "auc",
    "average_precision",
    "mcc",
    "accuracy",
    "sensitivity",
    "specificity",
)
MEASURES = (*PIXEL_MEASURES, "cldice")
THRESHOLDS = np.arange(1, 100) / 100
LEVELS = 2**22  # of pooled probabilities: a float32's leading 24 bits, a relative step of 3e-5
UNDEFINED = float("nan")

Counts = tuple[
    int, int, int, int
]  # pixels: true positives, false positives, false and true negatives


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


def confusion(label: Bools, vessels: Bools) -> Counts:
    """Count (true positives, false positives, false negatives, true negatives) of two masks.

    Args:
        label, vessels: bool, one shape: the pixels inside the field of view.
    """
    true_positives = int((label & vessels).sum())
    false_positives = int(vessels.sum()) - true_positives
    false_negatives = int(label.sum()) - true_positives
    true_negatives = label.size - true_positives - false_positives - false_negatives
    return true_positives, false_positives, false_negatives, true_negatives


def _ratio(above: float, below: float, otherwise: float = UNDEFINED) -> float:
    return above / below if below else otherwise


def dice(label: Bools, vessels: Bools) -> float:
    """Return 2 TP / (2 TP + FP + FN), in [0, 1]; 1 if both masks are empty (Dice 1945).

    Args:
        label, vessels: bool, one shape: the pixels inside the field of view.
    """
    tp, fp, fn, _ = confusion(label, vessels)
    return _ratio(2 * tp, 2 * tp + fp + fn, otherwise=1.0)


def measures(label: Bools, probability: Floats, threshold: float) -> dict[str, float]:
    """Compute every measure that looks at single pixels, of one map or of many pooled.

    Args:
        label: bool (n,) or any shape: the pixels inside the field of view.
        probability: float, the same shape, in [0, 1].
        threshold: from this probability on a pixel is called a vessel.

    Returns:
        One float for each name of PIXEL_MEASURES. What a label without vessels, or without
        background, leaves undefined (AUC, average precision, sensitivity or specificity) is nan;
        of no pixel at all, every measure. MCC (Matthews 1975) is 0 where it is 0 / 0.
    """
    flat_label = label.ravel()
    score = probability.ravel()
    counts = confusion(flat_label, score >= float(threshold))
    return _measures(counts, flat_label, score)


def _measures(
    counts: Counts, label: NDArray, score: NDArray, weight: NDArray | None = None
) -> dict[str, float]:
    """Compute every measure from a confusion and the scores, each standing for `weight` pixels."""
    if not sum(counts):
        return dict.fromkeys(PIXEL_MEASURES, UNDEFINED)
    tp, fp, fn, tn = (float(count) for count in counts)
    auc = average_precision = UNDEFINED
    if tp + fn > 0 and tn + fp > 0:
        auc = float(metrics.roc_auc_score(label, score, sample_weight=weight))
        average_precision = float(
            metrics.average_precision_score(label, score, sample_weight=weight)
        )
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn, otherwise=1.0),
        "auc": auc,
        "average_precision": average_precision,
        "mcc": _ratio(tp * tn - fp * fn, spread, otherwise=0.0),
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
    }


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
    n_bins = len(thresholds) + 1
    background = np.zeros(n_bins)
    vessels = np.zeros(n_bins)
    for label, probability in pairs:
        # In the map's own precision, as `measures` compares: the float32 0.7 is at or above 0.7.
        cuts = np.asarray(thresholds, probability.dtype)
        bins = np.searchsorted(cuts, probability.ravel(), side="right")
        inside = label.ravel()
        background += np.bincount(bins[~inside], minlength=n_bins)
        vessels += np.bincount(bins[inside], minlength=n_bins)
    false_positives = _at_or_above(background)
    true_positives = _at_or_above(vessels)
    below = true_positives + false_positives + vessels.sum()  # 2 TP + FP + FN
    return np.divide(2 * true_positives, below, out=np.ones_like(below), where=below > 0)


def _at_or_above(counts: NDArray) -> NDArray:
    """Return how many pixels lie at or above each threshold, from the counts between them."""
    from_the_top = counts[::-1].cumsum()[::-1]
    return from_the_top[1:]


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
        {"pooled": measures, "photographs": {name: measures}}, one float for each name of MEASURES;
        nan in all of them where the field of view is empty.
        The pooled AUC and average precision take probabilities for equal that differ by less than
        3e-5 of their value.

    Raises:
        FundusError: a photograph has no label, or there is none, or a map leaves [0, 1].
    """
    photographs = {}
    total = np.zeros(4, int)
    lines_total = np.zeros(4, int)
    background = np.zeros(LEVELS, int)  # counted: the pixels of many photographs fill the memory
    vessels = np.zeros(LEVELS, int)
    for name, label, probability, fov in items:
        if label is None:
            raise FundusError(f"{name} has no label", "its map cannot be measured")
        inside = label[fov]
        found = probability[fov]
        levels = levels_of(name, found)
        cut = probability >= float(threshold)
        lines = line_counts(label & fov, cut & fov)
        photographs[name] = measures(inside, found, threshold)
        photographs[name]["cldice"] = cldice_of(lines) if fov.any() else UNDEFINED
        total += confusion(inside, cut[fov])
        lines_total += lines
        background += np.bincount(levels[~inside], minlength=LEVELS)
        vessels += np.bincount(levels[inside], minlength=LEVELS)
    if not photographs:
        raise FundusError("no photograph was given", "there is nothing to measure")
    tp, fp, fn, tn = total.tolist()
    pooled = _pooled((tp, fp, fn, tn), background, vessels)
    pooled["cldice"] = cldice_of(lines_total.tolist()) if total.any() else UNDEFINED
    return {"pooled": pooled, "photographs": photographs}


def levels_of(name: str, probability: NDArray) -> NDArray:
    """Return the leading 24 bits of each probability: equal levels count as equal scores.

    Args:
        name: of the map's photograph.
        probability: float32, any shape.

    Returns:
        uint32, the same shape, below LEVELS, in the order of the probabilities.

    Raises:
        FundusError: the map holds values outside 0 to 1.
    """
    if not (
        np.isfinite(probability).all() and (probability >= 0).all() and (probability <= 1).all()
    ):
        problem = f"the map of {name} holds values outside 0 to 1"
        raise FundusError(problem, "a probability map is measured, not another picture")
    return np.abs(probability, dtype=np.float32).view(np.uint32) >> 8  # abs: no -0.0


def _pooled(counts: Counts, background: NDArray, vessels: NDArray) -> dict[str, float]:
    """Compute every measure of pixels that have been counted level by level."""
    low = background.nonzero()[0]
    high = vessels.nonzero()[0]
    label = np.repeat([0, 1], [len(low), len(high)])
    score = np.concatenate([low, high])
    weight = np.concatenate([background[low], vessels[high]])
    return _measures(counts, label, score, weight)
