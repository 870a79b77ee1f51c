"""Checks of the exercises in 05, training."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checking import Hint, exercise, number, result_of

STEPS = 200  # of the small training in exercise 5.3
TARGET = 30.0  # what its weight should become
TO_BEAT = 0.20  # its loss in the end

# What a wrong way of reckoning makes of exercise 5.1, and what is said to it.
TYPICAL_LOSSES = {
    0.325: "That is the lowest loss of a constant map. Has the bias arrived there?",
    0.693: "That is the loss before the first step. Where is the bias after 500?",
    0.924: "That map says vessel nearly everywhere. Which way must the bias move?",
    0.756: "That is counted in bits. The course counts in nats: take the natural logarithm.",
    0.974: "That is what a vessel pixel costs. Now take in the others.",
    0.474: "That is what a background pixel costs. Some pixels are vessels.",
    0.378: "That is what the map says. What does a map cost that says this everywhere?",
    0.623: "Did you multiply the rate by the gradient? Adam divides the gradient by its own size.",
}


@exercise(
    "5.1",
    "The loss of a silent network",
    "Such a loss counts steps. It falls below 0.5, and on to 0.33, without a single vessel.",
)
def silent_loss(loss: Any) -> None:
    """Accept the loss of a map sigmoid(-0.5) where a tenth of the pixels are vessels."""
    value = number(loss)
    if value < 0:
        raise Hint("A loss is never below 0: the logarithm of a probability is, hence the minus.")
    if value > 1:
        raise Hint("A silent network begins at 0.69 and goes down. Give nats, not a percentage.")
    for typical, hint in TYPICAL_LOSSES.items():
        if abs(value - typical) < 0.006:
            raise Hint(hint)
    if abs(value - 0.524) > 0.014:
        raise Hint(
            "Take three steps: where is the bias? What does the sigmoid make of it? What does that "
            "cost on a vessel pixel, what on background, and how many are there of each?"
        )


# Losses, the patience, and the epoch to keep; Keras's EarlyStopping agrees.
COURSES: list[tuple[list[float], int, int, str]] = [
    (
        [0.5, 0.4, 0.3, 0.35, 0.36, 0.2],
        2,
        2,
        "Nobody trains on after epoch 4, and at epoch 4 the network is worse than it was.",
    ),
    ([0.5, 0.4, 0.3], 2, 2, "Here each epoch is better than the one before."),
    (
        [0.5, 0.3, 0.5, 0.4, 0.5, 0.4, 0.2],
        2,
        1,
        "The losses go up and down. Which epochs are better than all before them?",
    ),
    ([0.5, 0.3, 0.3, 0.3, 0.2], 2, 1, "An equal loss is no progress."),
    ([0.5, 0.6, 0.4, 0.45, 0.3], 2, 4, "One bad epoch is no reason to stop."),
    ([0.5], 2, 0, "A training of one epoch has weights to keep, too."),
    ([0.5, 0.4, 0.45, 0.3], 1, 1, "With this patience one bad epoch ends the training."),
    ([0.5, 0.4, 0.45, 0.42, 0.3], 3, 4, "With this patience two bad epochs do not end it."),
]


@exercise(
    "5.2",
    "Find the bug: early stopping",
    "Compare with the best so far, and keep the best. The last is what patience has waited for.",
)
def early_stopping(function: Any) -> None:
    """Accept a function that says which epoch's weights early stopping keeps."""
    for losses, patience, expected, remark in COURSES:
        found = result_of(function, list(losses), patience)
        if isinstance(found, Sequence) or number(found) != expected:
            said = f"For the losses {losses} and a patience of {patience} it says {found!r:.40}."
            raise Hint(f"{said} {remark}")


def errors_in_the_end(rates: Sequence[float]) -> NDArray[np.float64]:
    """Train a weight from 0 towards 30 a thousand times; return how far each ends from it.

    Each step sees another batch: the gradient of (weight - 30)², plus noise of deviation 10.
    """
    random = np.random.default_rng(0)
    weights = np.zeros(1000)
    for rate in rates:
        gradient = 2 * (weights - TARGET) + random.normal(0, 10, 1000)
        weights -= rate * gradient
    return weights - TARGET


def noisy_training(rate: Callable[[int], float]) -> float:
    """Return the loss after 200 steps, step i at the learning rate rate(i): a mean of 1,000."""
    return float(np.mean(errors_in_the_end([rate(step) for step in range(STEPS)]) ** 2))


@exercise(
    "5.3",
    "Open: a better learning rate",
    "Far away a high rate saves steps; near the goal a low one averages the noise of the batches.",
)
def better_rate(function: Any) -> None:
    """Accept a learning-rate schedule that ends nearer to the goal than any constant rate."""
    rates = [number(result_of(function, step)) for step in range(STEPS)]
    if min(rates) < 0:
        raise Hint("A learning rate is a number, 0 or more, for each step from 0 to 199.")
    if max(rates) > 1:
        raise Hint("A rate above 1 jumps over the goal, and lands farther off than it began.")
    errors = errors_in_the_end(rates)
    distance, scatter = errors.mean() ** 2, errors.var()
    if distance + scatter < TO_BEAT:
        return
    reached = f"Loss {distance + scatter:.3f}; the target is below {TO_BEAT:.3f}."
    if min(rates) == max(rates):
        raise Hint(f"{reached} No constant rate gets there. When is a high rate good, when a low?")
    if distance > scatter:
        raise Hint(f"{reached} Most of it is way still to go: the rates are too low on the whole.")
    raise Hint(f"{reached} Most of it is scatter, from the noise of the batches in the last steps.")
