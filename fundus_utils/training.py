"""Training: a fixed number of steps, and a model's folder that can go on after a stop."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from . import budget, callbacks, evaluation, normalization, storage, unet
from .augmentation import augment
from .crops import Augment
from .datasets import SOURCES, FundusSet, load_set
from .material import STEP, Material, gather
from .prediction import SHIPPED, TrainedModel, predict_map, predict_set
from .presets import PRESETS, Preset, pick
from .quiet import keras


def _name(thing: Any) -> str:
    return getattr(thing, "name", getattr(thing, "__qualname__", str(thing)))


def cross_entropy() -> Any:
    """Return the binary cross-entropy in nats, averaged over the pixels inside the field of view.

    Keras' default divides by all pixels, also those of weight 0, and so flatters each photograph
    by the share of black round it; only the weighted mean can be compared with H(p).
    """
    return keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")


def describe(
    sets: Sequence[FundusSet], preset: Preset, material: Material, model: Any, loss: Any, seed: int
) -> dict[str, Any]:
    """Return the model's card, but for what only the training itself can tell."""
    kinds = [part.name.partition(":")[0] for part in sets]
    return {
        "sets": [{"name": kind, "licence": SOURCES[kind].licence} for kind in kinds],
        **pick(preset, "channels", "fov_diameter", "normalization", "statistics", "endless"),
        "sha256": material.checksums,
        "validation_patients": [part.patients for part in material.held],
        "network": {"name": model.name, "parameters": model.count_params()},
        **pick(preset, "crop", "batch", "learning_rate"),
        "loss": _name(loss),
        "augmentation": {"function": _name(material.crops.augment), **asdict(preset.ranges)},
        "seed": seed,
        "versions": {name: version(name) for name in ("fundus-utils", "tensorflow", "keras")},
    }


def fit(
    model: Any,
    loss: Any,
    material: Material,
    preset: Preset,
    steps: int,
    room: Path,
    on_epoch: Callable | None = None,
) -> None:
    """Train for `steps` steps, or what is left of them, and leave the best weights in the model.

    Args:
        model: the network.
        loss: its loss.
        material: see `gather`.
        preset: batch and learning rate.
        steps: in all, counted from the first start.
        room: the folder of the curve and the checkpoints.
        on_epoch: called with (model, rows of the curve) after each epoch.
    """
    epochs = budget.epochs_of(steps)
    per_epoch = steps // epochs
    model.compile(budget.new_optimizer(preset.learning_rate, steps), loss)
    model.optimizer.build(model.trainable_variables)  # else the graph is built twice
    saver = callbacks.Checkpoints(room, per_epoch, material.crops.seed, on_epoch)
    done = saver.resume(model)
    first = done * per_epoch
    watchers = [saver, callbacks.StopAtNaN(), callbacks.Progress(steps, first)]
    if done < epochs:
        stream = material.crops.batches(preset.batch, first, steps - first)
        span = {"initial_epoch": done, "epochs": epochs, "steps_per_epoch": per_epoch}
        known = {"validation_data": material.validation, "callbacks": watchers}
        model.fit(stream, **span, **known, verbose=0, shuffle=False)
    model.load_weights(saver.best)


def _plan(room: Path, about: str, steps: int | None, count: Callable[[], int]) -> int:
    """Fix the number of steps once, in `room`; a training that goes on must be the same one."""
    path = room / "plan.json"
    if path.is_file() and any(room.glob("epoch_*")):
        plan = storage.load_json(path)
        if plan["about"] != about or steps not in (None, plan["steps"]):
            problem = f"{room} holds another training, or one on other data, unfinished"
            raise storage.FundusError(f"{problem}: remove that folder, or choose another.")
        return plan["steps"]
    steps = steps or count()
    storage.save_json(path, {"steps": steps, "about": about})
    return steps


def check_network(model: Any, channels: int, crop: int) -> None:
    """Raise FundusError unless a network turns pictures of several sizes into maps of their size.

    Args:
        model: from (n, h, w, channels) to (n, h, w, 1).
        channels: image channels.
        crop: side of a training crop in pixels; whole photographs are padded to multiples of 16.
    """
    try:
        for height, width in ((crop, crop), (3 * STEP, 4 * STEP)):
            made = model(np.zeros((1, height, width, channels), np.float32)).shape
            if tuple(made) != (1, height, width, 1):
                raise ValueError(f"{height}x{width} pixels become {tuple(made)}")
        keras.Model(model.inputs, model.outputs)
    except Exception as error:  # a network can be unfit in many ways; its own words tell how
        why = str(error).strip().splitlines()[0]
        advice = f"build it by keras.Model from an input of (None, None, {channels})"
        rule = f"crops of {crop} and whole photographs, padded to multiples of {STEP}, must fit"
        raise storage.FundusError(f"this network does not fit ({why}): {advice}; {rule}.") from None


