"""Cross-validation by patient: each patient tested once, by a network that never saw them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_training import TINY

from fundus_utils.data import FundusSet, load_set
from fundus_utils.data.files import Record
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import evaluate_maps
from fundus_utils.prediction import predict_set
from fundus_utils.trained_model import load_model
from fundus_utils.training import folds as folds_module
from fundus_utils.training.folds import cross_validate, fold_of


@given(st.integers(2, 30), st.data())
def test_each_patient_is_tested_once_and_never_learned_from(tmp_path_factory, patients, data):
    folds = data.draw(st.integers(2, patients))
    photograph = tmp_path_factory.getbasetemp() / "none.png"
    records = [
        Record(
            name=f"{patient:02d}{eye}",
            patient=f"{patient:02d}",
            part="train",
            photograph=photograph,
        )
        for patient in range(patients)
        for eye in "LR"
    ]
    whole = FundusSet(name="set", part="train", records=tuple(records))
    tested = []
    for number in range(folds):
        others, test = fold_of(whole, number, folds)
        assert not set(others.patients) & set(test.patients)
        assert len(others) + len(test) == len(whole)
        tested += test.names
    assert sorted(tested) == sorted(whole.names)
    for wrong in (0, 1, patients + 1):
        with pytest.raises(FundusError, match=f"choose 2 to {patients}"):
            fold_of(whole, 0, wrong)


@pytest.mark.slow
def test_folds_are_trained_measured_and_taken_up_again(drawn_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    whole = load_set(f"folder:{drawn_folder}", "all")
    out = tmp_path / "folds"
    found = cross_validate([whole], out, TINY, folds=3, steps=10)
    assert found["fold"].tolist() == [1, 2, 3]
    assert sorted(" ".join(found["photographs"]).split()) == sorted(whole.names)
    for number in range(3):
        trained = load_model(out / f"fold_{number + 1}")
        _, test = fold_of(whole, number, 3)
        expected = evaluate_maps(predict_set(trained, test), trained.threshold)["pooled"]
        assert found["dice"][number] == expected["dice"]
        card = json.loads((out / f"fold_{number + 1}" / "card.json").read_text(encoding="utf-8"))
        seen = {name for names in card["photographs"] for name in names}
        assert seen and not seen & set(test.names)
        assert not set(card["validation_patients"][0]) & set(test.patients)
    again = cross_validate([whole], out, TINY, folds=3, steps=10)
    assert again.equals(found)
    for other in ({"seed": 1}, {"steps": 11}, {"folds": 2}, {"photographs": 2}):
        with pytest.raises(FundusError, match="fold_1 holds another model"):
            cross_validate([whole], out, TINY, **{"folds": 3, "steps": 10, **other})


def test_the_minutes_are_shared_among_the_folds(drawn_folder, tmp_path, monkeypatch):
    asked = []

    def train(others, out, preset, *, minutes, **_):
        asked.append(minutes)
        raise FundusError("seen", "enough")

    monkeypatch.setattr(folds_module, "train", train)
    whole = load_set(f"folder:{drawn_folder}", "all")
    for minutes in (None, 3):
        with pytest.raises(FundusError, match="seen"):
            cross_validate([whole], tmp_path, TINY, folds=2, minutes=minutes)
    assert asked == [TINY.minutes / 2, 1.5]


def test_folds_do_not_start_from_what_has_learned_from_them(tmp_path):
    train = load_set("chase_db1", "train")
    with pytest.raises(FundusError, match="shipped has learned from photographs of chase_db1"):
        cross_validate([train], tmp_path / "folds", "laptop", start="shipped", folds=5, steps=1)
    assert not (tmp_path / "folds").exists()


def test_a_copy_under_another_patients_name_is_refused(tmp_path):
    for name in ("a", "b", "c"):
        picture = np.full((60, 60, 3), 90 if name == "c" else 120, np.uint8)
        label = np.eye(60, dtype=bool)
        for folder, pixels in {"images": picture, "labels": label}.items():
            (tmp_path / "folder" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "folder" / folder / f"{name}.png")
    twins = load_set(f"folder:{tmp_path / 'folder'}", "all")
    with pytest.raises(FundusError, match="of patient b is also one of patient a"):
        cross_validate([twins], tmp_path / "out", TINY, folds=3, steps=2)
