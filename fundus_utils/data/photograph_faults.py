"""What a photograph tells by itself: too dark, grey, squeezed, two eyes in one picture.

The bounds were set on CHASE_DB1, HRF and drawn eyes, which all stay far from them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from ..photograph import Bools, Bytes, find_fov, lit_pixels
from .faults import Fault, shrunk

LEAST_SIDE = 64  # pixels: below it a fundus photograph has no vessel that is a pixel wide
DARK = 40  # of 255: the brightest channel's 99th percentile; healthy sets lie above 150
EMPTY = 10  # of 255: green's 99th percentile; healthy sets lie above 50
BURNT = 250  # of 255: green from here on shows no vessel
MOST_BURNT = 0.25  # of the photograph's middle; healthy sets lie below 0.03
LEAST_SURROUND = 0.03  # of the picture; healthy sets lie above 0.14
COLOURLESS = 3  # grey levels between a pixel's channels, on average; healthy sets lie above 80
SWAPPED = 1.5  # blue over red, on average; healthy sets lie below 0.3
SQUEEZED = 0.03  # height over width of the field of view, less 1; healthy sets lie below 0.015
CAP = 0.03  # of the field of view's sides: where a camera may have cut its circle
SHARP = 0.25  # of the maximum: a border is sharp where it is as bright three pixels from it
LEAST_ARC = 0.15  # of the ellipse must be seen before it is judged
ANOTHER_FIELD = 0.2  # of the largest bright part: a second one this large is another eye


def field_of(photograph: Bytes) -> Bools:
    """Return the field of view as `find_fov`, whichever channel is the brightest.

    Args:
        photograph: uint8 (H, W, 3), its channels in any order.

    Returns:
        bool (H, W).
    """
    brightest = photograph.max(axis=2)
    return find_fov(np.repeat(brightest[..., None], 3, axis=2))


def spoiled(path: Path, photograph: Bytes) -> Fault | None:
    """Return why no vessel can be seen in a photograph, or None.

    Args:
        path: its file.
        photograph: uint8 (H, W, 3) as it was read, not shrunk.
    """
    height, width = photograph.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return Fault(
            path,
            f"is {width}x{height} pixels",
            f"Below {LEAST_SIDE} pixels a side most vessels are thinner than a pixel",
            "Take the photograph at its own size",
        )
    if not photograph.any():
        return Fault(path, "is black", "Nothing is seen", "Take the original")
    if photograph.max() <= 1:
        return Fault(
            path,
            "holds only the values 0 and 1, as a photograph that was divided by 255 and saved",
            "Its grey levels are lost, and a network learns from black",
            "Take the original; divide in the training's code, not in the file",
        )
    small = shrunk(photograph)
    inside = small[field_of(small)]
    if np.percentile(inside.max(axis=1), 99) < DARK:
        return Fault(
            path,
            f"is much too dark: hardly a pixel is above {DARK} of 255",
            "Few grey levels are left for the vessels, and the network sees noise",
            "Take the original; if it has 12 or 16 bits, scale it by its own maximum",
        )
    rows, columns = (slice(side // 4, side - side // 4) for side in small.shape[:2])
    return _green_fault(path, small[rows, columns, 1])


def _green_fault(path: Path, green: Bytes) -> Fault | None:
    """Return what is wrong with the green values of a photograph's middle, or None.

    There is retina, also where what lies round it is white.
    """
    if np.percentile(green, 99) < EMPTY:
        return Fault(
            path,
            "has an empty green channel",
            "Vessels show best in green, and a network that is given green alone sees nothing",
            "Take the original with its three channels",
        )
    burnt = float((green >= BURNT).mean())
    if burnt > MOST_BURNT:
        return Fault(
            path,
            f"is much too bright: {burnt:.0%} of its middle have a green of {BURNT} to 255",
            "No vessel can be seen there; a label of it would teach to guess",
            "Take the original, or leave the photograph out",
        )
    return None


def photograph_faults(path: Path, small: Bytes, fov: Bools) -> Iterator[Fault]:
    """Look for what is odd about a photograph in which vessels can still be seen.

    Args:
        path: its file.
        small: uint8 (h, w, 3), as `shrunk` returns it.
        fov: bool (h, w), as `field_of` returns it.
    """
    if 1 - fov.mean() < LEAST_SURROUND:
        yield Fault(
            path,
            "shows no field of view: nothing dark lies round it",
            "Every measure counts the whole picture, and its scale, the field's width, is unknown",
            "If it is a fundus photograph, take it uncut, on black; otherwise leave it out",
        )
        return
    inside = small[fov].astype(np.float64)
    red, _, blue = inside.mean(axis=0)
    if np.ptp(inside, axis=1).mean() < COLOURLESS:
        yield Fault(
            path,
            "is grey: its three channels are the same",
            "A network that has learned from green sees another contrast",
            "Take the colour photograph; if there is none, mix grey ones with no coloured ones",
        )
    elif blue > SWAPPED * red:
        yield Fault(
            path,
            "is blue where a retina is red: its channels are in the order blue, green, red",
            "The field of view, found in red, is wrong, and so are all colours",
            "Reverse the channels: cv2.imread gives blue first, and cv2.imwrite expects it",
        )
    ratio = height_to_width(small, fov)
    if ratio is not None and abs(ratio - 1) > SQUEEZED:
        yield Fault(
            path,
            f"is squeezed: its round field of view is {ratio:.2f} times as high as wide",
            "Widths and angles of vessels are not those of other photographs",
            "Resize both sides by one factor, and the label with it; pad to a square if need be",
        )
    if second_field(small) > ANOTHER_FIELD:
        yield Fault(
            path,
            "shows more than one field of view",
            "The largest alone is read",
            "Save each eye as a picture of its own, and its label too if there is one",
        )


def second_field(photograph: Bytes) -> float:
    """Return the size of the second largest bright part of a photograph, over that of the largest.

    Args:
        photograph: uint8 (H, W, 3).
    """
    parts, count = ndimage.label(ndimage.binary_fill_holes(lit_pixels(photograph)))
    sizes = np.sort(np.bincount(parts.ravel())[1:])
    return float(sizes[-2] / sizes[-1]) if count > 1 else 0.0


def height_to_width(small: Bytes, fov: Bools) -> float | None:
    """Return how much higher than wide the ellipse is that the field of view's border lies on.

    An upright ellipse is fitted to the border by least squares with a Cauchy loss, which leaves out
    notches and marks. Caps that a camera has cut off do not count, nor does a border where the
    retina fades into the dark.

    Args:
        small: uint8 (h, w, 3).
        fov: bool (h, w).

    Returns:
        1 for a circle; None if the border is no such ellipse, or too little of it is seen.
    """
    brightest = small.max(axis=2)
    near = ndimage.maximum_filter(brightest, 7)
    sharp = near > SHARP * brightest.max()
    # The border lies between the pixels inside and those outside.
    framed = np.pad(fov, 1)
    below = np.stack(np.diff(framed, axis=0).nonzero()) + np.array([[0.5], [0]])
    beside = np.stack(np.diff(framed, axis=1).nonzero()) + np.array([[0], [0.5]])
    rows, columns = np.concatenate([below, beside], axis=1) - 1
    last_row, last_column = np.subtract(fov.shape, 1)
    free = sharp[rows.astype(int).clip(0, last_row), columns.astype(int).clip(0, last_column)]
    for places in (rows, columns):
        from_the_cut = np.minimum(places - places.min(), places.max() - places)
        free &= from_the_cut > CAP * np.ptp(places)
    middle = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
    radius = max(np.ptp(rows), np.ptp(columns)) / 2

    def pixels_off(ellipse: NDArray) -> NDArray:
        row, column, high, wide = ellipse
        return radius * (np.hypot((rows - row) / high, (columns - column) / wide) - 1)[free]

    fitted = optimize.least_squares(pixels_off, (*middle, radius, radius), loss="cauchy").x
    on_it = np.abs(pixels_off(fitted)) < 1
    _, _, high, wide = np.abs(fitted)
    arc = on_it.sum() / (4 * (high + wide))  # all round, each row and column is crossed twice
    return float(high / wide) if arc >= LEAST_ARC else None
