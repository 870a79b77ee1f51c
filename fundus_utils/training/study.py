"""Studies: tables of trainings, run one after the other, each row written as it is made."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import results, storage
from ..diagnosis import diagnose
from ..errors import FundusError
from ..evaluation import evaluate_maps
from ..prediction import predict_set
from ..reports import report_on
from ..trained_model import TrainedModel, is_finished, load_model
from .ancestry import find_ancestor, preparation_of
from .fingerprint import versions
from .patients import gather
from .plan import CODE
from .presets import Preset
from .study_file import Training, commit_of, read_study
from .study_left import left_of
from .study_parts import parts_of
from .timing import Clock
from .train import train

MEASURED = ("dice", "auc", "average_precision", "mcc")
MEASURED_EACH = (*MEASURED, "sensitivity", "specificity", "cldice")
POOLED = "pooled"  # the row of all photographs of a test together
CLOCK = "clock.json"
DIAGNOSES = "diagnoses.csv"


def run_study(path: Path, only: str | None = None) -> None:
    """Run what is left of a study at low priority; the rows of each training are appended whole.

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
                rows = run_training(one, folder / storage.key_of(one.name, one.seed))
            except FundusError as error:  # such as a loss that is no number: the others go on
                failures.append(f"{one.name!r}, seed {one.seed}: {error}")
                continue
            results.append_rows(path.with_suffix(".csv"), rows)
    if failures:
        problem = f"{len(failures)} of {len(wanted)} trainings failed, the others are there"
        raise FundusError(problem, "\n".join(failures))


def run_training(one: Training, folder: Path) -> list[dict[str, Any]]:
    """Train, or go on training, in a folder, and measure; return the row.

    A training that is diagnosed has a row for each epoch, one that is measured by photograph a row
    for each of them, and one of all pooled. What another version of the code has left
    in the folder is trained anew.
    """
    trained, clock = _trained(one, folder)
    if one.each:
        measured = [row | clock.entries for row in _measured_each(one, trained)]
    elif one.diagnosed:
        measured = results.read_table(folder / DIAGNOSES).to_dict("records")
    else:
        measured = [_measured(one, trained) | clock.entries]
    return [_row(one, trained, entries) for entries in measured]


def _trained(one: Training, folder: Path) -> tuple[TrainedModel, Clock]:
    """Train, or go on training, in a folder; first what it begins with, if it is not there."""
    about = [one.key, storage.sources(CODE), versions()]
    known = folder / "about.json"
    if folder.is_dir() and not (known.is_file() and storage.load_json(known) == about):
        shutil.rmtree(folder)
    preset = one.preset
    if one.begins_with is not None and not is_finished(folder / "model"):
        preset = replace(preset, start=str(_first_network(one.begins_with, folder)))
    folder.mkdir(parents=True, exist_ok=True)
    storage.save_json(known, about)
    clock = Clock(folder / CLOCK)
    if one.model is not None:
        return load_model(one.model), clock
    if is_finished(folder / "model"):
        return load_model(folder / "model"), clock
    trained = train(
        one.learned_from,
        folder / "model",
        preset,
        photographs=one.photographs,
        steps=one.steps,
        seed=one.seed,
        on_epoch=_diagnosing(one, preset, folder, clock) if one.diagnosed else clock.stop,
    )
    clock.stop()
    return trained, clock


def _first_network(first: Training, folder: Path) -> Path:
    """Return a copy of the network of another training, made if it is not there, in `folder`.

    The copy bears the name of its training, by which the card calls it.
    """
    made_in = folder.parent / storage.key_of(first.name, first.seed)
    try:
        _trained(first, made_in)
    except FundusError as error:
        problem = f"what it begins with, {first.name!r}, failed: {error.problem}"
        raise FundusError(problem, error.advice) from None
    copy = folder / "first" / re.sub(r"[^\w ,.-]", "_", first.name)
    shutil.copytree(made_in / "model", copy, dirs_exist_ok=True)
    return copy


def _diagnosing(one: Training, preset: Preset, folder: Path, clock: Clock) -> Callable[..., None]:
    """Return what looks into the network after each epoch and adds a row to a table in the folder.

    Killed between the end of an epoch and its row, the training goes on without that row.
    """
    known = preparation_of(find_ancestor(preset.start))
    photographs = gather(one.learned_from, preset, one.seed, known=known).validation
    if photographs is None:
        problem = f"{one.name!r} cannot be diagnosed: nobody is held out"
        raise FundusError(problem, "take photographs of two patients at least")

    def on_epoch(model: Any, curve: Any) -> None:
        clock.stop()
        found = {name: round(value, 5) for name, value in diagnose(model, photographs).items()}
        row = {"steps": int(curve["step"].iloc[-1])} | found | clock.entries
        results.append_rows(folder / DIAGNOSES, [row])

    return on_epoch


def _measured(one: Training, trained: TrainedModel) -> dict[str, Any]:
    """Measure a trained model on the tests."""
    found: dict[str, Any] = {}
    for text, part in zip(one.tests, parts_of(one.tests), strict=True):
        pooled = evaluate_maps(predict_set(trained, part), trained.threshold)["pooled"]
        for measure in MEASURED:
            found[f"{text} {measure}"] = round(pooled[measure], 5)
    return found | {
        "threshold": trained.threshold,
        "threshold_source": trained.card["threshold_source"],
    }


def _measured_each(one: Training, trained: TrainedModel) -> Iterator[dict[str, Any]]:
    """Measure a model on the tests, photograph by photograph; last of each the pooled pixels."""
    for text, part in zip(one.tests, parts_of(one.tests), strict=True):
        found = report_on(trained, part, seen=True)
        table = found.photographs.copy()
        table.loc[POOLED] = {"patient": "", "seen": "", **found.pooled}
        for photograph, row in table.iterrows():
            yield {
                "test": text,
                "photograph": photograph,
                "patient": row["patient"],
                "seen": row["seen"],
                **{measure: round(row[measure], 5) for measure in MEASURED_EACH},
                "threshold": trained.threshold,
                "threshold_source": trained.card["threshold_source"],
            }


def _row(one: Training, trained: TrainedModel, measured: dict[str, Any]) -> dict[str, Any]:
    """Put a row together: what was trained, what was measured, and what it was made with."""
    libraries = [f"{name} {number}" for name, number in trained.card["versions"].items()]
    trained_as = {
        "name": one.name,
        "seed": one.seed,
        "steps": trained.card["steps"],
        "parameters": trained.card["network"]["parameters"],
    }
    made_with = {
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": "; ".join(libraries),
        "key": one.key,
    }
    return trained_as | measured | made_with


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
