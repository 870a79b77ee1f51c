"""Mean and standard deviation of the training images: one pass, saved, read back, applied."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .augmentation import Ranges, augment, split
from .errors import FundusError
from .photograph import Bools, Bytes, Floats
from .storage import sha256

CHUNK = 25  # augmented images a task: fixed, so that sums are added in one order on any machine


@dataclass
class RunningStatistics:
    """Mean and standard deviation in one pass, in constant memory (Welford 1962, Chan 1979).

    count: samples so far. mean: their mean. m2: the sum of squared distances to the mean.
    """

    count: int = 0
    mean: Any = 0.0
    m2: Any = 0.0

    def add(self, samples: NDArray) -> None:
        """Take in samples: axis 0 counts them, every other axis keeps its own statistics."""
        if len(samples):
            samples = samples.astype(np.float64)
            mean = samples.mean(axis=0)
            self.merge(RunningStatistics(len(samples), mean, ((samples - mean) ** 2).sum(axis=0)))

    def merge(self, other: "RunningStatistics") -> None:
        """Take in the statistics of other samples, as if they had been added here."""
        if other.count == 0:
            return
        count = self.count + other.count
        apart = other.mean - self.mean
        self.mean = self.mean + apart * other.count / count
        self.m2 = self.m2 + other.m2 + apart**2 * self.count * other.count / count
        self.count = count

    @property
    def std(self) -> Any:
        """The standard deviation, dividing by the count (nan if there were no samples)."""
        return np.sqrt(self.m2 / self.count) if self.count else np.nan


def normalize(image: NDArray, mean: float, std: float) -> Floats:
    """Bring an image to the scale that the network has learned: (image / 255 - mean) / std.

    Args:
        image: uint8, any shape.
        mean: the training images' mean, on the 0 to 1 scale.
        std: their standard deviation, above 0, on the same scale.

    Returns:
        float32 of the same shape: mean about 0, standard deviation about 1.
    """
    return ((image.astype(np.float32) / 255 - mean) / std).astype(np.float32)


def photograph_statistics(image: Bytes, fov: Bools) -> tuple[float, float]:
    """Return mean and standard deviation (0 to 1 scale) of one image inside its field of view.

    Args:
        image: uint8 (H, W, n) or (H, W); all channels count together.
        fov: bool (H, W); where it is empty, (0, 1) is returned.

    Returns:
        mean in [0, 1]; standard deviation, 1/255 at least, so that an even picture can be divided.
    """
    values = image[fov] / 255
    if values.size == 0:
        return 0.0, 1.0
    return float(values.mean()), float(max(values.std(), 1 / 255))


def augmented_statistics(
    merged: Sequence[Bytes],
    count: int = 1700,
    seed: int = 0,
    n_channels: int = 1,
    ranges: Ranges | None = None,
    inside_fov: bool = True,
    progress: bool = True,
    augment: Callable[..., Bytes] = augment,
) -> RunningStatistics:
    """Compute the statistics of `count` augmented images without keeping any of them.

    Args:
        merged: uint8 (H, W, n_channels + 2) pictures: image channels, label, field of view.
        count: how many augmented images; number i comes from picture i modulo len(merged).
        seed: image i depends on (seed, i) alone.
        n_channels: how many image channels each picture has.
        ranges: the augmentation's.
        inside_fov: count only pixels inside the field of view (else also the black surround).
        progress: show a bar with the time left.
        augment: a function with the signature of `augmentation.augment`.

    Returns:
        RunningStatistics over pixel values on the 0 to 1 scale.
    """

    def values_of(i: int) -> NDArray:
        rng = np.random.default_rng([seed, i])
        picture = augment(merged[i % len(merged)], rng, ranges, n_channels=n_channels)
        image, _, fov = split(picture, n_channels)
        counted = image[fov] if inside_fov else image
        return counted.reshape(-1) / 255

    def chunk(first: int) -> RunningStatistics:
        part = RunningStatistics()
        for i in range(first, min(first + CHUNK, count)):
            part.add(values_of(i))
        return part

    total = RunningStatistics()
    bar = tqdm(total=count, disable=not progress, unit="image", file=sys.stderr)
    with ThreadPoolExecutor(2) as pool, bar:
        for part in pool.map(chunk, range(0, count, CHUNK)):
            total.merge(part)
            bar.update(min(CHUNK, count - bar.n))
    return total


def save_statistics(folder: Path, mean: float, std: float) -> dict[str, str]:
    """Write `mean.npy` and `std.npy` (float64 scalars) into a folder; return their checksums."""
    np.save(folder / "mean.npy", np.float64(mean))
    np.save(folder / "std.npy", np.float64(std))
    return {name: sha256(folder / name) for name in ("mean.npy", "std.npy")}


def load_statistics(folder: Path, card: dict, channels: Sequence[str]) -> tuple[float, float]:
    """Read mean and std back, and refuse those that do not fit.

    Args:
        folder: holds mean.npy and std.npy.
        card: what was saved beside them: its `channels` and `sha256`.
        channels: the image channels that are to be normalized.

    Raises:
        FundusError: a file is missing or changed, or of another channel, or std is not above 0.
    """
    if list(card["channels"]) != list(channels):
        found = ", ".join(card["channels"])
        wanted = ", ".join(channels)
        problem = f"{folder} holds statistics of {found}, not of {wanted}"
        raise FundusError(problem, "use the channel that the model was trained on")
    mean = _read_scalar(folder / "mean.npy", card["sha256"])
    std = _read_scalar(folder / "std.npy", card["sha256"])
    if not (0 < std < np.inf and np.isfinite(mean)):
        problem = f"{folder / 'std.npy'} holds {std}, mean.npy {mean}"
        raise FundusError(problem, "std must be above 0, so make the statistics again")
    return mean, std


def _read_scalar(path: Path, checksums: dict[str, str]) -> float:
    if not path.is_file():
        raise FundusError(f"{path} is missing", "make the statistics again (notebook 03)")
    if sha256(path) != checksums.get(path.name):
        problem = f"{path} is not the file that its card describes"
        raise FundusError(problem, f"remove {path.parent} and make all of it again")
    return float(np.load(path))
