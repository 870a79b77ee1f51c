"""From a photograph of any size to its map, with stand-ins for a network where one suffices."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import DISC, PHOTOGRAPH
from PIL import Image

from fundus_utils.datasets import FundusSet
from fundus_utils.fov import fov_diameter
from fundus_utils.layouts import Record
from fundus_utils.normalization import save_statistics
from fundus_utils.prediction import (
    TrainedModel,
    colour_vessels,
    load_model,
    pad_to_multiple,
    predict_map,
    predict_set,
    predict_tiles,
    prepare_image,
    read_map,
    save_map,
    save_prediction,
    vessel_overlay,
)
from fundus_utils.quiet import keras
from fundus_utils.storage import FundusError
from fundus_utils.unet import article_unet, compact_unet

CARD = {
    "channels": ["green"],
    "fov_diameter": 100,
    "normalization": "dataset",
    "threshold": 0.5,
}


def trained(function=lambda batch: 1 / (1 + np.exp(-batch[..., :1])), **card) -> TrainedModel:
    return TrainedModel(SimpleNamespace(predict_on_batch=function), CARD | card, 0.3, 0.2)


def eye(height: int = 150, width: int = 130) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph with a smooth pattern, even values only, and its field of view."""
    y, x = np.indices((height, width))
    fov = np.hypot(y - height / 2, x - width / 2) < 0.45 * min(height, width)
    grey = (50 + 30 * np.sin(x / 9) * np.cos(y / 7) + x / 8).astype(np.uint8) * 2
    return np.stack([grey, grey, grey], axis=2) * fov[..., None].astype(np.uint8), fov


@pytest.mark.parametrize("size", [(150, 130), (61, 83), (37, 211), (300, 301)])
@pytest.mark.parametrize("flips", [False, True])
def test_map_has_the_photographs_size_and_ends_with_the_field_of_view(
    size: tuple[int, int], flips: bool
) -> None:
    photograph, fov = eye(*size)
    for given in (fov, None):
        probability = predict_map(trained(), photograph, given, flips)
        assert probability.shape == size and probability.dtype == np.float32
        assert (probability[~fov] == 0).all()
        assert (probability[fov] > 0).all() and probability.max() <= 1


def test_map_lies_on_its_photograph() -> None:
    photograph, fov = eye(220, 260)
    probability = predict_map(trained(fov_diameter=fov_diameter(fov)), photograph, fov)
    expected = 1 / (1 + np.exp(-(photograph[..., 1] / 255 - 0.3) / 0.2))
    assert np.abs(probability - expected)[fov].max() < 1e-5
    flipped = predict_map(trained(fov_diameter=fov_diameter(fov)), photograph, fov, flips=True)
    assert np.abs(flipped - expected)[fov].max() < 1e-5
    scaled = predict_map(trained(fov_diameter=70), photograph, fov)
    assert np.abs(scaled - expected)[fov].mean() < 0.03


def test_map_shows_the_channel_of_the_card() -> None:
    photograph, fov = eye()
    photograph[..., 0] = 90
    red, green = (
        predict_map(trained(channels=[name]), photograph, fov) for name in ("red", "green")
    )
    assert red[fov].std() < 1e-6 and green[fov].std() > 0.1


def test_black_photograph_is_predicted_too() -> None:
    probability = predict_map(trained(), np.zeros((20, 30, 3), np.uint8))
    assert probability.shape == (20, 30) and np.isfinite(probability).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (16, 32), (33, 17)])
def test_padding_reaches_the_next_multiple_and_keeps_the_image(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*shape, 2)).astype(np.float32)
    padded = pad_to_multiple(image, 16)
    for side, before in zip(padded.shape[:2], shape, strict=True):
        assert side % 16 == 0 and 0 <= side - before < 16
    assert np.array_equal(padded[: shape[0], : shape[1]], image)


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 63), (130, 200), (64, 193)])
def test_tiles_cover_every_pixel_once_whatever_the_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*size, 1)).astype(np.float32)
    seen = []

    def halve(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.shape[1:3])
        return batch / 2

    model = SimpleNamespace(predict_on_batch=halve)
    found = predict_tiles(model, image, tile=64, overlap=16)
    assert np.array_equal(found, image[..., 0] / 2)
    assert all(side % 16 == 0 and side <= 64 + 2 * 16 for shape in seen for side in shape)


