"""A trained model's folder: what was saved predicts the same again, what does not fit is named."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fundus_utils.errors import FundusError
from fundus_utils.normalization import save_statistics
from fundus_utils.prediction import predict_map
from fundus_utils.quiet import keras
from fundus_utils.trained_model import (
    SHIPPED,
    TrainedModel,
    is_finished,
    load_model,
    save_model,
)
from fundus_utils.unet import compact_unet

PHOTOGRAPH = np.random.default_rng(0).integers(30, 226, (64, 80, 3), np.uint8)


def new_model(normalization: str) -> TrainedModel:
    keras.utils.set_random_seed(3)
    card = {
        "channels": ["green"],
        "fov_diameter": 80,
        "normalization": normalization,
        "threshold": 0.4,
    }
    if normalization == "photograph":
        return TrainedModel(compact_unet(2, 1), card)
    return TrainedModel(compact_unet(2, 1), card, mean=1 / 3, std=0.2)


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    folder.mkdir()
    save_model(folder, new_model("dataset"))
    return folder


@pytest.fixture
def folder(saved_once: Path, tmp_path: Path) -> Path:
    """Return the folder of a model normalized by data set, to be spoilt."""
    return shutil.copytree(saved_once, tmp_path / "model")


def change_card(folder: Path, **entries: Any) -> None:
    path = folder / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | entries), encoding="utf-8")


@pytest.mark.parametrize("normalization", ["dataset", "photograph"])
def test_saved_model_is_read_back_and_predicts_as_before(
    normalization: str, tmp_path: Path
) -> None:
    trained = new_model(normalization)
    before = predict_map(trained, PHOTOGRAPH)
    assert before.std() > 1e-3
    save_model(tmp_path, trained)
    loaded = load_model(tmp_path)
    assert np.array_equal(predict_map(loaded, PHOTOGRAPH), before)
    assert (loaded.mean, loaded.std) == (trained.mean, trained.std)
    assert loaded.card == trained.card
    assert loaded.threshold == 0.4
    assert loaded.preparation == trained.preparation


def test_statistics_are_saved_where_there_are_any(tmp_path: Path) -> None:
    for normalization, statistics in (("photograph", set()), ("dataset", {"mean.npy", "std.npy"})):
        folder = tmp_path / normalization
        folder.mkdir()
        save_model(folder, new_model(normalization))
        names = {path.name for path in folder.iterdir()}
        assert names == {"card.json", "model.keras"} | statistics
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        assert set(card["sha256"]) == statistics


def test_saved_network_carries_no_optimizer(tmp_path: Path) -> None:
    trained = new_model("photograph")
    trained.model.compile(keras.optimizers.AdamW(), "binary_crossentropy")
    save_model(tmp_path, trained)
    assert getattr(load_model(tmp_path).model, "optimizer", None) is None


def test_folder_is_finished_once_it_has_its_card(folder: Path) -> None:
    assert is_finished(folder)
    (folder / "card.json").unlink()
    assert not is_finished(folder)


def test_interrupted_saving_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    trained = new_model("dataset")
    monkeypatch.setattr(keras.Model, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        save_model(tmp_path, trained)
    assert not is_finished(tmp_path)


def test_shipped_model_is_the_default() -> None:
    assert is_finished(SHIPPED)
    trained = load_model()
    assert 0 < trained.threshold < 1
    assert predict_map(trained, PHOTOGRAPH).shape == (64, 80)


def test_missing_model_folder_says_what_to_do(tmp_path: Path) -> None:
    there = re.escape(str(tmp_path / "none" / "card.json"))
    with pytest.raises(
        FundusError, match=there + r" is missing: train it, or let its training go on"
    ):
        load_model(tmp_path / "none")


@pytest.mark.parametrize("name", ["card.json", "model.keras", "mean.npy", "std.npy"])
def test_missing_file_of_a_model_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(FundusError, match=re.escape(str(folder / name)) + " is missing"):
        load_model(folder)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_cut_model_file_is_named(share: float, folder: Path) -> None:
    path = folder / "model.keras"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(FundusError, match=re.escape(str(path)) + " cannot be loaded"):
        load_model(folder)


def test_statistics_of_another_training_are_refused(folder: Path) -> None:
    save_statistics(folder, 1 / 3, 0.25)
    with pytest.raises(FundusError, match=r"std\.npy is not the file"):
        load_model(folder)


def test_card_that_is_no_json_is_named(folder: Path) -> None:
    (folder / "card.json").write_text('{"channels": ', encoding="utf-8")
    with pytest.raises(FundusError, match=r"card\.json is not valid JSON"):
        load_model(folder)


@pytest.mark.parametrize(
    "key", ["channels", "fov_diameter", "normalization", "threshold", "sha256"]
)
def test_card_that_lacks_a_line_is_named(key: str, folder: Path) -> None:
    path = folder / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    del card[key]
    path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(FundusError, match=rf"card\.json lacks {key}"):
        load_model(folder)


def test_card_that_is_a_list_is_named(folder: Path) -> None:
    (folder / "card.json").write_text("[]", encoding="utf-8")
    with pytest.raises(FundusError, match=r"card\.json lacks channels"):
        load_model(folder)


def test_card_with_an_unknown_normalization_is_refused(folder: Path) -> None:
    change_card(folder, normalization="batch")
    with pytest.raises(FundusError, match="'batch'"):
        predict_map(load_model(folder), PHOTOGRAPH)
