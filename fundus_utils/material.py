"""What a training works with: crops of the fitting patients, and the held-out patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import normalization, storage
from .augmentation import augment
from .crops import Augment, Crops, EndlessCrops, prepare_set, whole_photographs
from .datasets import FundusSet
from .fov import Bytes
from .presets import Preset, pick
from .synthetic.stream import Eyes

STEP = 16  # sides of whole photographs are padded to multiples of it


def made_statistics(parts: Sequence[FundusSet], merged: Sequence[Bytes], preset: Preset) -> Path:
    """Return the folder that holds the statistics of some sets, computed at first use.

    Args:
        parts: the sets, for the name that the statistics are kept under.
        merged: their prepared photographs.
        preset: channels, scale, ranges and the number of augmented images.
    """
    sets, count = [[part.name, part.part, len(part)] for part in parts], preset.statistics
    about = {"sets": sets, "count": count, **pick(preset, "channels", "fov_diameter", "ranges")}

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

    Where the preset is endless, the crops come from drawn eyes that are drawn meanwhile, and the
    sets give the statistics and the validation alone.

    Args:
        sets: the training parts of one or more sets; the last fifth of each one's patients is
            held out for validation.
        preset: scale, channels, crop size and normalization.
        seed: of the crops.
        augment: see `Crops`.

    Raises:
        FundusError: a set has one patient only, or no label of one side holds a vessel.
    """
    fit, held = zip(*(part.hold_out() for part in sets), strict=True)
    merged = prepare_set(fit, preset.fov_diameter, preset.channels)
    folder = made_statistics(fit, merged, preset)
    card = storage.load_json(folder / "card.json")
    mean, std = normalization.load_statistics(folder, card, preset.channels)
    own, channels = preset.normalization == "photograph", len(preset.channels)
    how = mean, std, preset.crop, seed, channels, own, preset.ranges, augment
    crops = Crops(merged, *how)
    if preset.endless:
        eyes = Eyes(seed, preset.fov_diameter, preset.channels)
        crops = EndlessCrops([], *how, eyes=eyes)
    held_merged = prepare_set(held, preset.fov_diameter, preset.channels)
    for part, pictures in (("fitting", merged), ("validation", held_merged)):
        if not any((picture[..., channels] >= 128).any() for picture in pictures):
            raise storage.FundusError(f"no label of the {part} patients holds a vessel.")
    return Material(crops, held, whole_photographs(crops, held_merged, STEP), card["sha256"])
