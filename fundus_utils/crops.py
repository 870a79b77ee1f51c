"""Training crops: prepared photographs, and an endless, repeatable stream of batches from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .augmentation import Ranges, augment, merge, split
from .datasets import FundusSet, Sample, rescale
from .fov import Bytes, Floats
from .normalization import normalize, photograph_statistics
from .quiet import tf
from .storage import FundusError

Augment = Callable[..., Bytes]
CROPS_AN_EYE = 96


def prepare(sample: Sample, fov_diameter: int, channels: Sequence[str] = ("green",)) -> Bytes:
    """Bring a sample to the training scale and merge it.

    Args:
        sample: photograph, label and field of view.
        fov_diameter: diameter of the field of view afterwards, in pixels.
        channels: the image channels, by name.

    Returns:
        uint8 (h, w, len(channels) + 2), see `augmentation.merge`.

    Raises:
        FundusError: the sample has no label.
    """
    small = rescale(sample, fov_diameter)
    if small.label is None:
        raise FundusError(f"{sample.name} has no label: it can be predicted, not learned from.")
    return merge(small.photograph, small.label, small.fov, channels)


@dataclass
class Crops:
    """Normalized training crops; crop number i depends on (seed, i) alone.

    merged: the prepared photographs, see `prepare`. mean, std: the data set's statistics, used
    unless `by_photograph`: then each photograph is normalized by its own. augment: a function
    with the signature of `augmentation.augment`.
    """

    merged: Sequence[Bytes]
    mean: float
    std: float
    size: int = 64
    seed: int = 0
    channels: int = 1
    by_photograph: bool = False
    ranges: Ranges = field(default_factory=Ranges)
    augment: Augment = augment

    def __post_init__(self) -> None:
        """Measure each photograph once."""
        self._measured = [self.measured(picture) for picture in self.merged]

    def measured(self, merged: Bytes) -> tuple[NDArray[np.int32], tuple[float, float]]:
        """Return the places inside a merged picture's field of view, and its statistics."""
        inside = np.flatnonzero(merged[..., -1] >= 128).astype(np.int32)
        return inside, self.statistics_of(merged)

    def close(self) -> None:
        """Let go of what makes the crops, if anything does."""

    def source(self, i: int, rng: np.random.Generator) -> tuple:
        """Return the picture that crop i is cut from, and what was `measured` on it."""
        which = int(rng.integers(len(self.merged)))
        return self.merged[which], *self._measured[which]

    def statistics_of(self, merged: Bytes) -> tuple[float, float]:
        """Return the mean and std that normalize a merged picture."""
        if not self.by_photograph:
            return self.mean, self.std
        image, _, fov = split(merged, self.channels)
        return photograph_statistics(image, fov)

    def __getitem__(self, i: int) -> tuple[Floats, Floats, Floats]:
        """Make crop i around a random point of the field of view of a random photograph.

        Returns:
            image float32 (size, size, channels), normalized; label float32 (size, size, 1), 0 or
            1; weight float32 (size, size, 1), 1 inside the field of view and 0 outside.
        """
        rng, channels = np.random.default_rng([self.seed, int(i)]), self.channels
        picture, points, statistics = self.source(int(i), rng)
        row, column = divmod(float(points[rng.integers(len(points))]), picture.shape[1])
        place = {"size": (self.size, self.size), "centre": (row, column)}
        moved = self.augment(picture, rng, self.ranges, channels=channels, **place)
        image, *masks = split(moved, channels)
        label, weight = (mask[..., None].astype(np.float32) for mask in masks)
        return normalize(image, *statistics), label, weight

    def batches(self, batch: int, first_step: int = 0, steps: int | None = None) -> Any:
        """Return a tf.data.Dataset of (images, labels, weights) batches, made ahead of time.

        Args:
            batch: crops a batch; step s holds the crops s * batch to (s + 1) * batch - 1.
            first_step: where to begin, for a training that goes on.
            steps: how many batches; endless by default.
        """

        def crop(i: Any) -> Any:
            tensors = tf.numpy_function(self.__getitem__, [i], [tf.float32] * 3, stateful=False)
            for tensor, depth in zip(tensors, (self.channels, 1, 1), strict=True):
                tensor.set_shape((self.size, self.size, depth))
            return tuple(tensors)

        last = np.iinfo(np.int64).max if steps is None else (first_step + steps) * batch
        numbers = tf.data.Dataset.range(first_step * batch, last)
        made = numbers.map(crop, num_parallel_calls=2, deterministic=True)
        return untuned(made.batch(batch, drop_remainder=True).prefetch(4))


@dataclass
class EndlessCrops(Crops):
    """Crops of drawn eyes that never come back; the merged photographs are not used.

    Crop i comes from one of `keep` eyes, a window that moves on by an eye every `CROPS_AN_EYE`
    crops: so each eye serves about that many, mixed with those of the others.
    """

    eyes: Any = None  # see `synthetic.stream.Eyes`
    _ready: dict[int, tuple] = field(default_factory=dict, init=False, repr=False)

    def source(self, i: int, rng: np.random.Generator) -> tuple:
        """Return the eye that crop i is cut from, and what was `measured` on it."""
        which = i // CROPS_AN_EYE + int(rng.integers(self.eyes.keep))
        if which not in self._ready:
            picture = self.eyes[which]
            self._ready[which] = picture, *self.measured(picture)
            for old in [eye for eye in self._ready if eye < which - 2 * self.eyes.keep]:
                self._ready.pop(old, None)  # another thread may have been faster
        return self._ready[which]

    def close(self) -> None:
        """Stop the drawing."""
        self.eyes.close()


def untuned(data: Any) -> Any:
    """Return a tf.data.Dataset whose numbers of threads and batches stay as they are written.

    TensorFlow's search for better ones sleeps longer and longer, and its sleep may be waited for
    when the data end: steps that took 3.9 s and 6.4 s took 5.1 s and 10.2 s with it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def whole_photographs(crops: Crops, merged: Sequence[Bytes], step: int) -> Any:
    """Return a tf.data.Dataset of whole normalized photographs, one a batch, never augmented.

    Args:
        crops: gives the normalization.
        merged: uint8 (h, w, n) pictures, see `prepare`.
        step: sides are padded at the bottom and right to multiples of it.
    """

    def each() -> Any:
        for picture in merged:
            rows, columns = -picture.shape[0] % step, -picture.shape[1] % step
            padded = np.pad(picture, ((0, rows), (0, columns), (0, 0)))
            image, *masks = split(padded, crops.channels)
            label, weight = (mask[None, ..., None].astype(np.float32) for mask in masks)
            yield normalize(image, *crops.statistics_of(picture))[None], label, weight

    shapes = [(1, None, None, n) for n in (crops.channels, 1, 1)]
    specs = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
    made = tf.data.Dataset.from_generator(each, output_signature=specs)
    return untuned(made.apply(tf.data.experimental.assert_cardinality(len(merged))))


def prepare_set(
    parts: Sequence[FundusSet], fov_diameter: int, channels: Sequence[str]
) -> list[Bytes]:
    """Prepare every sample of some sets, one after the other (see `prepare`)."""
    return [prepare(sample, fov_diameter, channels) for part in parts for sample in part]
