"""Checks of the exercises in 04, building the U-Net."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checking import Hint, exercise, number, result_of

BELOW, SKIP, MADE = 32, 16, 16  # features, in exercise 4.1
SIDE = 256  # of the pictures that a network is tried on, in pixels
SMALL_PARAMETERS = 3_681  # of the network of exercise 4.2
MOST_PARAMETERS = 3_000  # in exercise 4.3
LEAST_REACH = 92  # pixels, in exercise 4.3
BRIGHT = 100  # of the pixel that shows whether a map ends between 0 and 1


@exercise(
    "4.1",
    "A convolution after the skip",
    "Concatenated features add up, and each new feature has a kernel for every one of them.",
)
def parameters_after_skip(parameters: Any) -> None:
    """Accept the number of parameters of the convolution that reads the skip and what is below."""
    value = number(parameters)
    kernels = 9 * (BELOW + SKIP) * MADE
    if value in (9 * BELOW * MADE + MADE, 9 * SKIP * MADE + MADE):
        raise Hint("That convolution reads too few features. What does a skip do to their number?")
    if value in (9 * MADE + MADE, 9 * (BELOW + SKIP) + MADE, 9 * (BELOW + SKIP)):
        raise Hint("Those are too few kernels. Each feature made has one for each feature read.")
    if value in (BELOW + SKIP) * MADE + np.array([0, MADE]):
        raise Hint("That is a kernel of one number. This one is 3x3.")
    if value == kernels:
        raise Hint("The kernels are right. Something more is added to each feature that is made.")
    if value in (kernels + 1, kernels + BELOW + SKIP):
        raise Hint("The kernels are right. How many biases are there, and what do they belong to?")
    if value != kernels + MADE:
        raise Hint(
            "Ask in this order: features read? Numbers in one kernel? Kernels? Biases? "
            "The formula stands under the ten numbers of the first convolution."
        )


def built(function: Any) -> Any:
    """Return the network that the learner's function builds. Raises Hint if it is none."""
    model = result_of(function)
    if not hasattr(model, "layers") or not hasattr(model, "input_shape"):
        raise Hint(f"The function must return a keras.Model, not a {type(model).__name__}.")
    if tuple(model.input_shape) != (None, None, None, 1):
        raise Hint("The network must begin with keras.Input((None, None, 1)), for any size.")
    try:
        shape = tuple(map_of(model, (4, 4), 32)[None].shape)
    except Exception as error:  # Keras leaves it to the first picture to find sides that differ
        raise Hint(
            f"It stops ({type(error).__name__}) when it reads a picture of 32x32 pixels. Follow "
            "the side down and up: what is concatenated must have the same height and width."
        ) from error
    if shape != (1, 32, 32, 1):
        raise Hint(f"A picture (1, 32, 32, 1) gives {shape}. The map must be of the same shape.")
    return model


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


def convolutions(model: Any) -> list[Any]:
    """Return the layers of a network that make features, in order."""
    return [layer for layer in model.layers if hasattr(layer, "filters")]


def require_shares(model: Any) -> None:
    """Raise Hint where a map need not lie between 0 and 1, whatever its kernels are.

    A very bright pixel passes each layer unchanged; the last kernel then lets it through, and
    through with a minus. A sigmoid keeps both between 0 and 1.
    """
    set_kernels(model, middle_alone=True)
    highest = map_of(model, (4, 4), 32, BRIGHT)
    for layer in convolutions(model)[-1:]:
        kernel = next(weight for weight in layer.weights if len(weight.shape) == 4)
        kernel.assign(-np.asarray(kernel))
    lowest = map_of(model, (4, 4), 32, BRIGHT)
    if highest.max() > 1 or lowest.min() < 0:
        raise Hint(
            "A map lies between 0 and 1. With a very bright pixel in the picture, this one goes "
            f"from {lowest.min():.3g} to {highest.max():.3g}. Which activation ends a U-Net?"
        )
    if np.ptp(highest) == 0 and np.ptp(lowest) == 0:
        raise Hint(
            f"The map is {highest.max():.3g} everywhere, whatever the picture shows. Which "
            "activation gives one feature its own answer at each pixel?"
        )


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
    from fundus_utils.quiet import keras  # here, so that notebook 00 need not wait for it

    joins = [one.output for one in model.layers if type(one).__name__ == "Concatenate"]
    set_kernels(model, middle_alone=True)
    network = keras.Model(model.input, joins)
    black, found = network(one_bright(pixel, 32, 0)), network(one_bright(pixel, 32))
    sharpest = {}
    for before, after in zip(black, found, strict=True):
        change = np.asarray(after - before)[0].round(4)
        bright = np.count_nonzero(change, axis=(0, 1))
        sharpest[change.shape[0]] = int(min(bright[bright > 0], default=0))
    return sharpest


