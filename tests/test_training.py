import json
import shutil

import numpy as np
import pytest
from PIL import Image

from fundus_utils import budget, material, training, unet
from fundus_utils.callbacks import Checkpoints, StopAtNaN, check_loss, read_curve
from fundus_utils.crops import Crops, prepare, whole_photographs
from fundus_utils.datasets import load_set
from fundus_utils.prediction import SHIPPED, load_model
from fundus_utils.presets import PRESETS, Preset
from fundus_utils.quiet import keras
from fundus_utils.storage import FundusError

TINY = Preset(minutes=1, width=2, depth=2, crop=32, batch=4, fov_diameter=96, statistics=4)


@pytest.fixture
def tiny_set(drawn_folder):
    """Six small drawn eyes of three patients as a reader's own folder."""
    return load_set(f"folder:{drawn_folder}", "all")


def crops_of(tiny_set, **changes):
    merged = [prepare(sample, 96) for sample in tiny_set]
    return Crops(merged, mean=0.3, std=0.1, size=32, **changes)


def test_prepare_brings_the_field_of_view_to_the_training_diameter(tiny_set):
    merged = prepare(tiny_set[0], 96)
    columns = np.flatnonzero((merged[..., 2] >= 128).any(axis=0))
    assert abs(np.ptp(columns) + 1 - 96) <= 1
    assert merged.dtype == np.uint8 and set(np.unique(merged[..., 1])) == {0, 255}


def test_crop_i_depends_on_seed_and_i_alone(tiny_set):
    crops, again = crops_of(tiny_set), crops_of(tiny_set)
    for i in (5, 0, 17):
        assert all((a == b).all() for a, b in zip(crops[i], again[i], strict=True))
    assert not (crops[0][0] == crops[1][0]).all()
    assert not (crops[0][0] == crops_of(tiny_set, seed=1)[0][0]).all()


def test_crops_have_two_valued_labels_and_weights(tiny_set):
    for i in range(20):
        image, label, weight = crops_of(tiny_set)[i]
        assert image.shape == label.shape == weight.shape == (32, 32, 1)
        assert image.dtype == np.float32
        assert set(np.unique(label)) <= {0, 1} and set(np.unique(weight)) <= {0, 1}
        assert not label[weight == 0].any() or label[weight == 0].mean() < 0.05


def test_a_stream_can_begin_in_the_middle(tiny_set):
    crops = crops_of(tiny_set)
    whole = [batch[0].numpy() for batch in crops.batches(4, steps=5)]
    late = [batch[0].numpy() for batch in crops.batches(4, first_step=3, steps=2)]
    assert len(whole) == 5 and len(late) == 2
    assert (whole[3] == late[0]).all() and (whole[4] == late[1]).all()


def test_photograph_normalization_takes_out_brightness(tiny_set):
    crops = crops_of(tiny_set, by_photograph=True)
    values, _, weights = next(iter(whole_photographs(crops, crops.merged, 16)))
    inside = values.numpy()[weights.numpy() > 0]
    assert abs(inside.mean()) < 0.01 and abs(inside.std() - 1) < 0.01


def test_a_constant_map_costs_the_entropy_whatever_surrounds_the_eye(tiny_set):
    crops = crops_of(tiny_set)
    _, label, weight = next(iter(whole_photographs(crops, crops.merged, 16)))
    share = float(label.numpy()[weight.numpy() > 0].mean())
    constant = np.full(label.shape, share, np.float32)
    loss = float(training.cross_entropy()(label, constant, sample_weight=weight))
    assert loss == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share), rel=1e-4)


def test_nothing_searches_for_thread_numbers_while_a_network_trains(tiny_set):
    crops = crops_of(tiny_set)
    streams = (
        crops.batches(2),
        crops.batches(2, steps=3),
        whole_photographs(crops, crops.merged, 16),
    )
    assert all(stream.options().autotune.enabled is False for stream in streams)


@pytest.mark.parametrize("steps, epochs", [(400, 10), (40, 4), (230, 10), (7, 1), (23, 1), (1, 1)])
def test_steps_are_cut_into_equal_epochs(steps, epochs):
    assert budget.epochs_of(steps) == epochs


