"""From a photograph to a probability map of its vessels, in tiles where it is large."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import storage
from .errors import FundusError
from .figures import vessel_overlay
from .photograph import (
    MULTIPLE,
    Bools,
    Bytes,
    Floats,
    Sample,
    find_fov,
    pad_to_multiple,
    resize,
)
from .trained_model import TrainedModel

TILE = 1024  # pixels: a larger picture is predicted in tiles, so that memory stays bounded
OVERLAP = 112  # pixels on each side of a tile that are thrown away: half the receptive field
MIRRORS = ((1, 1), (1, -1), (-1, 1), (-1, -1))  # steps along rows and columns: -1 turns them round


def predict_tiles(
    model: Any, image: Floats, step: int = MULTIPLE, tile: int = TILE, overlap: int = OVERLAP
) -> Floats:
    """Predict one normalized image, in overlapping tiles where it is larger than `tile`.

    Args:
        model: from (1, h, w, n) to (1, h, w, 1), h and w multiples of `step`.
        image: float32 (height, width, n).
        step: what the model's input sides must be divisible by.
        tile: the largest side predicted at once, in pixels, a multiple of `step`.
        overlap: pixels beyond each tile that are predicted and thrown away, a multiple of `step`.

    Returns:
        float32 (height, width), the probability map.
    """
    height, width = image.shape[:2]
    padded = pad_to_multiple(image, step)
    result = np.zeros(padded.shape[:2], np.float32)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            begin_row = max(0, top - overlap)
            begin_column = max(0, left - overlap)
            piece = padded[
                begin_row : top + tile + overlap,
                begin_column : left + tile + overlap,
            ]
            predicted = np.asarray(model.predict_on_batch(piece[None]))[0, ..., 0]
            inner = predicted[top - begin_row :, left - begin_column :][:tile, :tile]
            result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return result[:height, :width]


def prepare_image(
    trained: TrainedModel, photograph: Bytes, fov: Bools, scale: float = 1.0
) -> Floats:
    """Bring a photograph to the model's scale, channels and normalization.

    Args:
        trained: the model; its `preparation` does it.
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).
        scale: another scale than the model's, as a multiple of it.

    Returns:
        float32 (h, w, n); the field of view now has the diameter `fov_diameter` of the card, times
        `scale`. `predict_tiles` pads it.
    """
    sample = Sample(
        name="",
        patient="",
        photograph=photograph,
        label=None,
        fov=fov,
    )
    preparation = trained.preparation
    diameter = round(preparation.fov_diameter * scale)
    preparation = replace(preparation, fov_diameter=diameter)
    return preparation.image(preparation.merged(sample))


def predict_views(trained: TrainedModel, photograph: Bytes, fov: Bools, flips: bool) -> Floats:
    """Predict a photograph at the model's scale, alone or with its three mirror images.

    Args:
        trained: the model.
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).
        flips: the mirror images too.

    Returns:
        float32 (1 or 4, h, w), a map for each view, the mirror images turned back. Where the
        model's card names several scales, a view's map is the mean of theirs, at the finest.

    Raises:
        FundusError: see `predict_map`.
    """
    mirrors = MIRRORS if flips else MIRRORS[:1]
    maps: list[Floats] = []
    for scale in sorted(trained.scales, reverse=True):
        image = prepare_image(trained, photograph, fov, scale)
        finest = maps[0].shape[1:] if maps else image.shape[:2]
        views = []
        for down, across in mirrors:
            mirrored = predict_tiles(trained.model, image[::down, ::across])
            views.append(resize(mirrored[::down, ::across], finest))
        maps.append(np.asarray(views))
    found = np.stack(maps).mean(axis=0, dtype=np.float32)
    if not np.isfinite(found).all():
        raise FundusError("the map holds values that are no numbers", "train the model anew")
    return found


def own_size(scaled_map: Floats, fov: Bools) -> Floats:
    """Return a map at its photograph's own size: float32 (H, W) in [0, 1], 0 outside `fov`.

    Args:
        scaled_map: float32 (h, w), at the model's scale.
        fov: bool (H, W), of the photograph.
    """
    probability = resize(scaled_map, fov.shape)
    return np.where(fov, probability.clip(0, 1), 0).astype(np.float32)


def predict_map(
    trained: TrainedModel,
    photograph: Bytes,
    fov: Bools | None = None,
    flips: bool | None = None,
) -> Floats:
    """Predict the vessel probability of every pixel of a photograph.

    Args:
        trained: see `trained_model.load_model`.
        photograph: uint8 (H, W, 3), any size.
        fov: bool (H, W); derived from the photograph by default.
        flips: average over the photograph and its three mirror images; as the model's card says by
            default.

    Returns:
        float32 (H, W) in [0, 1]; exactly 0 outside the field of view.

    Raises:
        FundusError: the model's weights are broken, and its map holds NaN; or the field of view is
            so small in its picture that the photograph cannot be scaled.
    """
    fov = find_fov(photograph) if fov is None else fov
    flips = trained.flips if flips is None else flips
    views = predict_views(trained, photograph, fov, flips)
    return own_size(views.mean(axis=0, dtype=np.float32), fov)


def predict_set(
    trained: TrainedModel,
    samples: Iterable[Sample],
    flips: bool | None = None,
    progress: bool = False,
) -> Iterator[tuple[str, Bools | None, Floats, Bools]]:
    """Predict photograph after photograph, see `predict_map`.

    Yields:
        (name, label bool (H, W) or None, map float32 (H, W), field of view bool (H, W)).
    """
    for sample in tqdm(samples, unit="photograph", disable=not progress, file=sys.stderr):
        probability = predict_map(trained, sample.photograph, sample.fov, flips)
        yield sample.name, sample.label, probability, sample.fov


def save_map(path: Path, probability: Floats) -> None:
    """Write a probability map as a 16-bit grey PNG: 0 is 0, 65535 is 1; whole or not at all.

    Args:
        path: of the file.
        probability: float (H, W) in [0, 1].
    """
    grey = np.rint(probability.astype(np.float64) * 65535).astype(np.uint16)
    with storage.writing_whole(path) as target:
        Image.fromarray(grey).save(target, format="PNG")


def read_map(path: Path) -> Floats:
    """Read a map that `save_map` wrote: float32 (H, W) in [0, 1], exact to 1/131070.

    Raises:
        FundusError: the picture is not grey with 16 bits, as one of notebook 11's ZIP is not.
    """
    with Image.open(path) as picture:
        if not picture.mode.startswith("I"):
            problem = f"{path} is no 16-bit grey picture"
            raise FundusError(problem, "give a map that the command `predict` wrote")
        return (np.asarray(picture) / 65535).astype(np.float32)


def output_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Return where `save_prediction` writes: NAME_probability.png and NAME_overlay.png."""
    return folder / f"{name}_probability.png", folder / f"{name}_overlay.png"


def save_prediction(
    folder: Path, name: str, photograph: Bytes, probability: Floats, threshold: float
) -> tuple[Path, Path]:
    """Write map (16-bit grey) and overlay (colour) to `output_paths`; return both paths."""
    map_path, overlay_path = output_paths(folder, name)
    save_map(map_path, probability)
    save_overlay(overlay_path, photograph, probability >= threshold)
    return map_path, overlay_path


def save_overlay(path: Path, photograph: Bytes, vessels: Bools) -> None:
    """Write the photograph with its vessels coloured as a PNG, whole or not at all."""
    overlay = vessel_overlay(photograph, vessels)
    with storage.writing_whole(path) as target:
        Image.fromarray(overlay).save(target, format="PNG")
