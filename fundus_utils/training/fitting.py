"""Fitting: the optimizer, the epochs, and how many steps a time allows."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..prediction import predict_map
from ..quiet import keras
from ..trained_model import TrainedModel
from .callbacks import Checkpoints, OnEpoch, Progress, StopAtNaN
from .losses import DiceAtHalf
from .patients import TrainingData
from .presets import Preset
from .timing import AIM, epoch_ends, measure_pace


class AveragingAdamW(keras.optimizers.AdamW):
    """AdamW that keeps a running mean of the weights beside them, and never puts it in their place.

    Keras' own does so at the end of each `fit`, and this course calls `fit` once an epoch: the
    training would go on from the mean.
    """

    def finalize_variable_values(self, var_list: Any) -> None:
        """Leave the weights as they are."""


def learning_rate_of(preset: Preset, steps: int) -> Any:
    """Return the learning rate over the steps: a number, or a schedule as Keras takes it.

    Keras counts the steps in which the rate falls from the end of those in which it rises.
    """
    if preset.schedule == "constant":
        return preset.learning_rate
    rising = max(1, round(steps * preset.warm_up))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=preset.learning_rate / 10,
        decay_steps=max(1, steps - rising),
        warmup_target=preset.learning_rate,
        warmup_steps=rising,
    )


def new_optimizer(preset: Preset, steps: int) -> Any:
    """Return Adam with the preset's rate and decay (AdamW: Loshchilov and Hutter 2019).

    Where the preset averages, the optimizer keeps an exponential mean of the weights, in which the
    last `averaging` of all steps weigh most.
    """
    rate = learning_rate_of(preset, steps)
    if not preset.averaging:
        return keras.optimizers.AdamW(rate, weight_decay=preset.weight_decay)
    return AveragingAdamW(
        rate,
        weight_decay=preset.weight_decay,
        use_ema=True,
        ema_momentum=1 - 1 / max(2.0, preset.averaging * steps),
        ema_overwrite_frequency=None,
    )


def compile_for(model: Any, loss: Any, preset: Preset, steps: int) -> None:
    """Give a network its loss and an optimizer that is built (else the graph is built twice)."""
    model.compile(new_optimizer(preset, steps), loss, weighted_metrics=[DiceAtHalf()])
    model.optimizer.build(model.trainable_variables)


def fit(
    model: Any,
    loss: Any,
    data: TrainingData,
    preset: Preset,
    steps: int,
    unfinished: Path,
    on_epoch: OnEpoch | None = None,
    callbacks: Sequence[Any] = (),
) -> None:
    """Train for `steps` steps, or what is left of them, and leave the best weights in the model.

    Where the preset averages, the best weights are those of the mean.

    Args:
        model: the network.
        loss: its loss.
        data: see `patients.gather`.
        preset: batch, learning rate and epochs.
        steps: in all, counted from the first start.
        unfinished: the folder of the curve and the checkpoints.
        on_epoch: called with (model, curve) after each epoch.
        callbacks: the reader's own, of Keras; a state of theirs is not kept over a stop.
    """
    ends = epoch_ends(steps, preset.epochs)
    compile_for(model, loss, preset, steps)
    averaging = [keras.callbacks.SwapEMAWeights()] if preset.averaging else []
    checkpoints = Checkpoints(unfinished, ends, data.crops.seed, on_epoch, *averaging)
    done = checkpoints.resume(model)
    begins = [0, *ends]
    with closing(Progress(steps, done=begins[done])) as progress, data.crops.own_errors():
        for epoch in range(done, len(ends)):
            first = begins[epoch]
            model.fit(
                data.crops.batches(preset.batch, first, ends[epoch] - first),
                initial_epoch=epoch,
                epochs=epoch + 1,
                validation_data=data.validation,
                callbacks=[*averaging, checkpoints, StopAtNaN(), progress, *callbacks],
                verbose=0,
                shuffle=False,
            )
    checkpoints.load_best(model)


def affordable_steps(
    trained: TrainedModel,
    loss: Any,
    data: TrainingData,
    preset: Preset,
    minutes: float | None,
    begin: float,
) -> int:
    """Time the parts of a training and return how many steps fit into some minutes.

    Args:
        trained: the network as it is before its training; it stays as it was.
        loss: its loss.
        data: see `patients.gather`.
        preset: batch and epochs.
        minutes: for all of it; those of the preset where None.
        begin: the `time.monotonic()` from which they count.

    Raises:
        FundusError: not a single step fits.
    """

    seconds = 60 * (minutes or preset.minutes)

    judged = data.judged

    def finish_one() -> int:
        predict_map(trained, judged[0][0].photograph)
        return sum(map(len, judged))

    compile_for(trained.model, loss, preset, steps=100)
    pace = measure_pace(
        trained.model,
        data.crops,
        preset.batch,
        data.validation,
        finish_one,
        seconds,
    )
    left = AIM * seconds - (time.monotonic() - begin)
    return pace.steps_in(left, preset.epochs)
