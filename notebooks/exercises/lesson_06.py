"""Checks of the exercises in 06, prediction."""

from functools import lru_cache
from typing import Any

import numpy as np

from fundus_utils.data import load_set
from fundus_utils.evaluation import dice
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

from .checking import Hint, answered, exercise, mask, number, result_of

SIZE = (400, 592)  # 2336 x 3504, a sixth of it, padded to multiples of 16
TOO_SMALL = "Padding adds pixels. It never cuts any of the photograph off."
SIDE = "The 540 of the card is the diameter of the field of view, not a side of the picture."
SQUARE = "The network has no fixed input. A square would squeeze the photograph."
SIZES = {  # what else was given: what is said to it
    (2336, 3504): "At this size vessels are six times as wide as those of the training.",
    (540, 540): SQUARE,
    (544, 544): SQUARE,
    (512, 512): SQUARE,
    (540, 810): SIDE,
    (544, 816): SIDE,
    (360, 540): SIDE,
    (368, 544): SIDE,
    (389, 584): "The scale is right. Now think of the sides that the network can halve.",
    (392, 584): "Divisible by 8, but not by 16.",
    (384, 576): TOO_SMALL,
    (384, 592): TOO_SMALL,
    (384, 584): TOO_SMALL,
    (592, 400): "Rows come first, then columns.",
}
BASE = 0.766  # Dice of `drawn` at its card's threshold on the two photographs of JUDGED
TARGET = 0.783
JUDGED = slice(14, 16)  # both eyes of child 08, of which `shipped` has learned
READ = 0.9  # Dice above which a mask is the label; no model of the course comes near it
ALIKE = 0.935  # Dice of two masks: `drawn`, cut anywhere, stays below against `shipped`


@exercise(
    "6.1",
    "How large is what the network gets?",
    "The width of the vessels decides the scale. The sides need only be such that can be halved.",
)
def input_size(size: Any) -> None:
    """Accept the rows and columns of the scaled and padded photograph."""
    sides = np.asarray(answered(size), object).ravel()
    if len(sides) != 2:
        raise Hint("Give two numbers: rows and columns.")
    given = tuple(round(number(side)) for side in sides)
    if given in SIZES:
        raise Hint(SIZES[given])
    if given[0] % 16 or given[1] % 16:
        raise Hint("These sides are not both divisible by 16.")
    if given != SIZE:
        raise Hint("First the scale: how often does 540 go into the diameter? Then the padding.")


def _same(picture: np.ndarray) -> np.ndarray:
    """Stand for a model that finds just what is bright."""
    return picture.astype(float)


def _lopsided(picture: np.ndarray) -> np.ndarray:
    """Stand for a model that sees more at the bottom, and most at the right."""
    rows, columns = picture.shape
    return picture * (1 + np.arange(rows)[:, None]) * (1 + np.arange(columns)) ** 2.0


def _views(function: Any, model: Any, picture: np.ndarray) -> np.ndarray:
    """Return the learner's map, if it has the picture's shape."""
    found = np.asarray(result_of(function, model, picture), float)
    if found.shape != picture.shape:
        raise Hint(f"The map has the shape {found.shape}, the picture {picture.shape}.")
    return found


@exercise(
    "6.2",
    "Find the bug: the mean of four views",
    "Each answer lies where its view lies. Turn it back before you put it on another one.",
)
def turned_back(function: Any) -> None:
    """Accept a function that turns each map back before it takes the mean of the four."""
    even = np.zeros((4, 6))
    even[:, 2:4] = 1
    if not np.allclose(_views(function, _same, even), even):
        raise Hint("Even for a picture that is its own mirror image the map is not right.")
    single = np.zeros((4, 6))
    single[0, 1] = 1
    found = _views(function, _same, single)
    if not np.allclose(found, single):
        raise Hint(
            "Try the model `lambda picture: picture` and a picture of zeros, 4 x 6, with a 1 at "
            f"[0, 1] alone. The map should be that picture. Yours is above 0 at "
            f"{np.count_nonzero(found)} places, its sum is {found.sum():.3g}."
        )
    full = np.arange(24.0).reshape(4, 6)
    found = _views(function, _lopsided, full)
    mirrors = [(d, a) for d in (1, -1) for a in (1, -1)]
    answers = [_lopsided(full[::d, ::a])[::d, ::a] for d, a in mirrors]
    if np.allclose(found, answers[0]):
        raise Hint("Your map is the answer to the picture alone. The mirror images count nothing.")
    if not np.allclose(found, np.mean(answers, axis=0)):
        raise Hint(
            "A model that sees more on one side shows: this is not the mean of all four views."
        )


@exercise(
    "6.3",
    "Open: more from `drawn`, without training",
    "The map was good, its cut was for other eyes. Each look at this check is a choice, too: "
    "whoever tunes on its number needs other photographs for a figure.",
)
def more_from_drawn(function: Any) -> None:
    """Accept a function that beats the cut of the card, on eyes that it was not chosen on."""
    scores = []
    masks = []
    samples = load_set("chase_db1", "train")[JUDGED]
    for sample in samples:
        found = mask(result_of(function, sample.photograph, sample.fov), sample.fov.shape)
        masks.append(found & sample.fov)
        scores.append(dice(np.asarray(sample.label)[sample.fov], found[sample.fov]))
    reached = float(np.mean(scores))
    if reached > READ:
        raise Hint(
            f"Dice {reached:.3f}. No method reaches this: even two people who label the same eye "
            "agree less. Was the label read?"
        )
    if reached < BASE - 0.01:
        raise Hint(f"Dice {reached:.3f}. That is below `drawn` as it is, which has {BASE}.")
    if reached < BASE + 0.008:
        raise Hint(
            f"Dice {reached:.3f}: hardly more than at the card's threshold. On whose eyes was that "
            "threshold chosen?"
        )
    if reached < TARGET:
        raise Hint(f"Dice {reached:.3f}; the target is {TARGET}. You are on the way.")
    if _is_shipped(masks[0], samples[0].fov):
        raise Hint(
            "This is nearly the map of `shipped`, which has learned from child 08. A photograph "
            "that a model has seen says nothing about it. Use `drawn`."
        )


@lru_cache(maxsize=1)
def _of_shipped() -> np.ndarray:
    """Return the map that `shipped` makes of the first photograph of JUDGED."""
    sample = load_set("chase_db1", "train")[JUDGED][0]
    return predict_map(load_model("shipped"), sample.photograph, sample.fov, flips=False)


def _is_shipped(mask: np.ndarray, fov: np.ndarray) -> bool:
    """Say whether a mask is nearly the map of `shipped`, cut where as many pixels stay."""
    probability = _of_shipped()[fov]
    cut = np.quantile(probability, 1 - mask[fov].mean())
    return dice(probability >= cut, mask[fov]) > ALIKE
