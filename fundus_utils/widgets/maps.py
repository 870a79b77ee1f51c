"""Interactive figures of maps: another threshold, another input, another camera."""

import functools
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
from scipy import ndimage

from ..augmentation import merge
from ..errors import FundusError
from ..evaluation import confusion, dice
from ..figures import error_overlay
from ..photograph import Bools, Bytes, Floats, Sample, rescale
from ..prediction import predict_tiles
from ..trained_model import TrainedModel
from .panels import Panel, slider

PIECE = 256  # pixels: the side of what is predicted at each move, so that it answers at once


def measures_line(label: Bools, vessels: Bools) -> str:
    """Return accuracy, sensitivity, precision and Dice of some pixels, as one line of text."""
    tp, fp, fn, tn = confusion(label, vessels)
    accuracy = (tp + tn) / max(1, label.size)
    sensitivity = tp / max(1, tp + fn)
    precision = tp / max(1, tp + fp)
    both = dice(label, vessels)
    return (
        f"accuracy {accuracy:.3f}, sensitivity {sensitivity:.3f}, precision {precision:.3f}, "
        f"Dice {both:.3f}"
    )


def threshold_explorer(
    photograph: Bytes, label: Bools, probability: Floats, fov: Bools, threshold: float
) -> Panel:
    """Return a slider over the threshold: the photograph, its map's errors, and their measures."""
    cut = slider("threshold", threshold, 0.01, 0.99, 0.01)
    message = ipywidgets.Label()

    def draw() -> Bytes:
        vessels = probability >= cut.value
        message.value = measures_line(label[fov], vessels[fov])
        return np.concatenate([photograph, error_overlay(label, vessels, fov)], axis=1)

    alt = "A photograph, and a map's errors at the slider's threshold."
    return Panel([cut], draw, alt, message)


def middle_of(picture: np.ndarray, side: int = PIECE) -> np.ndarray:
    """Return the square in the middle of a picture, (H, W) or (H, W, n); all of a smaller one."""
    height, width = picture.shape[:2]
    top = max(0, height - side) // 2
    left = max(0, width - side) // 2
    return picture[top : top + side, left : left + side]


def _input_of(trained: TrainedModel, small: Bytes, fov: Bools) -> Floats:
    """Return the normalized input of a photograph that was scaled already, pixel for pixel."""
    nothing = np.zeros(fov.shape, bool)
    merged = merge(small, nothing, fov, trained.preparation.channels)
    return trained.preparation.image(merged)


def _answers(
    trained: TrainedModel,
    sample: Sample,
    controls: list[Any],
    change: Callable[[Sample], tuple[Bytes, Floats]],
    alt: str,
) -> Panel:
    """Return a panel: the middle of a changed photograph, and the errors of its map."""
    if sample.label is None:
        raise FundusError(f"{sample.name} has no label", "take a sample with a label")
    small = rescale(sample, trained.card["fov_diameter"])
    label = middle_of(np.asarray(small.label))
    fov = middle_of(small.fov)
    message = ipywidgets.Label()

    def draw() -> Bytes:
        shown, numbers = change(small)
        vessels = predict_tiles(trained.model, middle_of(numbers)) >= trained.threshold
        message.value = measures_line(label[fov], vessels[fov])
        pictures = [middle_of(shown), error_overlay(label, vessels, fov)]
        return np.concatenate(pictures, axis=1).repeat(2, axis=0).repeat(2, axis=1)

    return Panel(controls, draw, alt, message)


def input_explorer(trained: TrainedModel, sample: Sample) -> Panel:
    """Return sliders over mean and standard deviation of a network's input, and what they do.

    Raises:
        FundusError: the sample has no label.
    """
    mean = slider("mean of the input", 0, -20, 20, 1)
    width = slider("its std (log10)", 0, -2, 2, 0.1)

    def change(small: Sample) -> tuple[Bytes, Floats]:
        right = _input_of(trained, small.photograph, small.fov)
        numbers = (10**width.value * right + mean.value).astype(np.float32)
        grey = np.where(small.fov, (numbers[..., 0] + 4) / 8 * 255, 0).clip(0, 255)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2), numbers

    alt = "The input of a network, drawn from -4 to 4, and the errors of its map."
    return _answers(trained, sample, [mean, width], change, alt)


@functools.lru_cache(1)
def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, shape)


def camera_explorer(trained: TrainedModel, sample: Sample) -> Panel:
    """Return sliders that change a photograph as another camera would, and the map that results.

    Raises:
        FundusError: the sample has no label.
    """
    light = slider("brightness (times)", 1, 0.2, 2, 0.1)
    contrast = slider("contrast (times)", 1, 0.1, 2, 0.1)
    blur = slider("blur (pixels)", 0, 0, 4, 0.25)
    grain = slider("grain (grey levels)", 0, 0, 40, 2)

    def change(small: Sample) -> tuple[Bytes, Floats]:
        mean = small.photograph[small.fov].mean(axis=0)
        picture = light.value * (mean + contrast.value * (small.photograph - mean))
        if blur.value:
            picture = ndimage.gaussian_filter(picture, (blur.value, blur.value, 0))
        if grain.value:
            picture = picture + grain.value * _noise(picture.shape)
        picture = np.where(small.fov[..., None], picture, 0)
        shown = np.rint(picture.clip(0, 255)).astype(np.uint8)
        return shown, _input_of(trained, shown, small.fov)

    alt = "The middle of a photograph as another camera would take it, and the errors of its map."
    return _answers(trained, sample, [light, contrast, blur, grain], change, alt)
