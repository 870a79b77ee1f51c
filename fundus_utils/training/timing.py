"""From minutes to steps: how fast this machine is, how many steps fit, and what they took."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import storage
from ..errors import FundusError
from ..quiet import keras
from .crops import Crops

SHORTEST = 10  # steps an epoch, where there are enough
WARM_UP = 12  # steps that are made before the clock runs, and timed at least
LISTEN = 0.05  # of the time: a shared machine is not equally fast in every second
LONGEST = 60  # seconds of listening
AIM = 0.92  # of the minutes asked for: leaves room for a machine that slows down


def epoch_ends(steps: int, most: int) -> list[int]:
    """Return the step at which each epoch ends: at most `most` epochs, equal to within a step.

    Args:
        steps: of the whole training, at least 1.
        most: epochs; fewer where they would be shorter than SHORTEST steps.
    """
    epochs = max(1, min(most, steps // SHORTEST))
    return [steps * number // epochs for number in range(1, epochs + 1)]


@dataclass(frozen=True)
class Pace:
    """The seconds that each part of a training takes on this machine.

    building: once, before the first step (graphs). step: each step. between: after each epoch
    (validation, saving). finishing: once, in the end (the threshold).
    """

    building: float
    step: float
    between: float
    finishing: float

    def steps_in(self, seconds: float, epochs: int) -> int:
        """Return how many steps fit into a time.

        Args:
            seconds: for all of the training.
            epochs: after how many of them validation and saving take their time.

        Raises:
            FundusError: not a single step fits.
        """
        left = seconds - self.building - epochs * self.between - self.finishing
        steps = int(left / self.step)
        if steps < 1:
            problem = "the minutes are over before the first step"
            raise FundusError(problem, "give more, or --steps")
        return steps


def _timed(action: Callable[[], Any]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


class _Listener(keras.callbacks.Callback):
    """Notes when each step ends, and stops the training when it has heard enough."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = min(LISTEN * seconds, LONGEST)
        self.stamps: list[float] = []
        self.bar = tqdm(desc="timing some steps", unit="step", file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.stamps.append(time.monotonic())
        self.bar.update()
        long_enough = self.stamps[-1] - self.stamps[0] > self.seconds
        self.model.stop_training = long_enough and len(self.stamps) > 2 * WARM_UP

    def seconds_a_step(self) -> float:
        counted = len(self.stamps) - 1 - WARM_UP
        return (self.stamps[-1] - self.stamps[WARM_UP]) / counted


def measure_pace(
    model: Any,
    crops: Crops,
    batch: int,
    validation: Any,
    finish_one: Callable[[], int],
    seconds: float,
) -> Pace:
    """Time some warm-up steps, a validation and the finish; the model stays as it was.

    Args:
        model: the network, compiled with an optimizer that is built; its weights are restored.
        crops: what it is trained on.
        batch: crops a step.
        validation: whole photographs, measured after each epoch; None where there are none.
        finish_one: does what comes after the training, once for one photograph, and returns how
            many photographs there will be.
        seconds: the time for all of the training.
    """
    before = [variable.numpy() for variable in model.variables]

    def validate() -> None:
        if validation is not None:
            model.evaluate(validation, verbose=0)

    listener = _Listener(seconds)
    listening = _timed(lambda: _listen(model, crops, batch, listener))
    step = listener.seconds_a_step()
    first_validation = _timed(validate)  # builds its graph
    with tempfile.TemporaryDirectory() as folder:
        saving = _timed(lambda: model.save_weights(Path(folder) / "all.weights.h5"))
    between = _timed(validate) + 2 * saving  # the state, and often the best weights
    begin = time.monotonic()
    photographs = finish_one()
    finishing = photographs * (time.monotonic() - begin)
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    return Pace(
        building=listening + first_validation - len(listener.stamps) * step,
        step=step,
        between=between,
        finishing=finishing,
    )


def _listen(model: Any, crops: Crops, batch: int, listener: _Listener) -> None:
    """Make steps until the listener has heard enough.

    As in the training itself, making crops and training share the processor.
    """
    with listener.bar, crops.own_errors():
        model.fit(
            crops.batches(batch),
            steps_per_epoch=10**6,
            callbacks=[listener],
            verbose=0,
            shuffle=False,
        )


class Clock:
    """The seconds that a training took, over all its starts, and how busy the machine was."""

    def __init__(self, path: Path) -> None:
        """Go on from what the file says, if it is there: JSON, `seconds` and `loads`."""
        self.path = path
        known: dict[str, Any] = {"seconds": 0.0, "loads": []}
        if path.is_file():
            known = storage.load_json(path)
        self.seconds: float = known["seconds"]
        self.loads: list[float] = known["loads"]
        self.begin = time.monotonic()

    def stop(self, *_: Any) -> None:
        """Add the time since the last stop, and write it down; what it is called with is left."""
        now = time.monotonic()
        self.seconds += now - self.begin
        self.begin = now
        if hasattr(os, "getloadavg"):  # not on Windows
            self.loads.append(round(os.getloadavg()[0], 1))
        storage.save_json(self.path, {"seconds": self.seconds, "loads": self.loads})

    @property
    def entries(self) -> dict[str, float]:
        """The two of a row: the seconds, and the mean number of processes that wanted to run."""
        load = sum(self.loads) / len(self.loads) if self.loads else float("nan")
        return {"seconds": round(self.seconds), "load": round(load, 1)}
