"""Checks of the exercises in 08, generalization."""

import functools
from typing import Any

import numpy as np

from fundus_utils import synthetic
from fundus_utils.evaluation import dice
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

from .checking import Hint, answered, exercise, result_of

WIDTH = 14  # pixels, of the vessel of exercise 8.1
DIAMETER = 3300  # pixels, of its field of view
TRAINED_AT = 540  # pixels


@exercise(
    "8.1",
    "How wide does the network see it?",
    "The network never meets a vessel of 14 pixels: once scaled, HRF looks like other cameras.",
)
def seen_width(width: Any) -> None:
    """Accept the width after the field of view was brought to the diameter of the training."""
    value = float(answered(width))
    if abs(value - WIDTH) < 0.05:
        raise Hint("That is its width on the photograph. What is done before the network sees it?")
    if abs(value - WIDTH * DIAMETER / TRAINED_AT) < 1:
        raise Hint("The photograph is made smaller, not larger: the field shrinks to 540 pixels.")
    if abs(value - WIDTH * TRAINED_AT / DIAMETER) > 0.05:
        raise Hint("All lengths shrink by one factor: the one that brings the field to its place.")


@exercise(
    "8.2",
    "Find the bug: two cameras, one eye",
    "The black frame is no part of the eye. Statistics count what the camera saw, and only that.",
)
def without_frame(function: Any) -> None:
    """Accept a normalization that neither brightness nor a black frame changes."""
    rng = np.random.default_rng(0)
    eye = rng.uniform(40, 90, (24, 24))
    inside = np.ones((24, 24), bool)
    expected = (eye - eye.mean()) / eye.std()
    framed = np.pad(eye, 12)
    field = np.pad(inside, 12)
    plain = np.asarray(result_of(function, eye, inside), float)
    if plain.shape != eye.shape:
        raise Hint(f"The result has the shape {plain.shape}; it must be that of `green`.")
    if not np.allclose(plain, expected):
        raise Hint("Without any frame it must have mean 0 and standard deviation 1. It has not.")
    if not np.allclose(np.asarray(result_of(function, 0.6 * eye, inside)), expected):
        raise Hint("A photograph 0.6 times as bright no longer gives the same.")
    moved = np.asarray(result_of(function, framed, field), float)
    if moved.shape != framed.shape:
        raise Hint(f"With a frame the result has the shape {moved.shape}; keep that of `green`.")
    if not np.allclose(moved[field], expected.ravel()):
        raise Hint(
            "Put a black frame round a small array and print the mean before and after. "
            f"The first pixel of the eye was {expected[0, 0]:.2f}, with the frame it is "
            f"{moved[field][0]:.2f}."
        )


@functools.cache
def soft_maps() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return label and probability inside the field of view of three eyes of a soft camera."""
    network = load_model("shipped")
    found = []
    for number in (0, 2, 4):
        eye = synthetic.draw_eye(7, number, 720, synthetic.CAMERAS["soft"])
        probability = predict_map(network, eye.photograph, eye.fov, flips=False)
        found.append((np.asarray(eye.label)[eye.fov], probability[eye.fov]))
    return found


@exercise(
    "8.3",
    "Open: a threshold without labels",
    "The order of a map's values travels better than the values: so a share travels better too.",
)
def threshold_from_the_map(function: Any) -> None:
    """Accept a rule for the threshold that beats the one of the card on another camera."""
    result_of(function, np.linspace(0, 1, 101, dtype=np.float32))
    scores = []
    shares = []
    for label, probability in soft_maps():
        threshold = float(result_of(function, probability))
        if not 0 <= threshold <= 1:
            raise Hint(f"A threshold lies between 0 and 1; this one is {threshold:.3g}.")
        called = probability >= threshold
        scores.append(dice(label, called))
        shares.append(float(called.mean()))
    reached = float(np.mean(scores))
    if reached < 0.66:
        direction = "few" if np.mean(shares) < 0.08 else "many"
        raise Hint(
            f"Dice {reached:.2f}; the target is 0.66. {np.mean(shares):.0%} of the pixels are "
            f"called vessel, rather {direction}. How many were it in the eyes of notebook 01?"
        )