def weights_of(folder):
    return keras.models.load_model(folder / "model.keras").get_weights()


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_with_the_same_weights(tiny_set, tmp_path):
    def stop(model, rows):
        if len(rows) == 2:
            raise KeyboardInterrupt

    training.train([tiny_set], tmp_path / "whole", TINY, steps=40)
    with pytest.raises(KeyboardInterrupt):
        training.train([tiny_set], tmp_path / "parts", TINY, steps=40, on_epoch=stop)
    assert not (tmp_path / "parts" / "card.json").exists()
    assert len(read_curve(tmp_path / "parts" / "unfinished" / "curve.csv")) == 2
    training.train([tiny_set], tmp_path / "parts", TINY, steps=40)
    pairs = zip(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"), strict=True)
    assert all((a == b).all() for a, b in pairs)
    curves = [(tmp_path / name / "curve.csv").read_text() for name in ("whole", "parts")]
    assert curves[0] == curves[1]


@pytest.mark.slow
def test_dropout_goes_on_as_if_nothing_had_happened(tiny_set, tmp_path):
    def stop(model, rows):
        if len(rows) == 1:
            raise KeyboardInterrupt

    def network():
        keras.utils.set_random_seed(3)
        return unet.article_unet(None, 2, original=True)

    common = {"preset": TINY, "steps": 30}
    training.train([tiny_set], tmp_path / "whole", model=network(), **common)
    with pytest.raises(KeyboardInterrupt):
        training.train([tiny_set], tmp_path / "parts", model=network(), on_epoch=stop, **common)
    training.train([tiny_set], tmp_path / "parts", model=network(), **common)
    pairs = zip(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_an_epoch_that_the_curve_does_not_know_is_not_gone_on_from(tmp_path):
    (tmp_path / "curve.csv").write_text("epoch,step,loss,val_loss\n1,10,0.5,0.5\n2,20,0.4,0.4\n")
    for number in (2, 4):  # the fourth of another process that trained in the same folder
        (tmp_path / f"epoch_{number:03d}.weights.h5").write_text("")
    saver = Checkpoints(tmp_path, 10, 0, None)
    assert (saver.done, saver.last.name, len(saver.rows)) == (2, "epoch_002.weights.h5", 2)


layers = keras.layers
SIZED = keras.Input((32, 32, 1)), keras.Input((None, None, 3)), keras.Input((None, None, 1))


class Subclassed(keras.Model):
    def call(self, images):
        return images


@pytest.mark.parametrize(
    "model",
    [
        unet.article_unet(32, 2),
        keras.Model(SIZED[1], layers.Conv2D(1, 1)(SIZED[1])),
        keras.Model(SIZED[2], layers.Conv2D(1, 3)(SIZED[2])),
        keras.Model(SIZED[2], layers.Conv2D(2, 1)(SIZED[2])),
        unet.compact_unet(1, depth=5),
        Subclassed(),
    ],
    ids=["one size", "three channels", "shrinks", "two maps", "five poolings", "subclassed"],
)
def test_an_unfit_network_is_refused_before_any_work(model, tmp_path):
    with pytest.raises(FundusError, match=r"does not fit .*\(None, None, 1\)"):
        training.check_network(model, channels=1, crop=32)


@pytest.mark.slow
def test_a_sequential_network_is_trained_and_loaded(tiny_set, tmp_path):
    own = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3, padding="same")])
    own.add(layers.Activation("sigmoid"))
    training.train([tiny_set], tmp_path / "own", TINY, steps=2, model=own)
    assert load_model(tmp_path / "own").model.count_params() == 10


@pytest.mark.slow
def test_labels_without_vessels_cannot_choose_a_threshold(drawn_folder, tmp_path):
    folder = shutil.copytree(drawn_folder, tmp_path / "own")
    for path in (folder / "labels").glob("drawn_03*"):
        Image.new("L", (128, 128)).save(path)
    with pytest.raises(FundusError, match="validation patients holds a vessel"):
        training.train([load_set(f"folder:{folder}", "all")], tmp_path / "model", TINY, steps=2)


