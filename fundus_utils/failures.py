"""Where a map fails: on thin vessels, near the border, in which places; and how near is perfect?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from .errors import FundusError
from .evaluation import UNDEFINED, dice
from .exploration import TOUCHING
from .photograph import Bools

ERRORS = ("missed", "false")


def width_of_each(label: Bools) -> NDArray[np.float64]:
    """Return the local width of the vessel that each vessel pixel belongs to, in pixels.

    That of the nearest pixel of a centre line, measured as in `exploration.vessel_widths`: on the
    label enlarged twice, where every width is even. But a centre line may run a pixel beside the
    middle, most of all along slanting vessels; the largest width within one pixel of the enlarged
    label counts, which is that of the middle. Where a wide vessel's rim lies nearer to the line of
    a thin neighbour than to its own, it gets the neighbour's width.

    Args:
        label: bool (H, W).

    Returns:
        float64 (H, W); nan where there is no vessel.
    """
    bordered = np.pad(label, 1)  # beyond the picture all is background
    twice = bordered.repeat(2, axis=0).repeat(2, axis=1)
    of_middle = ndimage.maximum_filter(ndimage.distance_transform_edt(twice), size=3)
    on_lines = np.where(skeletonize(twice), of_middle, 0)
    height, width = bordered.shape
    widths = on_lines.reshape(height, 2, width, 2).max(axis=(1, 3))[1:-1, 1:-1]
    nearest = ndimage.distance_transform_edt(
        widths == 0,
        return_distances=False,
        return_indices=True,
    )
    return np.where(label, widths[tuple(nearest)], UNDEFINED)


def _class_of(values: NDArray, edges: Sequence[float]) -> NDArray[np.int64]:
    """Return the class of each value: class k begins at edges[k], and the last one has no end."""
    if not len(edges) or edges[0] != 0 or (np.diff(edges) <= 0).any():
        problem = f"the edges {', '.join(map(str, edges))} do not rise from 0"
        raise FundusError(problem, "begin with 0, so that no pixel is left out")
    return np.searchsorted(edges, values, side="right") - 1


def _limits(edges: Sequence[float]) -> dict[str, NDArray]:
    """Return the columns of a table of classes that say where each begins and ends."""
    return {"from": np.asarray(edges, float), "to": np.append(edges[1:], np.inf)}


def _share(part: NDArray, whole: NDArray | float) -> NDArray[np.float64]:
    """Return part / whole, nan where there is no whole."""
    return part / np.where(np.asarray(whole) > 0, whole, UNDEFINED)


def sensitivity_by_width(
    label: Bools, vessels: Bools, fov: Bools, edges: Sequence[float]
) -> pd.DataFrame:
    """Return how much of the vessels of each width is found.

    Args:
        label: bool (H, W).
        vessels: bool (H, W), the map cut at its threshold.
        fov: bool (H, W).
        edges: where each class begins, in pixels of width, rising from 0; the last has no end.

    Returns:
        A table with a row a class: `from` and `to` (the width is below it), `pixels` of the label
        inside the field of view, their `share` of all such pixels, the `sensitivity` (the share of
        them that is found), and `missed`, the class' share of all missed pixels. nan where that
        would be nothing divided by nothing.

    Raises:
        FundusError: the edges do not rise from 0.
    """
    inside = label & fov
    class_of = _class_of(width_of_each(label)[inside], edges)
    pixels = np.bincount(class_of, minlength=len(edges))
    missed = np.bincount(class_of[~vessels[inside]], minlength=len(edges))
    return pd.DataFrame(
        {
            **_limits(edges),
            "pixels": pixels,
            "share": _share(pixels, pixels.sum()),
            "sensitivity": _share(pixels - missed, pixels),
            "missed": _share(missed, missed.sum()),
        }
    )


def errors_by_distance(
    label: Bools,
    vessels: Bools,
    fov: Bools,
    edges: Sequence[float],
    centre: tuple[float, float] | None = None,
) -> pd.DataFrame:
    """Return where inside the field of view the errors lie, ring by ring from its border.

    Args:
        label: bool (H, W).
        vessels: bool (H, W), the map cut at its threshold.
        fov: bool (H, W).
        edges: where each ring begins, in pixels from the nearest pixel outside, rising from 0; the
            last has no end. What lies beyond the picture is outside.
        centre: (row, column) of a place, such as the optic disc, from which the rings are counted
            instead.

    Returns:
        A table with a row a ring: `from` and `to` (the distance is below it), `pixels`,
        `false_positives`, `false_negatives`, and both as a share of the ring's pixels,
        `false_positive_share` and `false_negative_share` (nan in an empty ring).

    Raises:
        FundusError: the edges do not rise from 0.
    """
    if centre is None:
        distance = ndimage.distance_transform_edt(np.pad(fov, 1))[1:-1, 1:-1]
    else:
        rows, columns = np.indices(fov.shape)
        distance = np.hypot(rows - centre[0], columns - centre[1])
    ring_of = _class_of(distance[fov], edges)

    def count(where: Bools) -> NDArray[np.int64]:
        return np.bincount(ring_of[where[fov]], minlength=len(edges))

    pixels = count(fov)
    false_positives = count(vessels & ~label)
    false_negatives = count(label & ~vessels)
    return pd.DataFrame(
        {
            **_limits(edges),
            "pixels": pixels,
            "false_positives": false_positives,
            "false_negatives": false_negatives,
            "false_positive_share": _share(false_positives, pixels),
            "false_negative_share": _share(false_negatives, pixels),
        }
    )


def largest_errors(
    label: Bools,
    vessels: Bools,
    fov: Bools,
    kind: str = "missed",
    count: int = 6,
    side: int = 64,
) -> list[tuple[int, int]]:
    """Return where the largest connected errors lie, the largest first, for a gallery.

    Args:
        label: bool (H, W).
        vessels: bool (H, W), the map cut at its threshold.
        fov: bool (H, W).
        kind: `missed`: vessels of the label that are not found. `false`: vessels found that are not
            in the label.
        count: how many at most.
        side: of the square window that is shown of each, in pixels.

    Returns:
        The (row, column) of each window's middle. The window, `side` pixels from row - side // 2
        and from column - side // 2 on, lies inside the picture, and no two windows overlap: an
        error whose window would is left out.

    Raises:
        FundusError: another kind, or the picture is smaller than a window.
    """
    if kind not in ERRORS:
        raise FundusError(f"no error is called {kind!r}", f"choose from {', '.join(ERRORS)}")
    if min(label.shape) < side:
        problem = f"a window of {side} pixels does not fit into a picture of {label.shape}"
        raise FundusError(problem, "choose a smaller side")
    wrong = label & ~vessels if kind == "missed" else vessels & ~label
    pieces, _ = ndimage.label(wrong & fov, TOUCHING)
    sizes = np.bincount(pieces.ravel())[1:]  # piece 0 is what is right
    places = ndimage.find_objects(pieces)
    first = side // 2
    last = np.array(label.shape) - side + first
    middles: list[NDArray] = []
    for piece in np.argsort(-sizes, kind="stable"):
        corner = [part.start for part in places[piece]]
        pixels = np.argwhere(pieces[places[piece]] == piece + 1) + corner
        middle = _most_central(pixels).clip(first, last)
        if all(np.abs(middle - other).max() >= side for other in middles):
            middles.append(middle)
        if len(middles) == count:
            break
    return [(int(row), int(column)) for row, column in middles]


def _most_central(pixels: NDArray) -> NDArray:
    """Return the pixel nearest to the mean of all, (n, 2): a bent piece's mean lies beside it."""
    from_mean = pixels - pixels.mean(axis=0)
    return pixels[(from_mean**2).sum(axis=1).argmin()]


def shifted_dice(label: Bools, rows: float, columns: float) -> float:
    """Return the Dice of a label with itself moved by a part of a pixel: how near is the ceiling?

    The label is moved with linear interpolation, background coming in at the picture's edge, and
    cut: from 0.5 on, the half itself included, a pixel is a vessel. Along one axis this knows three
    cases only: less than half a pixel changes nothing, just half a pixel makes every vessel wider
    by one pixel, and more moves it by a whole pixel.

    Args:
        label: bool (H, W).
        rows: how far down, in pixels.
        columns: how far to the right, in pixels.

    Returns:
        The Dice, in [0, 1]; 1 without a shift.
    """
    # grid-constant: at the edge too, a pixel is a mixture, of label and of background.
    moved = ndimage.shift(
        label.astype(np.float64),
        (rows, columns),
        order=1,
        mode="grid-constant",
    )
    return dice(label, moved >= 0.5)
