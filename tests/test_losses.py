"""Losses by name: by hand on small masks, and nothing outside the field of view."""

import numpy as np
import pytest

from fundus_utils.errors import FundusError
from fundus_utils.quiet import keras
from fundus_utils.training.losses import (
    LOSSES,
    DiceAtHalf,
    centre_line_dice,
    dice_of_probabilities,
    loss_called,
    soft_skeleton,
)

SHAPE = (1, 24, 24, 1)
EVERYWHERE = np.ones(SHAPE, np.float32)


def band(first, last):
    """A vessel across the picture, from row `first` to before row `last`."""
    mask = np.zeros(SHAPE, np.float32)
    mask[:, first:last] = 1
    return mask


def test_dice_of_probabilities_by_hand():
    label = np.float32([1, 1, 0, 0]).reshape(1, 4, 1, 1)
    probability = np.float32([1, 0.5, 0.5, 0]).reshape(1, 4, 1, 1)
    weight = np.ones_like(label)
    # 2 x 1.5 + 1 over 2 + 2 + 1
    assert float(dice_of_probabilities(label, probability, weight)) == pytest.approx(0.8)
    weight[0, 2] = 0  # the half false positive does not count: over 2 + 1.5 + 1
    assert float(dice_of_probabilities(label, probability, weight)) == pytest.approx(4 / 4.5)


def test_the_skeleton_of_a_band_is_its_middle_row():
    skeleton = np.asarray(soft_skeleton(band(9, 14)))[0, :, 12, 0]
    assert skeleton[11] == 1 and skeleton.sum() == 1


def test_centre_line_dice_forgives_width_and_not_a_gap():
    label = band(9, 14)
    thin = band(11, 12)
    broken = label.copy()
    broken[:, :, 8:16] = 0
    assert float(centre_line_dice(label, label, EVERYWHERE)) == pytest.approx(1)
    assert float(centre_line_dice(label, thin, EVERYWHERE)) == pytest.approx(1)
    assert float(dice_of_probabilities(label, thin, EVERYWHERE)) < 0.4
    assert float(centre_line_dice(label, broken, EVERYWHERE)) < 0.85
    assert float(centre_line_dice(label, band(0, 3), EVERYWHERE)) < 0.1


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_counts_nothing_outside_the_field_of_view(name):
    rng = np.random.default_rng(0)
    label = band(9, 14)
    probability = rng.uniform(0.1, 0.9, SHAPE).astype(np.float32)
    weight = EVERYWHERE.copy()
    weight[:, :, 12:] = 0
    changed = probability.copy()
    changed[:, :, 18:] = 0.99  # so far outside that no neighbourhood reaches in
    loss = loss_called(name)
    value = float(loss(label, probability, weight))
    assert float(loss(label, changed, weight)) == pytest.approx(value, rel=1e-5)
    assert float(loss(label, changed, EVERYWHERE)) != pytest.approx(value, rel=1e-2)
    assert float(loss(label, 0.98 * label + 0.01, weight)) < value


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_down_the_gradient_lowers_the_loss(name):
    inputs = keras.Input((None, None, 1))
    keras.utils.set_random_seed(0)
    model = keras.Model(
        inputs, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    )
    model.compile(keras.optimizers.Adam(0.05), loss_called(name))
    label = band(9, 14)
    losses = [model.train_on_batch(label, label, EVERYWHERE) for _ in range(20)]
    assert np.isfinite(losses).all() and losses[-1] < 0.8 * losses[0]


def test_the_dice_that_is_shown_is_pooled_and_inside():
    dice = DiceAtHalf()
    label = np.float32([1, 1, 0, 0]).reshape(1, 4, 1, 1)
    probability = np.float32([0.5, 0.4, 0.9, 0.1]).reshape(1, 4, 1, 1)
    dice.update_state(label, probability)
    assert float(dice.result()) == pytest.approx(2 / 4)  # one of two found, one false
    dice.update_state(label, probability, np.float32([1, 1, 0, 1]).reshape(1, 4, 1, 1))
    assert float(dice.result()) == pytest.approx(4 / 7)
    assert float(DiceAtHalf().result()) == 0


def test_a_misspelt_loss_names_the_known():
    with pytest.raises(FundusError, match=r"'focal'.*cross_entropy, cross_entropy_dice, cl_dice"):
        loss_called("focal")
