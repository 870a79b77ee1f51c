"""Interactive figures of a network: its levels from inside, and pictures one after another."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np

from .. import quiet
from ..figures import CYAN
from ..photograph import Bools, Bytes, Floats, resize
from ..prediction import prepare_image
from ..trained_model import TrainedModel
from .maps import middle_of
from .panels import SIDE, STYLE, Panel, dropdown


def as_shown(picture: np.ndarray) -> Bytes:
    """Return a picture as grey levels or colours, a small one enlarged by a whole factor.

    Args:
        picture: uint8 or bool (H, W), uint8 (H, W, 3), or float (H, W) in [0, 1], as a map is.
    """
    if picture.dtype.kind in "bf":
        picture = np.rint(picture.astype(float).clip(0, 1) * 255).astype(np.uint8)
    times = max(1, SIDE // picture.shape[0])
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def picture_slider(pictures: Mapping[str, np.ndarray], label: str, alt: str) -> Panel:
    """Return a slider through pictures of one size, by name; see `as_shown`.

    Args:
        pictures: by what is written beside the slider.
        label: of the slider.
        alt: the pictures in words.
    """
    shown = {name: as_shown(picture) for name, picture in pictures.items()}
    names = ipywidgets.SelectionSlider(
        options=list(shown),
        description=label,
        style=STYLE,
        layout={"width": "32em"},
    )
    return Panel([names], lambda: shown[names.value], alt)


def stages_of(model: Any) -> dict[str, Any]:
    """Return the output of each level of a U-Net, on the way down and up, by name."""
    layers = quiet.keras.layers
    down = [one.input for one in model.layers if isinstance(one, layers.MaxPooling2D)]
    up = [one.input for one in model.layers if isinstance(one, layers.UpSampling2D)]
    named = {f"level {level}, down": tensor for level, tensor in enumerate(down)}
    named[f"level {len(down)}, lowest"] = up[0]
    for level, tensor in zip(range(len(down) - 1, 0, -1), up[1:], strict=True):
        named[f"level {level}, up"] = tensor
    return named | {"level 0, up": model.layers[-1].input}


def fields_of(depth: int) -> list[int]:
    """Return the receptive field after each stage of `stages_of`, in pixels of the input.

    As `unet.receptive_field`: a 3x3 convolution on level l adds 2 * 2**l, a pooling 2**l.
    """
    seen = 1
    found = []
    for level in range(depth):
        seen += 4 * 2**level
        found.append(seen)
        seen += 2**level
    for level in range(depth, -1, -1):
        seen += 4 * 2**level
        found.append(seen)
    return found


def mosaic(features: Floats, side: int) -> Bytes:
    """Return up to 16 feature maps side by side, each from its lowest (black) to its highest.

    Args:
        features: float (h, w, n).
        side: of the square that is returned, in pixels; a multiple of 4.
    """
    tile = side // 4
    canvas = np.zeros((side, side), np.uint8)
    for number in range(min(16, features.shape[2])):
        one = features[..., number]
        span = max(float(np.ptp(one)), 1e-6)
        grey = np.rint((one - one.min()) / span * 255).astype(np.uint8)
        row, column = divmod(number, 4)
        place = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
        canvas[place] = resize(grey, (tile, tile))
    return canvas


def with_square(picture: Bytes, side: int) -> Bytes:
    """Return a picture, uint8 (H, W, 3), with a square of a side outlined in its middle."""
    marked = picture.copy()
    middle_row, middle_column = (length // 2 for length in picture.shape[:2])
    top, left = max(0, middle_row - side // 2), max(0, middle_column - side // 2)
    inner = np.zeros(picture.shape[:2], bool)
    inner[top : middle_row + side // 2 + 1, left : middle_column + side // 2 + 1] = True
    edge = inner.copy()
    edge[top + 1 : middle_row + side // 2, left + 1 : middle_column + side // 2] = False
    marked[edge] = CYAN
    return marked


def unet_explorer(trained: TrainedModel, photograph: Bytes, fov: Bools) -> Panel:
    """Return a menu of a U-Net's levels: their shapes, feature maps and receptive fields.

    Args:
        trained: a network of this package's `compact_unet`.
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).
    """
    numbers = middle_of(prepare_image(trained, photograph, fov))
    low, high = np.percentile(numbers, [1, 99])
    grey = ((numbers[..., 0] - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    place = np.repeat(grey[..., None], 3, axis=2)
    stages = stages_of(trained.model)
    inside = quiet.keras.Model(trained.model.inputs, list(stages.values()))
    features = [np.asarray(one)[0] for one in inside.predict_on_batch(numbers[None])]
    seen = fields_of(len(stages) // 2)
    level = dropdown("level", list(stages))
    message = ipywidgets.Label()

    def draw() -> Bytes:
        found = features[level.index]
        height, width, count = found.shape
        message.value = (
            f"{height} x {width} pixels, {count} features (16 at most are shown); each number "
            f"has seen {seen[level.index]} x {seen[level.index]} pixels of the input"
        )
        maps = np.repeat(mosaic(found, place.shape[0])[..., None], 3, axis=2)
        pictures = [with_square(place, seen[level.index]), maps]
        return np.concatenate(pictures, axis=1).repeat(2, axis=0).repeat(2, axis=1)

    alt = "The input with a square, what one number of a level has seen, and its feature maps."
    return Panel([level], draw, alt, message)
