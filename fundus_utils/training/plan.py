"""What a training is going to be, fixed before it begins: its card, its steps, its network."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..data import SOURCES, FundusSet
from ..errors import FundusError
from ..networks import NETWORKS
from ..photograph import MULTIPLE
from ..quiet import keras
from ..seen import FITTED, JUDGED, seen_entries
from ..trained_model import bare_network
from .ancestry import Ancestor
from .fingerprint import fingerprint_of, name_of, network_fingerprint, versions
from .patients import TrainingData
from .presets import Preset, entries_of
from .unfinished import PLAN

# What decides how a training ends; when one of them changes, a made model is made anew.
CODE = (
    "photograph",
    "augmentation",
    "normalization",
    "preparation",
    "unet",
    "networks",
    "evaluation",
    "prediction",
    "trained_model",
    "data",
    "synthetic",
    "training",
)


def build_network(preset: Preset) -> Any:
    """Build the network that a preset names. Raises FundusError if there is none of that name."""
    if preset.architecture not in NETWORKS:
        problem = f"no network is called {preset.architecture!r}"
        raise FundusError(problem, f"choose from {', '.join(NETWORKS)}")
    return NETWORKS[preset.architecture](
        width=preset.width,
        depth=preset.depth,
        n_channels=len(preset.channels),
    )


def first_network(preset: Preset, seed: int, model: Any, ancestor: Ancestor | None) -> Any:
    """Return the network as it is before its training: the reader's, the ancestor's or a new one.

    Raises:
        FundusError: see `build_network` and `check_network`.
    """
    keras.utils.set_random_seed(seed)
    if model is None and ancestor is not None:
        model = bare_network(ancestor.trained.model)
    model = model or build_network(preset)
    check_network(model, len(preset.channels), preset.crop)
    return model


def check_network(model: Any, n_channels: int, crop: int) -> None:
    """Raise FundusError unless a network turns pictures of several sizes into maps of their size.

    Args:
        model: from (n, h, w, n_channels) to (n, h, w, 1).
        n_channels: image channels.
        crop: side of a training crop in pixels; whole photographs are padded to multiples of 16.
    """
    sizes = ((crop, crop), (3 * MULTIPLE, 4 * MULTIPLE))
    try:
        for height, width in sizes:
            blank = np.zeros((1, height, width, n_channels), np.float32)
            made = tuple(model(blank).shape)
            if made != (1, height, width, 1):
                raise ValueError(f"{height}x{width} pixels become {made}")
        bare_network(model)
    except Exception as error:  # a network can be unfit in many ways; its own words tell how
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        rule = f"crops of {crop} and whole photographs, padded to multiples of {MULTIPLE}, must fit"
        advice = f"build it by keras.Model from an input of (None, None, {n_channels}); {rule}"
        raise FundusError(f"this network does not fit ({reason})", advice) from None


def new_card(
    sets: Sequence[FundusSet],
    preset: Preset,
    data: TrainingData,
    model: Any,
    loss: Any,
    seed: int,
    ancestor: Ancestor | None = None,
) -> dict[str, Any]:
    """Return a model's card: all that its training needs to be repeated.

    The number of steps, the threshold and the checksums of the statistics come in the end.
    """
    kinds = [part.name.partition(":")[0] for part in sets]
    fitted = [] if preset.endless else data.fitted
    return {
        "sets": [{"name": kind, "licence": SOURCES[kind].licence} for kind in kinds],
        **entries_of(preset),
        "ancestors": ancestor.entries if ancestor else [],
        "photographs": [[] if preset.endless else part.names for part in data.fitted],
        "validation_patients": [part.patients for part in data.held],
        "seen": [*seen_entries(fitted, FITTED), *seen_entries(data.held, JUDGED)],
        "network": {"name": model.name, "parameters": model.count_params()},
        "loss": name_of(loss),
        "augmentation": name_of(data.crops.augment),
        "seed": seed,
        "versions": versions(),
    }


def training_fingerprint(
    card: dict[str, Any],
    sets: Sequence[FundusSet],
    data: TrainingData,
    model: Any,
    loss: Any,
) -> str:
    """Return a key that two trainings share only if they would end with the same weights.

    A network that was handed in brings its own first weights, which are not part of the key.
    """
    below = ("network", "loss", "augmentation")  # described by what they do, not by their names
    left_out = (*below, "minutes", "start")  # the ancestors say more than where they lie
    about = {name: value for name, value in card.items() if name not in left_out}
    return storage.key_of(
        about,
        [part.fingerprint for part in sets],
        [data.preparation.mean, data.preparation.std],
        network_fingerprint(model),
        fingerprint_of(loss),
        fingerprint_of(data.crops.augment),
        storage.sources(CODE),
    )


def planned_steps(
    unfinished: Path, fingerprint: str, steps: int | None, count: Callable[[], int]
) -> int:
    """Fix the number of steps once; a training that goes on must be the same one.

    Args:
        unfinished: the training's folder.
        fingerprint: see `training_fingerprint`.
        steps: as the reader wants it, or None.
        count: returns how many fit into the time, where the reader gave none.

    Raises:
        FundusError: the folder holds another training, or what is in it cannot be read.
    """
    path = unfinished / PLAN
    if path.is_file() and any(unfinished.glob("epoch_*")):
        plan = _read_plan(path)
        if plan["about"] != fingerprint or steps not in (None, plan["steps"]):
            problem = f"{unfinished} holds another training, or one on other data or code"
            raise FundusError(problem, "remove that folder, or choose another")
        said = f"it goes on with the {plan['steps']:,} steps that were planned when it began"
        print(said, file=sys.stderr)
        return plan["steps"]
    steps = steps or count()
    storage.save_json(path, {"steps": steps, "about": fingerprint})
    return steps


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        plan = storage.load_json(path)
        return {"steps": int(plan["steps"]), "about": str(plan["about"])}
    except (ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "problem", error)
        problem = f"{path} of a stopped training cannot be read ({reason})"
        raise FundusError(problem, f"remove {path.parent} and train again") from None
