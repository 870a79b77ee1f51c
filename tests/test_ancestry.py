"""Trainings that begin with a model's weights: what they take over, what they refuse, the cards."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_training import TINY, equal, own_network, stop_after, weights_of

from fundus_utils import unet
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.photograph import Sample
from fundus_utils.prediction import predict_map
from fundus_utils.quiet import keras
from fundus_utils.trained_model import DRAWN, SHIPPED, find_model, load_model
from fundus_utils.training import patients, train
from fundus_utils.training.ancestry import chosen_preset, find_ancestor, weights_checksum
from fundus_utils.training.presets import PRESETS, preset_of_card

STILL_RATE = 1e-12  # so low that the weights stay where they were
BY_PHOTOGRAPH = replace(TINY, normalization="photograph")


@pytest.fixture(autouse=True)
def own_derived(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "derived_of_ancestry"
    monkeypatch.setenv("FUNDUS_DERIVED", str(folder))


@pytest.fixture
def tiny_set(drawn_folder):
    return load_set(f"folder:{drawn_folder}", "all")


@pytest.fixture(scope="module")
def parent(drawn_folder, tmp_path_factory):
    """A model of 20 steps, normalized by its data set."""
    out = tmp_path_factory.mktemp("parent") / "parent"
    train.train([load_set(f"folder:{drawn_folder}", "all")], out, TINY, steps=20)
    return out


def card_of(folder):
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_training_begins_with_its_ancestors_weights_and_statistics(tiny_set, parent, tmp_path):
    still = replace(TINY, learning_rate=STILL_RATE, weight_decay=0)
    child = train.train([tiny_set[:4]], tmp_path / "child", still, start=parent, steps=1)
    ancestor = load_model(parent)
    pairs = zip(ancestor.model.trainable_weights, child.model.trainable_weights, strict=True)
    assert all(np.allclose(one, other, atol=1e-9) for one, other in pairs)
    assert (child.mean, child.std) == (ancestor.mean, ancestor.std)  # not those of four photographs
    other = train.train([tiny_set[:4]], tmp_path / "other", still, steps=1)
    assert other.mean != ancestor.mean
    assert weights_checksum(other.model) != weights_checksum(child.model)


@pytest.mark.slow
def test_the_card_keeps_the_whole_ancestry(tiny_set, parent, tmp_path):
    train.train([tiny_set], tmp_path / "child", TINY, start=parent, steps=10, seed=1)
    train.train([tiny_set], tmp_path / "grandchild", TINY, start=tmp_path / "child", steps=10)
    assert card_of(parent)["ancestors"] == [] and card_of(parent)["start"] == "nothing"
    first, second = card_of(tmp_path / "grandchild")["ancestors"]
    assert (first["name"], first["steps"], first["seed"]) == ("parent", 20, 0)
    assert (second["name"], second["steps"], second["seed"]) == ("child", 10, 1)
    assert first["sets"] == [{"name": "folder", "licence": "the reader's own"}]
    assert first["weights"] == weights_checksum(load_model(parent).model)
    assert card_of(tmp_path / "grandchild")["start"] == str(tmp_path / "child")


@pytest.mark.slow
def test_a_stopped_descent_goes_on_and_not_from_another_ancestor(
    tiny_set, parent, tmp_path, capsys
):
    how = {"preset": TINY, "steps": 20}
    train.train([tiny_set], tmp_path / "whole", start=parent, **how)
    with pytest.raises(KeyboardInterrupt):
        train.train([tiny_set], tmp_path / "a", start=parent, on_epoch=stop_after(1), **how)
    train.train([tiny_set], tmp_path / "other" / "parent", TINY, steps=10)
    with pytest.raises(FundusError, match="another training"):
        train.train([tiny_set], tmp_path / "a", start=tmp_path / "other" / "parent", **how)
    assert "goes on" not in capsys.readouterr().err
    later = {"preset": TINY, "minutes": 60}  # too late to say: the steps were planned at first
    train.train([tiny_set], tmp_path / "a", start=parent, **later)
    assert "it goes on with the 20 steps that were planned" in capsys.readouterr().err
    assert equal(weights_of(tmp_path / "whole"), weights_of(tmp_path / "a"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": ("red",)}, r"channels \['red'\], but drawn was trained with \['green'\]"),
        ({"fov_diameter": 1024}, "fov_diameter 1024, but drawn was trained with 540"),
        (
            {"normalization": "dataset"},
            "normalization dataset, but drawn",
        ),
        ({"width": 16}, "width 16, but drawn was trained with 12"),
        ({"architecture": "residual_unet"}, "architecture residual_unet"),
    ],
)
def test_a_preset_that_contradicts_its_ancestor_is_refused(tiny_set, tmp_path, change, said):
    preset = replace(PRESETS["laptop"], **change)
    with pytest.raises(FundusError, match=said + ".* leave the preset out"):
        train.train([tiny_set], tmp_path / "model", preset, start="drawn", steps=1)
    assert not (tmp_path / "model").exists()


def test_a_start_that_is_not_there_is_named(tiny_set, tmp_path):
    with pytest.raises(FundusError, match=r"no model to start from in .*none.*drawn, shipped or"):
        train.train([tiny_set], tmp_path / "model", TINY, start=tmp_path / "none", steps=1)
    network = unet.compact_unet(2, 2)
    with pytest.raises(FundusError, match="a network was given, and drawn"):
        train.train([tiny_set], tmp_path / "model", TINY, start="drawn", model=network, steps=1)


@pytest.mark.slow
def test_without_a_preset_the_ancestor_says_scale_and_network(parent):
    found = chosen_preset(None, parent)
    assert (found.width, found.depth, found.fov_diameter) == (2, 1, 96)
    assert found.normalization == "dataset" and found.channels == ("green",)
    assert found.learning_rate == PRESETS["laptop"].learning_rate
    assert chosen_preset("laptop", parent) == PRESETS["laptop"]  # refused when it is trained
    assert chosen_preset(None, None).start == "drawn"
    assert chosen_preset(None, "nothing") == PRESETS["scratch"]


# The first photographs alone


def test_the_first_photographs_are_those_of_the_first_patients(tiny_set):
    shuffled = replace(tiny_set, records=tiny_set.records[::-1])
    assert shuffled.first(3).names == tiny_set.names[:3]
    assert shuffled.first(6).names == tiny_set.names
    assert shuffled.first(3, begin=2).names == [*tiny_set.names[4:], tiny_set.names[0]]
    with pytest.raises(FundusError, match="has 6 photographs, not 7: take fewer"):
        tiny_set.first(7)


@pytest.mark.slow
def test_few_photographs_are_named_in_the_card(tiny_set, tmp_path):
    train.train([tiny_set], tmp_path / "few", TINY, photographs=4, steps=2, model=own_network())
    card = card_of(tmp_path / "few")
    assert card["photographs"] == [tiny_set.names[:2]]
    assert card["validation_patients"] == [[tiny_set.patients[1]]]


@pytest.mark.slow
@pytest.mark.parametrize("photographs", [1, 2])
def test_one_patient_learns_all_steps_with_the_ancestors_threshold(
    tiny_set, parent, tmp_path, photographs
):
    how = {"preset": TINY, "photographs": photographs, "steps": 20}
    last = []
    one = train.train(
        [tiny_set],
        tmp_path / "one",
        start=parent,
        on_epoch=lambda model, curve: last.append(model.get_weights()),
        **how,
    )
    assert one.card["photographs"] == [tiny_set.names[:photographs]]
    assert one.card["validation_patients"] == [[]]
    assert one.threshold == load_model(parent).threshold
    assert one.card["threshold_source"] == "that of parent: nobody was held out"
    assert len(last) == 2 and equal(last[-1], one.model.get_weights())
    alone = train.train([tiny_set], tmp_path / "alone", **how)
    assert "was given, which flatters" in alone.card["threshold_source"]


@pytest.mark.slow
def test_a_set_of_one_patient_beside_another_set_is_fitted_to(tiny_set, drawn_folder, tmp_path):
    alone = tiny_set.of_patients(tiny_set.patients[:1], "train")
    data = patients.gather([alone, tiny_set], BY_PHOTOGRAPH)
    assert [len(part) for part in data.fitted] == [2, 4]
    assert [len(part) for part in data.held] == [0, 2]
    assert [len(part) for part in data.judged] == [2]


def test_a_folder_of_ones_own_may_be_called_like_a_model(tmp_path, monkeypatch):
    shutil.copytree(SHIPPED, tmp_path / "drawn")
    monkeypatch.chdir(tmp_path)
    own = card_of(SHIPPED)["steps"]
    assert own != card_of(DRAWN)["steps"]
    for start in ("./drawn", Path("drawn")):
        assert find_ancestor(start).trained.card["steps"] == own
    assert find_ancestor("drawn").trained.card["steps"] == card_of(DRAWN)["steps"]


# The models that come with the package


@pytest.mark.parametrize("folder", [DRAWN, SHIPPED], ids=lambda folder: folder.name)
def test_a_model_that_comes_with_the_package_is_small_and_documented(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
    card = card_of(folder)
    assert preset_of_card(card).flips == (folder == SHIPPED)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"--steps {card['steps']} --seed {card['seed']}" in text
    assert find_model(folder.name) == folder


def test_drawn_has_never_seen_a_photograph_and_shipped_never_a_test_child():
    drawn, shipped = card_of(DRAWN), card_of(SHIPPED)
    assert [one["name"] for one in drawn["sets"]] == ["synthetic"] and drawn["ancestors"] == []
    (ancestor,) = shipped["ancestors"]
    assert ancestor["name"] == "drawn"
    assert ancestor["weights"] == weights_checksum(load_model("drawn").model)
    licences = {one["name"]: one["licence"] for one in shipped["sets"]}
    assert licences.pop("synthetic").startswith("MIT")
    assert licences and all(one.startswith("CC BY 4.0") for one in licences.values())
    seen = {name for names in shipped["photographs"] for name in names}
    test_children = {f"Image_{child}{eye}" for child in (11, 12, 13, 14) for eye in "LR"}
    assert seen and not seen & test_children
    held = {patient for names in shipped["validation_patients"] for patient in names}
    assert not held & {"11", "12", "13", "14"}


def test_a_map_is_flipped_as_the_card_says():
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 256, (96, 96, 3), np.uint8)
    fov = np.ones((96, 96), bool)
    sample = Sample(name="", patient="", photograph=photograph, label=None, fov=fov)
    trained = load_model("shipped")
    assert trained.flips
    expected = predict_map(trained, sample.photograph, fov, flips=True)
    assert np.array_equal(predict_map(trained, photograph, fov), expected)
    single = predict_map(trained, photograph, fov, flips=False)
    assert not np.array_equal(single, expected)
    unsaid = replace(trained, card={k: v for k, v in trained.card.items() if k != "flips"})
    assert np.array_equal(predict_map(unsaid, photograph, fov), single)


# The mean of the weights


@pytest.mark.slow
def test_averaging_judges_the_mean_and_trains_on_from_the_weights(tiny_set, tmp_path):
    """The mean by hand from the weights after each step, which must not notice it."""
    averaging = 0.25
    steps = 40
    paths = {}

    class Follow(keras.callbacks.Callback):
        def __init__(self, path):
            super().__init__()
            self.path = path

        def on_train_batch_end(self, batch, logs=None):
            self.path.append([w.numpy() for w in self.model.trainable_weights])

    for share in (0.0, averaging):
        paths[share] = []
        preset = replace(BY_PHOTOGRAPH, averaging=share)
        judged = []
        trained = train.train(
            [tiny_set],
            tmp_path / str(share),
            preset,
            photographs=2,  # nobody is held out, so that the last weights are kept
            steps=steps,
            model=own_network(),
            callbacks=[Follow(paths[share])],
            on_epoch=lambda model, _, judged=judged: judged.append(
                [w.numpy() for w in model.trainable_weights]
            ),
        )
    for one, other in zip(*paths.values(), strict=True):  # equal but for the order of sums
        assert all(np.allclose(w, v, atol=1e-3) for w, v in zip(one, other, strict=True))
    momentum = 1 - 1 / (averaging * steps)
    mean = paths[averaging][0]
    for weights in paths[averaging][1:]:
        mean = [momentum * m + (1 - momentum) * w for m, w in zip(mean, weights, strict=True)]
    for by_hand, kept, shown in zip(mean, trained.model.trainable_weights, judged[-1], strict=True):
        np.testing.assert_allclose(kept.numpy(), by_hand, atol=1e-5)
        np.testing.assert_allclose(shown, by_hand, atol=1e-5)


@pytest.mark.slow
def test_an_averaged_training_goes_on_as_if_nothing_had_happened(tiny_set, tmp_path):
    how = {"preset": replace(BY_PHOTOGRAPH, averaging=0.3), "steps": 30}
    train.train([tiny_set], tmp_path / "whole", model=own_network(), **how)
    with pytest.raises(KeyboardInterrupt):
        train.train(
            [tiny_set],
            tmp_path / "parts",
            model=own_network(),
            on_epoch=stop_after(2),
            **how,
        )
    train.train([tiny_set], tmp_path / "parts", model=own_network(), **how)
    assert equal(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))
    assert (tmp_path / "whole" / "curve.csv").read_bytes() == (
        tmp_path / "parts" / "curve.csv"
    ).read_bytes()
