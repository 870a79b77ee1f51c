"""The folder of a training: who works in it, what it keeps there, and the best of a stopped one."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import storage
from ..errors import FundusError
from ..quiet import keras
from ..trained_model import DRAWN, NETWORK, SHIPPED, TrainedModel, is_finished

UNFINISHED = "unfinished"  # the sub-folder of a model's folder in which its training lies
BEGUN = "begun.json"
PLAN = "plan.json"  # how many steps, and of what: there from the beginning


def note_begun(unfinished: Path, trained: TrainedModel) -> None:
    """Write down the network and the card as they are before the first step."""
    begun = {
        "card": trained.card,
        "network": trained.model.to_json(),
        "mean": trained.mean,
        "std": trained.std,
    }
    storage.save_json(unfinished / BEGUN, begun)


def best_so_far(out: Path) -> TrainedModel:
    """Return the best model of a training that was stopped, with 0.5 as its threshold.

    Its folder stays as it is: the training can still go on.

    Args:
        out: the folder that the training was to write.

    Raises:
        FundusError: the folder holds no stopped training, or one without a finished epoch, or its
            network has layers of the reader's own.
    """
    unfinished = Path(out) / UNFINISHED
    best = unfinished / "best.weights.h5"
    if not (best.is_file() and (unfinished / BEGUN).is_file()):
        problem = f"{unfinished} holds no training with a finished epoch"
        raise FundusError(problem, "train longer; a finished model is read by `load_model`")
    begun = storage.load_json(unfinished / BEGUN)
    try:
        model: Any = keras.models.model_from_json(begun["network"])
        model.load_weights(best)
    except (TypeError, ValueError, KeyError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"the network of {unfinished} cannot be built again ({reason})"
        raise FundusError(problem, "let the training go on to its end") from None
    card = begun["card"] | {"threshold": 0.5, "threshold_source": "not chosen: it was stopped"}
    return TrainedModel(model, card, begun["mean"], begun["std"])


def _refuse_taken(out: Path) -> None:
    """Raise FundusError if a folder holds a finished model, or something else, or is a shipped one.

    What a training would write over, it must have begun itself.
    """
    if is_finished(out):
        clear(out)
    if is_finished(out) or out.resolve() in (SHIPPED, DRAWN):
        raise FundusError(f"{out} holds a finished model", "choose another folder, or remove it")
    unfinished = out / UNFINISHED
    ours = [out / NETWORK, out / "curve.csv", *unfinished.glob("[!.]*")]
    found = [path.name for path in ours if path.exists() and path.name != "lock"]
    if found and not (unfinished / PLAN).exists():
        problem = f"{out} holds {', '.join(found)}, which belongs to no unfinished training"
        raise FundusError(problem, "choose another folder, or remove them")


def clear(out: Path) -> None:
    """Remove the unfinished part of a training; one that was killed at its very end leaves it."""
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)


@contextlib.contextmanager
def working_in(out: Path) -> Iterator[Path]:
    """Give the folder of an unfinished training to one process alone.

    In the end it is removed if the model is finished, or if there is nothing in it. A folder that
    the reader had made stays, empty or not.

    Raises:
        FundusError: `out` holds a finished model, or what no training there has begun, or another
            process works in it.
    """
    unfinished = out / UNFINISHED
    _refuse_taken(out)
    was_there = out.exists()
    with storage.locked(unfinished, wait=False), _tidied(out, was_there):
        _refuse_taken(out)  # by another process, between the look and the lock
        yield unfinished


@contextlib.contextmanager
def _tidied(out: Path, was_there: bool) -> Iterator[None]:
    unfinished = out / UNFINISHED
    try:
        yield
    finally:
        begun = [path for path in unfinished.glob("*") if path.name != "lock"]
        if is_finished(out) or not begun:
            clear(out)
        if not was_there:
            with contextlib.suppress(OSError):  # it is not empty
                out.rmdir()
