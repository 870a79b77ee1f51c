"""Training: a fixed number of steps, and a model's folder that can go on after a stop."""

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .. import evaluation, storage
from ..augmentation import augment
from ..data import FundusSet, load_set
from ..prediction import predict_set
from ..quiet import keras
from ..seen import judged_though_fitted
from ..trained_model import TrainedModel, is_finished, save_model
from .ancestry import Ancestor, descent, preparation_of, start_checksum
from .callbacks import OnEpoch
from .crops import Augment
from .fingerprint import versions
from .fitting import affordable_steps, fit
from .losses import loss_called
from .patients import TrainingData, gather
from .plan import CODE, first_network, new_card, planned_steps, training_fingerprint
from .presets import WARNINGS, Preset, entries_of
from .unfinished import UNFINISHED, clear, note_begun, working_in


def choose_threshold(
    trained: TrainedModel, data: TrainingData, ancestor: Ancestor | None = None
) -> None:
    """Choose the threshold, and write it and its source into the card.

    It is the one with the highest Dice on the held-out patients. With nobody held out it is the
    ancestor's; without one of those, the best on the photographs that the network was fitted to.
    """
    held_out = any(len(part) for part in data.held)
    if ancestor and not held_out:
        trained.card["threshold"] = ancestor.trained.threshold
        trained.card["threshold_source"] = f"that of {ancestor.name}: nobody was held out"
        return
    maps = chain.from_iterable(predict_set(trained, part, progress=True) for part in data.judged)
    pairs = ((label[fov], found[fov]) for _, label, found, fov in maps if label is not None)
    threshold, score = evaluation.best_threshold(pairs)
    whom = "the validation patients"
    if not held_out:
        whom = "the photographs it was given, which flatters: nobody was held out"
    elif known := judged_though_fitted(trained.card):
        whom += f", which flatters: it has learned from {len(known)} of their photographs"
    trained.card["threshold"] = threshold
    trained.card["threshold_source"] = f"highest Dice ({score:.3f}) on {whom}"


def train(
    sets: Sequence[FundusSet],
    out: Path,
    preset: str | Preset = "lesson",
    *,
    start: str | Path | None = None,
    photographs: int | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    model: Any = None,
    loss: Any = None,
    augment: Augment = augment,
    callbacks: Sequence[Any] = (),
    on_epoch: OnEpoch | None = None,
    started: float | None = None,
) -> TrainedModel:
    """Train a network and write its folder: model.keras, card.json, curve.csv, and statistics.

    The last fifth of each set's patients validates: the best weights and the threshold come from
    them. With one patient there is nobody to hold out: the last weights are kept, for the threshold
    see `choose_threshold`. A training that was stopped goes on from its last finished epoch when it
    is called again; `unfinished.best_so_far` reads what it had by then. The statistics, mean.npy
    and std.npy, are written where the preset normalizes by data set.

    Args:
        sets: the training parts of one or more sets.
        out: the folder to write.
        preset: a name of PRESETS, or a Preset of your own.
        start: the model whose weights it begins with: `drawn`, `shipped`, a model's folder, or
            `nothing`; by default the preset's. Its statistics are used too.
        photographs: learn from the first so many of each set, in the order of patients.
        minutes: how long all of it may take; the number of steps is fixed once from it.
        steps: the number of steps, instead of minutes; repeats a run exactly on one machine.
        seed: of weights, crops and dropout.
        model: your own network, from (n, h, w, n_channels) to (n, h, w, 1) in (0, 1); it keeps the
            first weights that it has.
        loss: your own loss, as Keras takes it; by default the preset's.
        augment: your own augmentation, called as `augmentation.augment` is.
        callbacks: your own, of Keras; a state of theirs is not kept over a stop.
        on_epoch: called with (model, curve) after each epoch, the curve a pandas table.
        started: the `time.monotonic()` from which the minutes count.

    Returns:
        The trained model, as `trained_model.load_model(out)` gives it.

    Raises:
        FundusError: the folder holds a finished model, another training or something else, or
            another process trains in it; the network does not fit, or not its ancestor; the minutes
            are too few, or the loss is no number any more.
    """
    begin = time.monotonic() if started is None else started
    preset, ancestor = descent(preset, start, model)
    sets = [one.first(photographs) for one in sets] if photographs else sets
    out = Path(out)
    with working_in(out) as unfinished:
        model = first_network(preset, seed, model, ancestor)
        data = gather(sets, preset, seed, augment, preparation_of(ancestor))
        with closing(data.crops):
            loss = loss or loss_called(preset.loss)
            card = new_card(sets, preset, data, model, loss, seed, ancestor)
            announce(card)
            fingerprint = training_fingerprint(card, sets, data, model, loss)
            trained = TrainedModel(model, card, data.preparation.mean, data.preparation.std)
            count = partial(affordable_steps, trained, loss, data, preset, minutes, begin)
            card["steps"] = planned_steps(unfinished, fingerprint, steps, count)
            note_begun(unfinished, trained)
            keras.utils.set_random_seed(seed)
            fit(model, loss, data, preset, card["steps"], unfinished, on_epoch, callbacks)
        choose_threshold(trained, data, ancestor)
        _write(trained, out)
    return trained


