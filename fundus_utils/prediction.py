"""From a photograph to a probability map, a vessel mask and coloured vessels."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import normalization, storage
from .augmentation import image_channel
from .datasets import FundusSet
from .fov import Bools, Bytes, Floats, find_fov, resize, scaled_size
from .quiet import keras
from .storage import FundusError

SHIPPED = Path(__file__).parent / "shipped"
TILE = 1024  # pixels: a larger picture is predicted in tiles, so that memory stays bounded
CYAN = (0, 255, 255)  # far from every colour of a fundus, also for the colour-blind
NEEDED = ("channels", "fov_diameter", "normalization", "threshold", "sha256")  # of a card
OVERLAP = 112  # pixels on each side of a tile that are thrown away: half the receptive field


@dataclass(frozen=True)
class TrainedModel:
    """A model and all that a prediction needs with it.

    card: channels, fov_diameter (pixels), normalization (`dataset` or `photograph`), threshold.
    mean, std: the training images' statistics on the 0 to 1 scale.
    """

    model: Any
    card: dict
    mean: float
    std: float

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel is called a vessel."""
        return self.card["threshold"]


def load_model(folder: Path = SHIPPED) -> TrainedModel:
    """Load a trained model's folder: model.keras, mean.npy, std.npy and card.json.

    Raises:
        FundusError: one of them is missing or broken, or the statistics do not belong to the model.
    """
    folder = Path(folder)
    for name in ("card.json", "model.keras"):
        if not (folder / name).is_file():
            command = f"python -m fundus_utils train --dataset synthetic --out {folder}"
            raise FundusError(f"{folder / name} is missing: train a model first ({command}).")
    card = storage.load_json(folder / "card.json")
    if lacking := [key for key in NEEDED if key not in card]:
        problem = f"{folder / 'card.json'} lacks {', '.join(lacking)}"
        raise FundusError(f"{problem}: copy the card again, or train the model anew.")
    mean, std = normalization.load_statistics(folder, card, card["channels"])
    try:
        model = keras.models.load_model(folder / "model.keras")
    except Exception as error:  # broken, of another Keras, or with a layer that is not known here
        problem = f"{folder / 'model.keras'} cannot be loaded ({str(error).splitlines()[0]})"
        raise FundusError(f"{problem}: copy it again, or train it anew.") from None
    return TrainedModel(model, card, mean, std)


def pad_to_multiple(image: np.ndarray, step: int) -> np.ndarray:
    """Pad (height, width, n) at the bottom and right, by reflection, to multiples of `step`."""
    rows, columns = -image.shape[0] % step, -image.shape[1] % step
    return np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="symmetric")


def predict_tiles(
    model: Any, image: Floats, step: int = 16, tile: int = TILE, overlap: int = OVERLAP
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
            y, x = max(0, top - overlap), max(0, left - overlap)
            piece = padded[y : top + tile + overlap, x : left + tile + overlap]
            out = np.asarray(model.predict_on_batch(piece[None]))[0, ..., 0]
            inner = out[top - y :, left - x :][:tile, :tile]
            result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return result[:height, :width]


def prepare_image(trained: TrainedModel, photograph: Bytes, fov: Bools) -> tuple[Floats, Bools]:
    """Bring a photograph to the model's scale, channels and normalization.

    Args:
        trained: the model and its card.
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).

    Returns:
        image float32 (h, w, n) and fov bool (h, w), where the field of view has the diameter
        `fov_diameter` of the card.
    """
    card, statistics = trained.card, (trained.mean, trained.std)
    size = scaled_size(fov, card["fov_diameter"])
    small, small_fov = resize(photograph, size), resize(fov, size)
    image = np.stack([image_channel(small, name) for name in card["channels"]], axis=-1)
    if card["normalization"] == "photograph":
        statistics = normalization.photograph_statistics(image, small_fov)
    return normalization.normalize(image, *statistics), small_fov


def predict_map(
    trained: TrainedModel, photograph: Bytes, fov: Bools | None = None, flips: bool = False
) -> Floats:
    """Predict the vessel probability of every pixel of a photograph.

    Args:
        trained: see `load_model`.
        photograph: uint8 (H, W, 3), any size.
        fov: bool (H, W); derived from the photograph by default.
        flips: average over the photograph and its three mirror images.

    Returns:
        float32 (H, W) in [0, 1]; exactly 0 outside the field of view.

    Raises:
        FundusError: the model's weights are broken, and its map holds NaN.
    """
    fov = find_fov(photograph) if fov is None else fov
    image, _ = prepare_image(trained, photograph, fov)
    turns = [(1, 1), (1, -1), (-1, 1), (-1, -1)] if flips else [(1, 1)]
    maps = [predict_tiles(trained.model, image[::y, ::x])[::y, ::x] for y, x in turns]
    probability = resize(np.asarray(maps).mean(axis=0, dtype=np.float32), fov.shape)
    if not np.isfinite(probability).all():
        raise FundusError("the map holds values that are no numbers: train the model anew.")
    return np.where(fov, probability.clip(0, 1), 0).astype(np.float32)


def predict_set(
    trained: TrainedModel, samples: FundusSet, flips: bool = False, progress: bool = False
) -> Iterator[tuple[str, Bools | None, Floats, Bools]]:
    """Predict photograph after photograph: (name, label, map, field of view) of each."""
    for sample in tqdm(samples, unit="photograph", disable=not progress, file=sys.stderr):
        probability = predict_map(trained, sample.photograph, sample.fov, flips)
        yield sample.name, sample.label, probability, sample.fov


def colour_vessels(photograph: Bytes, probability: Floats) -> Bytes:
    """Multiply the map back onto the photograph, so that the vessels keep their colour.

    Args:
        photograph: uint8 (H, W, 3).
        probability: float32 (H, W) in [0, 1], or a bool vessel mask.

    Returns:
        uint8 (H, W, 3): the photograph's colours on vessels, black elsewhere.
    """
    return np.rint(photograph * probability[..., None].astype(np.float32)).astype(np.uint8)


def save_map(path: Path, probability: Floats) -> None:
    """Write a probability map as a 16-bit grey PNG: 0 is 0, 65535 is 1; whole or not at all."""
    grey = np.rint(probability.astype(np.float64) * 65535).astype(np.uint16)
    with storage.writing_whole(path) as room:
        Image.fromarray(grey).save(room, format="PNG")


def vessel_overlay(photograph: Bytes, vessels: Bools) -> Bytes:
    """Return the photograph with its vessels in cyan, half transparent: uint8 (H, W, 3)."""
    result = photograph.copy()
    result[vessels] = (0.4 * photograph[vessels] + 0.6 * np.array(CYAN)).astype(np.uint8)
    return result


def output_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Return where `save_prediction` writes: NAME_probability.png and NAME_overlay.png."""
    return folder / f"{name}_probability.png", folder / f"{name}_overlay.png"


def save_prediction(
    folder: Path, name: str, photograph: Bytes, probability: Floats, threshold: float
) -> tuple[Path, Path]:
    """Write map (16-bit grey) and overlay (colour) to `output_paths`; return both paths."""
    paths = output_paths(folder, name)
    save_map(paths[0], probability)
    with storage.writing_whole(paths[1]) as room:
        drawn = vessel_overlay(photograph, probability >= threshold)
        Image.fromarray(drawn).save(room, format="PNG")
    return paths


def read_map(path: Path) -> Floats:
    """Read a map that `save_map` wrote: float32 (H, W) in [0, 1], exact to 1/131070."""
    return (np.asarray(Image.open(path)) / 65535).astype(np.float32)