def _finish(trained: TrainedModel, held: Sequence[FundusSet], room: Path, out: Path) -> None:
    """Choose the threshold on the held-out patients and write the model's folder, card last."""
    maps = chain.from_iterable(predict_set(trained, part, progress=True) for part in held)
    pairs = ((label[fov], found[fov]) for _, label, found, fov in maps if label is not None)
    trained.card["threshold"], score = evaluation.best_threshold(pairs)
    trained.card["threshold_source"] = f"highest Dice ({score:.3f}) on the validation patients"
    normalization.save_statistics(out, trained.mean, trained.std)
    shutil.copy(room / "curve.csv", out / "curve.csv")
    model = trained.model
    with storage.writing_whole(out / "model.keras") as path:  # without the optimizer's state
        keras.Model(model.inputs, model.outputs, name=model.name).save(path)
    storage.save_json(out / "card.json", trained.card)
    shutil.rmtree(room)


def train(
    sets: Sequence[FundusSet],
    out: Path,
    preset: str | Preset = "lesson",
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    model: Any = None,
    loss: Any = None,
    augment: Augment = augment,
    on_epoch: Callable | None = None,
    started: float | None = None,
) -> TrainedModel:
    """Train a network and write its folder: model.keras, mean.npy, std.npy, card.json, curve.csv.

    The last fifth of each set's patients validates: the best weights and the threshold come from
    them. A training that was stopped goes on from its last finished epoch when it is called again.

    Args:
        sets: the training parts of one or more sets.
        out: the folder to write.
        preset: a name of PRESETS, or a Preset of your own.
        minutes: how long all of it may take; the number of steps is fixed once from it.
        steps: the number of steps, instead of minutes; repeats a run exactly on one machine.
        seed: of weights, crops and dropout.
        model: your own network, from (n, h, w, channels) to (n, h, w, 1) in (0, 1).
        loss: your own loss, as Keras takes it; by default `cross_entropy()`.
        augment: your own augmentation, called as `augmentation.augment` is.
        on_epoch: called with (model, rows of the curve) after each epoch.
        started: the `time.monotonic()` from which the minutes count.

    Returns:
        The trained model, as `prediction.load_model(out)` gives it.

    Raises:
        FundusError: the folder holds a finished model or another training, the network does not
            fit, the minutes are too few, or the loss is no number any more.
    """
    started = time.monotonic() if started is None else started
    preset = PRESETS[preset] if isinstance(preset, str) else preset
    out, room = Path(out), Path(out) / "unfinished"
    if (out / "card.json").exists() or out.resolve() == SHIPPED.resolve():
        problem = f"{out} holds a finished model"
        raise storage.FundusError(f"{problem}: choose another folder, or remove it.")
    room.mkdir(parents=True, exist_ok=True)  # before the work, in case it cannot be written
    keras.utils.set_random_seed(seed)
    model = model or unet.compact_unet(preset.width, preset.depth, len(preset.channels))
    check_network(model, len(preset.channels), preset.crop)
    material = gather(sets, preset, seed, augment)
    loss = loss or cross_entropy()
    card = describe(sets, preset, material, model, loss, seed)
    about = storage.key_of(card, [part.fingerprint for part in sets])
    trained = TrainedModel(model, card, material.crops.mean, material.crops.std)

    def finish_one() -> int:
        predict_map(trained, material.held[0][0].photograph)
        return sum(map(len, material.held))

    def count() -> int:
        left = budget.AIM * 60 * (minutes or preset.minutes) - (time.monotonic() - started)
        data = material.crops, preset.batch, material.validation
        return budget.steps_for(model, loss, *data, finish_one, left)

    with closing(material.crops):
        total = _plan(room, about, steps, count)
        keras.utils.set_random_seed(seed)
        fit(model, loss, material, preset, total, room, on_epoch)
    card["steps"] = total
    _finish(trained, material.held, room, out)
    return trained


def made_model(
    name: str, preset: Preset, steps: int, seed: int = 0, on_epoch: Callable | None = None
) -> Path:
    """Return the folder of a model trained on one set for `steps` steps, trained at first use."""
    part = load_set(name, "train")
    key = storage.key_of(asdict(preset), steps, seed, part.name, part.fingerprint)

    def make(folder: Path) -> None:
        train([part], folder, preset, steps=steps, seed=seed, on_epoch=on_epoch)

    return storage.made_folder(f"model_{key}", make)
