"""Training crops, whole photographs, streamed eyes: one preparation for all of them."""

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fundus_utils.augmentation import STILL, split
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.photograph import diameter_of
from fundus_utils.prediction import predict_map
from fundus_utils.preparation import Preparation
from fundus_utils.synthetic import SICK, draw_eye
from fundus_utils.trained_model import TrainedModel
from fundus_utils.training.crops import Crops, EndlessCrops, whole_photographs
from fundus_utils.training.eyes import APART, LARGER, Eyes, as_sample, draw_merged
from fundus_utils.training.losses import cross_entropy
from fundus_utils.training.patients import prepare_sets

PREPARATION = Preparation(fov_diameter=96, mean=0.3, std=0.1)
BY_PHOTOGRAPH = Preparation(fov_diameter=96, normalization="photograph")
SEED = 2026


@pytest.fixture
def tiny_set(drawn_folder):
    """Six small drawn eyes of three patients as a reader's own folder."""
    return load_set(f"folder:{drawn_folder}", "all")


@pytest.fixture
def crops(tiny_set):
    """Crops of them."""
    return Crops(prepare_sets([tiny_set], PREPARATION), PREPARATION, size=32)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("channels", [("green",), ("red", "grey")])
@pytest.mark.parametrize("way", ["dataset", "photograph"])
def test_one_photograph_is_the_same_array_through_every_door(channels, way):
    preparation = Preparation(
        channels=channels,
        fov_diameter=124,  # neither side of the picture is a multiple of 16
        normalization=way,
        mean=0.3,
        std=0.1,
    )
    eye = draw_eye(APART + 5, 0, round(LARGER * 124), SICK)
    sample = as_sample(eye)

    # Prediction, as the commands, the notebooks and the widgets use it: what the network is given.
    given = []

    def network(batch):
        given.append(batch)
        return np.zeros((*batch.shape[:3], 1), np.float32)

    card = {
        "channels": list(channels),
        "fov_diameter": 124,
        "normalization": way,
        "threshold": 0.5,
    }
    trained = TrainedModel(SimpleNamespace(predict_on_batch=network), card, 0.3, 0.1)
    predict_map(trained, sample.photograph, sample.fov)
    predicted = given[0][0]

    # Validation.
    merged = preparation.merged(sample)
    whole = next(iter(whole_photographs(preparation, [merged])))[0].numpy()[0]

    # The stream of drawn eyes, and a training crop that is the whole picture and does not move.
    streamed = draw_merged(5 + APART, 0, preparation, SICK)
    height, width = merged.shape[:2]

    def uncropped(merged, rng, ranges, **more):
        return merged

    crop, _, _ = Crops([merged], preparation, ranges=STILL, augment=uncropped)[0]

    assert predicted.shape[0] % 16 == predicted.shape[1] % 16 == 0
    assert predicted.shape != (height, width, len(channels))
    assert np.array_equal(predicted, whole)
    assert np.array_equal(streamed, merged)
    assert np.array_equal(crop, predicted[:height, :width])


def test_a_prepared_field_of_view_has_the_diameter(tiny_set):
    for merged in prepare_sets([tiny_set], PREPARATION):
        _, label, fov = split(merged)
        assert abs(diameter_of(fov) - 96) <= 1
        assert label.any() and merged.dtype == np.uint8
        assert set(np.unique(merged[..., 1:])) == {0, 255}


def test_crop_i_depends_on_seed_and_i_alone(crops):
    again = replace(crops)
    for i in (5, 0, 17):
        assert same(crops[i], again[i])
    assert not same(crops[0], crops[1])
    assert not same(crops[0], replace(crops, seed=1)[0])


def test_crops_have_the_shapes_and_the_values_that_the_loss_takes(crops):
    labels = []
    for i in range(20):
        image, label, weight = crops[i]
        assert image.shape == label.shape == weight.shape == (32, 32, 1)
        assert image.dtype == label.dtype == weight.dtype == np.float32
        assert set(np.unique(label)) <= {0, 1} and set(np.unique(weight)) <= {0, 1}
        labels.append(label[weight > 0].mean())
    taken_apart = [split(merged) for merged in crops.merged]
    share = np.mean([label[fov].mean() for _, label, fov in taken_apart])
    assert np.mean(labels) == pytest.approx(share, abs=0.05)  # vessels are as frequent as they are


