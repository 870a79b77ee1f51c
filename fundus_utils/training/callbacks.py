"""What happens while a network trains: progress, a stop at NaN, curve, checkpoints."""

import contextlib
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from .. import results, storage
from ..errors import FundusError
from ..quiet import keras

Logs = dict[str, float]
OnEpoch = Callable[[Any, pd.DataFrame], None]  # called with the model and the curve so far
EPOCH_FILE = re.compile(r"epoch_(\d+)\.weights\.h5")


class Progress(keras.callbacks.Callback):
    """A bar over all steps with the time left, and the loss so far."""

    def __init__(self, steps: int, done: int = 0) -> None:
        """Count `steps` in all, of which `done` were made before."""
        super().__init__()
        self.bar = tqdm(total=steps, initial=done, unit="step", file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar by one step."""
        loss = (logs or {}).get("loss", math.nan)
        self.bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self.bar.update()

    def close(self) -> None:
        """Close the bar."""
        self.bar.close()


def check_loss(what: str, loss: float) -> None:
    """Raise FundusError with an explanation if a loss is NaN or infinite."""
    if not math.isfinite(loss):
        causes = "the rate is too high, or the normalization statistics are wrong (std near 0)"
        advice = "Train again, into another folder, with a lower learning rate"
        raise FundusError(f"{what} became {loss}", f"{causes}. {advice}")


class StopAtNaN(keras.callbacks.Callback):
    """Stops with an explanation when the loss is no number any more."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Raise FundusError at the first loss that is NaN or infinite."""
        check_loss(f"the loss at step {batch + 1} of this epoch", (logs or {}).get("loss", 0.0))


class Checkpoints(keras.callbacks.Callback):
    """Keeps the curve, the best weights and the last state of a training in a folder.

    The epoch's own file, `epoch_007.weights.h5` with the optimizer's state in it, is written last:
    an epoch without it counts as not made, and is made again after a kill.
    """

    def __init__(
        self,
        folder: Path,
        ends: Sequence[int],
        seed: int,
        on_epoch: OnEpoch | None,
        swap: Any = None,
    ) -> None:
        """Write into `folder`.

        Args:
            folder: of the unfinished training.
            ends: the step at which each epoch ends.
            seed: of dropout.
            on_epoch: called with (model, curve) after each epoch.
            swap: the `keras.callbacks.SwapEMAWeights` of this training, where the mean of the
                weights is what is judged, kept as the best and shown; it goes on from the others.
        """
        super().__init__()
        self.folder = folder
        self.ends = ends
        self.seed = seed
        self.on_epoch = on_epoch
        self.swap = swap
        self.best = folder / "best.weights.h5"  # the weights with the lowest validation loss
        curve = self._read(results.read_curve, folder / "curve.csv")
        found = {path: EPOCH_FILE.fullmatch(path.name) for path in folder.glob("epoch_*")}
        files = {int(match[1]): path for path, match in found.items() if match}
        self.done = max((number for number in files if number <= len(curve)), default=0)
        self.curve = curve[: self.done]
        self.last = files.get(self.done)

    def _read(self, read: Callable[[Path], Any], path: Path) -> Any:
        """Read a file of a stopped training, or say what to do where it is broken."""
        try:
            return read(path)
        except Exception as error:  # whatever makes it unreadable, the way out is the same
            reason = getattr(error, "problem", error)
            problem = f"{path} of a stopped training cannot be read ({reason})"
            raise FundusError(problem, f"remove {self.folder} and train again") from None

    def resume(self, model: Any) -> int:
        """Load the last finished epoch, if there is one; return how many were finished.

        Raises:
            FundusError: its file, or that of the best weights, is broken.
        """
        if self.last is not None:
            self._read(model.load_weights, self.best)  # needed at the end: looked at now
            self._read(model.load_weights, self.last)
        return self.done

    def load_best(self, model: Any) -> None:
        """Load the weights with the lowest validation loss."""
        self._read(model.load_weights, self.best)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Let dropout depend on seed and epoch alone: its state is in no weights file."""
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for number, state in enumerate(states):
            state.assign([1000 * self.seed + number, epoch << 32])

    def _save(self, path: Path) -> None:
        with storage.writing_whole(path) as target:
            self.model.save_weights(target)

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        """Put the mean of the weights, where there is one, in their place for a while."""
        if self.swap is None:
            yield
            return
        self.swap.on_test_begin()
        try:
            yield
        finally:
            self.swap.on_test_end()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save curve, best weights and state, in this order."""
        better = self._add_row(epoch, logs or {})
        results.save_table(self.folder / "curve.csv", self.curve)
        if better:
            with self._judged():
                self._save(self.best)
        before = self.last
        self.last = self.folder / f"epoch_{epoch + 1:03d}.weights.h5"
        self._save(self.last)
        if before is not None:
            before.unlink(missing_ok=True)
        if self.on_epoch:
            with self._judged():
                self.on_epoch(self.model, self.curve)

    def _add_row(self, epoch: int, measured: Logs) -> bool:
        """Add an epoch to the curve; say whether its weights are the best so far.

        Where nobody was held out, the last ones are.
        """
        row = {
            "epoch": float(epoch + 1),
            "step": float(self.ends[epoch]),
            "loss": float(measured["loss"]),
            "val_loss": float(measured.get("val_loss", math.nan)),
            "val_dice": float(measured.get("val_dice", math.nan)),
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        validated = "val_loss" in measured
        if validated:
            check_loss("the validation loss", row["val_loss"])
        lowest = min(self.curve["val_loss"], default=math.inf)
        rows = [*self.curve.to_dict("records"), row]
        self.curve = pd.DataFrame(rows, columns=results.CURVE)
        return row["val_loss"] < lowest or not validated
