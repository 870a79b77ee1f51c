"""Fitting: the loss, the optimizer, the epochs, and how many steps a time allows."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from ..prediction import predict_map
from ..quiet import keras
from ..trained_model import TrainedModel
from .callbacks import Checkpoints, OnEpoch, Progress, StopAtNaN
from .patients import TrainingData
from .presets import Preset
from .timing import AIM, epoch_ends, measure_pace


def cross_entropy() -> Any:
    """Return the binary cross-entropy in nats, averaged over the pixels inside the field of view.

    Keras' default divides by all pixels, also those of weight 0, and so flatters each photograph
    by the share of black round it; only the weighted mean can be compared with H(p).
    """
    return keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")


def new_optimizer(preset: Preset, steps: int) -> Any:
    """Return AdamW whose rate rises over the first twentieth of the steps and falls as a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=preset.learning_rate / 10,
        decay_steps=steps,
        warmup_target=preset.learning_rate,
        warmup_steps=max(1, steps // 20),
    )
    return keras.optimizers.AdamW(rate, weight_decay=preset.weight_decay)


def compile_for(model: Any, loss: Any, preset: Preset, steps: int) -> None:
    """Give a network its loss and an optimizer that is built (else the graph is built twice)."""
    model.compile(new_optimizer(preset, steps), loss)
    model.optimizer.build(model.trainable_variables)


def fit(
    model: Any,
    loss: Any,
    data: TrainingData,
    preset: Preset,
    steps: int,
    unfinished: Path,
    on_epoch: OnEpoch | None = None,
) -> None:
    """Train for `steps` steps, or what is left of them, and leave the best weights in the model.

    Args:
        model: the network.
        loss: its loss.
        data: see `patients.gather`.
        preset: batch, learning rate and epochs.
        steps: in all, counted from the first start.
        unfinished: the folder of the curve and the checkpoints.
        on_epoch: called with (model, curve) after each epoch.
    """
    ends = epoch_ends(steps, preset.epochs)
    compile_for(model, loss, preset, steps)
    checkpoints = Checkpoints(unfinished, ends, data.crops.seed, on_epoch)
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
                callbacks=[checkpoints, StopAtNaN(), progress],
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

    def finish_one() -> int:
        predict_map(trained, data.held[0][0].photograph)
        return sum(map(len, data.held))

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
