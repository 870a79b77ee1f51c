"""Checks of the exercises in 04, building the U-Net."""

from typing import Any

import numpy as np

from .checking import Hint, exercise, number, result_of
from .probes import brightest_pixels, convolutions, joins_of, map_of, reach_of, set_kernels

BELOW, SKIP, MADE = 32, 16, 16  # features, in exercise 4.1
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
