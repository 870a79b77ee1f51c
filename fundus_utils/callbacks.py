"""What happens while a network trains: progress, a stop at NaN, curves, checkpoints."""

import csv
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import storage
from .quiet import keras
from .storage import FundusError

Row = dict[str, float]


class Progress(keras.callbacks.Callback):
    """A bar over all steps with the time left, and the loss so far."""

    def __init__(self, steps: int, done: int = 0) -> None:
        """Count `steps` in all, of which `done` were made before."""
        super().__init__()
        self.bar = tqdm(total=steps, initial=done, unit="step", file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        """Move the bar by one step."""
        self.bar.update()
        if logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.3f}", refresh=False)

    def on_train_end(self, logs: Row | None = None) -> None:
        """Close the bar."""
        self.bar.close()


class StopAtNaN(keras.callbacks.Callback):
    """Stops with an explanation when the loss is no number any more."""

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        """Raise FundusError at the first loss that is NaN or infinite."""
        if logs and not math.isfinite(logs["loss"]):
            raise FundusError(
                f"the loss became {logs['loss']} at step {batch + 1} of this epoch: the learning "
                "rate is too high, or the normalization statistics are wrong (std near 0). "
                "Train again with a lower learning rate."
            )


def read_curve(path: Path) -> list[Row]:
    """Read the rows of a curve.csv (epoch, step, loss, val_loss); [] if it is not there."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def write_curve(path: Path, rows: list[Row]) -> None:
    """Write a curve.csv, whole or not at all."""
    with storage.writing_whole(path) as room, room.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class Checkpoints(keras.callbacks.Callback):
    """Keeps the curve, the best weights and the last state of a training in a folder.

    The epoch's own file, `epoch_007.weights.h5` with the optimizer's state in it, is written last:
    an epoch without it counts as not made, and is made again after a kill.
    """

    def __init__(self, folder: Path, steps_per_epoch: int, on_epoch: Callable | None) -> None:
        """Write into `folder`; `on_epoch(model, rows)` is called after each epoch."""
        super().__init__()
        self.folder, self.steps_per_epoch, self.on_epoch = folder, steps_per_epoch, on_epoch
        states = sorted(folder.glob("epoch_*.weights.h5"))
        self.last = states[-1] if states else None
        self.done = int(self.last.name[6:9]) if self.last else 0
        self.rows = read_curve(folder / "curve.csv")[: self.done]

    @property
    def best(self) -> Path:
        """The weights with the lowest validation loss."""
        return self.folder / "best.weights.h5"

    def resume(self, model: Any) -> int:
        """Load the last finished epoch, if there is one; return how many were finished."""
        if self.last:
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.last)
        return self.done

    def _save(self, path: Path) -> None:
        with storage.writing_whole(path) as room:
            self.model.save_weights(room)

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        """Save curve, best weights and state, in this order."""
        values = {key: float(value) for key, value in (logs or {}).items()}
        row = {"epoch": epoch + 1, "step": (epoch + 1) * self.steps_per_epoch, **values}
        earlier = [old["val_loss"] for old in self.rows]
        self.rows.append(row)
        write_curve(self.folder / "curve.csv", self.rows)
        if not earlier or row["val_loss"] < min(earlier):
            self._save(self.best)
        state = self.folder / f"epoch_{epoch + 1:03d}.weights.h5"
        self._save(state)
        if self.last and self.last != state:
            self.last.unlink(missing_ok=True)
        self.last = state
        if self.on_epoch:
            self.on_epoch(self.model, self.rows)
