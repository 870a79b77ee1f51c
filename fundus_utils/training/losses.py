"""Losses by name, and the Dice shown while a network trains, inside the field of view."""

from collections.abc import Callable
from typing import Any

from ..errors import FundusError
from ..quiet import keras

ops = keras.ops
SKELETON_STEPS = 5  # erosions until nothing is left of the widest vessel of a photograph of 540


def cross_entropy() -> Any:
    """Return the binary cross-entropy in nats, averaged over the pixels inside the field of view.

    Keras' default divides by all pixels, also those of weight 0, and so flatters each photograph
    by the share of black round it; only the weighted mean can be compared with H(p).
    """
    return keras.losses.BinaryCrossentropy(
        reduction="mean_with_sample_weight",
        name="cross_entropy",
    )


def dice_of_probabilities(label: Any, probability: Any, weight: Any) -> Any:
    """Return 2 TP / (2 TP + FP + FN) of probabilities, in [0, 1] (Milletari et al. 2016).

    Args:
        label: (n, h, w, 1), 0 or 1.
        probability: (n, h, w, 1), in [0, 1].
        weight: (n, h, w, 1), 1 where a pixel counts and 0 elsewhere.
    """
    both = ops.sum(weight * label * probability)
    return (2 * both + 1) / (ops.sum(weight * label) + ops.sum(weight * probability) + 1)


def soft_skeleton(mask: Any) -> Any:
    """Return the centre lines of a soft mask (n, h, w, 1), by erosions alone (Shit et al. 2021)."""

    def smallest(x: Any, size: tuple[int, int]) -> Any:
        return -ops.max_pool(-x, size, strides=1, padding="same")

    def eroded(x: Any) -> Any:
        return ops.minimum(smallest(x, (3, 1)), smallest(x, (1, 3)))

    def lines(x: Any) -> Any:
        """Return what an opening, an erosion and a dilation, takes away."""
        return ops.relu(x - ops.max_pool(eroded(x), 3, strides=1, padding="same"))

    skeleton = lines(mask)
    for _ in range(SKELETON_STEPS):
        mask = eroded(mask)
        found = lines(mask)
        skeleton = skeleton + ops.relu(found - skeleton * found)
    return skeleton


def centre_line_dice(label: Any, probability: Any, weight: Any) -> Any:
    """Return clDice, in [0, 1]: do the centre lines of each lie in the other? (Shit et al. 2021).

    Args:
        label: (n, h, w, 1), 0 or 1.
        probability: (n, h, w, 1), in [0, 1].
        weight: (n, h, w, 1), 1 where a pixel counts and 0 elsewhere.
    """
    label = weight * label
    probability = weight * probability
    found_lines = soft_skeleton(probability)
    true_lines = soft_skeleton(label)
    precision = (ops.sum(found_lines * label) + 1) / (ops.sum(found_lines) + 1)
    sensitivity = (ops.sum(true_lines * probability) + 1) / (ops.sum(true_lines) + 1)
    return 2 * precision * sensitivity / (precision + sensitivity)


class _OfPixels(keras.losses.Loss):
    """A loss of a whole batch, in which the weight says which pixels count."""

    def __init__(self, name: str, measure: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__(name=name)
        self.measure = measure

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        label = ops.convert_to_tensor(y_true, y_pred.dtype)
        weight = ops.ones_like(label) if sample_weight is None else sample_weight
        return self.measure(label, y_pred, ops.convert_to_tensor(weight, y_pred.dtype))


def cross_entropy_dice() -> Any:
    """Return the mean of `cross_entropy` and 1 - `dice_of_probabilities` of the batch."""
    entropy = cross_entropy()

    def measure(label: Any, probability: Any, weight: Any) -> Any:
        overlap = dice_of_probabilities(label, probability, weight)
        return (entropy(label, probability, weight) + 1 - overlap) / 2

    return _OfPixels("cross_entropy_dice", measure)


def cl_dice() -> Any:
    """Return 1 less the mean of soft Dice and clDice, as Shit et al. (2021) train."""

    def measure(label: Any, probability: Any, weight: Any) -> Any:
        overlap = dice_of_probabilities(label, probability, weight)
        lines = centre_line_dice(label, probability, weight)
        return 1 - (overlap + lines) / 2

    return _OfPixels("cl_dice", measure)


# The losses that a preset may name. To add one: a function that returns a Keras loss, and a line.
LOSSES: dict[str, Callable[[], Any]] = {
    "cross_entropy": cross_entropy,
    "cross_entropy_dice": cross_entropy_dice,
    "cl_dice": cl_dice,
}


def loss_called(name: str) -> Any:
    """Return a new loss of LOSSES. Raises FundusError if there is none of that name."""
    if name not in LOSSES:
        raise FundusError(f"no loss is called {name!r}", f"choose from {', '.join(LOSSES)}")
    return LOSSES[name]()


class DiceAtHalf(keras.metrics.Metric):
    """The pooled Dice of maps that are cut at 0.5, shown while a network trains."""

    def __init__(self) -> None:
        """Count from zero."""
        super().__init__(name="dice")
        self.both = self.add_weight(name="both", initializer="zeros")
        self.either = self.add_weight(name="either", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch; sample_weight is 0 where a pixel does not count."""
        vessels = ops.cast(y_pred >= 0.5, "float32")
        weight = 1.0 if sample_weight is None else ops.cast(sample_weight, "float32")
        label = ops.cast(y_true, "float32")
        self.both.assign_add(ops.sum(2 * weight * label * vessels))
        self.either.assign_add(ops.sum(weight * (label + vessels)))

    def result(self) -> Any:
        """Return 2 TP / (2 TP + FP + FN); 0 where there is nothing at all."""
        return ops.divide_no_nan(self.both, self.either)
