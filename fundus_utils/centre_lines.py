"""clDice: how far the centre lines of two vessel masks agree."""

from collections.abc import Sequence

from skimage.morphology import skeletonize

from .photograph import Bools


def line_counts(label: Bools, vessels: Bools) -> tuple[int, int, int, int]:
    """Count the centre-line pixels of two masks, and those of each that lie in the other mask.

    Args:
        label: bool (H, W), False outside the field of view.
        vessels: bool (H, W), False outside the field of view.

    Returns:
        Pixels of the label's centre lines; of these, in `vessels`; pixels of the centre lines of
        `vessels`; of these, in `label`.
    """
    lines = skeletonize(label)
    found_lines = skeletonize(vessels)
    return (
        int(lines.sum()),
        int((lines & vessels).sum()),
        int(found_lines.sum()),
        int((found_lines & label).sum()),
    )


def cldice_of(counts: Sequence[int]) -> float:
    """Return clDice from `line_counts`, of one map or summed over many."""
    lines, found, found_lines, right = counts
    if not (lines or found_lines):
        return 1.0
    sensitivity = found / lines if lines else 0.0
    precision = right / found_lines if found_lines else 0.0
    both = sensitivity + precision
    return 2 * sensitivity * precision / both if both else 0.0


def cldice(label: Bools, vessels: Bools) -> float:
    """Return the Dice of centre lines, in [0, 1] (clDice: Shit et al. 2021).

    The harmonic mean of the share of the label's centre lines that lies in the map, and the share
    of the map's centre lines that lies in the label. A pixel of a thin vessel counts as much as
    one of a wide vessel's middle. 1 if both masks are empty, 0 if one is.

    Args:
        label: bool (H, W), False outside the field of view.
        vessels: bool (H, W), False outside the field of view.
    """
    return cldice_of(line_counts(label, vessels))
