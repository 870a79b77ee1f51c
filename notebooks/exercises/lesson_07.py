"""Checks of the exercises in 07, evaluation."""

from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from fundus_utils.calibration import expected_calibration_error
from fundus_utils.data import load_set
from fundus_utils.evaluation import dice
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

from .checking import Hint, answered, exercise, number, result_of

PIXELS = 0.0016  # widths of the intervals before enlarging, in exercise 7.1
PATIENTS = 0.0200
SIDE = 8  # of the label and the map, in exercise 7.2
ERROR = 0.030  # to stay below, in exercise 7.3
ORDERED = 0.97  # the AUC must stay above it; it is 0.98
TEMPERED = 0.042  # above this nothing but a temperature was tried, or less
JUDGED = (14, 18)  # one eye each of children 08 and 10
EACH = 5  # every so many pixels are enough for an AUC


def _two_of(answer: Any) -> tuple[Any, Any]:
    """Return the two parts of an answer, each of which must have been filled in."""
    parts = tuple(answered(answer))
    if len(parts) != 2:
        raise Hint("The check takes two things, as it stands in the lesson.")
    return answered(parts[0]), answered(parts[1])


@exercise(
    "7.1",
    "What enlarging does to an interval",
    "Nobody new was seen, so nothing new is known. Only an interval over patients notices that.",
)
def enlarged(widths: Any) -> None:
    """Accept half the width over pixels, and the same width over patients."""
    over_pixels, over_patients = (number(width) for width in _two_of(widths))
    if max(over_pixels, over_patients) > 0.1:
        raise Hint("Give widths of a Dice as in the text: shares, not per cent.")
    if abs(over_patients - PATIENTS / 2) < 0.0005:
        raise Hint("That is half the width over patients. How many patients are there now?")
    if abs(over_patients - PATIENTS) > 0.0005:
        raise Hint("Over patients: each one's Dice, before and after. What has changed?")
    if abs(over_pixels - PIXELS) < 0.00005:
        raise Hint("Over pixels: how many are drawn now? The interval knows no more than that.")
    if abs(over_pixels - PIXELS / 4) < 0.00005:
        raise Hint("There are four times as many pixels. Width goes with the root of that.")
    if abs(over_pixels - PIXELS / 2) > 0.00005:
        raise Hint("Over patients it is right. Over pixels: count what is drawn, and use the root.")


@exercise(
    "7.2",
    "Break the test: a high AUC that is worth little",
    "In the AUC a few false pixels are few among all background. Beside a rare vessel they are "
    "many: so ask for the average precision, too.",
)
def high_auc(answer: Any) -> None:
    """Accept a label and a map with an AUC above 0.95 and a Dice below 0.5 at each threshold."""
    label, scores = (np.asarray(part) for part in _two_of(answer))
    if label.shape != (SIDE, SIDE) or scores.shape != (SIDE, SIDE):
        raise Hint(f"Both must be 8 x 8. These are {label.shape} and {scores.shape}.")
    if not np.isin(label, (0, 1)).all():
        raise Hint("The label must be True and False.")
    truth = label.astype(bool)
    score = scores.astype(float)
    if truth.all() or not truth.any():
        raise Hint("The label needs vessel and background, else there is no AUC.")
    if not ((score >= 0) & (score <= 1)).all():
        raise Hint("The map must have values from 0 to 1.")
    _judge_ranking(truth, score)


def _judge_ranking(truth: np.ndarray, score: np.ndarray) -> None:
    """Raise a hint where the AUC is too low, or a threshold with a good Dice is left."""
    auc = roc_auc_score(truth.ravel(), score.ravel())
    by_cut = {cut: dice(truth, score >= cut) for cut in np.unique(score)}
    best = max(by_cut, key=lambda cut: by_cut[cut])
    if auc <= 0.95:
        of_pairs = " All its values are equal." if len(by_cut) == 1 else ""
        raise Hint(f"The AUC is {auc:.3f}: too few pairs are in the right order.{of_pairs}")
    if by_cut[best] >= 0.5 and dice(truth, score >= 0.5) < 0.5:
        raise Hint(
            f"At 0.5 the Dice is low, but from {best:.2f} on it is {by_cut[best]:.2f}. Such a map "
            "is timid, not bad: another threshold mends it."
        )
    if by_cut[best] >= 0.5:
        raise Hint(
            f"From {best:.2f} on the Dice is {by_cut[best]:.2f}. Vessel pixels in the "
            f"label: {truth.sum()}. How many pixels of background may lie above them?"
        )


@lru_cache(maxsize=1)
def _judged() -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Return the maps of `drawn` that are judged, their fields of view, and the pooled label."""
    drawn = load_model("drawn")
    samples = [load_set("chase_db1", "train")[place] for place in JUDGED]
    maps = [predict_map(drawn, one.photograph, one.fov) for one in samples]
    labels = [np.asarray(one.label)[one.fov] for one in samples]
    return maps, [one.fov for one in samples], np.concatenate(labels)


@exercise(
    "7.3",
    "Open: mend what `drawn` says",
    "What a map says can be mended without a training, where it ranks well. A low ECE alone proves "
    "nothing: a constant has one, too.",
)
def better_calibrated(function: Any) -> None:
    """Accept a function that lowers the calibration error and keeps the order of the pixels."""
    maps, fields, label = _judged()
    pieces = []
    for probability, fov in zip(maps, fields, strict=True):
        found = np.asarray(result_of(function, probability), float)
        if found.shape != probability.shape:
            raise Hint(f"The result has the shape {found.shape}, the map {probability.shape}.")
        if not ((found[fov] >= 0) & (found[fov] <= 1)).all():
            raise Hint("Probabilities lie from 0 to 1. Some of these do not, or are no numbers.")
        pieces.append(found[fov])
    score = np.concatenate(pieces)
    error = expected_calibration_error(label, score)
    auc = roc_auc_score(label[::EACH], score[::EACH])
    if auc < 0.4:
        raise Hint(f"The AUC is {auc:.2f}: vessels have the lower values now.")
    if auc < 0.6:
        raise Hint(f"ECE {error:.3f}, but the AUC is {auc:.2f}: this map shows nothing any more.")
    if auc < ORDERED:
        raise Hint(
            f"ECE {error:.3f}, but the AUC fell to {auc:.3f}. Keep the order: a pixel that was "
            "higher must stay higher."
        )
    if error > TEMPERED:
        raise Hint(
            f"ECE {error:.3f}; the target is {ERROR}. Print the reliability of the known pixels: "
            "to which side of the diagonal do they lie, below 0.5 and above?"
        )
    if error > ERROR:
        raise Hint(f"ECE {error:.3f}; the target is {ERROR}. You are on the way.")
