"""What a training keeps on disk beside its checkpoints, and the best of one that was stopped."""

from pathlib import Path
from typing import Any

from .. import storage
from ..errors import FundusError
from ..quiet import keras
from ..trained_model import TrainedModel

UNFINISHED = "unfinished"  # the sub-folder of a model's folder in which its training lies
BEGUN = "begun.json"


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
