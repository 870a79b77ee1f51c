"""A trained model's folder: network, statistics and card, written and read here alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import normalization, quiet, storage
from .errors import FundusError
from .preparation import Preparation

MODELS = Path(__file__).resolve().parent / "models"
SHIPPED = MODELS / "shipped"  # learned from drawn eyes first, and from real ones after
DRAWN = MODELS / "drawn"  # learned from drawn eyes alone
NEEDED = ("channels", "fov_diameter", "normalization", "threshold", "sha256")  # of a card
NETWORK = "model.keras"
CARD = "card.json"


@dataclass(frozen=True)
class TrainedModel:
    """A model and all that a prediction needs with it.

    card: what it was made of and how; of it `channels`, `fov_diameter` (pixels), `normalization`
    (`dataset` or `photograph`), `threshold` and, if they are there, `flips` and `scales` are used.
    mean, std: the training images' statistics on the 0 to 1 scale; None where each photograph is
    normalized by its own.
    """

    model: Any
    card: dict
    mean: float | None = None
    std: float | None = None

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel is called a vessel."""
        return self.card["threshold"]

    @property
    def flips(self) -> bool:
        """Whether its map is the mean over the photograph and its three mirror images."""
        return bool(self.card.get("flips", False))

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales, as multiples of `fov_diameter`, that its map is the mean over."""
        return tuple(self.card.get("scales", (1.0,)))

    @property
    def preparation(self) -> Preparation:
        """How a photograph becomes what this network gets."""
        return Preparation(
            channels=tuple(self.card["channels"]),
            fov_diameter=self.card["fov_diameter"],
            normalization=self.card["normalization"],
            mean=self.mean,
            std=self.std,
        )


def find_model(name: str | Path) -> Path:
    """Return the folder of a model: `shipped`, `drawn`, or the path of another one's.

    A folder of yours that is called like one of these two is `./drawn` or `./shipped`, and a `Path`
    is always a folder: it has lost the `./`.
    """
    shipped = {folder.name: folder for folder in (SHIPPED, DRAWN)}
    return shipped.get(name, Path(name)) if isinstance(name, str) else name


def is_finished(folder: Path) -> bool:
    """Say whether a folder holds a whole trained model: its card is written last."""
    return (folder / CARD).exists()


def save_model(folder: Path, trained: TrainedModel) -> None:
    """Write a trained model's folder: statistics if it has any, network, and at last the card.

    Args:
        folder: it exists.
        trained: its card gets the entry `sha256`, the checksums of the statistics.
    """
    trained.card["sha256"] = {}
    if trained.mean is not None and trained.std is not None:
        checksums = normalization.save_statistics(folder, trained.mean, trained.std)
        trained.card["sha256"] = checksums
    bare = bare_network(trained.model)
    with storage.writing_whole(folder / NETWORK) as target:
        bare.save(target)
    storage.save_json(folder / CARD, trained.card)


def bare_network(model: Any) -> Any:
    """Return a network with the same layers and weights, without the state of an optimizer."""
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    outputs = model.outputs[0] if len(model.outputs) == 1 else model.outputs
    return quiet.keras.Model(inputs, outputs, name=model.name)


def load_model(folder: str | Path = SHIPPED) -> TrainedModel:
    """Read a trained model's folder.

    Args:
        folder: holds model.keras and card.json, and, where the model was normalized by its data
            set, mean.npy and std.npy; or a name, see `find_model`. The shipped model's by default.

    Raises:
        FundusError: one of them is missing or broken, or the statistics do not belong to the model.
    """
    folder = find_model(folder)
    for name in (CARD, NETWORK):
        if not (folder / name).is_file():
            raise FundusError(f"{folder / name} is missing", "train it, or let its training go on")
    card = _read_card(folder / CARD)
    mean, std = None, None
    if card["normalization"] == "dataset":
        mean, std = normalization.load_statistics(folder, card, card["channels"])
    return TrainedModel(_read_network(folder / NETWORK), card, mean, std)


def _read_card(path: Path) -> dict:
    card = storage.load_json(path)
    lacking = [key for key in NEEDED if not isinstance(card, dict) or key not in card]
    if lacking:
        problem = f"{path} lacks {', '.join(lacking)}"
        raise FundusError(problem, "copy the card again, or train the model anew")
    return card


def _read_network(path: Path) -> Any:
    load = quiet.keras.models.load_model  # an error of TensorFlow's own start is none of the file's
    try:
        return load(path)
    except Exception as error:  # broken, of another Keras, or with a layer that is not known here
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"{path} cannot be loaded ({reason})"
        raise FundusError(problem, "copy it again, or train it anew") from None
