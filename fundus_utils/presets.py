"""Presets: what a training is made of, in one table."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .augmentation import Ranges


@dataclass(frozen=True)
class Preset:
    """What a training is made of; `minutes` is what it takes unless the reader says otherwise."""

    minutes: float
    width: int = 8
    depth: int = 3
    crop: int = 64
    batch: int = 16
    learning_rate: float = 3e-3
    channels: tuple[str, ...] = ("green",)
    fov_diameter: int = 540
    normalization: str = "dataset"  # the article's; or "photograph": each by itself
    statistics: int = 1700  # augmented images that mean and std are computed over
    ranges: Ranges = field(default_factory=Ranges)
    endless: bool = False  # crops of drawn eyes that never come back, instead of the set's own

    def __post_init__(self) -> None:
        """Refuse a normalization that does not exist."""
        if self.normalization not in ("dataset", "photograph"):
            raise ValueError(f"normalization {self.normalization!r}: dataset or photograph.")


PRESETS = {
    "lesson": Preset(minutes=1),
    "laptop": Preset(minutes=30, crop=96, normalization="photograph"),
    "drawn": Preset(minutes=20, crop=96, normalization="photograph", endless=True),
}


def pick(preset: Preset, *names: str) -> dict[str, Any]:
    """Return some entries of a preset by name, for a card."""
    return {name: value for name, value in asdict(preset).items() if name in names}
