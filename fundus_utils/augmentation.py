"""Channel merge: photograph and label in one picture, transformed once, then split again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

from .errors import FundusError
from .photograph import Bools, Bytes, image_channel

Range = tuple[float, float]
Size = tuple[int, int] | None
Point = tuple[float, float] | None
Affine = tuple[float, float, float, float, float, float]
LEAST = {"scale": 0.01, "gamma": 0.01, "noise": 0}  # that can be drawn


@dataclass(frozen=True)
class Ranges:
    """How far a picture may be changed; each quantity is drawn uniformly between low and high.

    The first five move pixels, and so move the label too. The other four are applied to the image
    channels alone: three change brightness, the last one adds the noise of a camera.
    """

    rotation: Range = (-180, 180)  # degrees
    scale: Range = (0.8, 1.25)  # above 1 enlarges
    shear: Range = (-5, 5)  # degrees
    shift: Range = (-0.05, 0.05)  # share of the picture's width and height
    mirror: bool = True  # left and right, in half of the draws
    contrast: Range = (0.8, 1.2)  # factor on the distance to mid-grey
    brightness: Range = (-0.08, 0.08)  # share of the full range
    gamma: Range = (0.8, 1.25)
    noise: Range = (0, 0)  # standard deviation, in grey levels of 255; (0, 0) leaves it out

    def __post_init__(self) -> None:
        """Raise FundusError for a range that nothing can be drawn from."""
        spans = {name: span for name, span in vars(self).items() if name != "mirror"}
        for name, (low, high) in spans.items():
            if not low <= high or low < LEAST.get(name, -np.inf):
                problem = f"{name} is {(low, high)}"
                raise FundusError(problem, "lower end first; scale, gamma from 0.01, noise from 0")


STILL = Ranges(
    rotation=(0, 0),
    scale=(1, 1),
    shear=(0, 0),
    shift=(0, 0),
    mirror=False,
    contrast=(1, 1),
    brightness=(0, 0),
    gamma=(1, 1),
)


def merge(
    photograph: Bytes, label: Bools, fov: Bools | None = None, channels: Sequence[str] = ("green",)
) -> Bytes:
    """Stack image channels, the label and, if given, the field of view into one picture.

    With channels ("red", "green") and no field of view this is the article's picture: an RGB
    photograph whose third channel is the label.

    Args:
        photograph: uint8 (height, width, 3).
        label: bool (height, width).
        fov: bool (height, width), or None.
        channels: the image channels, by name (see `photograph.image_channel`).

    Returns:
        uint8 (height, width, len(channels) + 1 or + 2); label and field of view are 0 or 255.
    """
    layers = [image_channel(photograph, name) for name in channels]
    for mask in (label, fov):
        if mask is not None:
            layers.append(np.where(mask, np.uint8(255), np.uint8(0)))
    return np.stack(layers, axis=-1)


def split(merged: Bytes, n_channels: int = 1) -> tuple[Bytes, Bools, Bools]:
    """Take a merged picture apart: the inverse of `merge`.

    Args:
        merged: uint8 (height, width, n_channels + 1 or + 2).
        n_channels: how many image channels come first.

    Returns:
        image uint8 (height, width, n_channels); label bool (height, width), True where the value
        is at least half of 255; field of view bool (height, width), all True if it was not merged.
    """
    image = merged[..., :n_channels]
    masks = merged[..., n_channels:] >= 128
    label = masks[..., 0]
    fov = masks[..., 1] if masks.shape[-1] > 1 else np.ones(label.shape, bool)
    return image, label, fov


def draw_affine(
    rng: Generator, ranges: Ranges, source: tuple[int, int], size: Size = None, centre: Point = None
) -> Affine:
    """Draw one affine map that turns, scales, shears, mirrors, shifts and crops at once.

    Args:
        rng: where the chance comes from.
        ranges: how far it may go.
        source: (height, width) of the picture to be transformed.
        size: (height, width) of the result; that of the source by default.
        centre: the (row, column) of the source that comes to lie in the result's middle; the
            source's own middle by default.

    Returns:
        (a, b, c, d, e, f): the result's point (x, y) shows the source's (ax + by + c, dx + ey + f).
    """
    height, width = size or source
    row, column = centre or (source[0] / 2, source[1] / 2)

    turn = math.radians(rng.uniform(*ranges.rotation))
    lean = math.radians(rng.uniform(*ranges.shear))
    zoom = rng.uniform(*ranges.scale)
    right = rng.uniform(*ranges.shift) * width
    down = rng.uniform(*ranges.shift) * height
    side = -1 if ranges.mirror and rng.random() < 0.5 else 1

    # Where one pixel to the right, and one pixel down, in the result leads in the source.
    a = side * math.cos(turn) / zoom
    d = side * math.sin(turn) / zoom
    b = -math.sin(turn + lean) / zoom
    e = math.cos(turn + lean) / zoom

    # The result's middle, shifted, shows the centre.
    x = width / 2 + right
    y = height / 2 + down
    c = column - a * x - b * y
    f = row - d * x - e * y
    return a, b, c, d, e, f


def warp(merged: Bytes, affine: Affine, size: Size = None) -> Bytes:
    """Apply one affine map to every channel of a merged picture, interpolating linearly.

    Args:
        merged: uint8 (height, width, n).
        affine: see `draw_affine`.
        size: (height, width) of the result; that of the source by default.

    Returns:
        uint8 (*size, n); 0 where the source ends, so the field of view ends there too.
    """
    height, width = size or merged.shape[:2]
    moved = []
    for layer in np.moveaxis(merged, -1, 0).copy():
        picture = Image.fromarray(layer).transform(
            size=(width, height),
            method=Image.Transform.AFFINE,
            data=affine,
            resample=Image.Resampling.BILINEAR,
        )
        moved.append(np.asarray(picture))
    return np.stack(moved, axis=-1)


def jitter(image: Bytes, rng: Generator, ranges: Ranges) -> Bytes:
    """Change contrast, brightness and gamma of the image channels (never of a label).

    Args:
        image: uint8, any shape.
        rng: where the chance comes from.
        ranges: how far it may go.

    Returns:
        uint8 of the same shape.
    """
    gamma = rng.uniform(*ranges.gamma)
    contrast = rng.uniform(*ranges.contrast)
    brightness = rng.uniform(*ranges.brightness)
    grey = np.linspace(0, 1, 256) ** gamma
    table = (grey - 0.5) * contrast + 0.5 + brightness
    return np.rint(table.clip(0, 1) * 255).astype(np.uint8)[image]


def add_noise(image: Bytes, rng: Generator, ranges: Ranges) -> Bytes:
    """Add normal noise of one strength to the image channels, each value by itself.

    Args:
        image: uint8, any shape.
        rng: where the chance comes from.
        ranges: how strong it may be.

    Returns:
        uint8 of the same shape.
    """
    strength = rng.uniform(*ranges.noise)
    noisy = image + strength * rng.standard_normal(image.shape, np.float32)
    return np.rint(noisy.clip(0, 255)).astype(np.uint8)


def augment(
    merged: Bytes,
    rng: Generator,
    ranges: Ranges | None = None,
    n_channels: int = 1,
    size: Size = None,
    centre: Point = None,
) -> Bytes:
    """Transform a merged picture: all of it moves, the rest happens to its image channels alone.

    An augmentation of your own takes the same arguments; `training.train` calls it with `merged`,
    `rng` and `ranges` by position, the others by name.

    Args:
        merged: uint8 (height, width, n_channels + 1 or + 2), see `merge`.
        rng: where the chance comes from; the same state gives the same picture.
        ranges: how far it may go; `Ranges()` by default.
        n_channels: how many image channels come first.
        size: (height, width) of the result, for crops; that of the source by default.
        centre: (row, column) of the crop's middle in the source.

    Returns:
        uint8 (*size, n): label and field of view still interpolated; `split` makes them two-valued.
    """
    ranges = ranges or Ranges()
    height, width = merged.shape[:2]
    affine = draw_affine(rng, ranges, (height, width), size, centre)
    moved = warp(merged, affine, size)
    moved[..., :n_channels] = jitter(moved[..., :n_channels], rng, ranges)
    if any(ranges.noise):
        moved[..., :n_channels] = add_noise(moved[..., :n_channels], rng, ranges)
    return moved
