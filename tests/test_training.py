"""Trainings that stop and go on, cards that can be trained again, and what is refused."""

import functools
import json
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fundus_utils import storage, unet
from fundus_utils.augmentation import augment
from fundus_utils.data import load_set
from fundus_utils.errors import FundusError
from fundus_utils.prediction import predict_map
from fundus_utils.quiet import keras
from fundus_utils.results import read_curve
from fundus_utils.synthetic import SICK
from fundus_utils.trained_model import SHIPPED, load_model
from fundus_utils.training import patients, plan, train
from fundus_utils.training.callbacks import Checkpoints, StopAtNaN, check_loss
from fundus_utils.training.eyes import APART, Eyes, draw_merged
from fundus_utils.training.fitting import learning_rate_of, new_optimizer
from fundus_utils.training.presets import PRESETS, Preset, preset_called, preset_of_card
from fundus_utils.training.unfinished import best_so_far

TINY = Preset(minutes=1, width=2, depth=1, crop=32, batch=4, fov_diameter=96, statistics=4)
UNKNOWN = replace(TINY, architecture="resnet")
layers = keras.layers


@pytest.fixture
def tiny_set(drawn_folder):
    """Six small drawn eyes of three patients as a reader's own folder."""
    return load_set(f"folder:{drawn_folder}", "all")


@pytest.fixture(autouse=True)
def own_derived(tmp_path_factory, monkeypatch):
    """Let what is made in a test be made there, and once for all tests of this file."""
    folder = tmp_path_factory.getbasetemp() / "derived_of_trainings"
    monkeypatch.setenv("FUNDUS_DERIVED", str(folder))


def weights_of(folder):
    return keras.models.load_model(folder / "model.keras").get_weights()


def equal(one, other):
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def own_network(activation="relu"):
    """Return the least that trains: its steps are built in a third of a U-Net's time.

    The weights are the same each time, and those of the normalization change without a gradient.
    """
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 1))
    x = layers.Conv2D(2, 3, padding="same", activation=activation)(inputs)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x), name="own")


def stop_after(epochs):
    def stop(model, curve):
        if len(curve) == epochs:
            raise KeyboardInterrupt

    return stop


