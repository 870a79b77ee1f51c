"""Whether a photograph is fit to be read, and whether its map looks like the vessels of a retina.

A network answers whatever it is shown. What `data.photograph_faults` finds in one is said here too,
and beside it what matters to whoever reads a map. The bounds were set on CHASE_DB1 and HRF, sharp
and blurred on purpose, small and large, and on pictures of other things; no warning is no promise.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from .data.faults import Fault, shrunk
from .data.photograph_faults import LEAST_SURROUND, field_of, photograph_faults, spoiled
from .exploration import TOUCHING
from .focus import blockiness, doubling, evenness, sharpness
from .photograph import Bools, Bytes, diameter_of

LEAST_SHARP = 0.6  # CHASE_DB1 and HRF lie above 0.71; blurred by 2 of 512 pixels, at 0.51 to 0.62
LEAST_EVEN = 0.77  # CHASE_DB1 and HRF lie above 0.83; moved by 14 pixels of 900, at 0.63 to 0.79
MOST_DOUBLED = 0.25  # CHASE_DB1 and HRF lie below 0.13; shown twice, 24 of 900 apart, above 0.4
MOST_BLOCKY = 5.0  # CHASE_DB1 and HRF lie below 2; at a quality of 15 above 5
LEAST_DIAMETER = 250  # pixels: from here on down, Dice falls by 0.03 and more
LEAST_ROUND = 0.935  # CHASE_DB1 and HRF lie above 0.99; a drawn eye, half in the dark, at 0.94
LEAST_TREE = 0.45  # the largest part holds 0.60 to 0.99 on CHASE_DB1 and HRF, 0.50 on drawn eyes
LEAST_DENSITY = 0.02  # CHASE_DB1 and HRF lie between 0.06 and 0.12, drawn eyes up to 0.14
MOST_DENSITY = 0.14


def roundness(fov: Bools) -> float:
    """Return how far a field of view is a disc, cut off at two sides or not: 1 is a disc.

    The share of pixels that it and the disc of its diameter have in common, of those that one of
    the two has, within its bounding box.

    Args:
        fov: bool (H, W), not empty.
    """
    (place,) = ndimage.find_objects(fov.astype(int))
    cut = fov[place]
    rows, columns = np.indices(cut.shape)
    from_middle = np.hypot(rows - (cut.shape[0] - 1) / 2, columns - (cut.shape[1] - 1) / 2)
    disc = from_middle <= diameter_of(fov) / 2
    return float((disc & cut).sum() / (disc | cut).sum())


def tree_share(vessels: Bools) -> float:
    """Return the share of a vessel mask that its largest connected part holds; 0 without vessels.

    Args:
        vessels: bool (H, W).
    """
    parts, _ = ndimage.label(vessels, TOUCHING)
    sizes = np.bincount(parts.ravel())[1:]
    return float(sizes.max() / sizes.sum()) if len(sizes) else 0.0


def photograph_warnings(path: Path, photograph: Bytes, fov: Bools) -> list[Fault]:
    """Return what speaks against reading a photograph, before any network has seen it.

    Args:
        path: its name.
        photograph: uint8 (H, W, 3).
        fov: bool (H, W), see `photograph.find_fov`.
    """
    fault = spoiled(path, photograph)
    if fault is not None:
        return [fault]
    small = shrunk(photograph)
    seen = field_of(small)
    found = list(photograph_faults(path, small, seen))
    if 1 - seen.mean() < LEAST_SURROUND:  # said already: there is no field of view to look into
        return found
    # A squeezed photograph, or one in blue, has no round field of view either: said once.
    return [*found, *_own_warnings(path, photograph, fov, shape=not found)]


def _own_warnings(path: Path, photograph: Bytes, fov: Bools, shape: bool) -> Iterator[Fault]:
    """Look at size, shape (where asked) and sharpness of a photograph with a field of view."""
    diameter = diameter_of(fov)
    if diameter < LEAST_DIAMETER:
        yield Fault(
            path,
            f"is small: its field of view is {diameter} pixels across",
            "Its thin vessels are lost",
            f"Take the photograph at its own size, {LEAST_DIAMETER} pixels across or more",
        )
    if shape and roundness(fov) < LEAST_ROUND:
        yield Fault(
            path,
            "has no round field of view",
            "It may be no fundus photograph, or a part of one",
            "Take the whole photograph, on black; leave out what is none",
        )
        return
    if unsharp := _unsharp(photograph, fov):
        yield Fault(path, *unsharp)
    if blockiness(photograph, fov) > MOST_BLOCKY:
        yield Fault(
            path,
            "was compressed so hard that its blocks of 8 pixels show",
            "Thin vessels are lost, false ones found: at a quality of 15 Dice fell by 0.11",
            "Take the file that the camera wrote, or save it with a quality of 70 or more",
        )


def _unsharp(photograph: Bytes, fov: Bools) -> tuple[str, str, str] | None:
    """Return what keeps a photograph from being sharp, what follows, and what to do; or None."""
    uneven = evenness(photograph, fov) < LEAST_EVEN
    if not uneven and sharpness(photograph, fov) < LEAST_SHARP:
        return (
            "is out of focus, or was enlarged",
            "Thin vessels are missed: a blur of 3 pixels of 900 cost 0.08 of Dice on two eyes",
            "Take a sharper one; do not trust counts of thin vessels here",
        )
    if uneven or doubling(photograph, fov) > MOST_DOUBLED:
        return (
            "is blurred in one direction, or shows everything twice",
            "The camera or the eye may have moved: a path of 14 pixels of 900 cost 0.12 of Dice",
            "Take another one",
        )
    return None


def map_warnings(path: Path, vessels: Bools, fov: Bools) -> list[Fault]:
    """Return what speaks against a vessel mask: the vessels of a retina hang together as a tree.

    Args:
        path: the photograph's name.
        vessels: bool (H, W), a map cut at its threshold.
        fov: bool (H, W).
    """
    density = vessels[fov].mean() if fov.any() else 0.0
    share = tree_share(vessels & fov)
    if LEAST_DENSITY <= density <= MOST_DENSITY and share >= LEAST_TREE:
        return []
    if density > MOST_DENSITY:
        problem = f"shows too many vessels: {density:.0%} of its field of view"
    elif density < LEAST_DENSITY:
        problem = f"shows hardly a vessel: {density:.1%} of its field of view"
    else:
        problem = f"shows no tree of vessels: the largest connected part holds {share:.0%} of them"
    return [
        Fault(
            path,
            problem,
            "It may be no fundus photograph, or too poor a one",
            "Look at the map before you believe its numbers",
        )
    ]
