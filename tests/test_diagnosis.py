"""What stands behind a loss: silent features, a collapsed map, a timid one."""

import numpy as np
import pytest

from fundus_utils import unet
from fundus_utils.diagnosis import cross_entropy_of, diagnose, head_of, refitted_losses
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import base_rate_loss
from fundus_utils.quiet import keras

layers = keras.layers


def one_pixel_network(bias: float, weight: float = 1.0, shift: float = 0.0) -> keras.Model:
    """Return a network whose map is sigmoid(weight * relu(x - shift) + bias)."""
    inputs = keras.Input((None, None, 1))
    feature = layers.Conv2D(1, 1, activation="relu")
    last = layers.Conv2D(1, 1, activation="sigmoid")
    model = keras.Model(inputs, last(feature(inputs)))
    feature.set_weights([np.ones((1, 1, 1, 1)), np.array([-shift])])
    last.set_weights([np.full((1, 1, 1, 1), weight), np.array([bias])])
    return model


@pytest.fixture
def photograph() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (image, label, weight): 20 vessel pixels of 100 inside, a column of 10 outside."""
    image = np.zeros((1, 10, 11, 1), np.float32)
    image[:, :2, :10] = 1
    weight = np.ones_like(image)
    weight[:, :, 10] = 0
    return image, image.copy(), weight


def test_a_timid_map_is_right_and_costs_much(photograph) -> None:
    found = diagnose(one_pixel_network(bias=-0.6, weight=1.2), [photograph])
    assert found["silent"] == 1.0  # all of the background: its map is sigmoid(-0.6)
    assert found["bias"] == pytest.approx(-0.6)
    assert found["accuracy"] == found["auc"] == found["best_dice"] == 1.0
    by_hand = -0.2 * np.log(1 / (1 + np.exp(-0.6))) - 0.8 * np.log(1 - 1 / (1 + np.exp(0.6)))
    assert found["loss"] == pytest.approx(by_hand, abs=1e-6)
    assert found["loss"] > 0.4 > 0.1 > found["loss_bias_and_slope"]
    assert found["loss_bias_and_slope"] <= found["loss_bias"] <= found["loss"]


def test_a_collapsed_map_has_no_spread_and_costs_at_best_the_entropy(photograph) -> None:
    found = diagnose(one_pixel_network(bias=0.0, shift=2.0), [photograph])
    assert found["spread"] == 0 and found["silent"] == 1 and found["auc"] == 0.5
    assert found["loss"] == pytest.approx(np.log(2))
    assert found["loss_bias"] == pytest.approx(base_rate_loss(0.2), abs=1e-6)


def test_the_whole_picture_counts_its_corners(photograph) -> None:
    found = diagnose(one_pixel_network(bias=-3.0, weight=0.0), [photograph])
    assert found["accuracy"] == pytest.approx(80 / 100)
    assert found["accuracy_whole"] == pytest.approx(90 / 110)
    assert found["loss_whole"] < found["loss"]


def test_photographs_of_two_sizes_are_pooled(photograph) -> None:
    image, label, weight = photograph
    larger = tuple(np.tile(one, (1, 2, 1, 1)) for one in photograph)
    network = one_pixel_network(bias=-0.6, weight=1.2)
    pooled = diagnose(network, [(image, label, weight), larger])
    assert pooled == pytest.approx(diagnose(network, [photograph]))  # the same shares


def test_logits_far_out_stay_finite() -> None:
    label = np.array([True, False])
    assert cross_entropy_of(label, np.array([1e4, -1e4])) == 0
    assert cross_entropy_of(label, np.array([-1e4, 1e4])) == pytest.approx(1e4)


def test_a_good_fit_is_left_as_it_is() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(-1, 1.5, 40_000)
    label = rng.random(40_000) < 1 / (1 + np.exp(-logit))
    loss = cross_entropy_of(label, logit)
    with_bias, with_both = refitted_losses(label, logit)
    assert loss - 2e-4 < with_both <= with_bias <= loss + 1e-6


def test_the_networks_of_the_course_have_such_a_head() -> None:
    features_of, kernel, _ = head_of(unet.article_unet(None, width=2))
    assert features_of.output_shape[-1] == len(kernel) == 2
    assert len(head_of(unet.compact_unet(width=4))[1]) == 4


def test_another_head_is_refused() -> None:
    inputs = keras.Input((None, None, 1))
    wide = keras.Model(inputs, layers.Conv2D(1, 3, padding="same")(inputs), name="wide")
    with pytest.raises(FundusError, match=r"the last layer of wide.*no 1x1 convolution"):
        head_of(wide)