@pytest.fixture(scope="module")
def whole(drawn_folder, tmp_path_factory):
    """A training of 40 steps that nobody has stopped."""
    out = tmp_path_factory.mktemp("whole") / "model"
    train.train([load_set(f"folder:{drawn_folder}", "all")], out, TINY, steps=40)
    return out


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_with_the_same_weights(tiny_set, whole, tmp_path):
    out = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        train.train([tiny_set], out, TINY, steps=40, on_epoch=stop_after(2))
    assert not (out / "card.json").exists()
    assert len(read_curve(out / "unfinished" / "curve.csv")) == 2
    train.train([tiny_set], out, TINY, steps=40)
    assert equal(weights_of(whole), weights_of(out))
    assert (whole / "curve.csv").read_bytes() == (out / "curve.csv").read_bytes()
    assert (whole / "card.json").read_bytes() == (out / "card.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0.0, 0.3])
def test_the_best_of_a_stopped_training_can_be_used(tiny_set, tmp_path, averaging):
    out = tmp_path / "parts"
    kept = []

    def stop(model, curve):
        kept.append((curve["val_loss"].iloc[-1], model.get_weights()))
        if len(curve) == 3:
            raise KeyboardInterrupt

    with pytest.raises(FundusError, match="no training with a finished epoch"):
        best_so_far(out)
    preset = replace(TINY, averaging=averaging)
    with pytest.raises(KeyboardInterrupt):
        train.train([tiny_set], out, preset, steps=40, model=own_network(), on_epoch=stop)
    best = best_so_far(out)
    lowest = min(kept, key=lambda pair: pair[0])
    assert equal(best.model.get_weights(), lowest[1])
    assert best.threshold == 0.5 and "stopped" in best.card["threshold_source"]
    sample = tiny_set[0]
    assert predict_map(best, sample.photograph, sample.fov).shape == sample.fov.shape
    train.train([tiny_set], out, preset, steps=40, model=own_network())  # it goes on all the same
    assert not (out / "unfinished").exists()


class Killed(BaseException):
    """Stands for the end of the process."""


WRITES = (
    "plan.json",
    "curve.csv",
    "best.weights.h5",
    "epoch_001.weights.h5",
    "epoch_003.weights.h5",
    "model.keras",
    "card.json",
)


@pytest.mark.slow
def test_killed_at_any_write_it_goes_on_to_the_same_weights(tiny_set, tmp_path, monkeypatch):
    def begin(folder):
        train.train([tiny_set], folder, TINY, steps=40, model=own_network())

    whole = tmp_path / "whole"
    begin(whole)
    out = tmp_path / "parts"
    move = Path.replace
    for name in WRITES:

        def die(self, target, name=name):
            if Path(target).name == name and out in Path(target).parents:
                raise Killed
            return move(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", die)
            with pytest.raises(Killed):
                begin(out)
    begin(out)
    assert equal(weights_of(whole), weights_of(out))
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()}


DRAWN = replace(TINY, normalization="photograph", endless=True, fov_diameter=128)
FEW_EYES = functools.partial(Eyes, keep=4)  # in the window that crops are taken from
SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from fundus_utils.data import load_set
from fundus_utils.training import patients
from fundus_utils.training.train import train
from test_training import DRAWN, FEW_EYES

patients.Eyes = FEW_EYES
if __name__ == "__main__":
    train([load_set(sys.argv[1], "all")], Path(sys.argv[2]), DRAWN, steps=20)
"""


@pytest.mark.slow
def test_a_drawn_training_that_is_killed_goes_on_to_the_same_weights(
    drawn_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(patients, "Eyes", FEW_EYES)
    name = f"folder:{drawn_folder}"
    sets = [load_set(name, "all")]
    train.train(sets, tmp_path / "whole", DRAWN, steps=20)
    parts = tmp_path / "parts"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent)), encoding="utf-8")
    process = subprocess.Popen([sys.executable, script, name, parts], stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(parts.glob("unfinished/epoch_*")):
        time.sleep(0.01)
    assert process.poll() is None, "it was over before it could be killed"
    process.kill()
    process.wait()
    assert not (parts / "card.json").exists()
    train.train(sets, parts, DRAWN, steps=20)
    assert equal(weights_of(tmp_path / "whole"), weights_of(parts))


@pytest.mark.slow
def test_the_way_that_notebooks_use_goes_on_too(drawn_folder, whole):
    name = f"folder:{drawn_folder}"
    part = load_set(name, "train")
    with pytest.raises(KeyboardInterrupt):
        train.made_model(name, TINY, 30, on_epoch=stop_after(2))
    (left,) = storage.derived_dir().glob("model_*/unfinished/curve.csv")
    assert len(read_curve(left)) == 2
    epochs = []
    folder = train.made_model(name, TINY, 30, on_epoch=lambda _, curve: epochs.append(len(curve)))
    assert epochs == [3]
    assert not (folder / "unfinished").exists()
    again = train.made_model(name, TINY, 30, on_epoch=stop_after(1))  # would stop if it trained
    assert again == folder == train.model_folder(name, TINY, 30)
    whole_folder = folder.parent / "uninterrupted"
    shutil.rmtree(whole_folder, ignore_errors=True)
    train.train([part], whole_folder, TINY, steps=30)
    assert equal(weights_of(folder), weights_of(whole_folder))


@pytest.mark.slow
def test_a_model_that_another_notebook_made_is_made_anew_for_what_a_training_leaves(drawn_folder):
    name = f"folder:{drawn_folder}"
    leaves = train.model_folder(name, TINY, 4).with_suffix(".txt")

    def write(model, curve):
        leaves.write_text(f"{len(curve)} epochs", encoding="utf-8")

    train.made_model(name, TINY, 4)
    assert not leaves.exists()
    folder = train.made_model(name, TINY, 4, on_epoch=write, leaves=leaves)
    assert leaves.exists()
    again = train.made_model(name, TINY, 4, on_epoch=stop_after(1), leaves=leaves)
    assert again == folder  # the file is there: nothing trained


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["versions", "code", "preset", "seed", "photographs"])
def test_a_made_model_is_not_taken_for_another(drawn_folder, changed, monkeypatch):
    made = []
    monkeypatch.setattr(train, "train", lambda sets, out, *more, **others: made.append(out.name))
    name = f"folder:{drawn_folder}"
    train.made_model(name, TINY, 2)
    preset, seed, photographs = TINY, 0, None
    if changed == "versions":
        monkeypatch.setattr(train, "versions", lambda: {"keras": "99"})
    elif changed == "code":
        monkeypatch.setattr(storage, "sources", lambda names: {"unet.py": "another"})
    elif changed == "preset":
        preset = replace(TINY, weight_decay=0.5)
    elif changed == "photographs":
        photographs = 1
    else:
        seed = 1
    train.made_model(name, preset, 2, seed, photographs=photographs)
    assert len(set(made)) == 2


def test_statistics_are_kept_by_data_code_and_augmentation(tiny_set, monkeypatch):
    merged = patients.prepare_sets([tiny_set], TINY.preparation)

    def made(preset=TINY, augment=augment):
        return patients.made_statistics([tiny_set], merged, preset, augment)

    def darker(picture, rng, ranges, **more):
        moved = augment(picture, rng, ranges, **more)
        moved[..., 0] //= 2
        return moved

    folder = made()
    assert made() == folder
    assert {path.name for path in folder.iterdir()} == {"mean.npy", "std.npy", "card.json"}
    assert float(np.load(made(augment=darker) / "mean.npy")) < 0.6 * np.load(folder / "mean.npy")
    assert made(replace(TINY, statistics=5)) != folder
    monkeypatch.setattr(storage, "sources", lambda names: {"augmentation.py": "another"})
    assert made() != folder


@pytest.mark.slow
def test_statistics_that_nobody_uses_are_not_computed(tiny_set, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("statistics were computed")

    monkeypatch.setattr(patients, "made_statistics", refuse)
    by_photograph = replace(TINY, normalization="photograph")
    how = {"steps": 2, "model": own_network()}
    trained = train.train([tiny_set], tmp_path / "model", by_photograph, **how)
    assert trained.mean is None and trained.std is None
    names = {"model.keras", "card.json", "curve.csv"}
    assert {path.name for path in (tmp_path / "model").iterdir()} == names
    assert load_model(tmp_path / "model").preparation == trained.preparation


@pytest.mark.slow
def test_dropout_goes_on_as_if_nothing_had_happened(tiny_set, tmp_path):
    def network():
        keras.utils.set_random_seed(3)
        inputs = keras.Input((None, None, 1))
        x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
        x = layers.Dropout(0.5)(x)
        return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))

    common = {"preset": TINY, "steps": 30}
    train.train([tiny_set], tmp_path / "whole", model=network(), **common)
    with pytest.raises(KeyboardInterrupt):
        train.train(
            [tiny_set], tmp_path / "parts", model=network(), on_epoch=stop_after(1), **common
        )
    train.train([tiny_set], tmp_path / "parts", model=network(), **common)
    assert equal(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


@pytest.mark.slow
def test_minutes_are_turned_into_steps_once(tiny_set, tmp_path, monkeypatch):
    counted = []

    def affordable(*arguments):
        counted.append(True)
        return 20

    def begin(out, **length):
        return train.train([tiny_set], out, TINY, model=own_network(), **length)

    monkeypatch.setattr(train, "affordable_steps", affordable)
    out = tmp_path / "model"
    with pytest.raises(KeyboardInterrupt):
        begin(out, minutes=1, on_epoch=stop_after(1))
    resumed = begin(out, minutes=1)
    assert counted == [True] and resumed.card["steps"] == 20
    begin(tmp_path / "steps", steps=20)
    assert equal(weights_of(out), weights_of(tmp_path / "steps"))


def focal(gamma):
    def loss(truth, prediction):
        return keras.ops.mean((truth - prediction) ** 2 * gamma)

    return loss


def begin_own(part, out, *, model="relu", loss=1, **more):
    """Train `own_network` for an epoch of 4 steps, and stop."""
    train.train(
        [part],
        out,
        model=own_network(model),
        loss=focal(loss),
        **{"preset": TINY, "steps": 4, "on_epoch": stop_after(1)} | more,
    )


@pytest.fixture(scope="module")
def begun(drawn_folder, tmp_path_factory):
    """A training of 4 steps by `begin_own`, stopped after its only epoch."""
    out = tmp_path_factory.mktemp("begun") / "model"
    with pytest.raises(KeyboardInterrupt):
        begin_own(load_set(f"folder:{drawn_folder}", "all"), out)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"model": "elu"},
        {"loss": 5},
        {"steps": 20},
        {"preset": replace(TINY, weight_decay=0.1)},
        {"preset": replace(TINY, learning_rate=1e-3)},
        {"data": True},
    ],
    ids=["seed", "network", "loss", "steps", "decay", "rate", "data"],
)
def test_another_training_is_not_gone_on_with(tiny_set, begun, tmp_path, change):
    out = shutil.copytree(begun, tmp_path / "model")
    part = tiny_set[:4] if change == {"data": True} else tiny_set
    settings = {} if change == {"data": True} else change
    with pytest.raises(FundusError, match=r"another training, or one on other data .* remove"):
        begin_own(part, out, **settings)


@pytest.mark.slow
def test_the_same_training_is_gone_on_with(tiny_set, begun, tmp_path):
    """Else each of the changes above would be refused for nothing."""
    out = shutil.copytree(begun, tmp_path / "model")
    begin_own(tiny_set, out)  # all its steps were made: no epoch comes any more
    assert load_model(out).card["steps"] == 4


@pytest.mark.slow
def test_two_trainings_in_one_folder_do_not_mix(tiny_set, tmp_path):
    out = tmp_path / "model"
    refused = []

    def second(model, curve):
        with pytest.raises(FundusError, match="another process works in"):
            train.train([tiny_set], out, TINY, steps=20, seed=1, model=own_network())
        refused.append(len(curve))

    train.train([tiny_set], out, TINY, steps=20, model=own_network(), on_epoch=second)
    assert refused == [1, 2]
    assert load_model(out).card["seed"] == 0
    assert not (out / "unfinished").exists()


def spoil_by_cutting(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoil_by_emptying(path):
    path.write_bytes(b"")


def spoil_by_text(path):
    path.write_text('{"steps": [1]}', encoding="utf-8")


@pytest.fixture(scope="module")
def stopped(drawn_folder, tmp_path_factory):
    """A training of 20 steps, stopped after its first epoch."""
    out = tmp_path_factory.mktemp("stopped") / "model"
    with pytest.raises(KeyboardInterrupt):
        train.train(
            [load_set(f"folder:{drawn_folder}", "all")],
            out,
            TINY,
            steps=20,
            model=own_network(),
            on_epoch=stop_after(1),
        )
    return out


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [spoil_by_cutting, spoil_by_emptying, spoil_by_text])
@pytest.mark.parametrize("name", ["plan.json", "best.weights.h5", "epoch_001.weights.h5"])
def test_a_broken_file_of_a_stopped_training_says_what_to_remove(
    name, spoil, tiny_set, stopped, tmp_path
):
    out = shutil.copytree(stopped, tmp_path / "model")
    spoil(out / "unfinished" / name)
    with pytest.raises(FundusError, match=rf"{name}.*remove .*unfinished and train again"):
        train.train([tiny_set], out, TINY, steps=20, model=own_network())


@pytest.mark.slow
def test_a_broken_curve_says_what_to_remove(tiny_set, stopped, tmp_path):
    out = shutil.copytree(stopped, tmp_path / "model")
    (out / "unfinished" / "curve.csv").write_text("epoch,step\n1,x\n", encoding="utf-8")
    with pytest.raises(FundusError, match=r"curve\.csv.*remove .*unfinished and train again"):
        train.train([tiny_set], out, TINY, steps=20, model=own_network())


@pytest.mark.parametrize("name", ["model.keras", "curve.csv", "unfinished/notes.txt"])
def test_what_no_training_has_begun_is_not_written_over(tiny_set, tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    with pytest.raises(FundusError, match=f"holds {mine.name}, which belongs to no"):
        train.train([tiny_set], tmp_path, TINY, steps=1)
    assert mine.read_bytes() == b"mine"


@pytest.mark.slow
def test_the_rest_of_a_finished_training_is_removed(tiny_set, whole, tmp_path):
    """As when the process was killed between the card and the clearing up."""
    out = shutil.copytree(whole, tmp_path / "model")
    (out / "unfinished").mkdir()
    (out / "unfinished" / "plan.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FundusError, match="finished model"):
        train.train([tiny_set], out, TINY, steps=40)
    assert not (out / "unfinished").exists()


@pytest.mark.slow
def test_a_refused_training_leaves_nothing(tiny_set, tmp_path):
    with pytest.raises(FundusError, match="no network is called"):
        train.train([tiny_set], tmp_path / "model", UNKNOWN, steps=2)
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_a_refused_training_says_why_and_leaves_the_readers_folder(tiny_set, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "link").symlink_to(mine)
    for out in (mine, tmp_path / "link"):
        with pytest.raises(FundusError, match="no network is called"):
            train.train([tiny_set], out, UNKNOWN, steps=2)
        assert mine.is_dir() and not list(mine.iterdir())


def test_an_epoch_that_the_curve_does_not_know_is_not_gone_on_from(tmp_path):
    curve = "epoch,step,loss,val_loss\n1,10,0.5,0.5\n2,20,0.4,0.4\n"
    (tmp_path / "curve.csv").write_text(curve, encoding="utf-8")
    for number in (2, 4):  # the fourth of another process that trained in the same folder
        (tmp_path / f"epoch_{number:03d}.weights.h5").touch()
    checkpoints = Checkpoints(tmp_path, [10, 20, 30], 0, None)
    assert checkpoints.done == len(checkpoints.curve) == 2
    assert checkpoints.last.name == "epoch_002.weights.h5"


SIZED = keras.Input((32, 32, 1))
COLOURED = keras.Input((None, None, 3))
PLAIN = keras.Input((None, None, 1))


class Subclassed(keras.Model):
    def call(self, images):
        return images


@pytest.mark.parametrize(
    "model",
    [
        unet.article_unet(32, 2),
        keras.Model(SIZED, layers.Conv2D(1, 1)(SIZED)),
        keras.Model(COLOURED, layers.Conv2D(1, 1)(COLOURED)),
        keras.Model(PLAIN, layers.Conv2D(1, 3)(PLAIN)),
        keras.Model(PLAIN, layers.Conv2D(2, 1)(PLAIN)),
        unet.compact_unet(1, depth=5),
        Subclassed(),
    ],
    ids=["article", "one size", "colours", "shrinks", "two maps", "five poolings", "subclassed"],
)
def test_an_unfit_network_is_refused_before_any_work(model):
    with pytest.raises(FundusError, match=r"does not fit .*\(None, None, 1\)"):
        plan.check_network(model, n_channels=1, crop=32)


@pytest.mark.slow
def test_a_sequential_network_is_trained_and_loaded(tiny_set, tmp_path):
    own = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3, padding="same")])
    own.add(layers.Activation("sigmoid"))
    train.train([tiny_set], tmp_path / "own", TINY, steps=2, model=own)
    assert load_model(tmp_path / "own").model.count_params() == 10


@pytest.mark.slow
def test_own_model_loss_and_augmentation_are_used(tiny_set, tmp_path):
    used = []

    def still(merged, rng, ranges, n_channels, size=None, centre=None):
        used.append(size)
        rows, columns = size or merged.shape[:2]
        return merged[:rows, :columns]

    loss = keras.losses.MeanSquaredError()
    trained = train.train(
        [tiny_set], tmp_path / "own", TINY, steps=2, model=own_network(), loss=loss, augment=still
    )
    assert (32, 32) in used and None in used  # crops, and the statistics
    assert trained.card["network"]["name"] == "own"
    assert trained.card["loss"] == "mean_squared_error"
    assert "still" in trained.card["augmentation"]


@pytest.mark.slow
def test_an_error_in_a_readers_augmentation_is_the_readers_error(tiny_set, tmp_path):
    def broken(merged, rng, ranges, **more):
        raise FundusError("this augmentation is broken", "mend it")

    by_photograph = replace(TINY, normalization="photograph")
    with pytest.raises(FundusError, match=r"^this augmentation is broken: mend it\.$"):
        train.train([tiny_set], tmp_path / "own", by_photograph, steps=2, augment=broken)


@pytest.mark.slow
def test_labels_without_vessels_cannot_choose_a_threshold(drawn_folder, tmp_path):
    folder = shutil.copytree(drawn_folder, tmp_path / "own")
    for path in (folder / "labels").glob("drawn_03*"):
        Image.new("L", (128, 128)).save(path)
    with pytest.raises(FundusError, match="validation patients holds a vessel"):
        whole = load_set(f"folder:{folder}", "all")
        train.train([whole], tmp_path / "model", TINY, steps=2, model=own_network())


@pytest.mark.slow
def test_minutes_that_are_over_before_the_first_step_are_refused(tiny_set, tmp_path):
    with pytest.raises(FundusError, match="over before the first step"):
        train.train([tiny_set], tmp_path / "model", TINY, minutes=0.001)


@pytest.mark.slow
def test_the_models_folder_holds_all_that_a_prediction_needs(tiny_set, whole):
    names = {"model.keras", "mean.npy", "std.npy", "card.json", "curve.csv"}
    assert {path.name for path in whole.iterdir()} == names
    card = json.loads((whole / "card.json").read_text(encoding="utf-8"))
    assert card["channels"] == ["green"] and card["fov_diameter"] == 96 and card["steps"] == 40
    assert 0 < card["threshold"] < 1 and "validation" in card["threshold_source"]
    assert card["sets"] == [{"name": "folder", "licence": "the reader's own"}]
    assert card["validation_patients"] == [[tiny_set.patients[-1]]]
    assert load_model(whole).mean == float(np.load(whole / "mean.npy"))


@pytest.mark.slow
def test_a_model_can_be_trained_again_from_its_card_alone(tiny_set, whole, tmp_path):
    card = json.loads((whole / "card.json").read_text(encoding="utf-8"))
    preset = preset_of_card(card)
    assert preset == TINY
    train.train([tiny_set], tmp_path / "again", preset, steps=card["steps"], seed=card["seed"])
    assert equal(weights_of(whole), weights_of(tmp_path / "again"))
    again = json.loads((tmp_path / "again" / "card.json").read_text(encoding="utf-8"))
    assert again == card


@pytest.mark.slow
def test_a_finished_model_is_never_overwritten(tiny_set, whole):
    before = (whole / "card.json").read_bytes()
    with pytest.raises(FundusError, match="finished model"):
        train.train([tiny_set], whole, TINY, steps=2)
    assert (whole / "card.json").read_bytes() == before
    with pytest.raises(FundusError, match="choose another folder"):
        train.train([tiny_set], SHIPPED, TINY, steps=2)


def test_nan_stops_with_an_explanation():
    with pytest.raises(FundusError, match=r"step 4 of this epoch became nan.* learning rate"):
        StopAtNaN().on_train_batch_end(3, {"loss": float("nan")})
    with pytest.raises(FundusError, match=r"validation loss became inf.* learning rate"):
        check_loss("the validation loss", float("inf"))


def test_presets_are_buildable():
    networks = {
        (one.architecture, one.width, one.depth, one.channels, one.crop): one
        for one in PRESETS.values()
    }
    for preset in networks.values():  # several presets share a network: it is built once
        network = plan.build_network(preset)
        assert network.count_params() > 0
        plan.check_network(network, len(preset.channels), preset.crop)


@pytest.mark.slow
def test_the_article_is_trained_as_it_was_and_warns_before(tiny_set, tmp_path, capsys):
    article = replace(PRESETS["article"], fov_diameter=96, crop=112, statistics=4)
    seen = []

    class Follow(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(capsys.readouterr().err)

    trained = train.train([tiny_set], tmp_path / "m", article, steps=1, callbacks=[Follow()])
    assert "a step with one picture of 512x512 takes 14 to 15 seconds" in seen[0]
    assert trained.model.count_params() == 31_043_461
    data = patients.gather([tiny_set], article)
    assert (data.crops[0][2] == 1).sum() > 0.6 * np.pi * 48**2  # all of its field of view


def test_the_rate_rises_and_falls_or_stays():
    common = replace(TINY, learning_rate=1e-2)
    cosine = learning_rate_of(replace(common, warm_up=0.3), 100)
    rates = [float(cosine(step)) for step in range(101)]
    assert np.argmax(rates) == 30 and max(rates) == pytest.approx(1e-2)
    assert rates[0] == pytest.approx(1e-3) and rates[-1] == pytest.approx(0, abs=1e-8)
    assert learning_rate_of(replace(common, schedule="constant"), 100) == 1e-2
    without_decay = new_optimizer(replace(common, weight_decay=0, schedule="constant"), 100)
    variable, twin = keras.Variable([1.0, -2.0]), keras.Variable([1.0, -2.0])
    adam = keras.optimizers.Adam(1e-2)
    for _ in range(5):
        gradient = keras.ops.convert_to_tensor([0.3, -0.1])
        without_decay.apply([gradient], [variable])
        adam.apply([gradient], [twin])
    assert (variable.numpy() == twin.numpy()).all()  # the article's Adam


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"normalization": "batch"}, "no normalization is called 'batch'"),
        ({"depth": 2, "crop": 33}, "33 pixels cannot be halved 2 times.*multiple of 4"),
        ({"depth": 5, "crop": 64}, "5 poolings .*padded to 16"),
        ({"batch": 0}, "batch is 0: it must be above 0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"schedule": "linear"}, "no schedule is called 'linear': choose from cosine, constant"),
        ({"averaging": 1.0}, "averaging is 1.0: it is a share"),
        ({"warm_up": -0.1}, "warm_up is -0.1: it is a share"),
        ({"scales": ()}, "scales is .*: give one or more"),
        ({"scales": (1.0, 0.0)}, "scales is .*: give one or more, each above 0"),
    ],
)
def test_a_preset_that_cannot_be_trained_is_refused(change, said):
    with pytest.raises(FundusError, match=said):
        replace(TINY, **change)


def test_a_misspelt_preset_or_network_names_the_known():
    with pytest.raises(FundusError, match=r"'labtop'.*lesson, quick, laptop, .*drawn"):
        preset_called("labtop")
    with pytest.raises(FundusError, match=r"'resnet'.*compact_unet"):
        plan.build_network(replace(TINY, architecture="resnet"))


def test_a_card_keeps_the_ranges_of_drawn_eyes_where_they_are_not_the_usual_ones():
    usual = PRESETS["drawn"]
    assert "eyes" not in plan.entries_of(usual)
    narrow = replace(usual, eyes=replace(SICK, fovea=((4.6, 0.4), (4.6, 0.4))))
    for preset in (usual, narrow):
        card = json.loads(json.dumps(plan.entries_of(preset)))
        assert preset_of_card(card) == preset


@pytest.mark.slow
def test_a_training_draws_its_eyes_from_the_ranges_of_its_preset(tiny_set):
    one_disc = replace(SICK, disc_radius=(0.9, 0.9), grain=(0.0, 0.0), blur=(0.001, 0.001))
    preset = replace(DRAWN, eyes=one_disc)
    crops = patients.gather([tiny_set], preset, seed=3).crops
    with closing(crops):
        streamed = crops.eyes[0]
    expected = draw_merged(APART + 3, 0, preset.preparation, one_disc)
    assert (streamed == expected).all()
    assert (streamed != draw_merged(APART + 3, 0, preset.preparation, SICK)).any()


def test_a_card_of_an_older_version_cannot_be_trained_from():
    card = load_model().card
    assert preset_of_card(card) == PRESETS["shipped"]
    del card["weight_decay"]
    with pytest.raises(FundusError, match=r"lacks weight_decay.*older version"):
        preset_of_card(card)
