"""Who is learned from and who is held out: sets split by patient, prepared and normalized."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import normalization, storage
from ..augmentation import augment
from ..data import FundusSet
from ..errors import FundusError
from ..photograph import Bytes
from ..preparation import Preparation
from .crops import Augment, Crops, EndlessCrops, whole_photographs
from .eyes import Eyes
from .fingerprint import fingerprint_of
from .presets import Preset

# What decides the statistics of a set; when one of them changes, they are computed anew.
STATISTICS_CODE = ("photograph", "augmentation", "normalization", "preparation", "data")


@dataclass(frozen=True)
class TrainingData:
    """What a training works with.

    crops: of the fitting patients, or of drawn eyes. fitted: the fitting patients' photographs, a
    part of each set. held: those of the held-out patients, a part of each set, empty where it has
    one patient. validation: the same, prepared, see `crops.whole_photographs`; None if there are
    none.
    """

    crops: Crops
    fitted: Sequence[FundusSet]
    held: Sequence[FundusSet]
    validation: Any

    @property
    def judged(self) -> list[FundusSet]:
        """What a threshold can be chosen on: the held-out photographs, else the fitted ones."""
        held = [part for part in self.held if len(part)]
        return held or list(self.fitted)

    @property
    def preparation(self) -> Preparation:
        """How a photograph becomes what the network gets, statistics known."""
        return self.crops.preparation


def prepare_sets(parts: Sequence[FundusSet], preparation: Preparation) -> list[Bytes]:
    """Prepare every sample of some sets, one after the other, see `Preparation.merged`.

    Raises:
        FundusError: a sample has no label: it can be predicted, not learned from.
    """
    merged = []
    for part in parts:
        for sample in part:
            if sample.label is None:
                problem = f"{sample.name} has no label"
                raise FundusError(problem, "it can be predicted, not learned from")
            merged.append(preparation.merged(sample))
    return merged


def made_statistics(
    parts: Sequence[FundusSet],
    merged: Sequence[Bytes],
    preset: Preset,
    augment: Augment = augment,
) -> Path:
    """Return the folder that holds the statistics of some sets, computed at first use.

    Args:
        parts: the sets, for the name that the statistics are kept under.
        merged: their prepared photographs.
        preset: channels, scale, ranges and the number of augmented images.
        augment: see `Crops`.
    """
    about = {
        "sets": [[part.name, part.part, len(part)] for part in parts],
        "count": preset.statistics,
        "channels": list(preset.channels),
        "fov_diameter": preset.fov_diameter,
        "ranges": asdict(preset.ranges),
    }

    def make(folder: Path) -> None:
        found = normalization.augmented_statistics(
            merged,
            count=preset.statistics,
            n_channels=len(preset.channels),
            ranges=preset.ranges,
            augment=augment,
        )
        checksums = normalization.save_statistics(folder, float(found.mean), float(found.std))
        storage.save_json(folder / "card.json", {**about, "sha256": checksums})

    key = storage.key_of(
        about,
        [part.fingerprint for part in parts],
        fingerprint_of(augment),
        storage.sources(STATISTICS_CODE),
        [version("numpy"), version("pillow")],
    )
    return storage.made_folder(f"statistics_{key}", make)


def gather(
    sets: Sequence[FundusSet],
    preset: Preset,
    seed: int = 0,
    augment: Augment = augment,
    known: Preparation | None = None,
) -> TrainingData:
    """Split the sets by patient, prepare the photographs and normalize them.

    Where the preset is endless, the crops come from drawn eyes that are drawn meanwhile, and the
    sets give the validation alone.

    Args:
        sets: the training parts of one or more sets; the last fifth of each one's patients is
            held out for validation. With one patient nobody is.
        preset: scale, channels, crop size and normalization.
        seed: of the crops.
        augment: see `Crops`.
        known: the preparation of the model that the training starts from, its statistics known.

    Raises:
        FundusError: no label of one side holds a vessel.
    """
    fitted, held = split_by_patient(sets)
    preparation = known or preset.preparation
    held_merged = prepare_sets(held, preparation)
    if held_merged:
        _check_vessels("validation", held_merged, preparation)
    merged: list[Bytes] = []
    by_data_set = preset.normalization == "dataset" and preparation.mean is None
    if by_data_set or not preset.endless:
        merged = prepare_sets(fitted, preparation)
        _check_vessels("fitting", merged, preparation)
    if by_data_set:
        folder = made_statistics(fitted, merged, preset, augment)
        card = storage.load_json(folder / "card.json")
        mean, std = normalization.load_statistics(folder, card, preset.channels)
        preparation = replace(preparation, mean=mean, std=std)

    crops = _crops_of(merged, preparation, preset, seed, augment)
    validation = whole_photographs(preparation, held_merged) if held_merged else None
    return TrainingData(crops, fitted, held, validation)


def split_by_patient(sets: Sequence[FundusSet]) -> tuple[list[FundusSet], list[FundusSet]]:
    """Return the fitting and the held-out part of each set, the latter empty for one patient."""
    fitted: list[FundusSet] = []
    held: list[FundusSet] = []
    for one in sets:
        alone = len(one.patients) == 1
        fit_part, held_part = (one, one[:0]) if alone else one.hold_out()
        fitted.append(fit_part)
        held.append(held_part)
    return fitted, held


def _crops_of(
    merged: Sequence[Bytes],
    preparation: Preparation,
    preset: Preset,
    seed: int,
    augment: Augment,
) -> Crops:
    """Return crops of the merged photographs or, where the preset is endless, of drawn eyes."""
    if preset.endless:
        return EndlessCrops(
            merged=[],
            preparation=preparation,
            size=preset.crop,
            seed=seed,
            ranges=preset.ranges,
            augment=augment,
            whole=preset.whole,
            corners=preset.corners,
            eyes=Eyes(seed, preparation, preset.eyes),
        )
    return Crops(
        merged=merged,
        preparation=preparation,
        size=preset.crop,
        seed=seed,
        ranges=preset.ranges,
        augment=augment,
        whole=preset.whole,
        corners=preset.corners,
    )


def _check_vessels(part: str, merged: Sequence[Bytes], preparation: Preparation) -> None:
    """Raise FundusError unless some label holds a vessel."""
    label = preparation.n_channels  # its channel comes after those of the image
    if not any((picture[..., label] >= 128).any() for picture in merged):
        problem = f"no label of the {part} patients holds a vessel"
        advice = "check that vessels are the brighter value in the labels, and not drawn too thin"
        raise FundusError(problem, f"{advice}: `doctor` examines photographs and labels")