@pytest.mark.parametrize("build", [compact_unet, lambda width: article_unet(None, width)])
def test_tiles_with_overlap_equal_the_whole(build) -> None:
    keras.utils.set_random_seed(1)
    model = build(2)
    image = np.random.default_rng(0).normal(size=(300, 280, 1)).astype(np.float32)
    whole, tiled, bare = (
        predict_tiles(model, image, tile=tile, overlap=overlap)
        for tile, overlap in ((1024, 112), (128, 112), (128, 0))
    )
    assert whole.shape == (300, 280) and whole.std() > 1e-3
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert np.abs(bare - whole).max() > 1e-3


def test_flips_average_the_four_mirror_images() -> None:
    photograph, fov = eye(100, 120)
    fov[:] = True

    def to_the_right(batch: np.ndarray) -> np.ndarray:
        ramp = np.linspace(0, 1, batch.shape[2], dtype=np.float32)
        return np.broadcast_to(ramp[None, None, :, None], (*batch.shape[:3], 1))

    model = trained(to_the_right, fov_diameter=120)
    plain, averaged = (predict_map(model, photograph, fov, flips) for flips in (False, True))
    assert plain[:, 0].max() < 0.01 and plain[:, 100].min() > 0.7
    mirrored = (plain + plain[:, ::-1]) / 2
    assert np.abs(averaged - mirrored).max() < 0.07  # the padding is on the other side


@pytest.mark.parametrize("diameter", [50, 117, 400])
@pytest.mark.parametrize("channels", [["green"], ["red", "grey"]])
def test_image_comes_to_the_models_scale_and_channels(diameter: int, channels: list) -> None:
    photograph, fov = eye(290, 340)
    model = trained(fov_diameter=diameter, channels=channels)
    image, small = prepare_image(model, photograph, fov)
    assert abs(fov_diameter(small) - diameter) <= 1
    assert image.shape == (*small.shape, len(channels)) and image.dtype == np.float32
    assert small.shape[0] / small.shape[1] == pytest.approx(290 / 340, rel=0.02)


