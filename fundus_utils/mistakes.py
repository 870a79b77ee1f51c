"""A folder of photographs and labels with the faults of real folders, for the examination to find.

Each pair has one fault, but for the first. The fault is in the name of the files, so that a reader
sees at once what was found and what was not.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from .errors import FundusError
from .photograph import Bools, Bytes, Sample, resize

MOVED = 0.02  # of the width: how far the moved label lies beside its vessels
NARROWER = 2 / 3  # of the width is left: a camera's picture of 3:2 that was made a square


def as_grey_levels(mask: Bools) -> Bytes:
    """Return a mask, bool (H, W), as uint8 (H, W) of 0 and 255."""
    return np.where(mask, np.uint8(255), np.uint8(0))


def only_photograph_mirrored(sample: Sample) -> Sample:
    """Return the sample with its photograph mirrored left to right, and its label not."""
    return replace(sample, photograph=sample.photograph[:, ::-1].copy())


def blue_first(sample: Sample) -> Sample:
    """Return the sample with its channels in the order blue, green, red, as cv2.imread has them."""
    return replace(sample, photograph=sample.photograph[..., ::-1].copy())


def label_moved(sample: Sample) -> Sample:
    """Return the sample with its label moved to the right by MOVED of the width, all round.

    Raises:
        FundusError: it has no label.
    """
    columns = round(MOVED * sample.fov.shape[1])
    return replace(sample, label=np.roll(_label_of(sample), columns, axis=1))


def narrowed(sample: Sample) -> Sample:
    """Return the sample with NARROWER of its width and all of its height.

    A second observer's label is left out.

    Raises:
        FundusError: it has no label.
    """
    height, width = sample.fov.shape
    size = height, round(NARROWER * width)
    return replace(
        sample,
        photograph=resize(sample.photograph, size),
        label=resize(_label_of(sample), size),
        fov=resize(sample.fov, size),
        label2=None,
    )


# What is done to the second sample and those after it, by the name of the files.
_CHANGES: dict[str, Callable[[Sample], Sample]] = {
    "2_only_photograph_mirrored": only_photograph_mirrored,
    "3_blue_first": blue_first,
    "4_label_moved": label_moved,
    "5_squeezed": narrowed,
}
_HEALTHY = "1_healthy"
_GREY = "6_label_resized_smoothly"
_LONELY = "7_no_label"
_NEEDED = len(_CHANGES) + 3  # samples


def _label_of(sample: Sample) -> Bools:
    """Return the label of a sample. Raises FundusError if it has none."""
    if sample.label is None:
        raise FundusError(f"{sample.name} has no label", "give samples that have labels")
    return sample.label


def _smoothed(label: Image.Image) -> Image.Image:
    """Return a label made half as large and large again, its grey values left in it."""
    half = label.resize((label.width // 2, label.height // 2))
    return half.resize(label.size)


def write_broken_folder(folder: Path, samples: Sequence[Sample]) -> tuple[Path, Path]:
    """Write seven photographs and six labels, with a fault in all but the first pair.

    Args:
        folder: made if it is not there; it gets `photographs` and `labels`.
        samples: seven with labels; each is used once, in their order.

    Returns:
        The folders of the photographs and of the labels.

    Raises:
        FundusError: there are fewer than seven, or one has no label; nothing is written then.
    """
    if len(samples) < _NEEDED:
        raise FundusError(f"{len(samples)} samples were given", f"give {_NEEDED}")
    first, *others = samples[:_NEEDED]
    *changed, grey, lonely = others
    written = {_HEALTHY: first, _GREY: grey, _LONELY: lonely}
    for (name, change), sample in zip(_CHANGES.items(), changed, strict=True):
        written[name] = change(sample)
    masks = {name: as_grey_levels(_label_of(one)) for name, one in written.items()}
    photographs = folder / "photographs"
    labels = folder / "labels"
    photographs.mkdir(parents=True, exist_ok=True)
    labels.mkdir(exist_ok=True)
    for name, sample in written.items():
        Image.fromarray(sample.photograph).save(photographs / f"{name}.jpg", quality=95)
        label = Image.fromarray(masks[name])
        if name != _LONELY:
            (_smoothed(label) if name == _GREY else label).save(labels / f"{name}.png")
    return photographs, labels
