"""Endless drawn eyes: worker processes draw ahead while a network trains."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Lock, Thread
from typing import Any

from ..augmentation import merge
from ..fov import resize, scaled_size
from . import draw_eye
from .ranges import SICK, Ranges

AHEAD = 8  # eyes that are drawn before they are needed
APART = 2**32  # added to the seed of streamed eyes: the command's seeds end below


def draw_merged(
    seed: int, eye: int, fov_diameter: int, channels: Sequence[str], ranges: Ranges
) -> Any:
    """Draw one eye and prepare it for training, as `crops.prepare` does with a photograph."""
    one = draw_eye(seed, eye, round(1.03 * fov_diameter), ranges)
    size = scaled_size(one.fov, fov_diameter)
    photograph, label, fov = (resize(part, size) for part in (one.photograph, one.label, one.fov))
    return merge(photograph, label, fov, channels)


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

    Eye i depends on (seed, i) alone, and none of them is one of a drawn set: their seeds lie apart.
    About the last two `keep` are held in memory; an older one is drawn again when it is asked for.
    The workers import the main script: one that uses `Eyes` needs `if __name__ == "__main__":`.
    """

    def __init__(
        self,
        seed: int,
        fov_diameter: int,
        channels: Sequence[str] = ("green",),
        ranges: Ranges = SICK,
        keep: int = 64,
        workers: int = 2,
    ) -> None:
        """Start the workers; `close()` stops them."""
        self.about, self.keep = (fov_diameter, tuple(channels), ranges), keep
        self.seed, self.made, self.lock = APART + seed, dict[int, Future](), Lock()
        self.pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin)

    def __getitem__(self, i: int) -> Any:
        """Return eye i as a merged picture, uint8 (h, w, channels + 2)."""
        with self.lock:
            for eye in range(i, i + AHEAD):
                if eye not in self.made:
                    self.made[eye] = self.pool.submit(draw_merged, self.seed, eye, *self.about)
            for eye in [eye for eye in self.made if eye < i - 2 * self.keep]:
                del self.made[eye]
            wanted = self.made[i]
        return wanted.result()

    def close(self) -> None:
        """Stop the workers; what they have not begun is not drawn."""
        self.pool.shutdown(wait=False, cancel_futures=True)
