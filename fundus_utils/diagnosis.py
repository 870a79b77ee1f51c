"""What stands behind a loss: the last layer, the features that it gets, and how sure the map is."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from . import quiet
from .errors import FundusError
from .evaluation import best_threshold, measures

REACH = 20.0  # of a bias that is sought: the sigmoid of it differs from 0 or 1 by 2e-9


def head_of(model: Any) -> tuple[Any, NDArray[np.float64], float]:
    """Return what makes the map: a model of the features that go into the last layer, and its head.

    Args:
        model: a network whose last layer is a 1x1 convolution to one sigmoid.

    Returns:
        A model from an image to its last features (n, h, w, k), the last layer's k weights, float64
        (k,), and its bias.

    Raises:
        FundusError: the last layer is another one.
    """
    last = model.layers[-1]
    weights = last.get_weights()
    if len(weights) != 2 or weights[0].shape[:2] != (1, 1) or weights[1].shape != (1,):
        problem = f"the last layer of {model.name}, {last.name}, is no 1x1 convolution to one map"
        raise FundusError(problem, "only such a head can be looked into")
    kernel, bias = weights
    return (
        quiet.keras.Model(model.input, last.input),
        kernel[0, 0, :, 0].astype(np.float64),
        float(bias[0]),
    )


def cross_entropy_of(label: NDArray[np.bool_], logit: NDArray[np.float64]) -> float:
    """Return the mean binary cross-entropy in nats of a map that is sigmoid(logit).

    Args:
        label: bool, the shape of `logit`.
        logit: float64, any shape: what the last layer computes before its sigmoid.
    """
    return float(np.mean(np.logaddexp(0, logit) - label * logit))


def refitted_losses(label: NDArray[np.bool_], logit: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest loss that a map reaches by another bias, and by another bias and slope.

    Neither changes the order of the pixels: what they bring was missing in how sure the map is, not
    in what it shows (Platt 1999).

    Args:
        label, logit: as `cross_entropy_of` takes them.
    """

    def with_bias(shift: float) -> float:
        return cross_entropy_of(label, logit + shift)

    def with_both(values: NDArray) -> tuple[float, NDArray]:
        slope, shift = values
        moved = slope * logit + shift
        wrong = special.expit(moved) - label
        return cross_entropy_of(label, moved), np.array([np.mean(wrong * logit), np.mean(wrong)])

    shift = optimize.minimize_scalar(with_bias, bounds=(-REACH, REACH), method="bounded").x
    both = optimize.minimize(with_both, (1.0, shift), jac=True, method="BFGS")
    return with_bias(shift), min(float(both.fun), with_bias(shift))


def diagnose(model: Any, photographs: Iterable[Any]) -> dict[str, float]:
    """Measure a network's maps of whole photographs, pooled, and what they are made of.

    Args:
        model: see `head_of`.
        photographs: (image, label, weight) batches of one, see `crops.whole_photographs`; the
            weight is 1 inside the field of view.

    Returns:
        loss, accuracy (cut at 0.5): inside the field of view; loss_whole, accuracy_whole: in the
        whole pictures, with their black corners. auc, best_dice and best_threshold: inside.
        bias: of the last layer. silent: the share of the background inside the field of view where
        every feature that goes into the last layer is 0, so that the map is sigmoid(bias). spread:
        the standard deviation of the map; 0 is a collapse. loss_bias, loss_bias_and_slope: see
        `refitted_losses`.
    """
    features_of, kernel, bias = head_of(model)
    pixels: list[dict[str, NDArray]] = []
    for image, label_of_one, weight in photographs:
        features = np.asarray(features_of(image, training=False), np.float64)
        pixels.append(
            {
                "label": np.asarray(label_of_one).ravel() > 0,
                "logit": (features @ kernel + bias).ravel(),
                "silent": (features == 0).all(axis=-1).ravel(),
                "inside": np.asarray(weight).ravel() > 0,
            }
        )
    pooled = {name: np.concatenate([one[name] for one in pixels]) for name in pixels[0]}
    label = pooled["label"]
    logit = pooled["logit"]
    inside = pooled["inside"]
    probability = special.expit(logit)
    threshold, dice = best_threshold([(label[inside], probability[inside])])
    loss_bias, loss_both = refitted_losses(label[inside], logit[inside])
    at_half = measures(label[inside], probability[inside], 0.5)
    return {
        "loss": cross_entropy_of(label[inside], logit[inside]),
        "loss_whole": cross_entropy_of(label, logit),
        "accuracy": at_half["accuracy"],
        "accuracy_whole": float(((probability >= 0.5) == label).mean()),
        "auc": at_half["auc"],
        "best_dice": dice,
        "best_threshold": threshold,
        "bias": bias,
        "silent": float(pooled["silent"][inside & ~label].mean()),
        "spread": float(probability[inside].std()),
        "loss_bias": loss_bias,
        "loss_bias_and_slope": loss_both,
    }
