"""Ask a network about one bright pixel: what moves says what can pass through it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_utils import quiet

SIDE = 256  # of the pictures that a network is tried on, in pixels


def one_bright(pixel: tuple[int, int], side: int = SIDE, value: float = 1) -> NDArray[np.float32]:
    """Return a black picture with one bright pixel, (1, side, side, 1)."""
    picture = np.zeros((1, side, side, 1), np.float32)
    picture[(0, *pixel, 0)] = value
    return picture


def map_of(
    model: Any, pixel: tuple[int, int], side: int = SIDE, value: float = 1
) -> NDArray[np.float32]:
    """Return what a network makes of a black picture with one bright pixel, (h, w, features)."""
    picture = one_bright(pixel, side, value)
    return np.asarray(model(picture, training=False))[0]


def black_map(model: Any) -> NDArray[np.float32]:
    """Return what a network makes of a black picture, (h, w, features)."""
    return np.asarray(model(np.zeros((1, SIDE, SIDE, 1), np.float32), training=False))[0]


def convolutions(model: Any) -> list[Any]:
    """Return the layers of a network that make features, in order."""
    return [layer for layer in model.layers if hasattr(layer, "filters")]


def set_kernels(model: Any, middle_alone: bool) -> None:
    """Set each kernel to ones, or to a mean over the features that looks at the middle alone."""
    for layer in model.layers:
        spreads = type(layer).__name__ == "Conv2DTranspose"  # it upsamples: no middle to look at
        for weight in layer.weights:
            shape = tuple(weight.shape)
            if weight.name == "bias":
                weight.assign(np.zeros(shape))
            if len(shape) != 4:
                continue
            kernel = np.ones(shape)
            if middle_alone and not spreads:
                kernel = np.zeros(shape)
                kernel[shape[0] // 2, shape[1] // 2] = 1
            if middle_alone:
                kernel /= shape[3 if spreads else 2]  # the features that come in
            weight.assign(kernel)


def brightest_pixels(model: Any) -> int:
    """Return how many pixels of the map one bright pixel changes most, all equally.

    No kernel looks beside its middle meanwhile, so 1 says that the place of a pixel is kept.
    """
    set_kernels(model, middle_alone=True)
    before = black_map(model)
    counts = []
    for pixel in ((4, 4), (5, 5)):
        change = np.abs(map_of(model, pixel) - before).round(4)
        counts.append(np.count_nonzero(change == change.max()))
    return int(max(counts))


def reach_of(model: Any) -> tuple[int, int]:
    """Return how high or wide the change is that one pixel makes, where it is smallest.

    The second number is how many pixels change, where they are fewest.
    """
    set_kernels(model, middle_alone=False)
    before = black_map(model)
    sides, counts = [], []
    for place in range(90, 170, 5):  # each remainder on dividing by 16
        moved = np.abs(map_of(model, (place, place)) - before)[..., 0] > 1e-6
        if not moved.any():
            return 0, 0
        counts.append(int(moved.sum()))
        for axis in (0, 1):
            sides.append(np.ptp(np.flatnonzero(moved.any(axis=axis))) + 1)
    return int(min(sides)), min(counts)


def joins_of(model: Any, pixel: tuple[int, int]) -> dict[int, int]:
    """Return what is concatenated when one pixel of a picture of side 32 is bright.

    By its side: how many pixels are bright in the sharpest feature. As no kernel looks beside its
    middle meanwhile, it is 1 where a skip comes from before the pooling.
    """
    joins = [one.output for one in model.layers if type(one).__name__ == "Concatenate"]
    set_kernels(model, middle_alone=True)
    network = quiet.keras.Model(model.input, joins)
    black, found = network(one_bright(pixel, 32, 0)), network(one_bright(pixel, 32))
    sharpest = {}
    for before, after in zip(black, found, strict=True):
        change = np.asarray(after - before)[0].round(4)
        bright = np.count_nonzero(change, axis=(0, 1))
        sharpest[change.shape[0]] = int(min(bright[bright > 0], default=0))
    return sharpest
