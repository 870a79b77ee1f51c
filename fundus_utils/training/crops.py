"""Training crops: an endless, repeatable stream of batches, and whole photographs to validate."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..augmentation import Ranges, augment, split
from ..normalization import normalize
from ..photograph import Bytes, Floats, pad_to_multiple
from ..preparation import Preparation
from ..quiet import tf

Augment = Callable[..., Bytes]
Example = tuple[Floats, Floats, Floats]  # image, label, weight
CROPS_AN_EYE = 96


@dataclass(frozen=True)
class CropSource:
    """A picture that crops are cut from, and what was measured on it once.

    merged: uint8 (h, w, n_channels + 2). inside: int32 (k,), the flat indices of the pixels inside
    its field of view. mean, std: what its crops are normalized by.
    """

    merged: Bytes
    inside: NDArray[np.int32]
    mean: float
    std: float


@dataclass
class Crops:
    """Normalized training crops; crop number i depends on (seed, i) alone.

    merged: the photographs, see `Preparation.merged`. preparation: gives the normalization. size:
    of a crop, in pixels. augment: a function with the signature of `augmentation.augment`. whole:
    crops lie round the photograph's middle; else round a random point of its field of view.
    corners: what lies outside the field of view counts too.
    """

    merged: Sequence[Bytes]
    preparation: Preparation
    size: int = 64
    seed: int = 0
    ranges: Ranges = field(default_factory=Ranges)
    augment: Augment = augment
    whole: bool = False
    corners: bool = False

    def __post_init__(self) -> None:
        """Measure each photograph once."""
        self.failure: Exception | None = None  # what went wrong while crops were made for batches
        self._sources = [self.measured(picture) for picture in self.merged]

    def measured(self, merged: Bytes) -> CropSource:
        """Measure a merged picture: where its field of view is, and what normalizes it."""
        mean, std = self.preparation.statistics_of(merged)
        return CropSource(
            merged=merged,
            inside=np.flatnonzero(merged[..., -1] >= 128).astype(np.int32),
            mean=mean,
            std=std,
        )

    def close(self) -> None:
        """Let go of what makes the crops, if anything does."""

    def source(self, i: int, rng: Generator) -> CropSource:
        """Return the picture that crop i is cut from."""
        return self._sources[int(rng.integers(len(self._sources)))]

    def __getitem__(self, i: int) -> Example:
        """Make crop i of a random photograph.

        Returns:
            image float32 (size, size, n_channels), normalized; label float32 (size, size, 1), 0 or
            1; weight float32 (size, size, 1), 1 inside the field of view and 0 outside, or 1
            everywhere where corners count.
        """
        rng = np.random.default_rng([self.seed, int(i)])
        source = self.source(int(i), rng)
        point = source.inside[rng.integers(len(source.inside))]
        row, column = divmod(float(point), source.merged.shape[1])
        n_channels = self.preparation.n_channels
        moved = self.augment(
            source.merged,
            rng,
            self.ranges,
            n_channels=n_channels,
            size=(self.size, self.size),
            centre=None if self.whole else (row, column),
        )
        image, label, fov = split(moved, n_channels)
        normalized = normalize(image, source.mean, source.std)
        counted = np.ones_like(fov) if self.corners else fov
        return normalized, as_target(label), as_target(counted)

    def _kept_failure(self, i: int) -> Example:
        """Make crop i; keep an error, which TensorFlow would wrap in one of its own."""
        try:
            return self[i]
        except Exception as error:
            self.failure = self.failure or error
            raise

    @contextlib.contextmanager
    def own_errors(self) -> Iterator[None]:
        """Let an error that came up while crops were made arrive as itself, not as TensorFlow's."""
        self.failure = None
        try:
            yield
        except tf.errors.OpError as error:
            raise (self.failure or error) from None

    def batches(self, batch: int, first_step: int = 0, steps: int | None = None) -> Any:
        """Return a tf.data.Dataset of (images, labels, weights) batches, made ahead of time.

        Args:
            batch: crops a batch; step s holds the crops s * batch to (s + 1) * batch - 1.
            first_step: where to begin, for a training that goes on.
            steps: how many batches; endless by default.
        """
        depths = (self.preparation.n_channels, 1, 1)

        def crop(i: Any) -> Any:
            tensors = tf.numpy_function(self._kept_failure, [i], [tf.float32] * 3, stateful=False)
            for tensor, depth in zip(tensors, depths, strict=True):
                tensor.set_shape((self.size, self.size, depth))
            return tuple(tensors)

        first = first_step * batch
        last = np.iinfo(np.int64).max if steps is None else first + steps * batch
        numbers = tf.data.Dataset.range(first, last)
        made = numbers.map(crop, num_parallel_calls=2, deterministic=True)
        return untuned(made.batch(batch, drop_remainder=True).prefetch(4))


@dataclass
class EndlessCrops(Crops):
    """Crops of drawn eyes that never come back; the merged photographs are not used.

    Crop i comes from one of `keep` eyes, a window that moves on by an eye every `CROPS_AN_EYE`
    crops: so each eye serves about that many, mixed with those of the others.
    """

    eyes: Any = None  # see `eyes.Eyes`
    _ready: dict[int, CropSource] = field(default_factory=dict, init=False, repr=False)
    _tidying: Lock = field(default_factory=Lock, init=False, repr=False)

    def source(self, i: int, rng: Generator) -> CropSource:
        """Return the eye that crop i is cut from."""
        number = i // CROPS_AN_EYE + int(rng.integers(self.eyes.keep))
        found = self._ready.get(number)
        if found is None:
            found = self.measured(self.eyes[number])
            oldest = number - 2 * self.eyes.keep
            with self._tidying:  # two threads make crops
                self._ready[number] = found
                for old in [one for one in self._ready if one < oldest]:
                    del self._ready[old]
        return found

    def close(self) -> None:
        """Stop the drawing."""
        self.eyes.close()


def as_target(mask: NDArray[np.bool_]) -> Floats:
    """Return a mask as the loss takes it: float32 (h, w, 1), 0 or 1."""
    return mask[..., None].astype(np.float32)


def untuned(data: Any) -> Any:
    """Return a tf.data.Dataset whose numbers of threads and batches stay as they are written.

    TensorFlow's search for better ones sleeps longer and longer, and its sleep may be waited for
    when the data end: steps that took 3.9 s and 6.4 s took 5.1 s and 10.2 s with it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def whole_photographs(preparation: Preparation, merged: Sequence[Bytes]) -> Any:
    """Return a tf.data.Dataset of whole normalized photographs, one a batch, never augmented.

    Each is the array that a prediction of it would give to the network.

    Args:
        preparation: gives the normalization.
        merged: uint8 (h, w, n_channels + 2) pictures, see `Preparation.merged`.
    """

    def each() -> Any:
        for picture in merged:
            _, label, fov = split(picture, preparation.n_channels)
            image = pad_to_multiple(preparation.image(picture))
            target = pad_to_multiple(as_target(label), reflect=False)
            weight = pad_to_multiple(as_target(fov), reflect=False)
            yield image[None], target[None], weight[None]

    depths = (preparation.n_channels, 1, 1)
    specs = tuple(tf.TensorSpec((1, None, None, depth), tf.float32) for depth in depths)
    made = tf.data.Dataset.from_generator(each, output_signature=specs)
    return untuned(made.apply(tf.data.experimental.assert_cardinality(len(merged))))