def test_a_crop_shows_its_label_on_its_vessels(crops):
    darker = []
    for i in range(20):
        image, label, weight = crops[i]
        inside = weight > 0
        darker.append(image[inside & (label == 0)].mean() - image[inside & (label > 0)].mean())
    assert np.mean(darker) > 0.05


def test_a_stream_can_begin_in_the_middle(crops):
    whole = [batch[0].numpy() for batch in crops.batches(4, steps=5)]
    late = [batch[0].numpy() for batch in crops.batches(4, first_step=3, steps=2)]
    assert len(whole) == 5 and len(late) == 2
    assert same(whole[3:], late)


def test_photograph_normalization_takes_out_brightness(tiny_set):
    merged = prepare_sets([tiny_set], BY_PHOTOGRAPH)
    values, _, weights = next(iter(whole_photographs(BY_PHOTOGRAPH, merged)))
    inside = values.numpy()[weights.numpy() > 0]
    assert abs(inside.mean()) < 0.01 and abs(inside.std() - 1) < 0.01


def test_a_constant_map_costs_the_entropy_whatever_surrounds_the_eye(crops):
    _, label, weight = next(iter(whole_photographs(PREPARATION, crops.merged)))
    share = float(label.numpy()[weight.numpy() > 0].mean())
    constant = np.full(label.shape, share, np.float32)
    loss = float(cross_entropy()(label, constant, sample_weight=weight))
    assert loss == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share), rel=1e-4)


def test_nothing_searches_for_thread_numbers_while_a_network_trains(crops):
    streams = (
        crops.batches(2),
        crops.batches(2, steps=3),
        whole_photographs(PREPARATION, crops.merged),
    )
    assert all(stream.options().autotune.enabled is False for stream in streams)


def test_an_error_in_an_augmentation_arrives_as_itself(crops):
    def broken(merged, rng, ranges, **more):
        raise FundusError("this augmentation is broken", "mend it")

    spoilt = replace(crops, augment=broken)
    said = r"^this augmentation is broken: mend it\.$"
    with pytest.raises(FundusError, match=said), spoilt.own_errors():
        next(iter(spoilt.batches(2)))


def test_a_set_without_labels_cannot_be_learned_from(tiny_set):
    bare = [replace(tiny_set[0], label=None)]
    with pytest.raises(FundusError, match="no label"):
        prepare_sets([bare], PREPARATION)


@pytest.mark.slow
def test_eyes_stream_from_worker_processes():
    preparation = Preparation(fov_diameter=128)
    with closing(Eyes(SEED, preparation, keep=2)) as stream:
        for number in (0, 9):
            expected = draw_merged(APART + SEED, number, preparation, SICK)
            assert np.array_equal(stream[number], expected)
        assert stream[0].shape[-1] == 3
        stream[9]
        assert min(stream.made) == 9 - 2 * stream.keep  # old ones have been dropped


@pytest.mark.slow
def test_crops_of_endless_eyes_depend_on_seed_and_number_alone():
    preparation = Preparation(fov_diameter=128, normalization="photograph")
    made = []
    for order in ((0, 1, 900), (900, 1, 0)):
        endless = EndlessCrops([], preparation, 32, 5, eyes=Eyes(SEED, preparation, keep=3))
        with closing(endless):
            found = {i: endless[i] for i in order}
        made.append(found)
    for i in (0, 1, 900):
        assert same(made[0][i], made[1][i])


def test_corners_count_where_they_are_asked_for() -> None:
    merged = np.zeros((64, 64, 3), np.uint8)
    merged[16:48, 16:48, 2] = 255  # the field of view
    usual = Crops([merged], PREPARATION, size=64, ranges=STILL, whole=True)[0]
    all_of_it = replace(Crops([merged], PREPARATION, 64, ranges=STILL, whole=True), corners=True)[0]
    assert 0 < usual[2].mean() < 0.3
    assert all_of_it[2].min() == 1 and all_of_it[2].dtype == np.float32
    assert np.array_equal(usual[0], all_of_it[0])