@pytest.mark.slow
def test_minutes_that_are_over_before_the_first_step_are_refused(tiny_set, tmp_path):
    with pytest.raises(FundusError, match="over before the first step"):
        training.train([tiny_set], tmp_path / "model", TINY, minutes=0.001)


@pytest.mark.slow
def test_the_models_folder_holds_all_that_a_prediction_needs(tiny_set, tmp_path):
    out = tmp_path / "model"
    training.train([tiny_set], out, TINY, steps=4)
    names = {"model.keras", "mean.npy", "std.npy", "card.json", "curve.csv"}
    assert {path.name for path in out.iterdir()} == names
    card = json.loads((out / "card.json").read_text())
    assert card["channels"] == ["green"] and card["fov_diameter"] == 96 and card["steps"] == 4
    assert 0 < card["threshold"] < 1 and "validation" in card["threshold_source"]
    assert card["sets"] == [{"name": "folder", "licence": "the reader's own"}]
    assert not set(card["validation_patients"][0]) & set(tiny_set.patients[:-1])
    assert load_model(out).mean == float(np.load(out / "mean.npy"))


@pytest.mark.slow
def test_a_finished_model_is_never_overwritten(tiny_set, tmp_path):
    training.train([tiny_set], tmp_path / "model", TINY, steps=2)
    before = (tmp_path / "model" / "card.json").read_bytes()
    with pytest.raises(FundusError, match="finished model"):
        training.train([tiny_set], tmp_path / "model", TINY, steps=2)
    assert (tmp_path / "model" / "card.json").read_bytes() == before
    with pytest.raises(FundusError, match="choose another folder"):
        training.train([tiny_set], SHIPPED, TINY, steps=2)


@pytest.mark.slow
def test_another_training_is_not_continued(tiny_set, tmp_path):
    def stop(model, rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train([tiny_set], tmp_path / "model", TINY, steps=4, on_epoch=stop)
    with pytest.raises(FundusError, match="another training"):
        training.train([tiny_set], tmp_path / "model", TINY, steps=4, seed=1)
    with pytest.raises(FundusError, match="on other data"):
        training.train([tiny_set[:4]], tmp_path / "model", TINY, steps=4)


@pytest.mark.slow
def test_the_warm_up_leaves_the_model_as_it_was(tiny_set):
    made = material.gather([tiny_set], TINY)
    model = unet.compact_unet(2, 2)
    before = model.get_weights()
    steps = budget.steps_for(
        model, training.cross_entropy(), made.crops, 4, made.validation, lambda: 1, 30
    )
    assert steps >= budget.EPOCHS and steps % budget.EPOCHS == 0
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.slow
def test_own_model_loss_and_augmentation_are_used(tiny_set, tmp_path):
    used = []

    def still(merged, rng, ranges, **more):
        used.append(True)
        rows, columns = more["size"]
        return merged[:rows, :columns]

    inputs = keras.Input((None, None, 1))
    own = keras.Model(inputs, keras.layers.Conv2D(1, 1, activation="sigmoid")(inputs), name="own")
    loss = keras.losses.MeanSquaredError()
    trained = training.train(
        [tiny_set], tmp_path / "own", TINY, steps=2, model=own, loss=loss, augment=still
    )
    assert used and trained.card["network"] == {"name": "own", "parameters": 2}
    assert trained.card["loss"] == "mean_squared_error"


def test_nan_stops_with_an_explanation():
    with pytest.raises(FundusError, match=r"step 4 of this epoch became nan.* learning rate"):
        StopAtNaN().on_train_batch_end(3, {"loss": float("nan")})
    with pytest.raises(FundusError, match=r"validation loss became inf.* learning rate"):
        check_loss("the validation loss", float("inf"))


def test_a_set_without_labels_cannot_be_learned_from(drawn_folder, tmp_path):
    shutil.copytree(drawn_folder / "images", tmp_path / "bare" / "images")
    sample = load_set(f"folder:{tmp_path / 'bare'}", "unlabelled")[0]
    with pytest.raises(FundusError, match="no label"):
        prepare(sample, 96)


def test_presets_are_buildable():
    for preset in PRESETS.values():
        assert unet.compact_unet(preset.width, preset.depth).count_params() > 0
        assert preset.crop % 2**preset.depth == 0
