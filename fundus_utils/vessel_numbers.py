"""Numbers that clinicians take from the vessels: density, length, width, dimension, tortuosity.

All are measured on a mask alone, a label or a map cut at its threshold, in the pixels of its own
picture. Arteries and veins are not told apart. A field of view of another size, or a mask at
another scale, has other lengths and widths: compare photographs of one camera.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse.csgraph import breadth_first_order
from scipy.spatial.distance import cdist
from skimage.morphology import skeletonize

from .errors import FundusError
from .evaluation import UNDEFINED
from .exploration import TOUCHING, fractal_dimension, vessel_widths
from .photograph import Bools

SHORTEST_SEGMENT = 20  # pixels: the steps of a shorter piece say more about the grid than of it
STRIDE = 8  # pixels between two points of a segment: through each pixel, a line is a staircase
# A chain of pixels takes straight and diagonal steps. It is longer than the line that it stands
# for, on average over all directions by this factor, 1.055 (Kulpa 1977).
CHAIN = 8 * (np.sqrt(2) - 1) / np.pi


def centre_line_length(mask: Bools) -> float:
    """Return the total length of the centre lines in pixels.

    Straight steps count 1 and diagonal ones sqrt(2); the sum is divided by CHAIN, so that it is
    right on average over all directions (Kulpa 1977): upright and diagonal lines read 5 % too
    short, and those halfway between 3 % too long.

    Args:
        mask: bool (H, W).
    """
    lines = skeletonize(mask)
    straight = (lines[1:] & lines[:-1]).sum() + (lines[:, 1:] & lines[:, :-1]).sum()
    # The four corners of each 2 x 2 square. Two opposite pixels are a diagonal step where no third
    # pixel leads from one to the other.
    corner_a = lines[:-1, :-1]
    corner_b = lines[:-1, 1:]
    corner_c = lines[1:, :-1]
    corner_d = lines[1:, 1:]
    falling = corner_a & corner_d & ~corner_b & ~corner_c
    rising = corner_b & corner_c & ~corner_a & ~corner_d
    diagonal = falling.sum() + rising.sum()
    return float((straight + np.sqrt(2) * diagonal) / CHAIN)


def centre_line_segments(mask: Bools) -> Iterator[NDArray[np.int64]]:
    """Yield each piece of the centre lines between two forks or ends: its pixels from end to end.

    Forks, the pixels with more than two neighbours on the line, are taken out. A closed ring has
    no ends and is left out.

    Args:
        mask: bool (H, W).

    Yields:
        int64 (n, 2), rows and columns, n at least 2.
    """
    lines = skeletonize(mask)
    around = ndimage.convolve(lines.astype(int), TOUCHING.astype(int), mode="constant")
    pieces, _ = ndimage.label(lines & (around <= 3), TOUCHING)  # the pixel itself and two
    for number, place in enumerate(ndimage.find_objects(pieces), start=1):
        corner = [part.start for part in place]
        pixels = np.argwhere(pieces[place] == number) + corner
        steps = cdist(pixels, pixels)
        touching = (steps > 0) & (steps < 1.5)
        ends = np.flatnonzero(touching.sum(axis=1) == 1)
        if len(ends) == 2:
            order = breadth_first_order(touching, ends[0], return_predecessors=False)
            yield pixels[order].astype(np.int64)


def _arc_and_chord(pixels: NDArray) -> tuple[float, float]:
    """Return a segment's length, through a point every STRIDE pixels, and that of its chord."""
    n_points = 1 + max(1, round((len(pixels) - 1) / STRIDE))
    points = pixels[np.linspace(0, len(pixels) - 1, n_points).round().astype(int)]
    arc = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    chord = np.linalg.norm(points[-1] - points[0])
    return float(arc), float(chord)


def tortuosity(mask: Bools, shortest: int = SHORTEST_SEGMENT) -> float:
    """Return how winding the vessels are: the length of a segment over the distance of its ends.

    1 is straight. Arc over chord (Lotmar et al. 1979), one of the measures that Hart et al. (1999)
    compare, of each segment of `centre_line_segments`. The result is the median of the segments,
    each weighted by its length: a segment that comes back to where it began, and whose ratio has
    no limit, does not decide. It depends on where segments end: a gap in the mask, or a twig on
    it, cuts a winding vessel into shorter and straighter pieces. Strong bends read too low: arcs of
    up to 180 degrees within 2 %, one of 270 degrees by 4 %.

    Args:
        mask: bool (H, W).
        shortest: segments of fewer pixels are left out.

    Returns:
        The ratio, at least 1; nan if no segment is long enough.

    Raises:
        FundusError: `shortest` is below 2.
    """
    if shortest < 2:
        raise FundusError(f"a segment of {shortest} pixels has no ends", "choose at least 2")
    long_ones = (pixels for pixels in centre_line_segments(mask) if len(pixels) >= shortest)
    found = np.array([_arc_and_chord(pixels) for pixels in long_ones])
    if not len(found):
        return UNDEFINED
    arcs, chords = found.T
    ratios = arcs / chords
    order = ratios.argsort()
    below = arcs[order].cumsum()
    return float(ratios[order][np.searchsorted(below, below[-1] / 2)])


def vessel_numbers(mask: Bools, fov: Bools) -> dict[str, float]:
    """Return the numbers that clinical studies take from a vessel mask.

    Args:
        mask: bool (H, W), a label or a map cut at its threshold.
        fov: bool (H, W); what lies outside does not count.

    Returns:
        density: the share of the field of view that is vessel, in [0, 1]. length: of all centre
        lines in pixels, see `centre_line_length`. width: the median along the centre lines in
        pixels, see `exploration.vessel_widths`. dimension: see `exploration.fractal_dimension`.
        tortuosity: see `tortuosity`. Without a vessel the last three are nan; without a field of
        view the density too.
    """
    inside = mask & fov
    widths = vessel_widths(inside)
    return {
        "density": float(mask[fov].mean()) if fov.any() else UNDEFINED,
        "length": centre_line_length(inside),
        "width": float(np.median(widths)) if len(widths) else UNDEFINED,
        "dimension": fractal_dimension(inside),
        "tortuosity": tortuosity(inside),
    }
