"""From a photograph to what a network gets: scaled, merged and normalized, or refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from fundus_utils.augmentation import merge
from fundus_utils.errors import FundusError
from fundus_utils.normalization import photograph_statistics
from fundus_utils.photograph import Sample, image_channel, rescale
from fundus_utils.prediction import predict_map
from fundus_utils.preparation import Preparation
from fundus_utils.trained_model import TrainedModel

ROWS, COLUMNS = np.indices((120, 140))
DISC = np.hypot(ROWS - 60, COLUMNS - 70) <= 50


def sample_of(fov: np.ndarray = DISC, label: np.ndarray | None = None) -> Sample:
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 256, (*fov.shape, 3), np.uint8)
    return Sample(
        name="eye",
        patient="eye",
        photograph=photograph,
        label=label,
        fov=fov,
    )


def test_an_unknown_normalization_is_refused() -> None:
    with pytest.raises(FundusError, match=r"'batch'.*dataset, photograph"):
        Preparation(normalization="batch")


@pytest.mark.parametrize(
    "wrong", [{"channels": ("gren",)}, {"channels": ()}, {"fov_diameter": 0}], ids=str
)
def test_a_channel_that_is_none_and_no_size_are_refused(wrong: dict) -> None:
    with pytest.raises(FundusError, match=next(iter(wrong))):
        Preparation(**wrong)


@pytest.mark.parametrize("given_ones", [{}, {"mean": 0.3}, {"std": 0.1}])
def test_normalization_by_data_set_asks_for_its_statistics(given_ones: dict) -> None:
    preparation = Preparation(fov_diameter=101, **given_ones)
    merged = preparation.merged(sample_of())  # they are not needed yet
    with pytest.raises(FundusError, match="needs the mean and std"):
        preparation.image(merged)


def test_merged_holds_channels_label_and_field_of_view_at_the_networks_scale() -> None:
    label = DISC & (COLUMNS > 70)
    preparation = Preparation(channels=("red", "grey"), fov_diameter=51)
    assert preparation.n_channels == 2
    merged = preparation.merged(sample_of(label=label))
    small = rescale(sample_of(label=label), 51)
    expected = merge(small.photograph, small.label, small.fov, ("red", "grey"))
    assert np.array_equal(merged, expected)
    assert np.array_equal(merged[..., 1], image_channel(small.photograph, "grey"))


def test_a_sample_without_label_has_a_black_one() -> None:
    merged = Preparation(fov_diameter=101).merged(sample_of())
    assert merged.shape == (*DISC.shape, 3)
    assert not merged[..., 1].any()
    assert np.array_equal(merged[..., 2] == 255, DISC)


def test_image_is_normalized_by_what_was_given_or_by_its_own() -> None:
    sample = sample_of()
    green = sample.photograph[..., 1:2]
    by_set = Preparation(fov_diameter=101, mean=0.4, std=0.2)
    image = by_set.image(by_set.merged(sample))
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, (green / 255 - 0.4) / 0.2, atol=1e-5)

    by_itself = Preparation(fov_diameter=101, normalization="photograph", mean=0.4, std=0.2)
    own = photograph_statistics(green, DISC)
    assert by_itself.statistics_of(by_itself.merged(sample)) == own
    inside = by_itself.image(by_itself.merged(sample))[DISC]
    assert inside.mean() == pytest.approx(0, abs=1e-5)
    assert inside.std() == pytest.approx(1, abs=1e-5)


def test_a_photograph_whose_field_of_view_is_one_pixel_is_refused() -> None:
    fov = np.zeros((960, 999), bool)
    fov[0, 0] = True
    with pytest.raises(FundusError, match="1 pixels across"):
        Preparation().merged(sample_of(fov))


def test_a_map_is_refused_too_where_the_field_of_view_is_one_pixel() -> None:
    card = {"channels": ["green"], "fov_diameter": 540, "normalization": "photograph"}
    never = SimpleNamespace(predict_on_batch=lambda batch: pytest.fail("it was predicted"))
    fov = np.zeros((960, 999), bool)
    fov[0, 0] = True
    with pytest.raises(FundusError, match="1 pixels across"):
        predict_map(TrainedModel(never, card), np.zeros((960, 999, 3), np.uint8), fov=fov)