def test_photograph_normalization_does_not_see_the_exposure() -> None:
    photograph, _ = eye()
    bright, dark = (
        predict_map(trained(normalization="photograph"), picture)
        for picture in (photograph, photograph // 2)
    )
    assert np.abs(bright - dark).max() < 0.02  # the dark one has half the grey levels
    fixed = [predict_map(trained(), picture) for picture in (photograph, photograph // 2)]
    assert np.abs(fixed[0] - fixed[1]).max() > 0.2


def test_photograph_normalization_does_not_see_the_black_surround() -> None:
    photograph, fov = eye()
    wide = np.pad(photograph, ((0, 0), (90, 90), (0, 0)))
    model = trained(normalization="photograph", fov_diameter=fov_diameter(fov))
    assert np.array_equal(predict_map(model, wide)[:, 90:-90], predict_map(model, photograph))


def test_set_is_predicted_in_order(tmp_path: Path) -> None:
    records = []
    for name, value in (("a", 100), ("b", 160)):
        Image.fromarray(PHOTOGRAPH // 2 + np.uint8(value // 4)).save(tmp_path / f"{name}.png")
        records.append(Record(name, name, "test", tmp_path / f"{name}.png"))
    items = list(predict_set(trained(), FundusSet("folder", "test", tuple(records))))
    assert [item[0] for item in items] == ["a", "b"] and items[0][1] is None
    assert items[0][2].shape == items[0][3].shape == DISC.shape
    assert items[1][2].mean() > items[0][2].mean()


def test_vessels_keep_their_colour_and_the_rest_is_black() -> None:
    photograph, _ = eye()
    vessels = np.zeros(photograph.shape[:2], bool)
    vessels[40:60] = True
    coloured = colour_vessels(photograph, vessels)
    assert coloured.dtype == np.uint8
    assert np.array_equal(coloured[vessels], photograph[vessels]) and not coloured[~vessels].any()
    assert np.array_equal(colour_vessels(photograph, vessels * np.float32(0.5)), coloured // 2)


def test_overlay_colours_vessels_and_leaves_the_photograph_alone() -> None:
    photograph, fov = eye()
    kept = photograph.copy()
    drawn = vessel_overlay(photograph, fov)
    assert np.array_equal(photograph, kept) and np.array_equal(drawn[~fov], kept[~fov])
    assert (drawn[fov][:, 2] > drawn[fov][:, 0]).all()


def test_map_survives_its_16_bit_file(tmp_path: Path) -> None:
    probability = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    probability[0, :3] = 0, 1, 0.5
    save_map(tmp_path / "new" / "map.png", probability)
    with Image.open(tmp_path / "new" / "map.png") as picture:
        assert picture.mode.startswith("I;16") and picture.size == (40, 30)
        assert picture.getpixel((1, 0)) == 65535 and picture.getpixel((0, 0)) == 0
    again = read_map(tmp_path / "new" / "map.png")
    assert again.dtype == np.float32 and tuple(again[0, :2]) == (0, 1)
    assert np.abs(again - probability).max() <= 1 / 131070 + 1e-7


def test_saved_prediction_is_a_map_and_an_overlay(tmp_path: Path) -> None:
    photograph, fov = eye()
    paths = save_prediction(tmp_path / "out", "eye_1", photograph, fov * np.float32(0.7), 0.6)
    assert [path.name for path in paths] == ["eye_1_probability.png", "eye_1_overlay.png"]
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert np.array_equal(read_map(paths[0]) > 0.6, fov)
    with Image.open(paths[1]) as overlay:
        assert np.array_equal(np.asarray(overlay), vessel_overlay(photograph, fov))


def model_folder(folder: Path) -> Path:
    card = CARD | {"sha256": save_statistics(folder, 0.3, 0.2)}
    (folder / "card.json").write_text(json.dumps(card))
    compact_unet(2, 1).save(folder / "model.keras")
    return folder


def test_saved_model_predicts_as_before(tmp_path: Path) -> None:
    loaded = load_model(model_folder(tmp_path))
    assert (loaded.mean, loaded.std, loaded.threshold) == (0.3, 0.2, 0.5)
    assert loaded.card["fov_diameter"] == 100
    photograph, fov = eye()
    again = load_model(tmp_path)
    first, second = (predict_map(model, photograph, fov) for model in (loaded, again))
    assert np.array_equal(first, second) and 0 < first[fov].mean() < 1


def test_missing_model_folder_says_how_to_train_one(tmp_path: Path) -> None:
    there = re.escape(str(tmp_path / "none" / "card.json"))
    with pytest.raises(FundusError, match=there + r" is missing.*fundus_utils train"):
        load_model(tmp_path / "none")


@pytest.mark.parametrize("name", ["card.json", "model.keras", "mean.npy", "std.npy"])
def test_missing_file_of_a_model_is_named(name: str, tmp_path: Path) -> None:
    (model_folder(tmp_path) / name).unlink()
    with pytest.raises(FundusError, match=re.escape(str(tmp_path / name)) + " is missing"):
        load_model(tmp_path)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_cut_model_file_is_named(share: float, tmp_path: Path) -> None:
    path = model_folder(tmp_path) / "model.keras"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(FundusError, match=re.escape(str(path)) + " cannot be loaded"):
        load_model(tmp_path)


def test_statistics_of_another_training_are_refused(tmp_path: Path) -> None:
    model_folder(tmp_path)
    save_statistics(tmp_path, 0.3, 0.25)
    with pytest.raises(FundusError, match=r"std\.npy is not the file"):
        load_model(tmp_path)


def test_card_that_is_no_json_is_named(tmp_path: Path) -> None:
    (model_folder(tmp_path) / "card.json").write_text('{"channels": ')
    with pytest.raises(FundusError, match=r"card\.json is not valid JSON"):
        load_model(tmp_path)


@pytest.mark.parametrize("key", ["channels", "fov_diameter", "normalization", "threshold"])
def test_card_that_lacks_a_line_is_named(key: str, tmp_path: Path) -> None:
    path = model_folder(tmp_path) / "card.json"
    card = json.loads(path.read_text())
    del card[key]
    path.write_text(json.dumps(card))
    with pytest.raises(FundusError, match=rf"card\.json lacks {key}"):
        load_model(tmp_path)
