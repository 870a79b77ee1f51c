"""From a photograph of any size to its map, with stand-ins for a network where one suffices."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import DISC, PHOTOGRAPH
from PIL import Image

from fundus_utils.data import FundusSet
from fundus_utils.data.files import Record
from fundus_utils.errors import FundusError
from fundus_utils.figures import vessel_overlay
from fundus_utils.photograph import diameter_of, resize, scaled_size
from fundus_utils.prediction import (
    predict_map,
    predict_set,
    predict_tiles,
    prepare_image,
    read_map,
    save_map,
    save_prediction,
)
from fundus_utils.quiet import keras
from fundus_utils.trained_model import TrainedModel
from fundus_utils.unet import article_unet, compact_unet


def sigmoid(batch: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-batch[..., :1]))


def stand_in(network: Callable = sigmoid, **card: Any) -> TrainedModel:
    """Return a trained model whose network is a function of a batch, its card changed by name."""
    entries = {
        "channels": ["green"],
        "fov_diameter": 100,
        "normalization": "dataset",
        "threshold": 0.5,
    }
    model = SimpleNamespace(predict_on_batch=network)
    return TrainedModel(model, entries | card, mean=0.3, std=0.2)


def eye(height: int = 150, width: int = 130) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph with a smooth pattern, even values only, and its field of view."""
    y, x = np.indices((height, width))
    fov = np.hypot(y - height / 2, x - width / 2) < 0.45 * min(height, width)
    grey = (50 + 30 * np.sin(x / 9) * np.cos(y / 7) + x / 8).astype(np.uint8) * 2
    grey[~fov] = 0
    return np.stack([grey, grey, grey], axis=2), fov


# Maps


@pytest.mark.parametrize("size", [(150, 130), (61, 83), (37, 211), (300, 301)])
@pytest.mark.parametrize("flips", [False, True])
def test_map_has_the_photographs_size_and_ends_with_the_field_of_view(
    size: tuple[int, int], flips: bool
) -> None:
    photograph, fov = eye(*size)
    for given in (fov, None):
        probability = predict_map(stand_in(), photograph, given, flips)
        assert probability.shape == size
        assert probability.dtype == np.float32
        assert (probability[~fov] == 0).all()
        assert (probability[fov] > 0).all()
        assert probability.max() <= 1


@pytest.mark.parametrize("flips", [False, True])
def test_map_lies_on_its_photograph(flips: bool) -> None:
    photograph, fov = eye(220, 260)
    expected = sigmoid((photograph[..., 1:2] / 255 - 0.3) / 0.2)[..., 0]
    as_it_is = stand_in(fov_diameter=diameter_of(fov))
    probability = predict_map(as_it_is, photograph, fov, flips)
    assert np.abs(probability - expected)[fov].max() < 1e-5
    scaled = predict_map(stand_in(fov_diameter=70), photograph, fov, flips)
    assert np.abs(scaled - expected)[fov].mean() < 0.03


def test_map_shows_the_channel_of_the_card() -> None:
    photograph, fov = eye()
    photograph[..., 0] = 90
    red = predict_map(stand_in(channels=["red"]), photograph, fov)
    green = predict_map(stand_in(channels=["green"]), photograph, fov)
    assert red[fov].std() < 1e-6
    assert green[fov].std() > 0.1


def test_black_photograph_is_predicted_too() -> None:
    probability = predict_map(stand_in(), np.zeros((20, 30, 3), np.uint8))
    assert probability.shape == (20, 30)
    assert np.isfinite(probability).all()


def test_map_with_values_that_are_no_numbers_is_refused() -> None:
    def broken(batch: np.ndarray) -> np.ndarray:
        return np.full_like(batch, np.nan)

    photograph, fov = eye()
    with pytest.raises(FundusError, match="no numbers"):
        predict_map(stand_in(broken), photograph, fov)


# Tiles and mirror images


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 63), (130, 200), (64, 193)])
def test_tiles_cover_every_pixel_once_whatever_the_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*size, 1)).astype(np.float32)
    seen = []

    def halve(batch: np.ndarray) -> np.ndarray:
        seen.extend(batch.shape[1:3])
        return batch / 2

    model = SimpleNamespace(predict_on_batch=halve)
    found = predict_tiles(model, image, tile=64, overlap=16)
    assert np.array_equal(found, image[..., 0] / 2)
    assert all(side % 16 == 0 for side in seen)
    assert max(seen) <= 64 + 2 * 16


@pytest.mark.parametrize("build", [compact_unet, lambda width: article_unet(None, width)])
def test_tiles_with_overlap_equal_the_whole(build: Callable) -> None:
    keras.utils.set_random_seed(1)
    model = build(2)
    image = np.random.default_rng(0).normal(size=(300, 280, 1)).astype(np.float32)
    whole = predict_tiles(model, image, tile=1024, overlap=112)
    tiled = predict_tiles(model, image, tile=128, overlap=112)
    bare = predict_tiles(model, image, tile=128, overlap=0)
    assert whole.shape == (300, 280)
    assert whole.std() > 1e-3
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert np.abs(bare - whole).max() > 1e-3


