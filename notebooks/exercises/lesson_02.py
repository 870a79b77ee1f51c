"""Checks of the exercises in 02, channel merge augmentation."""

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from fundus_utils.data import load_set
from fundus_utils.evaluation import dice
from fundus_utils.photograph import Bools

from .checking import Hint, exercise, numbers, result_of

WIDTHS = np.array([1, 3, 9])  # of the vessels in exercise 2.1
SHARED = WIDTHS - 1  # pixels of a row that label and vessel have in common
MOST_PIECES = 10  # in exercise 2.3, of two labels together
LEAST_DICE = 0.92
LEAST_HELD = 0.95  # of the centre line of each label; the solution holds all of it


@exercise(
    "2.1",
    "One pixel to the right",
    "The size of the picture does not count, the width of the vessel does: a pixel is little for "
    "a wide vessel and everything for a thin one.",
)
def one_pixel(agreement: Any) -> None:
    """Accept Dice of three vessels with themselves, one pixel apart."""
    asked = "Give three numbers, such as [0.1, 0.2, 0.3], from the thinnest to the widest."
    values = numbers(agreement, len(WIDTHS), asked)
    if values.max() > 1:
        raise Hint("Dice lies between 0 and 1; it is not a percentage.")
    if np.allclose(values, SHARED / (WIDTHS + 1), atol=0.01) and values[1] < 0.6:
        raise Hint("That is the shared part of the union. Dice counts the shared pixels twice.")
    if values.min() > 0.9:
        raise Hint("Pixels that are background in both do not count in Dice.")
    if abs(values[0]) > 0.01:
        raise Hint("Begin with the thinnest vessel. How many pixels do the two labels share?")
    if not np.allclose(values, SHARED / WIDTHS, atol=0.01):
        raise Hint(
            "The first is right. Look at one row of the picture: how many pixels are in both, "
            "how many in each?"
        )


def _first_row(values: Any) -> str:
    return " ".join(str(int(value)) for value in values[0])


@exercise(
    "2.2",
    "Find the bug: a merge that mirrors wrongly",
    "A right shape is no proof of a right order: reshape only deals the numbers out anew. And two "
    "mistakes that undo each other show only when something happens between them.",
)
def mirrored_pairs(function: Any) -> None:
    """Accept a function that mirrors an image and its label together."""
    green = np.arange(6, dtype=np.uint8).reshape(2, 3)
    label = np.array([[True, False, False], [False, True, False]])
    pair = result_of(function, green, label)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise Hint("Return two arrays: the mirrored image and the mirrored label.")
    image, mask = np.asarray(pair[0]), np.asarray(pair[1])
    if image.shape != green.shape or mask.shape != label.shape:
        raise Hint(f"The shapes should be (2, 3) twice; they are {image.shape} and {mask.shape}.")
    if mask.dtype != bool:
        raise Hint(f"The label must come back as True and False; this is {mask.dtype}.")
    if np.array_equal(image, green):
        raise Hint("The image comes back as it was. It should be mirrored.")
    if np.array_equal(image, green[::-1]):
        raise Hint("Up and down have changed places. Which axis of your array runs to the right?")
    if not np.array_equal(image, green[:, ::-1]):
        raise Hint(
            "Try `green = np.arange(6, dtype=np.uint8).reshape(2, 3)`. The first row of the image "
            f"should be 2 1 0; it is {_first_row(image)}. Print what is made of it on the way."
        )
    if not np.array_equal(mask, label[:, ::-1]):
        raise Hint("The image is mirrored rightly, the label is not. Both must take the same way.")


def _judged(label: Bools, small: Any) -> tuple[float, int, float]:
    """Return Dice of a label with its reduced copy, enlarged again, and the copy's pieces.

    The third number is the share of the label's centre line that lies in the enlarged copy.
    """
    rows, columns = label.shape[0] // 2, label.shape[1] // 2
    if not isinstance(small, np.ndarray) or small.shape != (rows, columns):
        raise Hint(f"A label of {label.shape} should become an array of {(rows, columns)}.")
    if small.dtype != bool:
        raise Hint(f"The result must be True and False; this is {small.dtype}. Cut it somewhere.")
    enlarged = small.repeat(2, axis=0).repeat(2, axis=1)
    _, pieces = ndimage.label(small, structure=np.ones((3, 3)))
    return dice(label, enlarged), pieces, float(enlarged[skeletonize(label)].mean())


@exercise(
    "2.3",
    "Open: half the size, and still in one piece",
    "Dice hardly sees a broken vessel, for the gap is a few pixels. What matters to you must be "
    "measured by itself, and can then be kept.",
)
def half_the_size(function: Any) -> None:
    """Accept a function that halves a label without breaking or thickening its vessels."""
    scores, held, pieces = [], [], 0
    for sample in load_set("chase_db1", "train")[:2]:
        label = np.asarray(sample.label)[:960, :998]
        score, count, share = _judged(label, result_of(function, label))
        scores.append(score)
        held.append(share)
        pieces += count
    reached = float(np.mean(scores))
    found = f"Dice {reached:.3f} in {pieces} pieces"
    if pieces == 0:
        raise Hint("The small label is empty.")
    if reached < LEAST_DICE and pieces > MOST_PIECES:
        raise Hint(f"{found}: both fall short. The average of four pixels is nearer.")
    if pieces > MOST_PIECES:
        raise Hint(f"{found}: broken. Which pixels of a vessel must not be lost, if it is to hold?")
    if reached < LEAST_DICE:
        raise Hint(f"{found}: whole, but Dice is too low. Compare its vessel share with before.")
    if min(held) < LEAST_HELD:
        raise Hint(
            f"{found}, but in one label {1 - min(held):.0%} of the centre line is gone. Vessels "
            "that are left out do not break, either. Which have you dropped?"
        )
