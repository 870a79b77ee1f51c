"""What can be measured on photographs and labels before any training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import disk, skeletonize

from .errors import FundusError
from .photograph import RGB, Bools, Bytes, Sample, image_channel

TOUCHING = np.ones((3, 3))  # pixels that touch, also by a corner, belong together
RING = 6  # pixels: a vessel is compared with what lies this close to it, not with the whole eye


@dataclass(frozen=True)
class Contrast:
    """How a vessel stands out in one channel of one photograph.

    difference: grey levels (of 255) by which vessels are darker than the ring near them; below 0
    they are brighter. noise: the standard deviation of the ring's pixels round the mean of the ring
    nearby, in grey levels.
    """

    difference: float
    noise: float

    @property
    def to_noise(self) -> float:
        """The difference in units of the noise."""
        return self.difference / self.noise if self.noise > 1e-9 else 0.0


def ring_around(label: Bools, fov: Bools, width: int = RING) -> Bools:
    """Return the pixels of the field of view at most `width` pixels from a vessel, no vessel.

    Args:
        label, fov: bool (H, W).
        width: pixels.

    Returns:
        bool (H, W); all False where the label is empty.
    """
    near = label.any() & (ndimage.distance_transform_edt(~label) <= width)
    return near & ~label & fov


def vessel_contrast(photograph: Bytes, label: Bools, fov: Bools, channel: str) -> Contrast:
    """Measure a channel's vessel contrast against the ring round the vessels.

    Args:
        photograph: uint8 (H, W, 3).
        label: bool (H, W), with at least one vessel pixel inside the field of view.
        fov: bool (H, W).
        channel: red, green, blue or grey.
    """
    values = image_channel(photograph, channel).astype(np.float64)
    ring = ring_around(label, fov)

    def smooth(picture: NDArray) -> NDArray:
        return ndimage.gaussian_filter(picture, 2 * RING)

    # The mean of the ring's pixels nearby: brightness changes slowly across the photograph.
    nearby = smooth(values * ring) / np.maximum(smooth(ring.astype(np.float64)), 1e-9)
    darker = nearby - values
    return Contrast(float(darker[label & fov].mean()), float(darker[ring].std()))


def vessel_widths(label: Bools) -> NDArray[np.float64]:
    """Return the width in pixels of the vessels at each pixel of their centre lines.

    Measured on the label enlarged twice, where every width is even: there, the distance from the
    centre line to the nearest background pixel is the width before enlarging. Beyond the picture
    all is background.

    Args:
        label: bool (H, W).

    Returns:
        float64 (n,), one for each of the n pixels of the centre lines of the enlarged label.
    """
    bordered = np.pad(label, 1)
    twice = bordered.repeat(2, axis=0).repeat(2, axis=1)
    return ndimage.distance_transform_edt(twice)[skeletonize(twice)]


def vessel_share(sample: Sample) -> float:
    """Return the share of the field of view that the label calls vessel, in [0, 1], or nan."""
    if sample.label is None:
        return float("nan")
    return float(sample.label[sample.fov].mean())


def describe(sample: Sample) -> dict[str, float]:
    """Return what drawn and real photographs are compared by; the sample at its own scale.

    Vessel share; median width in pixels; contrast of red, green and blue against the ring, in grey
    levels; median branching angle in degrees; fractal dimension; mean of green inside the field.

    Raises:
        FundusError: the sample has no label, or an empty one.
    """
    if sample.label is None or not (sample.label & sample.fov).any():
        problem = f"{sample.name} has no label, or an empty one"
        raise FundusError(problem, "there is nothing to describe")
    label = sample.label & sample.fov
    contrast = {
        name: vessel_contrast(sample.photograph, label, sample.fov, name).difference for name in RGB
    }
    angles = branching_angles(label)
    return {
        "share": vessel_share(sample),
        "width": float(np.median(vessel_widths(label))),
        **contrast,
        "angle": float(np.median(angles)) if len(angles) else float("nan"),
        "dimension": fractal_dimension(label),
        "brightness": float(sample.photograph[sample.fov, RGB.index("green")].mean()),
    }


def local_darkness(image: Bytes, fov: Bools, radius: int = 12) -> NDArray[np.float64]:
    """Return how much darker each pixel is than the closed surroundings (black top-hat), 0 to 1.

    A classical vessel filter without learning: the U-Net must beat it.

    Args:
        image: uint8 (H, W), one channel.
        fov: bool (H, W); 0 is returned outside.
        radius: of the closing's disc in pixels, larger than the widest vessel's half width.
    """
    return np.where(fov, ndimage.black_tophat(image, footprint=disk(radius)) / 255, 0)


def branching_angles(label: Bools, reach: int = 8) -> NDArray[np.float64]:
    """Return the angle in degrees between the two branches at each fork of the vessels, (n,).

    At a fork three ways leave the centre line; the two that enclose the smallest angle are taken
    for the branches. Crossings, where four leave, are left out, unless they slant too much to tell.
    Forks of known angles, of vessels three pixels wide, read up to 14 degrees too wide.

    Args:
        label: bool (H, W).
        reach: how far from the fork the directions are taken, in pixels.
    """
    lines = np.pad(skeletonize(label), reach)
    neighbours = ndimage.convolve(lines.astype(int), np.ones((3, 3), int))
    forks, count = ndimage.label(lines & (neighbours > 3), TOUCHING)
    centres = ndimage.center_of_mass(forks, forks, range(1, count + 1))
    found = []
    for row, column in centres:
        top = round(row) - reach
        left = round(column) - reach
        window = lines[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        ends = _ways_out(window, reach)
        if len(ends) == 3:  # where the vessel leaves the window; a slanting crossing has four
            directions = np.sort(np.arctan2(*ends.T))
            all_round = [*directions, directions[0] + 2 * np.pi]
            found.append(np.degrees(np.diff(all_round).min()))
    return np.array(found)


def _ways_out(window: Bools, reach: int) -> NDArray[np.float64]:
    """Return where the centre line through a window's middle leaves it: (n, 2), from the middle."""
    pieces, _ = ndimage.label(window, TOUCHING)
    middle = pieces[reach - 1 : reach + 2, reach - 1 : reach + 2].max()
    edge = np.ones(window.shape, bool)
    edge[1:-1, 1:-1] = False
    ways, count = ndimage.label((pieces == middle) & edge, TOUCHING)
    centres = ndimage.center_of_mass(ways, ways, range(1, count + 1))
    return np.array(centres).reshape(-1, 2) - reach


def fractal_dimension(label: Bools) -> float:
    """Return the box-counting dimension of the vessels' centre lines: a line 1, a full plane 2.

    The slope of log(boxes that hold a piece of a centre line) over log(1 / side of the box), sides
    2 to 64 pixels (Liebovitch and Toth 1989). A label without a vessel has none: nan.

    Args:
        label: bool (H, W).
    """
    lines = skeletonize(label)
    if not lines.any():
        return float("nan")
    sides = 2 ** np.arange(1, 7)
    boxes = []
    for side in sides:
        below = -lines.shape[0] % side
        right = -lines.shape[1] % side
        padded = np.pad(lines, [(0, below), (0, right)])
        rows = padded.shape[0] // side
        columns = padded.shape[1] // side
        filled = padded.reshape(rows, side, columns, side).any(axis=(1, 3))
        boxes.append(filled.sum())
    slope, _ = np.polyfit(np.log(sides), np.log(boxes), 1)
    return float(-slope)
