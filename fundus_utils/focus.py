"""How sharp a photograph is: in focus, unmoved, shown once, and not compressed to blocks."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, linalg, ndimage

from .photograph import Bools, Bytes, image_channel, resize, scaled_size

LOOKED_AT_DIAMETER = 512  # pixels of the field of view: the scale at which sharpness is judged
RIM = 10  # pixels: the bright border of the field of view is no detail
BANDS = (1.4, 2.8, 5.6)  # pixels at that scale: details lie between the first two, vessels above
NEAREST = 8  # pixels at that scale: nearer, whatever is blurred resembles itself
FARTHEST = 60
BLOCK = 8  # pixels a side: JPEG compresses such blocks, each by itself


def _bands(photograph: Bytes, fov: Bools) -> tuple[NDArray, NDArray, Bools]:
    """Return the details and the vessels of the green channel, and where to look at them."""
    size = scaled_size(fov, LOOKED_AT_DIAMETER)
    green = resize(image_channel(photograph, "green"), size).astype(np.float64)
    inside = ndimage.binary_erosion(resize(fov, size), iterations=RIM)
    fine, middle, coarse = (ndimage.gaussian_filter(green, width) for width in BANDS)
    return fine - middle, middle - coarse, inside


def sharpness(photograph: Bytes, fov: Bools) -> float:
    """Return how much fine detail a photograph has, for the coarser detail that it has.

    The green channel, scaled to one field of view and blurred by Gaussians of 1.4, 2.8 and 5.6
    pixels: the standard deviation of the first less the second, over that of the second less the
    third.

    Args:
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).

    Returns:
        About 0.7 to 1 in focus, less the more it is blurred; 0 where there is nothing to be seen.
    """
    details, vessels, inside = _bands(photograph, fov)
    if not inside.any():
        return 0.0
    scale = vessels[inside].std()
    return float(details[inside].std() / scale) if scale else 0.0


def evenness(photograph: Bytes, fov: Bools) -> float:
    """Return how alike a photograph is sharp in all directions: less where something has moved.

    For every direction, the slopes of the fine detail over those of the coarser detail, see
    `sharpness`; the direction in which this is least over the one in which it is most. Both are
    the roots of the eigenvalues that the two structure tensors (Bigun and Granlund 1987) have
    together.

    Args:
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).

    Returns:
        0 to 1; 1 where there is nothing to be seen.
    """
    tensors = []
    details, vessels, inside = _bands(photograph, fov)
    for band in (details, vessels):
        down, across = (slope[inside] for slope in np.gradient(band))
        slopes = np.stack([down, across])
        tensors.append(slopes @ slopes.T)
    least_slopes = np.linalg.eigvalsh(tensors[1])[0]
    if not inside.any() or least_slopes <= 1e-9 * inside.sum():
        return 1.0
    least, most = linalg.eigh(*tensors, eigvals_only=True)
    return float(np.sqrt(max(least, 0) / most)) if most > 0 else 1.0


def doubling(photograph: Bytes, fov: Bools) -> float:
    """Return how much of the fine detail of a photograph comes again at one distance from itself.

    The highest autocorrelation of the details, see `sharpness`, 8 to 60 pixels apart at that scale,
    in any direction; the field of view alone counts (Padfield 2012, 10.1109/TIP.2011.2181402).

    Args:
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).

    Returns:
        Below 0.13 on CHASE_DB1 and HRF; up to 0.5 where two pictures lie over each other; 0 where
        there is nothing to be seen.
    """
    details, _, inside = _bands(photograph, fov)
    if not inside.any() or not details[inside].std():
        return 0.0
    centred = details - details[inside].mean()
    highest = 3 * centred[inside].std()  # a few bright spots shall not decide
    shown = np.where(inside, centred.clip(-highest, highest), 0)
    least = 2 * FARTHEST + 1  # so far it is read, also where the picture is a narrow strip
    height, width = (fft.next_fast_len(max(2 * side, least)) for side in shown.shape)  # no wrapping

    def with_itself(picture: NDArray) -> NDArray:
        spectrum = np.abs(fft.rfft2(picture, (height, width))) ** 2
        return fft.irfft2(spectrum, (height, width))

    overlap = with_itself(inside.astype(float)).clip(1)
    alike = with_itself(shown) / overlap
    side = np.arange(-FARTHEST, FARTHEST + 1)  # pixels, down and across
    around = alike[np.ix_(side, side)] / alike[0, 0]
    distance = np.hypot(*np.meshgrid(side, side))
    return float(around[(distance >= NEAREST) & (distance <= FARTHEST)].max())


def blockiness(photograph: Bytes, fov: Bools) -> float:
    """Return how much larger steps are at the borders of JPEG's blocks than elsewhere.

    The mean over both directions, of the green channel. Blocks are looked for where a camera puts
    them, from the upper left corner on: of a photograph that was cut or scaled later, nothing is
    noticed.

    Args:
        photograph: uint8 (H, W, 3).
        fov: bool (H, W).

    Returns:
        About 1 without blocks, 1.6 to 2 on CHASE_DB1's own JPEGs, more where they show; 1 where
        there is nothing to be seen.
    """
    green = image_channel(photograph, "green").astype(np.float64)
    inside = ndimage.minimum_filter(fov, 2 * RIM + 1)
    ratios = []
    for picture, where in ((green, inside), (green.T, inside.T)):
        steps = np.abs(np.diff(picture, axis=0))
        both = where[1:] & where[:-1]
        border = np.zeros(len(steps), bool)
        border[BLOCK - 1 :: BLOCK] = True
        at_borders = steps[border][both[border]]
        elsewhere = steps[~border][both[~border]]
        if not at_borders.size or not elsewhere.size or not elsewhere.mean():
            return 1.0
        ratios.append(at_borders.mean() / elsewhere.mean())
    return float(np.mean(ratios))
