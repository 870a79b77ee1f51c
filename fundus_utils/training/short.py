"""Short trainings for a lesson: the same network again and again, a few hundred steps each."""

import gc
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..diagnosis import diagnose
from ..quiet import keras
from .losses import cross_entropy


def raw_map(model: Any, image: Any) -> NDArray[np.float32]:
    """Return a network's map, float32 (h, w), of one normalized picture, (1, h, w, n_channels)."""
    return np.asarray(model(image, training=False))[0, ..., 0]


class ShortTraining:
    """A network that is trained from fresh weights each time, by Adam at a constant rate.

    Its graph is built once: that takes as long as many steps. maps: by step, the map of the first
    watched photograph as the last run had it then, float32 (h, w).
    """

    def __init__(self, build: Callable[[], Any], rate: float) -> None:
        """Build the network; what was built before leaves the memory.

        Args:
            build: returns a network from (n, h, w, n_channels) to (n, h, w, 1) in (0, 1).
            rate: the learning rate; `run` may be given another one.
        """
        keras.utils.clear_session()
        gc.collect()
        self.build = build
        self.maps: dict[int, NDArray[np.float32]] = {}
        self.model = build()
        self.model.compile(keras.optimizers.Adam(rate), cross_entropy())
        self.model.optimizer.build(self.model.trainable_variables)  # else the graph is built twice

    def start(self, seed: int) -> None:
        """Give the network the first weights of a seed, and let the optimizer forget."""
        keras.utils.set_random_seed(seed)
        fresh = self.build()
        for variable, first in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(first)
        for variable in self.model.optimizer.variables:
            if variable is not self.model.optimizer.learning_rate:
                variable.assign(keras.ops.zeros_like(variable))

    def run(
        self,
        stream: Iterable[Any],
        steps: int,
        seed: int = 0,
        parts: int = 4,
        watched: Iterable[Any] = (),
        rate: float | None = None,
    ) -> pd.DataFrame:
        """Train from fresh weights, and look at the network after each part of the steps.

        Args:
            stream: batches, see `crops.Crops.batches`.
            steps: in all, a multiple of `parts`.
            seed: of the first weights and of dropout.
            parts: how often it is looked at.
            watched: photographs that `diagnosis.diagnose` is given, see `whole_photographs`.
            rate: the learning rate from now on, if it is another one.

        Returns:
            A row for each part: step, training_loss (the mean over the part) and, where photographs
            are watched, what `diagnose` finds.
        """
        self.start(seed)
        if rate is not None:
            self.model.optimizer.learning_rate = rate
        photographs = list(watched)
        self.maps = {}
        rows: list[dict[str, float]] = []

        def look(part: int, logs: dict[str, float]) -> None:
            step = (part + 1) * steps // parts
            row = {"step": step, "training_loss": float(logs["loss"])}
            if photographs:
                row |= diagnose(self.model, photographs)
                self.maps[step] = raw_map(self.model, photographs[0][0])
            rows.append(row)

        self.model.fit(
            stream,
            epochs=parts,
            steps_per_epoch=steps // parts,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look)],
            verbose=0,
            shuffle=False,
        )
        return pd.DataFrame(rows)
