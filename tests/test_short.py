"""Short trainings of a lesson: repeatable, from fresh weights each time, looked at on the way."""

import numpy as np
import pytest

from fundus_utils import unet
from fundus_utils.preparation import Preparation
from fundus_utils.training.crops import Crops, whole_photographs
from fundus_utils.training.short import ShortTraining


@pytest.fixture(scope="module")
def merged() -> np.ndarray:
    """Return one merged picture: a dark cross on grey."""
    picture = np.full((64, 64, 3), 128, np.uint8)
    picture[..., 1] = 0
    picture[..., 2] = 255
    picture[30:34, :, :2] = (60, 255)
    picture[:, 30:34, :2] = (60, 255)
    return picture


def test_it_forgets_all_of_the_run_before(merged: np.ndarray) -> None:
    preparation = Preparation(channels=("green",), normalization="photograph", fov_diameter=64)
    crops = Crops([merged], preparation, size=32)
    short = ShortTraining(lambda: unet.compact_unet(width=2, depth=1), rate=1e-2)
    watched = whole_photographs(preparation, [merged])
    first = short.run(crops.batches(4), steps=8, seed=3, parts=2, watched=watched)
    other = short.run(crops.batches(4), steps=8, seed=4, parts=2)
    again = short.run(crops.batches(4), steps=8, seed=3, parts=2, watched=watched)
    assert first["step"].tolist() == [4, 8]
    assert again["training_loss"].tolist() == pytest.approx(first["training_loss"].tolist())
    assert again["loss"].tolist() == pytest.approx(first["loss"].tolist())
    assert other["training_loss"].tolist() != pytest.approx(first["training_loss"].tolist())
    assert {"bias", "silent", "spread"} <= set(first) and "bias" not in other


def test_the_loss_of_a_part_is_that_of_its_steps_alone(merged: np.ndarray) -> None:
    preparation = Preparation(channels=("green",), normalization="photograph", fov_diameter=64)
    crops = Crops([merged], preparation, size=32)
    short = ShortTraining(lambda: unet.compact_unet(width=2, depth=1), rate=0.0)
    still = crops.batches(4, steps=2).cache().repeat()
    losses = short.run(still, steps=6, parts=3)["training_loss"]
    assert losses.nunique() == 1  # a rate of 0 changes nothing, and the crops are the same


def test_it_keeps_the_maps_of_the_last_run(merged: np.ndarray) -> None:
    preparation = Preparation(channels=("green",), normalization="photograph", fov_diameter=64)
    crops = Crops([merged], preparation, size=32)
    short = ShortTraining(lambda: unet.compact_unet(width=2, depth=1), rate=1e-2)
    watched = list(whole_photographs(preparation, [merged]))
    short.run(crops.batches(4), steps=8, parts=2, watched=watched)
    assert list(short.maps) == [4, 8]
    assert short.maps[8].shape == (64, 64)
    now = np.asarray(short.model(watched[0][0], training=False))[0, ..., 0]
    np.testing.assert_array_equal(short.maps[8], now)
    assert not np.array_equal(short.maps[4], short.maps[8])
    short.run(crops.batches(4), steps=8, parts=2)
    assert short.maps == {}  # nothing was watched


def test_another_rate_counts_from_then_on(merged: np.ndarray) -> None:
    preparation = Preparation(channels=("green",), normalization="photograph", fov_diameter=64)
    crops = Crops([merged], preparation, size=32)
    short = ShortTraining(lambda: unet.compact_unet(width=2, depth=1), rate=1e-2)
    short.run(crops.batches(4), steps=4, parts=1, rate=0.0)
    fresh = [np.array(one) for one in short.model.get_weights()]
    short.run(crops.batches(4), steps=8, parts=1)
    trainable = {id(one) for one in short.model.trainable_variables}
    for before, variable in zip(fresh, short.model.weights, strict=True):
        if id(variable) in trainable:
            np.testing.assert_array_equal(before, np.asarray(variable))