def announce(card: dict[str, Any]) -> None:
    """Say what is going to be trained, and warn where that takes very long."""
    network = card["network"]
    origin = f" from {card['start']}" if card["ancestors"] else ""
    said = f"{network['name']} of {network['parameters']:,} parameters{origin}"
    print(said, file=sys.stderr)
    if network["name"] in WARNINGS and network["parameters"] > 1e7:
        print(WARNINGS[network["name"]], file=sys.stderr)
    if not any(card["validation_patients"]):
        print("with one patient nobody is held out: the last weights are kept", file=sys.stderr)
    if known := judged_though_fitted(card):
        named = ", ".join(known[:4])
        print(f"the model, or its ancestor, learns from what validates: {named}", file=sys.stderr)


def _write(trained: TrainedModel, out: Path) -> None:
    """Write the model's folder, the card last: with it, it is finished."""
    shutil.copy(out / UNFINISHED / "curve.csv", out / "curve.csv")
    save_model(out, trained)


def model_folder(
    name: str, preset: Preset, steps: int, seed: int = 0, photographs: int | None = None
) -> Path:
    """Return the folder in which `made_model` keeps a model; all that makes it is in its name."""
    part = load_set(name, "train")
    about = entries_of(preset)
    del about["minutes"]  # the steps are given
    key = storage.key_of(
        about,
        steps,
        seed,
        photographs,
        part.name,
        part.fingerprint,
        versions(),
        start_checksum(preset.start),
        storage.sources(CODE),
    )
    return storage.derived_dir() / f"model_{key}"


def made_model(
    name: str,
    preset: Preset,
    steps: int,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    photographs: int | None = None,
    leaves: Path | None = None,
) -> Path:
    """Return the folder of a model trained on one set for `steps` steps, trained at first use.

    A training that was stopped goes on; two notebooks that ask at once train once.

    Args:
        name: of a set, see `data.load_set`; its training part is learned from.
        preset, steps, seed, on_epoch, photographs: see `train`.
        leaves: a file that `on_epoch` writes: where it is missing, a model that is there (another
            notebook may have trained it) is trained anew.
    """
    folder = model_folder(name, preset, steps, seed, photographs)
    with storage.locked(storage.derived_dir() / ".locks" / folder.name, wait=True):
        if leaves is not None and is_finished(folder) and not leaves.exists():
            shutil.rmtree(folder)
        if is_finished(folder):
            clear(folder)
        else:
            train(
                [load_set(name, "train")],
                folder,
                preset,
                photographs=photographs,
                steps=steps,
                seed=seed,
                on_epoch=on_epoch,
            )
    return folder
