"""Endless drawn eyes: worker processes draw ahead while a network trains."""

import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Lock, Thread
from typing import Any

from ..photograph import Bytes, Sample
from ..preparation import Preparation
from ..synthetic import SICK, DrawnEye, EyeRanges, draw_eye

AHEAD = 8  # eyes that are drawn before they are needed
APART = 2**32  # added to the seed of streamed eyes: the command's seeds end below
LARGER = 1.03  # times the field of view's diameter: the size an eye is drawn at


def as_sample(eye: DrawnEye) -> Sample:
    """Return a drawn eye as a photograph that was read from disk would be."""
    return Sample(
        name=eye.name,
        patient=eye.patient,
        photograph=eye.photograph,
        label=eye.label,
        fov=eye.fov,
        label2=eye.label2,
    )


def draw_merged(seed: int, eye: int, preparation: Preparation, ranges: EyeRanges) -> Bytes:
    """Draw one eye and prepare it for training, uint8 (h, w, n_channels + 2)."""
    size = round(LARGER * preparation.fov_diameter)
    drawn = draw_eye(seed, eye, size, ranges)
    return preparation.merged(as_sample(drawn))


def _begin() -> None:
    """Let a worker leave Ctrl-C to its parent, and end when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent: Any = parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


class Eyes:
    """Eyes number 0, 1, 2, ... of a seed, drawn by worker processes; `eyes[i]` waits for eye i.

    Eye i depends on (seed, i), the ranges and the preparation alone. None of them is one of a drawn
    set: their seeds lie apart. About the last two `keep` are held in memory; an older one is drawn
    again when it is asked for.
    The workers import the main script: one that uses `Eyes` needs `if __name__ == "__main__":`.
    """

    def __init__(
        self,
        seed: int,
        preparation: Preparation,
        ranges: EyeRanges = SICK,
        keep: int = 64,
        workers: int = 2,
    ) -> None:
        """Start the workers; `close()` stops them."""
        self.seed = APART + seed
        self.preparation = preparation
        self.ranges = ranges
        self.keep = keep
        self.made: dict[int, Future[Bytes]] = {}
        self.lock = Lock()
        self.pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin)

    def _order(self, eye: int) -> None:
        """Let a worker draw an eye that nobody has asked for yet."""
        if eye not in self.made:
            self.made[eye] = self.pool.submit(
                draw_merged, self.seed, eye, self.preparation, self.ranges
            )

    def __getitem__(self, i: int) -> Bytes:
        """Return eye i as a merged picture, uint8 (h, w, n_channels + 2)."""
        with self.lock:
            for eye in range(i, i + AHEAD):
                self._order(eye)
            for old in [eye for eye in self.made if eye < i - 2 * self.keep]:
                del self.made[old]
            wanted = self.made[i]
        return wanted.result()

    def close(self) -> None:
        """Stop the workers; what they have not begun is not drawn."""
        self.pool.shutdown(wait=False, cancel_futures=True)
