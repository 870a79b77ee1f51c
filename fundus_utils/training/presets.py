"""Presets: what a training is made of, in one table. The learning rate is set here."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from ..augmentation import Ranges
from ..errors import FundusError
from ..photograph import MULTIPLE
from ..preparation import Preparation
from ..synthetic import SICK, EyeRanges

NOTHING = "nothing"  # the start of a training whose first weights are random
SCHEDULES = ("cosine", "constant")
EYES = "eyes"  # an entry that a card may lack


@dataclass(frozen=True)
class Preset:
    """What a training is made of; `minutes` is what it takes unless the reader says otherwise."""

    minutes: float
    start: str = NOTHING  # or the model whose weights it begins with: `drawn`, `shipped`, a folder
    architecture: str = "compact_unet"  # a name of `networks.NETWORKS`
    width: int = 8  # features of its first level
    depth: int = 3  # poolings
    crop: int = 64  # pixels a side
    whole: bool = False  # crops show the photograph's middle, instead of a random point of it
    corners: bool = False  # the loss counts what lies outside the field of view too
    batch: int = 16  # crops a step
    loss: str = "cross_entropy"  # a name of `losses.LOSSES`
    learning_rate: float = 3e-3  # the highest
    schedule: str = "cosine"  # the rate rises, then falls to 0 as a cosine; or "constant"
    warm_up: float = 0.05  # share of the steps in which it rises (one-cycle: about 0.3)
    weight_decay: float = 1e-2
    averaging: float = 0.0  # share of the steps that the mean of the weights reaches back over
    epochs: int = 10  # at most: so often the curve gets a point and the state is saved
    channels: tuple[str, ...] = ("green",)
    fov_diameter: int = 540  # pixels
    normalization: str = "dataset"  # the article's; or "photograph": each by itself
    statistics: int = 1700  # augmented images that mean and std are computed over
    ranges: Ranges = field(default_factory=Ranges)
    endless: bool = False  # crops of drawn eyes that never come back, instead of the set's own
    eyes: EyeRanges = SICK  # and what those are drawn from
    flips: bool = False  # the map is the mean over the photograph and its three mirror images
    scales: tuple[float, ...] = (1.0,)  # and over these, as multiples of `fov_diameter`

    def __post_init__(self) -> None:
        """Raise FundusError for values that cannot be trained with."""
        _ = self.preparation  # checks the normalization
        if self.crop < 1 or self.crop % 2**self.depth:
            problem = f"a crop of {self.crop} pixels cannot be halved {self.depth} times"
            raise FundusError(problem, f"choose a multiple of {2**self.depth}")
        if 2**self.depth > MULTIPLE:
            problem = f"{self.depth} poolings need sides that are multiples of {2**self.depth}"
            raise FundusError(problem, f"photographs are padded to {MULTIPLE}: take fewer poolings")
        if self.schedule not in SCHEDULES:
            problem = f"no schedule is called {self.schedule!r}"
            raise FundusError(problem, f"choose from {', '.join(SCHEDULES)}")
        for name in ("warm_up", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise FundusError(f"{name} is {getattr(self, name)}", "it is a share, 0 to below 1")
        if not self.scales or not all(scale > 0 for scale in self.scales):
            raise FundusError(f"scales is {self.scales}", "give one or more, each above 0")
        for name in ("minutes", "width", "batch", "learning_rate", "epochs", "statistics"):
            if not getattr(self, name) > 0:
                raise FundusError(f"{name} is {getattr(self, name)}", "it must be above 0")

    @property
    def preparation(self) -> Preparation:
        """How a photograph becomes what the network gets; the statistics are not known yet."""
        return Preparation(
            channels=tuple(self.channels),
            fov_diameter=self.fov_diameter,
            normalization=self.normalization,
        )


# From drawn eyes to real ones: a lower rate keeps what the network knows.
LAPTOP = Preset(
    minutes=30,
    start="drawn",
    width=12,
    crop=96,
    learning_rate=2e-3,
    normalization="photograph",
    flips=True,
)
# Whatever is meant for photographs of many cameras normalizes each of them by itself.
PRESETS = {
    # From nothing, in a minute: what notebook 05 trains. Batch and rate were chosen on the held-out
    # children of CHASE_DB1 (the study `lesson`).
    "lesson": Preset(
        minutes=1,
        batch=8,
        learning_rate=1e-2,
        epochs=6,
    ),
    # From drawn eyes, in a minute or two: what notebook 05 trains beside it.
    "quick": Preset(
        minutes=2,
        start="drawn",
        width=12,
        batch=8,
        learning_rate=2e-3,
        epochs=6,
        normalization="photograph",
    ),
    "laptop": LAPTOP,
    # The same without drawn eyes, to compare with; the best rate is another one.
    "scratch": replace(LAPTOP, start=NOTHING, learning_rate=1e-2),
    # As `laptop`, longer.
    "full": replace(LAPTOP, minutes=120),
    # As `laptop`, for cameras that it never learned from: the crops get the noise of a camera (the
    # study `generalization`), and its map is the mean over two scales, since a camera that sees 60
    # degrees makes vessels half as wide as one that sees 30.
    "shipped": replace(LAPTOP, minutes=60, scales=(1.0, 1.3), ranges=Ranges(noise=(0, 4))),
    # From drawn eyes alone. Its two scales were chosen on CHASE_DB1 01-10 and HRF 01-03, for the
    # same reason.
    "drawn": Preset(
        minutes=120,
        width=12,
        crop=96,
        learning_rate=5e-3,
        normalization="photograph",
        endless=True,
        scales=(1.0, 1.44),
    ),
    # The article's own network and recipe: 3,400 steps, two of its epochs, take it 14 hours.
    "article": Preset(
        minutes=840,
        architecture="article_unet",
        width=64,
        depth=4,
        crop=512,
        whole=True,
        batch=1,
        learning_rate=1e-4,
        schedule="constant",
        warm_up=0,
        weight_decay=0,
        fov_diameter=480,
    ),
}
# Said before a training begins.
WARNINGS = {
    "article_unet": "a step with one picture of 512x512 takes 14 to 15 seconds on two cores, "
    "a thousand steps 4 hours",
}


def preset_called(name: str) -> Preset:
    """Return a preset of PRESETS. Raises FundusError if there is none of that name."""
    if name not in PRESETS:
        raise FundusError(f"no preset is called {name!r}", f"choose from {', '.join(PRESETS)}")
    return PRESETS[name]


def preset_of_card(card: dict[str, Any]) -> Preset:
    """Return the preset that a trained model's card holds, so that it can be trained again.

    Raises:
        FundusError: the card is of a version of this package that kept less in it.
    """
    names = [one.name for one in fields(Preset) if one.name != EYES]
    if lacking := [name for name in names if name not in card]:
        problem = f"the card lacks {', '.join(lacking)}"
        raise FundusError(problem, "it comes from an older version: choose a preset by name")
    if EYES in card:
        names.append(EYES)
    return changed(Preset(minutes=card["minutes"]), {name: card[name] for name in names})


def changed(preset: Preset, entries: dict[str, Any]) -> Preset:
    """Return a preset with other entries, as a JSON or TOML file writes them.

    Args:
        preset: it stays as it is.
        entries: by name; lists become tuples. Of `ranges` and `eyes`, what is not named stays.

    Raises:
        FundusError: a range has not the form of the usual one.
    """
    values = {name: _as_tuple(value) for name, value in entries.items()}
    for name in {"ranges", EYES} & set(values):
        usual = getattr(preset, name)
        spans = {row: _as_tuple(span) for row, span in values[name].items()}
        for row, span in spans.items():
            if np.shape(span) != np.shape(getattr(usual, row)):
                raise FundusError(f"{row} is {span}", f"write it as {getattr(usual, row)} is")
        values[name] = replace(usual, **spans)
    return replace(preset, **values)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(one) for one in value) if isinstance(value, list | tuple) else value


def entries_of(preset: Preset) -> dict[str, Any]:
    """Return the preset as the entries of a card: all of it, by name.

    Without the ranges of drawn eyes where they are the usual ones, or none are drawn.
    """
    entries = asdict(preset)
    if not preset.endless or preset.eyes == SICK:
        del entries[EYES]
    return entries
