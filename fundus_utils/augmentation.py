"""Channel merge: photograph and label in one picture, transformed once, then split again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

from .fov import Bools, Bytes

Range = tuple[float, float]
Size = tuple[int, int] | None
Point = tuple[float, float] | None
Affine = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Ranges:
    """How far a picture may be changed; each quantity is drawn uniformly between low and high.

    The first five move pixels, and so move the label too. The last three change brightness, and
    are applied to the image channels alone.
    """

    rotation: Range = (-180, 180)  # degrees
    scale: Range = (0.8, 1.25)  # above 1 enlarges
    shear: Range = (-5, 5)  # degrees
    shift: Range = (-0.05, 0.05)  # share of the picture's width and height
    mirror: bool = True  # left and right, in half of the draws
    contrast: Range = (0.8, 1.2)  # factor on the distance to mid-grey
    brightness: Range = (-0.08, 0.08)  # share of the full range
    gamma: Range = (0.8, 1.25)


COLOURS = ("red", "green", "blue")
STILL = Ranges((0, 0), (1, 1), (0, 0), (0, 0), False, (1, 1), (0, 0), (1, 1))


def image_channel(photograph: Bytes, name: str) -> Bytes:
    """Return one channel of an RGB photograph as uint8 (height, width).

    Args:
        photograph: uint8 (height, width, 3).
        name: `red`, `green`, `blue` or `grey` (luminance 0.299 R + 0.587 G + 0.114 B, ITU-R
            BT.601, which is what "read as grey" means in Keras and Pillow).

    Raises:
        ValueError: another name.
    """
    if name == "grey":
        return np.asarray(Image.fromarray(photograph).convert("L"))
    if name not in COLOURS:
        raise ValueError(f"no channel is called {name!r}: choose from red, green, blue and grey.")
    return photograph[..., COLOURS.index(name)]


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
        channels: the image channels, by name (see `image_channel`).

    Returns:
        uint8 (height, width, len(channels) + 1 or + 2); label and field of view are 0 or 255.
    """
    layers = [image_channel(photograph, name) for name in channels]
    on, off = np.uint8(255), np.uint8(0)
    layers += [np.where(mask, on, off) for mask in (label, fov) if mask is not None]
    return np.stack(layers, axis=-1)


def split(merged: Bytes, channels: int = 1) -> tuple[Bytes, Bools, Bools]:
    """Take a merged picture apart: the inverse of `merge`.

    Args:
        merged: uint8 (height, width, channels + 1 or + 2).
        channels: how many image channels come first.

    Returns:
        image uint8 (height, width, channels); label bool (height, width), True where the value is
        at least half of 255; field of view bool (height, width), all True if it was not merged.
    """
    image, masks = merged[..., :channels], merged[..., channels:] >= 128
    fov = masks[..., 1] if masks.shape[-1] > 1 else np.ones(masks.shape[:2], bool)
    return image, masks[..., 0], fov


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
    turn, lean = (math.radians(rng.uniform(*r)) for r in (ranges.rotation, ranges.shear))
    zoom = rng.uniform(*ranges.scale)
    right, down = rng.uniform(*ranges.shift) * width, rng.uniform(*ranges.shift) * height
    side = -1 if ranges.mirror and rng.random() < 0.5 else 1
    a, b = side * math.cos(turn) / zoom, -math.sin(turn + lean) / zoom
    d, e = side * math.sin(turn) / zoom, math.cos(turn + lean) / zoom
    x, y = width / 2 + right, height / 2 + down
    return a, b, column - a * x - b * y, d, e, row - d * x - e * y


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
    how = (width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
    layers = [Image.fromarray(layer).transform(*how) for layer in np.moveaxis(merged, -1, 0).copy()]
    return np.stack([np.asarray(layer) for layer in layers], axis=-1)


def jitter(image: Bytes, rng: Generator, ranges: Ranges) -> Bytes:
    """Change contrast, brightness and gamma of the image channels (never of a label).

    Args:
        image: uint8, any shape.
        rng: where the chance comes from.
        ranges: how far it may go.

    Returns:
        uint8 of the same shape.
    """
    drawn = ranges.gamma, ranges.contrast, ranges.brightness
    gamma, contrast, brightness = (rng.uniform(*r) for r in drawn)
    grey = np.linspace(0, 1, 256) ** gamma
    table = (grey - 0.5) * contrast + 0.5 + brightness
    return np.rint(table.clip(0, 1) * 255).astype(np.uint8)[image]


def augment(
    merged: Bytes,
    rng: Generator,
    ranges: Ranges | None = None,
    channels: int = 1,
    size: Size = None,
    centre: Point = None,
) -> Bytes:
    """Transform a merged picture: all of it moves, only its image channels change brightness.

    Args:
        merged: uint8 (height, width, channels + 1 or + 2), see `merge`.
        rng: where the chance comes from; the same state gives the same picture.
        ranges: how far it may go; `Ranges()` by default.
        channels: how many image channels come first.
        size: (height, width) of the result, for crops; that of the source by default.
        centre: (row, column) of the crop's middle in the source.

    Returns:
        uint8 (*size, n): label and field of view still interpolated; `split` makes them two-valued.
    """
    ranges = ranges or Ranges()
    affine = draw_affine(rng, ranges, (merged.shape[0], merged.shape[1]), size, centre)
    moved = warp(merged, affine, size)
    moved[..., :channels] = jitter(moved[..., :channels], rng, ranges)
    return moved
