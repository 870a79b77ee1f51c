"""Studies: tables of trainings, run one after the other, each row written as it is made."""

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import results, storage
from ..errors import FundusError
from ..evaluation import evaluate_maps
from ..prediction import predict_set
from ..trained_model import TrainedModel, is_finished, load_model
from .fingerprint import versions
from .plan import CODE
from .study_file import Training, commit_of, left_of, parts_of, read_study
from .train import train

MEASURED = ("dice", "auc", "average_precision", "mcc")
CLOCK = "clock.json"


def run_study(path: Path, only: str | None = None) -> None:
    """Run what is left of a study at low priority; each row is appended whole to its CSV file.

    Stopped at any moment, also by SIGKILL, it goes on where it was when it is called again. A
    training that fails does not stop those after it.

    Args:
        path: the study's TOML file; the rows go into the CSV file of the same name beside it.
        only: run the trainings of this name alone.

    Raises:
        FundusError: another process runs the study, or it is over, or there is no training of that
            name; or, at the end, trainings failed.
    """
    if over := commit_of(path):
        problem = f"{path} was run at commit {over}, with the presets and models of then"
        raise FundusError(problem, "check that commit out to go on with it, or begin another study")
    if only is not None and only not in {one.name for one in read_study(path)}:
        raise FundusError(f"{path} has no training {only!r}", "see --list")
    if hasattr(os, "nice"):  # not on Windows
        os.nice(19 - os.nice(0))
    folder = storage.derived_dir() / "studies" / path.stem
    with storage.locked(folder, wait=False):
        wanted = [one for one in left_of(path) if only in (None, one.name)]
        failures: list[str] = []
        for one in tqdm(wanted, desc=path.stem, unit="training", file=sys.stderr):
            try:
                row = run_training(one, folder / storage.key_of(one.name, one.seed))
            except FundusError as error:  # such as a loss that is no number: the others go on
                failures.append(f"{one.name!r}, seed {one.seed}: {error}")
                continue
            results.append_row(path.with_suffix(".csv"), row)
    if failures:
        problem = f"{len(failures)} of {len(wanted)} trainings failed, the others are there"
        raise FundusError(problem, "\n".join(failures))


def run_training(one: Training, folder: Path) -> dict[str, Any]:
    """Train, or go on training, in a folder, and measure; return the row.

    What another version of the code has left in the folder is trained anew.
    """
    about = [one.key, storage.sources(CODE), versions()]
    known = folder / "about.json"
    if folder.is_dir() and not (known.is_file() and storage.load_json(known) == about):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    storage.save_json(folder / "about.json", about)
    clock = _Clock(folder / CLOCK)
    if is_finished(folder / "model"):
        trained = load_model(folder / "model")
    else:
        trained = train(
            parts_of(one.sets),
            folder / "model",
            one.preset,
            photographs=one.photographs,
            steps=one.steps,
            seed=one.seed,
            on_epoch=lambda model, curve: clock.stop(),
        )
        clock.stop()
    return _row(one, trained, clock)


class _Clock:
    """The seconds that a training took, over all its starts, and how busy the machine was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known: dict[str, Any] = {"seconds": 0.0, "loads": []}
        if path.is_file():
            known = storage.load_json(path)
        self.seconds: float = known["seconds"]
        self.loads: list[float] = known["loads"]
        self.begin = time.monotonic()

    def stop(self) -> None:
        """Add the time since the last stop, and write it down."""
        now = time.monotonic()
        self.seconds += now - self.begin
        self.begin = now
        if hasattr(os, "getloadavg"):  # not on Windows
            self.loads.append(round(os.getloadavg()[0], 1))
        storage.save_json(self.path, {"seconds": self.seconds, "loads": self.loads})

    @property
    def load(self) -> float:
        """The mean number of processes that wanted a processor."""
        return sum(self.loads) / len(self.loads) if self.loads else float("nan")


def _row(one: Training, trained: TrainedModel, clock: _Clock) -> dict[str, Any]:
    """Measure a trained model on the tests and put the row together."""
    row: dict[str, Any] = {
        "name": one.name,
        "seed": one.seed,
        "steps": trained.card["steps"],
        "parameters": trained.card["network"]["parameters"],
    }
    for text, part in zip(one.tests, parts_of(one.tests), strict=True):
        pooled = evaluate_maps(predict_set(trained, part), trained.threshold)["pooled"]
        for measure in MEASURED:
            row[f"{text} {measure}"] = round(pooled[measure], 5)
    libraries = [f"{name} {number}" for name, number in trained.card["versions"].items()]
    return row | {
        "threshold": trained.threshold,
        "threshold_source": trained.card["threshold_source"],
        "seconds": round(clock.seconds),
        "load": round(clock.load, 1),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": "; ".join(libraries),
        "key": one.key,
    }


def commit() -> str:
    """Return the commit of the code, with `+` if it was changed since; "" outside a clone."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(storage.PROJECT), *words]
        found = subprocess.run(command, capture_output=True, encoding=storage.UTF8, check=True)
        return found.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "fundus_utils")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
