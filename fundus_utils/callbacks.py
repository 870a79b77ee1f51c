"""What happens while a network trains: progress, a stop at NaN, curve, checkpoints."""

import csv
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import storage
from .quiet import keras

Row = dict[str, float]


class Progress(keras.callbacks.Callback):
    """A bar over all steps with the time left, and the loss so far."""

    def __init__(self, steps: int, done: int = 0) -> None:
        """Count `steps` in all, of which `done` were made before."""
        super().__init__()
        self.bar = tqdm(total=steps, initial=done, unit="step", file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        """Move the bar by one step."""
        self.bar.set_postfix(loss=f"{(logs or {}).get('loss', math.nan):.3f}", refresh=False)
        self.bar.update()

    def on_train_end(self, logs: Row | None = None) -> None:
        """Close the bar."""
        self.bar.close()


def check_loss(what: str, loss: float) -> None:
    """Raise FundusError with an explanation if a loss is NaN or infinite."""
    if not math.isfinite(loss):
        causes = "the rate is too high, or the normalization statistics are wrong (std near 0)"
        advice = "Train again, into another folder, with a lower learning rate."
        raise storage.FundusError(f"{what} became {loss}: {causes}. {advice}")


class StopAtNaN(keras.callbacks.Callback):
    """Stops with an explanation when the loss is no number any more."""

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        """Raise FundusError at the first loss that is NaN or infinite."""
        check_loss(f"the loss at step {batch + 1} of this epoch", (logs or {}).get("loss", 0.0))


def read_curve(path: Path) -> list[Row]:
    """Read the rows of a curve.csv (epoch, step, loss, val_loss); [] if it is not there."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


class Checkpoints(keras.callbacks.Callback):
    """Keeps the curve, the best weights and the last state of a training in a folder.

    The epoch's own file, `epoch_007.weights.h5` with the optimizer's state in it, is written last:
    an epoch without it counts as not made, and is made again after a kill.
    """

    def __init__(
        self, folder: Path, steps_per_epoch: int, seed: int, on_epoch: Callable | None
    ) -> None:
        """Write into `folder`; `on_epoch(model, rows)` is called after each epoch."""
        super().__init__()
        self.folder, self.steps_per_epoch, self.seed = folder, steps_per_epoch, seed
        self.on_epoch = on_epoch
        self.best = folder / "best.weights.h5"  # the weights with the lowest validation loss
        self.rows = read_curve(folder / "curve.csv")
        made = {int(path.name[6:9]): path for path in folder.glob("epoch_*.weights.h5")}
        self.done = max((number for number in made if number <= len(self.rows)), default=0)
        self.rows, self.last = self.rows[: self.done], made.get(self.done)

    def resume(self, model: Any) -> int:
        """Load the last finished epoch, if there is one; return how many were finished."""
        if self.last:
            model.load_weights(self.last)
        return self.done

    def on_epoch_begin(self, epoch: int, logs: Row | None = None) -> None:
        """Let dropout depend on seed and epoch alone: its state is in no weights file."""
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for number, state in enumerate(states):
            state.assign([1000 * self.seed + number, epoch << 32])

    def _save(self, path: Path) -> None:
        with storage.writing_whole(path) as room:
            self.model.save_weights(room)

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        """Save curve, best weights and state, in this order."""
        row = {"epoch": epoch + 1, "step": (epoch + 1) * self.steps_per_epoch, **(logs or {})}
        row = {key: float(value) for key, value in row.items()}
        check_loss("the validation loss", row["val_loss"])
        earlier = min((old["val_loss"] for old in self.rows), default=math.inf)
        self.rows.append(row)
        with storage.writing_whole(self.folder / "curve.csv") as room:
            lines = [",".join(row)] + [",".join(map(str, one.values())) for one in self.rows]
            room.write_text("\n".join(lines) + "\n")
        if row["val_loss"] < earlier:
            self._save(self.best)
        before, self.last = self.last, self.folder / f"epoch_{epoch + 1:03d}.weights.h5"
        self._save(self.last)
        if before:
            before.unlink(missing_ok=True)
        if self.on_epoch:
            self.on_epoch(self.model, self.rows)