def test_flips_average_the_four_mirror_images() -> None:
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 256, (112, 128, 3), np.uint8)  # multiples of 16: nothing is padded
    fov = np.ones((112, 128), bool)
    ramp = np.linspace(0, 0.9, 112 * 128, dtype=np.float32).reshape(1, 112, 128, 1)
    seen = []

    def rising(batch: np.ndarray) -> np.ndarray:
        seen.append(batch[0])
        return ramp

    trained = stand_in(rising, fov_diameter=128)
    plain = predict_map(trained, photograph, fov)
    assert len(seen) == 1
    np.testing.assert_allclose(plain, ramp[0, ..., 0], atol=1e-6)

    averaged = predict_map(trained, photograph, fov, flips=True)
    image = seen[0]
    mirrored = [image, image[:, ::-1], image[::-1], image[::-1, ::-1]]
    for given, expected in zip(seen[1:], mirrored, strict=True):
        assert np.array_equal(given, expected)
    turned_back = [plain, plain[:, ::-1], plain[::-1], plain[::-1, ::-1]]
    np.testing.assert_allclose(averaged, np.mean(turned_back, axis=0), atol=1e-6)


@pytest.mark.parametrize("flips", [False, True])
def test_several_scales_are_averaged_at_the_finest(flips: bool) -> None:
    photograph, fov = eye()
    own = diameter_of(fov)  # the finer map has the photograph's size: it is not resized
    coarse = predict_map(stand_in(fov_diameter=own / 2), photograph, fov, flips)
    fine = predict_map(stand_in(fov_diameter=own), photograph, fov, flips)
    assert abs(coarse - fine).max() > 0.05
    both = predict_map(stand_in(fov_diameter=own / 2, scales=[1, 2]), photograph, fov, flips)
    np.testing.assert_allclose(both, (coarse + fine) / 2, atol=1e-6)
    alone = predict_map(stand_in(fov_diameter=own / 2, scales=[2]), photograph, fov, flips)
    np.testing.assert_array_equal(alone, fine)


def test_an_older_card_names_no_scale_and_means_its_own() -> None:
    assert stand_in().scales == (1.0,)


# What the network gets


@pytest.mark.parametrize("diameter", [50, 117, 400])
@pytest.mark.parametrize("channels", [["green"], ["red", "grey"]])
def test_image_comes_to_the_models_scale_and_channels(diameter: int, channels: list[str]) -> None:
    photograph, fov = eye(290, 340)
    trained = stand_in(fov_diameter=diameter, channels=channels)
    image = prepare_image(trained, photograph, fov)
    size = scaled_size(fov, diameter)
    assert image.shape == (*size, len(channels))
    assert image.dtype == np.float32
    assert abs(diameter_of(resize(fov, size)) - diameter) <= 1
    assert size[0] / size[1] == pytest.approx(290 / 340, rel=0.02)


def test_photograph_normalization_does_not_see_the_exposure() -> None:
    photograph, _ = eye()
    by_itself = stand_in(normalization="photograph")
    bright = predict_map(by_itself, photograph)
    dark = predict_map(by_itself, photograph // 2)
    assert np.abs(bright - dark).max() < 0.02  # the dark one has half the grey levels
    by_set = stand_in()
    bright = predict_map(by_set, photograph)
    dark = predict_map(by_set, photograph // 2)
    assert np.abs(bright - dark).max() > 0.2


def test_photograph_normalization_does_not_see_the_black_surround() -> None:
    photograph, fov = eye()
    wide = np.pad(photograph, ((0, 0), (90, 90), (0, 0)))
    trained = stand_in(normalization="photograph", fov_diameter=diameter_of(fov))
    assert np.array_equal(predict_map(trained, wide)[:, 90:-90], predict_map(trained, photograph))


# Sets and files


def test_set_is_predicted_in_order(tmp_path: Path) -> None:
    records = []
    for name, value in (("a", 100), ("b", 160)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(PHOTOGRAPH // 2 + np.uint8(value // 4)).save(path)
        records.append(Record(name=name, patient=name, part="test", photograph=path))
    samples = FundusSet(name="folder", part="test", records=tuple(records))
    first, second = predict_set(stand_in(), samples)
    assert (first[0], second[0]) == ("a", "b")
    assert first[1] is None
    assert first[2].shape == first[3].shape == DISC.shape
    assert second[2].mean() > first[2].mean()


def test_map_survives_its_16_bit_file(tmp_path: Path) -> None:
    probability = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    probability[0, :3] = (0, 1, 0.5)
    save_map(tmp_path / "new" / "map.png", probability)
    with Image.open(tmp_path / "new" / "map.png") as picture:
        assert picture.mode.startswith("I;16")
        assert picture.size == (40, 30)
        assert picture.getpixel((0, 0)) == 0
        assert picture.getpixel((1, 0)) == 65535
    again = read_map(tmp_path / "new" / "map.png")
    assert again.dtype == np.float32
    assert tuple(again[0, :2]) == (0, 1)
    assert np.abs(again - probability).max() <= 1 / 131070 + 1e-7


def test_a_map_of_eight_bits_is_not_read_as_one_of_sixteen(tmp_path):
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(tmp_path / "map.png")
    with pytest.raises(FundusError, match=r"map\.png is no 16-bit grey picture"):
        read_map(tmp_path / "map.png")


def test_saved_prediction_is_a_map_and_an_overlay(tmp_path: Path) -> None:
    photograph, fov = eye()
    probability = fov * np.float32(0.7)
    paths = save_prediction(tmp_path / "out", "eye_1", photograph, probability, 0.6)
    assert [path.name for path in paths] == ["eye_1_probability.png", "eye_1_overlay.png"]
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert np.array_equal(read_map(paths[0]) > 0.6, fov)
    with Image.open(paths[1]) as overlay:
        assert np.array_equal(np.asarray(overlay), vessel_overlay(photograph, fov))
