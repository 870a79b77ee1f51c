"""Checks of the exercises in 03, normalization statistics."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_utils.data import load_set

from .checking import Hint, exercise, numbers, result_of

MEANS = np.array([50.0, 80.0])  # of photographs A and B in exercise 3.1
OWN_STD = 16.0  # of each of them
SHARES = np.array([0.8, 0.2])  # of the pixels
BUDGET = 4000  # pixels in exercise 3.3
FARTHEST = 1.5  # grey levels


@exercise(
    "3.1",
    "Two photographs in one pool",
    "A pool is wider than its members, by the differences between them. So a single photograph "
    "under the statistics of its set is mostly narrower than 1, and need not be mended.",
)
def two_in_a_pool(pooled: Any) -> None:
    """Accept mean and standard deviation of two photographs of unequal size together."""
    values = numbers(pooled, 2, "Give two numbers: (mean, standard deviation).")
    right = float((SHARES * MEANS).sum())
    if abs(values[0] - MEANS.mean()) < 0.1:
        raise Hint("That mean counts both photographs alike. It is pixels that are counted.")
    if not abs(values[0] - right) < 0.1:
        raise Hint("Begin with the mean. Take one pixel of B: how many of A come with it?")
    variance = OWN_STD**2 + float((SHARES * (MEANS - right) ** 2).sum())
    if abs(values[1] - OWN_STD) < 0.1:
        raise Hint(
            "The mean is right. The average of two standard deviations is not that of the pool: "
            "imagine two photographs without any contrast, one all 50 and the other all 80."
        )
    if abs(values[1] - variance) < 1:
        raise Hint("The mean is right. This is the variance; its unit is not the grey level.")
    if not abs(values[1] - variance**0.5) < 0.1:
        raise Hint(
            "The mean is right. The squared distances to it have two causes: within a photograph, "
            "and from the photograph's mean to the pool's. Average them over all pixels."
        )


def _normalized(function: Any, image: NDArray, fov: NDArray) -> tuple[NDArray, float, float]:
    """Return the learner's normalized image, its mean and its standard deviation inside."""
    found = np.asarray(result_of(function, image, fov))
    if found.shape != image.shape:
        raise Hint(f"The result has the shape {found.shape}, the image {image.shape}.")
    inside = found[fov].astype(float)
    return found, float(inside.mean()), float(inside.std())


@exercise(
    "3.2",
    "Find the bug: normalized, but not to 0 and 1",
    "To multiply by a mask makes zeros, and zeros are counted. To count only what is inside, "
    "choose it: then no black frame changes the numbers, however wide.",
)
def normalized_inside(function: Any) -> None:
    """Accept a function that normalizes a photograph by its field of view alone."""
    fov = np.hypot(*np.mgrid[-20:20, -20:20]) < 18
    image = np.where(fov, np.random.default_rng(3).integers(30, 91, fov.shape), 4).astype(np.uint8)
    _, mean, std = _normalized(function, image, np.ones_like(fov))
    if not (abs(mean) < 0.01 and abs(std - 1) < 0.01):
        raise Hint(
            "Already for a field of view that covers the whole picture the result has a mean of "
            f"{mean:.3g} and a standard deviation of {std:.3g}, not 0 and 1."
        )
    found, mean, std = _normalized(function, image, fov)
    if abs(mean) < 0.01 and abs(std - 1) > 0.01:
        raise Hint(
            f"The mean inside is 0 now; the standard deviation is {std:.3g}. Which values has it "
            "been computed from?"
        )
    if not (abs(mean) < 0.01 and abs(std - 1) < 0.01):
        raise Hint(
            "It is right where the field of view covers the whole picture. With black corners the "
            f"result has a mean of {mean:.3g} and a standard deviation of {std:.3g} inside. "
            "How many values does your mean count?"
        )
    expected = (image - image[fov].mean()) / image[fov].std()
    if not np.allclose(found[fov], expected[fov], atol=0.02):
        raise Hint("Mean and width are right, but not each pixel: use one shift and one factor.")


def _chosen(masks: Any, fovs: list[NDArray]) -> list[NDArray]:
    """Return the learner's masks, if they fit the fields of view and the budget."""
    if not isinstance(masks, list | tuple | np.ndarray) or len(masks) != len(fovs):
        raise Hint(f"Return a list of {len(fovs)} arrays, one for each field of view.")
    chosen = [np.asarray(mask) for mask in masks]
    for mask, fov in zip(chosen, fovs, strict=True):
        if mask.shape != fov.shape or mask.dtype != bool:
            raise Hint("Each array must be True and False, and have its field of view's shape.")
        if (mask & ~fov).any():
            raise Hint("Some of your pixels lie outside the field of view, where all is black.")
    count = sum(int(mask.sum()) for mask in chosen)
    if not 0 < count <= BUDGET:
        raise Hint(f"You look at {count:,} pixels; the budget is {BUDGET:,}.")
    return chosen


@exercise(
    "3.3",
    "Open: four thousand pixels",
    "Less than a thousandth of the pixels is enough if it comes from every eye and from all "
    "places. More pixels of the same eye only tell more of that eye.",
)
def four_thousand_pixels(function: Any) -> None:
    """Accept a choice of pixels that gives nearly the mean and standard deviation of them all."""
    samples = list(load_set("chase_db1", "train")[:8])
    fovs = [np.asarray(sample.fov) for sample in samples]
    chosen = _chosen(result_of(function, [fov.copy() for fov in fovs]), fovs)
    greens = [sample.photograph[..., 1] for sample in samples]
    pool = np.concatenate([green[fov] for green, fov in zip(greens, fovs, strict=True)])
    seen = np.concatenate([green[mask] for green, mask in zip(greens, chosen, strict=True)])
    apart = seen.mean() - pool.mean(), seen.std() - pool.std()
    near = max(abs(apart[0]), abs(apart[1])) < FARTHEST
    fewest = len(seen) / len(fovs) / 10  # a tenth of an equal share: a few pixels are no visit
    visited = sum(int(mask.sum()) >= fewest for mask in chosen)
    if near and visited == len(fovs):
        return
    found = f"The mean is off by {apart[0]:+.1f}, the standard deviation by {apart[1]:+.1f}. "
    if near:
        raise Hint(
            f"{found}That is near, but by luck: only {visited} of {len(fovs)} photographs have a "
            "tenth of an equal share. Who has hardly seen some cannot know whether they are alike."
        )
    if visited < len(fovs):
        raise Hint(f"{found}You looked at {visited} of {len(fovs)} photographs.")
    raise Hint(
        f"{found}You looked at every photograph. Does each place in its field of view have the "
        "same chance? Draw your choice on one of them."
    )