@exercise(
    "4.2",
    "Find the bug: a U-Net that has lost its sharpness",
    "Shapes that fit and a right number of parameters prove little. What counts is what can pass.",
)
def sharp_unet(function: Any) -> None:
    """Accept a small U-Net whose skips are taken before pooling and joined after upsampling."""
    model = built(function)
    kinds = [type(one).__name__ for one in model.layers]
    if kinds.count("MaxPooling2D") != 2:
        raise Hint("The network must still pool twice: that is how it sees far.")
    if kinds.count("Concatenate") != 2:
        raise Hint("A U-Net of two poolings has two skips, each concatenated on the way up.")
    require_shares(model)
    alike = brightest_pixels(model)
    if alike != 1:
        raise Hint(
            "Let each kernel look at its middle alone. Then one bright pixel of the picture "
            f"brightens {alike} pixels of the map, all by the same: its place is lost."
        )
    joins = joins_of(model, (4, 4))
    if sorted(joins) != [16, 32]:
        sides = " and ".join(map(str, joins))
        raise Hint(f"A picture of side 32 is joined at the side {sides}. Compare with Figure 4.5.")
    for side, bright in joins.items():
        if bright != 1:
            raise Hint(
                "One join is still coarse. Where a picture of side 32 is joined at the side "
                f"{side}, one bright pixel is {bright} in each feature. Where was that skip taken?"
            )
    if model.count_params() != SMALL_PARAMETERS:
        raise Hint(
            f"The places are kept, but the network has {model.count_params():,} parameters and not "
            f"{SMALL_PARAMETERS:,}. Nothing but the order of the layers has to change."
        )


@exercise(
    "4.3",
    "Open: see far for little",
    "A wide view need not cost much: poolings are free. Twice the features cost four times that.",
)
def far_and_small(function: Any) -> None:
    """Accept a network of few parameters that sees far and keeps the place of a pixel."""
    model = built(function)
    require_shares(model)
    if any(layer.filters < 4 for layer in convolutions(model)[:-1]):
        raise Hint("Each convolution but the last must make at least 4 features.")
    parameters = model.count_params()
    if parameters > MOST_PARAMETERS:
        raise Hint(
            f"{parameters:,} parameters; at most {MOST_PARAMETERS:,} are allowed. "
            "`model.summary()` says which layers have most of them."
        )
    reach, moved = reach_of(model)
    if reach < LEAST_REACH:
        raise Hint(
            f"With {parameters:,} parameters one pixel reaches {reach} pixels of the map; the "
            f"target is {LEAST_REACH}. What adds most in the table of the receptive field?"
        )
    if moved < 0.9 * LEAST_REACH**2:
        raise Hint(
            f"One pixel reaches {reach} pixels wide and high, but moves only {moved:,} of the "
            f"{reach**2:,} in that square. What lies between them is not seen."
        )
    alike = brightest_pixels(model)
    if alike != 1:
        raise Hint(
            f"It reaches {reach} pixels. But let each kernel look at its middle alone, and one "
            f"bright pixel brightens {alike} pixels alike. Which part of a U-Net keeps the place?"
        )
