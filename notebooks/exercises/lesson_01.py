"""Checks of the exercises in 01, data exploration."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_utils.data import load_set
from fundus_utils.evaluation import dice

from .checking import Hint, exercise, mask, number, result_of

SHARE = 0.12  # of the field of view that are vessels, in exercise 1.1
FIELD = 0.70  # of the picture that is field of view
BY_HAND = 0.85  # a Dice that no method without a network comes near to, in exercise 1.3


def _mask(*vessels: int) -> NDArray[np.uint8]:
    """Return a mask of 4x4 pixels that is 1 at the places given, counted row by row."""
    mask = np.zeros(16, np.uint8)
    mask[list(vessels)] = 1
    return mask.reshape(4, 4)


# Label, answer and their Dice in exercise 1.2, and what is said where 0 and 1 already fail.
PAIRS = [
    (_mask(4, 5, 6, 7), _mask(5, 6, 7, 8), 0.75),  # one missed, one invented
    (_mask(4, 5, 6, 7), _mask(5, 6), 2 / 3),  # two missed
    (_mask(4, 5), _mask(0, 1, 2, 3, 4, 5), 0.5),  # four invented
    (_mask(4, 5, 6, 7), _mask(4, 5, 6, 7), 1.0),
]
NOT_DICE = [
    "Already for masks of 0 and 1 this is not Dice. The formula: 2 TP / (2 TP + FP + FN).",
    "It is right where as many vessel pixels are missed as invented. Where two of four are missed "
    "and none is invented, it says {:.3g}. Which of the two does it leave out?",
    "Where four pixels are invented beside two that are right, it says {:.3g}. Do they count?",
    "For two equal masks of 0 and 1 it says {:.3g}. What must it be?",
]


@exercise(
    "1.1",
    "What a black map scores",
    "The corners are right for nothing, so a larger black frame makes a blind map look better.",
)
def black_map(accuracy: Any) -> None:
    """Accept the accuracy of an empty map over the whole picture."""
    value = number(accuracy)
    if not 0 <= value <= 1:
        raise Hint("Give a share between 0 and 1, not a percentage.")
    if abs(value - (1 - SHARE)) < 0.001:
        raise Hint("That is the accuracy inside the field of view. Here all pixels count.")
    if value < 0.5:
        raise Hint("That is a share of errors. Accuracy is the share of what is right.")
    if abs(value - (1 - SHARE * FIELD)) > 0.001:
        raise Hint(
            "First ask which share of the whole picture is vessel. The map misses just that."
        )


@exercise(
    "1.2",
    "Find the bug: Dice of a label from a file",
    "Arithmetic on bytes needs care: 255 * 255 does not fit into one. Ask for truth first.",
)
def dice_of_files(function: Any) -> None:
    """Accept a function that computes Dice of two masks of 0 and 255, or of 0 and 1."""
    for place, (label, answer, expected) in enumerate(PAIRS):
        small = number(result_of(function, label, answer))
        if not np.isclose(small, expected):
            raise Hint(NOT_DICE[place].format(small))
    for label, answer, expected in PAIRS:
        large = number(result_of(function, label * 255, answer * 255))
        if not np.isclose(large, expected):
            raise Hint(
                "For masks of 0 and 1 it is right, for the same masks as 0 and 255 it is "
                f"{large:.3g}. Print `label.dtype`, and `label * answer` for one vessel pixel."
            )
    for label, answer, expected in PAIRS:
        mixed = number(result_of(function, label * 255, answer))
        if not np.isclose(mixed, expected):
            raise Hint(
                "It fails where one mask holds 0 and 1 and the other 0 and 255. Treat each alone."
            )


@exercise(
    "1.3",
    "Open: vessels without a network",
    "A vessel is darker than its neighbourhood, not dark as such. A network must learn that, too.",
)
def without_network(function: Any) -> None:
    """Accept a function that finds vessels better than the darkest tenth of green does."""
    scores = []
    for sample in load_set("chase_db1", "train")[:2]:
        found = mask(result_of(function, sample.photograph, sample.fov), sample.fov.shape)
        if found[sample.fov].mean() > 0.5:
            raise Hint(
                "More than half of the field of view is called vessel. Vessels are the dark part."
            )
        if found[~sample.fov].mean() > 0.5:
            raise Hint("The black corners are called vessels. Leave out what is not in `fov`.")
        label = np.asarray(sample.label)
        scores.append(dice(label[sample.fov], found[sample.fov]))
    reached = float(np.mean(scores))
    if reached > BY_HAND:
        raise Hint(
            f"Dice {reached:.2f} is more than any method without a network reaches, and more than "
            "a second observer. Has the label been read? Only the photograph and `fov` are given."
        )
    if reached < 0.5:
        raise Hint(
            f"Dice {reached:.2f}; the target is 0.50. Is a vessel dark, or darker than around it?"
        )
