"""From a photograph to what a network gets: one scale, some channels, one range of values, padded.

Training, validation, prediction and the stream of drawn eyes all come through this one definition;
the scaling and padding themselves are in `photograph`.
"""

from dataclasses import dataclass

import numpy as np

from .augmentation import merge, split
from .errors import FundusError
from .normalization import normalize, photograph_statistics
from .photograph import CHANNELS, Bytes, Floats, Sample, rescale

WAYS = ("dataset", "photograph")  # to normalize: by statistics of many, or each one by its own


@dataclass(frozen=True)
class Preparation:
    """How a photograph becomes what a network gets; a network keeps its own for life.

    channels: the image channels, by name. fov_diameter: of the field of view, in pixels, after
    scaling. normalization: `photograph`, by each photograph's own mean and std, or `dataset`, by
    those of the training images: the mean and std given here, on the 0 to 1 scale.
    """

    channels: tuple[str, ...] = ("green",)
    fov_diameter: int = 540
    normalization: str = "dataset"
    mean: float | None = None
    std: float | None = None

    def __post_init__(self) -> None:
        """Raise FundusError for a normalization or a channel that does not exist, or no size."""
        if self.normalization not in WAYS:
            problem = f"no normalization is called {self.normalization!r}"
            raise FundusError(problem, f"choose from {', '.join(WAYS)}")
        if not self.channels or not set(self.channels) <= set(CHANNELS):
            raise FundusError(f"channels is {self.channels}", f"choose from {', '.join(CHANNELS)}")
        if self.fov_diameter < 1:
            raise FundusError(f"fov_diameter is {self.fov_diameter}", "give 1 pixel or more")

    @property
    def n_channels(self) -> int:
        """How many image channels the network gets."""
        return len(self.channels)

    def merged(self, sample: Sample) -> Bytes:
        """Bring a sample to the network's scale and merge its channels, label and field of view.

        Args:
            sample: without a label its label channel is black.

        Returns:
            uint8 (h, w, n_channels + 2), see `augmentation.merge`.

        Raises:
            FundusError: as `scaled_size`.
        """
        small = rescale(sample, self.fov_diameter)
        label = np.zeros(small.fov.shape, bool) if small.label is None else small.label
        return merge(small.photograph, label, small.fov, self.channels)

    def statistics_of(self, merged: Bytes) -> tuple[float, float]:
        """Return the mean and std (0 to 1 scale) that normalize a merged picture, or parts of it.

        Args:
            merged: uint8 (h, w, n_channels + 2), a whole photograph.

        Raises:
            FundusError: normalization by data set, and its statistics are not known.
        """
        if self.normalization == "photograph":
            image, _, fov = split(merged, self.n_channels)
            return photograph_statistics(image, fov)
        if self.mean is None or self.std is None:
            problem = "normalization by data set needs the mean and std of the training images"
            raise FundusError(problem, "give both, or choose `photograph`")
        return self.mean, self.std

    def image(self, merged: Bytes) -> Floats:
        """Return the normalized image of a whole merged picture, float32 (h, w, n_channels)."""
        image, _, _ = split(merged, self.n_channels)
        return normalize(image, *self.statistics_of(merged))
