"""Training: a fixed number of steps, and a model's folder that can go on after a stop."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from . import budget, callbacks, evaluation, normalization, storage, unet
from .augmentation import augment
from .crops import Augment, Crops, prepare_set, whole_photographs
from .datasets import SOURCES, FundusSet, load_set
from .fov import Bytes
from .prediction import SHIPPED, TrainedModel, predict_map, predict_set
from .presets import PRESETS, Preset
from .quiet import keras

STEP = 16  # sides of whole photographs are padded to multiples of it


def _pick(preset: Preset, *names: str) -> dict[str, Any]:
    return {name: value for name, value in asdict(preset).items() if name in names}


def made_statistics(parts: Sequence[FundusSet], merged: Sequence[Bytes], preset: Preset) -> Path:
    """Return the folder that holds the statistics of some sets, computed at first use.

    Args:
        parts: the sets, for the name that the statistics are kept under.
        merged: their prepared photographs.
        preset: channels, scale, ranges and the number of augmented images.
    """
    sets, count = [[part.name, part.part, len(part)] for part in parts], preset.statistics
    about = {"sets": sets, "count": count, **_pick(preset, "channels", "fov_diameter", "ranges")}

    def make(folder: Path) -> None:
        channels, ranges = len(preset.channels), preset.ranges
        found = normalization.augmented_statistics(merged, count, 0, channels, ranges)
        checksums = normalization.save_statistics(folder, float(found.mean), float(found.std))
        storage.save_json(folder / "card.json", {**about, "sha256": checksums})

    key = storage.key_of(about, [part.fingerprint for part in parts])
    return storage.made_folder(f"statistics_{key}", make)


@dataclass(frozen=True)
class Material:
    """What a training works with: crops of the fitting patients, and the held-out patients."""

    crops: Crops
    held: Sequence[FundusSet]
    validation: Any
    checksums: dict[str, str]


def gather(
    sets: Sequence[FundusSet], preset: Preset, seed: int = 0, augment: Augment = augment
) -> Material:
    """Split the sets by patient, prepare the photographs and normalize them.

    Args:
        sets: the training parts of one or more sets; the last fifth of each one's patients is
            held out for validation.
        preset: scale, channels, crop size and normalization.
        seed: of the crops.
        augment: see `Crops`.
    """
    fit, held = zip(*(part.hold_out() for part in sets), strict=True)
    merged = prepare_set(fit, preset.fov_diameter, preset.channels)
    folder = made_statistics(fit, merged, preset)
    card = storage.load_json(folder / "card.json")
    mean, std = normalization.load_statistics(folder, card, preset.channels)
    own, channels = preset.normalization == "photograph", len(preset.channels)
    crops = Crops(merged, mean, std, preset.crop, seed, channels, own, preset.ranges, augment)
    held_merged = prepare_set(held, preset.fov_diameter, preset.channels)
    return Material(crops, held, whole_photographs(crops, held_merged, STEP), card["sha256"])


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
        **_pick(preset, "channels", "fov_diameter", "normalization", "statistics"),
        "sha256": material.checksums,
        "validation_patients": [part.patients for part in material.held],
        "network": {"name": model.name, "parameters": model.count_params()},
        **_pick(preset, "crop", "batch", "learning_rate"),
        "loss": getattr(loss, "name", getattr(loss, "__name__", str(loss))),
        "augmentation": asdict(preset.ranges),
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
    saver = callbacks.Checkpoints(room, per_epoch, on_epoch)
    done = saver.resume(model)
    first = done * per_epoch
    watchers = [saver, callbacks.StopAtNaN(), callbacks.Progress(steps, first)]
    if done < epochs:
        stream = material.crops.batches(preset.batch, first, steps - first)
        span = {"initial_epoch": done, "epochs": epochs, "steps_per_epoch": per_epoch}
        known = {"validation_data": material.validation, "callbacks": watchers}
        model.fit(stream, **span, **known, verbose=0, shuffle=False)
    model.load_weights(saver.best)


def _plan(room: Path, card: dict, steps: int | None, count: Callable[[], int]) -> int:
    """Fix the number of steps once, in `room`; a training that goes on must be the same one."""
    path = room / "plan.json"
    if path.is_file():
        plan = storage.load_json(path)
        same = storage.key_of(plan["card"]) == storage.key_of(card)
        if not same or steps not in (None, plan["steps"]):
            problem = f"{room} holds another training, unfinished"
            raise storage.FundusError(f"{problem}: remove that folder.")
        return plan["steps"]
    steps = steps or count()
    storage.save_json(path, {"steps": steps, "card": card})
    return steps


def _finish(trained: TrainedModel, held: Sequence[FundusSet], room: Path, out: Path) -> None:
    """Choose the threshold on the held-out patients and write the model's folder, card last."""
    maps = chain.from_iterable(predict_set(trained, part) for part in held)
    pairs = ((label[fov], found[fov]) for _, label, found, fov in maps if label is not None)
    trained.card["threshold"], score = evaluation.best_threshold(pairs)
    trained.card["threshold_source"] = f"highest Dice ({score:.3f}) on the validation patients"
    normalization.save_statistics(out, trained.mean, trained.std)
    shutil.copy(room / "curve.csv", out / "curve.csv")
    model = trained.model
    with storage.writing_whole(out / "model.keras") as path:  # without the optimizer's state
        keras.Model(model.input, model.output, name=model.name).save(path)
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
        FundusError: the folder holds a finished model, or the loss is no number any more.
    """
    started = time.monotonic() if started is None else started
    preset = PRESETS[preset] if isinstance(preset, str) else preset
    out, room = Path(out), Path(out) / "unfinished"
    if (out / "card.json").exists() or out.resolve() == SHIPPED.resolve():
        problem = f"{out} holds a finished model"
        raise storage.FundusError(f"{problem}: choose another folder, or remove it.")
    material = gather(sets, preset, seed, augment)
    keras.utils.set_random_seed(seed)
    model = model or unet.compact_unet(preset.width, preset.depth, len(preset.channels))
    loss = loss or cross_entropy()
    card = describe(sets, preset, material, model, loss, seed)
    trained = TrainedModel(model, card, material.crops.mean, material.crops.std)

    def finish_one() -> int:
        predict_map(trained, material.held[0][0].photograph)
        return sum(map(len, material.held))

    def count() -> int:
        left = budget.AIM * 60 * (minutes or preset.minutes) - (time.monotonic() - started)
        data = material.crops, preset.batch, material.validation
        return budget.steps_for(model, loss, *data, finish_one, left)

    total = _plan(room, card, steps, count)
    keras.utils.set_random_seed(seed)
    fit(model, loss, material, preset, total, room, on_epoch)
    card["steps"] = total
    _finish(trained, material.held, room, out)
    return trained


def made_model(
    name: str, preset: str, steps: int, seed: int = 0, on_epoch: Callable | None = None
) -> Path:
    """Return the folder of a model trained on one set for `steps` steps, trained at first use."""
    part = load_set(name, "train")
    key = storage.key_of(asdict(PRESETS[preset]), steps, seed, part.name, part.fingerprint)

    def make(folder: Path) -> None:
        train([part], folder, preset, steps=steps, seed=seed, on_epoch=on_epoch)

    return storage.made_folder(f"model_{key}", make)
