"""What is wrong with a label against its photograph.

Whether a label belongs to its photograph is measured by how well it agrees with the dark lines in
green. On CHASE_DB1, HRF and drawn eyes the agreement of true pairs is 0.45 to 0.76; that of a label
with another photograph, or mirrored, or turned, is at most 0.17 wherever it is moved to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation

from ..exploration import local_darkness, vessel_contrast
from ..photograph import Bools, Bytes, image_channel
from .faults import Fault, shrunk
from .label_files import LabelFile
from .photograph_faults import field_of

VESSEL_RADIUS = 6  # pixels of the shrunk photograph, above the widest vessel's half width
AGREES = 0.3  # from this agreement on, a label belongs to the photograph
INVISIBLE = 0.3  # of the noise: vessels of less contrast are none; true pairs lie above 0.9
SHIFTED = 1.0  # pixels of the shrunk photograph; healthy pairs lie below 0.4
TAUGHT_WRONG = "The network is taught vessels where there are none, and its loss hardly falls"

TURNS: dict[str, Callable[[Bools], Bools]] = {
    "mirrored left to right": np.fliplr,
    "mirrored top to bottom": np.flipud,
    "turned by 180 degrees": partial(np.rot90, k=2),
    "turned by 90 degrees to the left": np.rot90,
    "turned by 90 degrees to the right": partial(np.rot90, k=-1),
    "mirrored along the diagonal": np.transpose,
    "mirrored along the other diagonal": lambda label: np.rot90(label, k=2).T,
}


@dataclass(frozen=True, eq=False)
class View:
    """A photograph as labels are compared with it.

    path: its file. size: its (height, width) in pixels. small: uint8 (h, w, 3), shrunk. darkness:
    uint8 (h, w), how much darker than round about its green is, in grey levels. fov: bool (h, w).
    """

    path: Path
    size: tuple[int, ...]
    small: Bytes
    darkness: Bytes
    fov: Bools


def view_of(path: Path, photograph: Bytes) -> View:
    """Return the view of a photograph, uint8 (H, W, 3), that was read from a file."""
    small = shrunk(photograph)
    fov = field_of(small)
    darkness = local_darkness(image_channel(small, "green"), fov, VESSEL_RADIUS)
    grey_levels = np.rint(255 * darkness).astype(np.uint8)
    return View(path, photograph.shape[:2], small, grey_levels, fov)


def agreement(view: View, label: Bools) -> float:
    """Return how well a label agrees with a photograph: Pearson's correlation with its darkness.

    Args:
        view: the photograph.
        label: bool (h, w), shrunk like it.

    Returns:
        -1 to 1; 0 where either is the same everywhere in the field of view.
    """
    vessels = label[view.fov]
    darkness = view.darkness[view.fov]
    if vessels.all() or not vessels.any() or np.ptp(darkness) == 0:
        return 0.0
    return float(np.corrcoef(darkness, vessels)[0, 1])


def shows_vessels(view: View, label: Bools) -> bool:
    """Return whether a photograph is darker where a label, bool (h, w), has vessels.

    More tolerant than `agreement`: a label of the arteries alone will do.
    """
    inside = label & view.fov
    if not inside.any():
        return False
    return vessel_contrast(view.small, inside, view.fov, "green").to_noise >= INVISIBLE


def shift_of(view: View, label: Bools) -> NDArray[np.float64]:
    """Return how far a label must be moved to agree best: (rows down, columns to the right).

    The maximum of the cross-correlation with the darkness, to a tenth of a shrunk pixel
    (Guizar-Sicairos et al. 2008).

    Args:
        view: the photograph.
        label: bool (h, w), shrunk like it.
    """

    def centred(values: NDArray) -> NDArray:
        return np.where(view.fov, values - values[view.fov].mean(), 0)

    return phase_cross_correlation(
        centred(view.darkness),
        centred(label),
        upsample_factor=10,
        normalization=None,
    )[0]


def pair_fault(view: View, path: Path, read: LabelFile) -> Fault | None:
    """Return what is wrong between a photograph and its own label, read from `path`, or None."""
    if read.label is None:
        return None
    if read.size != view.size:
        return _size_fault(view, path, read.size)
    share = np.count_nonzero(read.label & view.fov) / np.count_nonzero(view.fov)
    if share > 0.5:
        return Fault(
            path,
            f"calls {share:.0%} of the field of view vessel: it is inverted, or no vessel label",
            "The network would learn the background; a training here stops at it",
            "Vessels are white on black: invert it, or put the right file there",
        )
    return _shift_fault(view, path, read.label) or _turn_fault(view, path, read.label)


def _size_fault(view: View, path: Path, size: tuple[int, ...]) -> Fault:
    """Return the fault of a label that has not its photograph's size."""
    sizes = f"{size[1]}x{size[0]} pixels, its photograph {view.size[1]}x{view.size[0]}"
    cure = "Save both at one size; resize labels by the nearest neighbour alone"
    if size == view.size[::-1]:
        cure = "One of the two was turned, as a camera's EXIF data may ask: turn it back"
    return Fault(
        path,
        f"is {sizes} ({view.path.name})",
        "Its pixels are not those of the photograph; a training here stops at it",
        cure,
    )


def _shift_fault(view: View, path: Path, label: Bools) -> Fault | None:
    """Return the fault of a label that agrees better when it is moved, or None."""
    shift = shift_of(view, label)
    moved = np.roll(label, np.rint(shift).astype(int), axis=(0, 1))
    better = agreement(view, moved) > max(agreement(view, label), AGREES)
    if np.abs(shift).max() < SHIFTED or not better:
        return None
    down, right = np.rint(shift * view.size[0] / view.fov.shape[0]).astype(int)
    way = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] if down else []
    way += [f"{abs(right)} px to the {'right' if right > 0 else 'left'}"] if right else []
    return Fault(
        path,
        f"lies beside the vessels of {view.path.name}: move it {' and '.join(way)}",
        "The network learns blurred vessels, and every measure is too low",
        "Look for a cut or a border that only one of the two files got",
    )


def _turn_fault(view: View, path: Path, label: Bools) -> Fault | None:
    """Return the fault of a label that agrees only when it is mirrored or turned, or None."""
    own = agreement(view, label)
    if own >= AGREES:
        return None
    agreements = {
        words: agreement(view, turn(label))
        for words, turn in TURNS.items()
        if turn(label).shape == view.fov.shape
    }
    words = max(agreements, key=lambda words: agreements[words])
    if agreements[words] < AGREES:
        return None
    found = f"agreement {agreements[words]:.2f}, now {own:.2f}"
    return Fault(
        path,
        f"agrees with {view.path.name} only when it is {words} ({found})",
        TAUGHT_WRONG,
        "Mirror and turn a photograph and its label together, never one of them",
    )
