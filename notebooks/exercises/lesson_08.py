"""Checks of the exercises in 08, generalization."""

import functools
from typing import Any

import numpy as np

from fundus_utils import synthetic
from fundus_utils.data import load_set
from fundus_utils.evaluation import dice
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model

from .checking import Hint, exercise, number, result_of

WIDTH = 14  # pixels, of the vessel of exercise 8.1
DIAMETER = 3300  # pixels, of its field of view
TRAINED_AT = 540  # pixels
SOFT = "the soft camera"
TARGETS = {SOFT: 0.7, "CHASE_DB1": 0.79}  # Dice, by camera


@exercise(
    "8.1",
    "How wide does the network see it?",
    "The network never meets a vessel of 14 pixels: once scaled, HRF looks like other cameras.",
)
def seen_width(width: Any) -> None:
    """Accept the width after the field of view was brought to the diameter of the training."""
    value = number(width)
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
    eye[2, 3:6] = 0  # a vessel may be black in green, too
    inside = np.ones((24, 24), bool)
    expected = (eye - eye.mean()) / eye.std()
    framed = rng.uniform(0, 4, (48, 48))  # a frame is dark, but not quite 0
    framed[12:36, 12:36] = eye
    field = np.pad(inside, 12)
    plain = np.asarray(result_of(function, eye, inside), float)
    if plain.shape != eye.shape:
        raise Hint(f"The result has the shape {plain.shape}; it must be that of `green`.")
    if not np.allclose(plain, expected, atol=0.02):
        raise Hint("Without any frame it must have mean 0 and standard deviation 1. It has not.")
    if not np.allclose(np.asarray(result_of(function, 0.6 * eye, inside)), expected, atol=0.02):
        raise Hint("A photograph 0.6 times as bright no longer gives the same.")
    moved = np.asarray(result_of(function, framed, field), float)
    if moved.shape != framed.shape:
        raise Hint(f"With a frame the result has the shape {moved.shape}; keep that of `green`.")
    if not np.allclose(moved[field], expected.ravel(), atol=0.02):
        raise Hint(
            "Put a black frame round a small array and print the mean before and after. "
            f"The first pixel of the eye was {expected[0, 0]:.2f}, with the frame it is "
            f"{moved[field][0]:.2f}."
        )


@functools.cache
def maps_of(camera: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return label and probability inside the field of view of some eyes of a camera."""
    network = load_model("shipped")
    eyes: list[Any] = list(load_set("chase_db1", "validation"))[::2]
    if camera == SOFT:
        ranges = synthetic.CAMERAS["soft"]
        eyes = [synthetic.draw_eye(7, number, 720, ranges) for number in (0, 2, 4)]
    found = []
    for eye in eyes:
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
    for camera, target in TARGETS.items():
        scores = []
        shares = []
        for label, probability in maps_of(camera):
            threshold = float(result_of(function, probability))
            if not 0 <= threshold <= 1:
                raise Hint(f"A threshold lies between 0 and 1; this one is {threshold:.3g}.")
            called = probability >= threshold
            scores.append(dice(label, called))
            shares.append(float(called.mean()))
        reached = float(np.mean(scores))
        if reached < target:
            direction = "few" if np.mean(shares) < 0.08 else "many"
            raise Hint(
                f"On {camera} Dice is {reached:.3f}; the target is {target}. {np.mean(shares):.0%} "
                f"of the pixels are called vessel, rather {direction}. How many were it in the "
                "eyes of notebook 01?"
            )
