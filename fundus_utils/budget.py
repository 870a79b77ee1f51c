"""From minutes to steps: how long a training may take, and the learning rate along it."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .crops import Crops
from .quiet import keras
from .storage import FundusError

EPOCHS = 12  # at most: so often the curve gets a point and the state is saved
SHORTEST = 10  # steps an epoch, where there are enough
WARM_UP = 12  # steps that are made before the clock runs, and timed at least
LISTEN = 0.05  # of the time: a shared machine is not equally fast in every second
LONGEST = 60  # seconds of listening
AIM = 0.92  # of the minutes asked for: leaves room for a machine that slows down


def new_optimizer(learning_rate: float, steps: int) -> Any:
    """Return AdamW whose rate rises over the first twentieth of the steps and falls as a cosine."""
    rise = {"warmup_target": learning_rate, "warmup_steps": max(1, steps // 20)}
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate / 10, steps, **rise)
    return keras.optimizers.AdamW(schedule, weight_decay=1e-2)


def epochs_of(steps: int) -> int:
    """Return into how many equal epochs `steps` are cut: at most EPOCHS, of SHORTEST or more."""
    most = max(1, min(EPOCHS, steps // SHORTEST))
    return max(n for n in range(1, most + 1) if steps % n == 0)


def steps_for(
    model: Any, loss: Any, crops: Crops, batch: int, validation: Any, last: Any, seconds: float
) -> int:
    """Time some warm-up steps and return how many fit into `seconds`; the model stays as it was.

    Args:
        model: the network, its weights restored afterwards.
        loss: its loss.
        crops: what it is trained on.
        batch: crops a step.
        validation: whole photographs, measured after each epoch.
        last: a function that does what comes after the training, once for one photograph, and
            returns how many photographs there will be.
        seconds: the time for compiling, all steps, validation and `last`.

    Raises:
        FundusError: not a single step fits.
    """
    before = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    model.compile(new_optimizer(0.0, 100), loss)
    model.optimizer.build(model.trainable_variables)
    clock = time.monotonic
    start = clock()

    def timed(action: Any) -> float:
        begin = clock()
        action()
        return clock() - begin

    # Timed as in the training itself, where making crops and training share the processor.
    stamps: list[float] = []
    bar = tqdm(desc="timing some steps", unit="step", file=sys.stderr)

    def listen(batch: int, logs: Any) -> None:
        stamps.append(clock())
        bar.update()
        long_enough = stamps[-1] - stamps[0] > min(LISTEN * seconds, LONGEST)
        model.stop_training = long_enough and len(stamps) > 2 * WARM_UP

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=listen)
    fit = {"steps_per_epoch": 10**6, "callbacks": [watch], "verbose": 0, "shuffle": False}
    with bar:
        building = timed(lambda: model.fit(crops.batches(batch), **fit))
    each = (stamps[-1] - stamps[WARM_UP]) / (len(stamps) - 1 - WARM_UP)
    building += timed(lambda: model.evaluate(validation, verbose=0)) - len(stamps) * each
    with tempfile.TemporaryDirectory() as room:
        saving = 2 * timed(lambda: model.save_weights(Path(room) / "all.weights.h5"))
    between = timed(lambda: model.evaluate(validation, verbose=0)) + saving
    begin = clock()
    photographs = last()
    tail = photographs * (clock() - begin)
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    left = seconds - (clock() - start) - building - EPOCHS * between - tail
    steps = int(left / each)
    if steps < 1:
        raise FundusError("the minutes are over before the first step: give more, or --steps.")
    epochs = max(1, min(EPOCHS, steps // SHORTEST))
    return steps // epochs * epochs
