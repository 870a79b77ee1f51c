"""Checks of the exercises in 09, common mistakes; and pairs of which some are broken."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from scipy import ndimage

from fundus_utils.data import load_set
from fundus_utils.mistakes import only_photograph_mirrored
from fundus_utils.photograph import Bools, Sample, rescale, resize

from .checking import Hint, answered, exercise, result_of

# Exercise 9.1: what each input came from, and its mean and standard deviation.
CAUSES = {
    "A": ("divided by the variance", "0.00 and 10.0"),
    "B": ("divided twice", "-2.99 and 0.004"),
    "C": ("parenthesis missing", "-2.70 and 0.100"),
    "D": ("statistics forgotten", "0.30 and 0.100"),
    "E": ("not divided by 255", "762 and 255"),
}
WORDS = {word for word, _ in CAUSES.values()} | {"right", "statistics of a darker eye"}

# Exercise 9.3: what is done to the pairs.
DIAMETER = 270  # of the field of view, in pixels
MOVED = 3  # pixels
TURNED = 3  # degrees
NARROWER = 0.92  # of the width is left
STRAY = 30  # grey levels in the middle of a pale photograph
TARGET = 9  # of ten pairs


@exercise(
    "9.1",
    "Five inputs, two numbers each",
    "Mean and standard deviation together name the mistake; one of them alone does not.",
)
def five_inputs(causes: Any) -> None:
    """Accept the dictionary that names the mistake behind each pair of numbers."""
    if not isinstance(answered(causes), dict):
        raise Hint("The answer is a dictionary with the keys A to E, as in the stub.")
    for letter in CAUSES:
        if letter not in causes:
            raise Hint(f"The key {letter!r} is missing. The keys are A to E, as in the stub.")
    given = {letter: answered(causes[letter]) for letter in CAUSES}
    for letter, word in given.items():
        if not isinstance(word, str) or word not in WORDS:
            raise Hint(f"{letter}: {word!r} is not in the list. Copy one of its names.")
    if given["A"] == "right":
        raise Hint("A: the mean is as it should be. What should the other number be?")
    if given["B"] == "parenthesis missing" and given["C"] == "divided twice":
        raise Hint("B and C have similar means. Which line makes the spread 255 times smaller?")
    for letter, (word, numbers) in CAUSES.items():
        if given[letter] != word:
            raise Hint(
                f"{letter}: no. Put the values 0.20 and 0.40 through the line that you suspect: "
                f"their middle is its mean, half their distance its spread. Are they {numbers}?"
            )


def _divided(function: Any, names: list[str], share: float) -> None:
    """Look whether a split is one by patient. Raises Hint with the input that shows the fault."""
    found = result_of(function, list(names), share)
    seen = f"For the names {' '.join(names)} and a share of {share}"
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Hint("Return two lists of names: those that are fitted on, and those held out.")
    fitted, held = (list(part) for part in found)
    if sorted(fitted + held) != sorted(names):
        raise Hint(f"{seen}, some names are lost, or come twice.")
    patients = {name[:2] for name in names}
    held_patients = {name[:2] for name in held}
    both = sorted(held_patients & {name[:2] for name in fitted})
    if both:
        raise Hint(f"{seen}, patient {both[0]} stands on both sides.")
    wanted = share * len(patients)
    if not held_patients or abs(len(held_patients) - wanted) >= 1:
        least = "" if held_patients else ", and at least one is needed"
        raise Hint(
            f"{seen}, {len(held_patients)} of {len(patients)} patients are held out. The share "
            f"makes {wanted:.1f}{least}."
        )


@exercise(
    "9.2",
    "Find the bug: a split that is right by chance",
    "Patients are drawn, not photographs. An order of names is no rule about whose eyes they are.",
)
def split_of_patients(function: Any) -> None:
    """Accept a function that holds out whole patients, in whatever order their names come."""
    pairs = [f"{patient:02d}{eye}" for patient in range(1, 6) for eye in "LR"]
    _divided(function, pairs, 0.2)
    _divided(function, pairs, 0.3)
    _divided(function, [pairs[place] for place in (3, 8, 0, 5, 9, 2, 6, 1, 4, 7)], 0.2)
    _divided(function, ["01L", "02L", "02R", "03L", "03R", "03R-again"], 0.34)
    _divided(function, pairs, 0.02)
    _divided(function, pairs, 0.6)


def _pale(sample: Sample, left: float) -> Sample:
    """Return the sample as through a clouded lens: little contrast, stray light in the middle."""
    mean = sample.photograph[sample.fov].mean(axis=0)
    rows, columns = np.indices(sample.fov.shape) - np.array(sample.fov.shape)[:, None, None] / 2
    stray = STRAY * np.exp(-(rows**2 + columns**2) / (DIAMETER / 4) ** 2)
    values = mean + left * (sample.photograph - mean) + stray[..., None]
    values = np.rint(values).clip(0, 255)
    photograph = np.where(sample.fov[..., None], values, sample.photograph)
    return replace(sample, photograph=photograph.astype(np.uint8))


def _turned(label: Bools) -> Bools:
    turned = ndimage.rotate(label.astype(float), TURNED, reshape=False, order=1)
    return np.asarray(turned > 0.5)


def _narrowed(label: Bools) -> Bools:
    height, width = label.shape
    narrow = resize(label, (height, round(NARROWER * width)))
    missing = width - narrow.shape[1]
    return np.pad(narrow, [(0, 0), (missing // 2, missing - missing // 2)])


def _moved(label: Bools) -> Bools:
    return np.roll(label, MOVED, axis=1)


def _with_label(sample: Sample, change: Callable[[Bools], Bools]) -> Sample:
    return replace(sample, label=change(np.asarray(sample.label)))


@cache
def ten_pairs(first: int) -> tuple[list[Sample], list[bool]]:
    """Return ten small training photographs of CHASE_DB1, and which of them have their own label.

    Args:
        first: 0 or 10, the first photograph's place; what is done comes in another order then.
    """
    training = load_set("chase_db1", "train")
    small = [rescale(training[place], DIAMETER) for place in range(first, first + 10)]

    def other_eye(sample: Sample) -> Sample:
        place = next(i for i, one in enumerate(small) if one is sample)
        label = np.asarray(small[place ^ 1].label)  # both eyes of a child are neighbours
        return replace(sample, label=resize(label, sample.fov.shape))

    changes: list[tuple[Callable[[Sample], Sample], bool]] = [
        (lambda sample: sample, True),
        (partial(_pale, left=0.3), True),
        (partial(_with_label, change=_moved), False),
        (partial(_pale, left=0.4), True),
        (partial(_with_label, change=_narrowed), False),
        (lambda sample: sample, True),
        (other_eye, False),
        (partial(_with_label, change=_turned), False),
        (partial(_pale, left=0.2), True),
        (only_photograph_mirrored, False),
    ]
    if first:
        changes.reverse()
    pairs = [change(sample) for (change, _), sample in zip(changes, small, strict=True)]
    return pairs, [belongs for _, belongs in changes]


@exercise(
    "9.3",
    "Open: which labels are strangers?",
    "A pale photograph and a wrong label look alike to a fixed cut. Compare a pair with itself.",
)
def strangers(function: Any) -> None:
    """Accept a function that tells at least nine of ten pairs that the learner has not seen."""
    pairs, truth = ten_pairs(10)
    said = []
    for one in pairs:
        found = result_of(function, one.photograph, np.asarray(one.label), one.fov)
        if not isinstance(found, bool | np.bool_):
            raise Hint(f"The function must return True or False; this is {type(found).__name__}.")
        said.append(bool(found))
    if len(set(said)) == 1:
        raise Hint(f"All ten other pairs get the answer {said[0]}. Half of them belong together.")
    right = sum(word == belongs for word, belongs in zip(said, truth, strict=True))
    refused = sum(belongs and not word for word, belongs in zip(said, truth, strict=True))
    if right < TARGET:
        wrong = 10 - right
        more = "refuses pairs that belong" if refused > wrong / 2 else "lets wrong pairs pass"
        advice = {
            "refuses pairs that belong": "Some photographs are pale. What else is weaker in them?",
            "lets wrong pairs pass": "What would happen to your number if the label were moved?",
        }
        raise Hint(f"{right} of ten other pairs are right; it mostly {more}. {advice[more]}")
