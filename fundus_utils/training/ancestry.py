"""Where a training starts: from random weights, or from those of a trained model."""

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..errors import FundusError
from ..preparation import Preparation
from ..trained_model import CARD, DRAWN, NETWORK, SHIPPED, TrainedModel, find_model, load_model
from .presets import NOTHING, Preset, preset_called

# What a network keeps for life: it was fitted to pictures of this scale, channel and range.
FOR_LIFE = ("channels", "fov_diameter", "normalization")
BUILT = ("architecture", "width", "depth")  # and this is how it was built


@dataclass(frozen=True)
class Ancestor:
    """The model that a training starts from.

    name: `drawn`, `shipped`, or that of its folder. start: leads to it again: `drawn`, `shipped`,
    or the folder as it was given. trained: its network, card and statistics.
    """

    name: str
    start: str
    trained: TrainedModel

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Return the ancestry for the card of a descendant: all ancestors, the oldest first."""
        card = self.trained.card
        own: dict[str, Any] = {
            "name": self.name,
            "sets": card.get("sets", []),
            "steps": card.get("steps"),
            "seed": card.get("seed"),
            "weights": weights_checksum(self.trained.model),
        }
        if "seen" in card:  # else nobody knows, and `seen.is_kept` says so
            own["seen"] = card["seen"]
        return [*card.get("ancestors", []), own]


def preparation_of(ancestor: Ancestor | None) -> Preparation | None:
    """Return the preparation of an ancestor, its statistics known; None without one."""
    return ancestor.trained.preparation if ancestor else None


def start_checksum(start: str | Path) -> str:
    """Return the checksum of the network's file that a training starts from, or "" for none."""
    network = find_model(start) / NETWORK
    return storage.sha256(network) if network.is_file() else ""


def model_checksum(model: str | Path) -> str:
    """Return a checksum of all that a model's map depends on: of its network and its card."""
    files = [find_model(model) / name for name in (NETWORK, CARD)]
    return storage.key_of(*(storage.sha256(file) for file in files if file.is_file()))


def weights_checksum(model: Any) -> str:
    """Return the SHA-256 checksum of all weights of a network, whatever file they lie in."""
    found = hashlib.sha256()
    for weights in model.get_weights():
        found.update(np.ascontiguousarray(weights).tobytes())
    return found.hexdigest()


def find_ancestor(start: str | Path) -> Ancestor | None:
    """Read the model that a training starts from.

    Args:
        start: `drawn`, `shipped`, a model's folder, or `nothing`.

    Returns:
        The ancestor, None for `nothing`.

    Raises:
        FundusError: the model is missing or broken.
    """
    if str(start) == NOTHING:
        return None
    folder = find_model(start)
    if not (folder / CARD).is_file():
        problem = f"there is no model to start from in {folder}"
        raise FundusError(problem, f"give the folder of one, or drawn, shipped or {NOTHING}")
    name = folder.resolve().name
    of_package = folder.resolve() in (SHIPPED, DRAWN)
    return Ancestor(name, name if of_package else str(start), load_model(folder))


def descent(
    preset: str | Preset, start: str | Path | None, model: Any
) -> tuple[Preset, Ancestor | None]:
    """Return the preset as the card will hold it, and the model that its training starts from.

    Args:
        preset: one, or a name of PRESETS; its own `start` counts where the reader has given
            neither of the two others.
        start: see `find_ancestor`.
        model: the reader's own network, or None.

    Raises:
        FundusError: the ancestor is missing or does not fit, or a network was given as well.
    """
    preset = preset_called(preset) if isinstance(preset, str) else preset
    if model is not None:
        if start not in (None, NOTHING):
            problem = f"a network was given, and {start} to start from"
            raise FundusError(problem, "give one of them: a network keeps its first weights")
        return replace(preset, start=NOTHING), None
    ancestor = find_ancestor(preset.start if start is None else start)
    if ancestor is None:
        return replace(preset, start=NOTHING), None
    check_descent(preset, ancestor)
    return replace(preset, start=ancestor.start), ancestor


def check_descent(preset: Preset, ancestor: Ancestor) -> None:
    """Raise FundusError where a preset asks for what its ancestor is not."""
    card = ancestor.trained.card
    for name in (*FOR_LIFE, *BUILT):
        wanted = _plain(getattr(preset, name))
        found = _plain(card.get(name, wanted))
        if wanted != found:
            problem = (
                f"the preset has {name} {wanted}, but {ancestor.name} was trained with {found}"
            )
            ways = f"leave the preset out, change it, or start from {NOTHING}"
            raise FundusError(problem, f"{ways}. A network keeps for life what it was trained with")


def adapted(preset: Preset, start: str | Path) -> Preset:
    """Return a preset with the scale, channels, normalization and network of a model.

    Args:
        preset: gives all the rest.
        start: see `find_ancestor`.
    """
    folder = find_model(start)
    if not (folder / CARD).is_file():
        return preset  # `find_ancestor` says what is wrong
    card = storage.load_json(folder / CARD)
    known = {one.name for one in fields(Preset)}
    values = {name: card[name] for name in (*FOR_LIFE, *BUILT) if name in card and name in known}
    if "channels" in values:
        values["channels"] = tuple(values["channels"])
    return replace(preset, **values)


def chosen_preset(name: str | None, start: str | Path | None) -> Preset:
    """Return the preset for what a reader has chosen; either may be left open.

    Args:
        name: of PRESETS. Without it, `laptop`, made to fit where a start is given.
        start: see `find_ancestor`; without it, the preset's own.

    Raises:
        FundusError: there is no preset of that name.
    """
    preset = preset_called(name or "laptop")
    if start is None:
        return preset
    if str(start) == NOTHING:
        return preset_called(name or "scratch")
    return preset if name else adapted(preset, start)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
