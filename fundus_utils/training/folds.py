"""Cross-validation by patient: each patient is tested by a network that has not seen them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .. import results
from ..data import FundusSet, read_photograph
from ..errors import FundusError
from ..evaluation import MEASURES, evaluate_maps
from ..photograph import photograph_checksum
from ..prediction import predict_set
from ..seen import FITTED, met_again
from ..trained_model import TrainedModel, is_finished, load_model
from .ancestry import descent
from .patients import split_by_patient
from .presets import EYES, Preset, entries_of
from .train import train


def fold_of(one: FundusSet, number: int, folds: int) -> tuple[FundusSet, FundusSet]:
    """Return the patients that fold `number` (from 0) learns from, and those that it is tested on.

    Every `folds`-th patient is tested, so that each one is in exactly one fold.

    Raises:
        FundusError: fewer patients than folds, or fewer than two folds.
    """
    patients = one.patients
    if not 2 <= folds <= len(patients):
        problem = f"{one.name} has {len(patients)} patients, which cannot make {folds} folds"
        raise FundusError(problem, f"choose 2 to {len(patients)}")
    tested = patients[number::folds]
    others = [patient for patient in patients if patient not in tested]
    return one.of_patients(others, "train"), one.of_patients(tested, f"fold {number + 1}")


def cross_validate(
    sets: Sequence[FundusSet],
    out: Path,
    preset: Preset,
    *,
    folds: int,
    start: str | Path | None = None,
    photographs: int | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Train a network for each fold and measure it on the patients that were left out.

    The last fifth of the others' patients validates, as always: epoch and threshold never come
    from those that are tested. Stopped, it goes on when it is called again.

    Args:
        sets: the sets to learn from.
        out: gets a model's folder for each fold, fold_1 and so on, and the table folds.csv.
        preset: see `train.train`.
        folds: how many, 2 to the number of patients.
        start: see `train.train`.
        photographs: each fold learns from the first so many of the others of each set.
        minutes: for all folds together; those of the preset where None.
        steps: of each fold, instead of minutes.
        seed: of each fold.

    Returns:
        A row a fold: its number, its photographs, the measures pooled over them.

    Raises:
        FundusError: see `fold_of` and `train.train`; or a fold's folder holds another model; or the
            model that the trainings start from has learned from the sets; or two patients have one
            photograph.
    """
    _refuse_twins(sets)
    _refuse_flattery(sets, preset, start)
    rows = []
    for number in range(folds):
        pairs = [fold_of(one, number, folds) for one in sets]
        others = [pair[0].first(photographs) if photographs else pair[0] for pair in pairs]
        folder = Path(out) / f"fold_{number + 1}"
        if is_finished(folder):
            trained = _finished(folder, others, preset, start, steps, seed)
        else:
            share = None if steps else (minutes or preset.minutes) / folds
            trained = train(
                others, folder, preset, start=start, minutes=share, steps=steps, seed=seed
            )
        maps = (found for _, tested in pairs for found in predict_set(trained, tested))
        pooled = evaluate_maps(maps, trained.threshold)["pooled"]
        names = " ".join(name for _, tested in pairs for name in tested.names)
        rows.append({"fold": number + 1, "photographs": names, **pooled})
        results.save_table(Path(out) / "folds.csv", pd.DataFrame(rows))
    return pd.DataFrame(rows, columns=["fold", "photographs", *MEASURES])


def _refuse_twins(sets: Sequence[FundusSet]) -> None:
    """Raise FundusError if two patients have one photograph: a fold would test what it has learned.

    Patients of two sets are two, whatever they are called.
    """
    owner: dict[str, tuple[str, str]] = {}
    for one in sets:
        for record in one.records:
            checksum = photograph_checksum(read_photograph(record.photograph))
            patient = (one.name, record.patient)
            if owner.setdefault(checksum, patient) != patient:
                of_set, other = owner[checksum]
                problem = f"{record.photograph} of patient {record.patient} is also one of "
                problem += f"patient {other} of {of_set}, a copy"
                raise FundusError(problem, "remove one (or, in one set, give both one patient)")


def _refuse_flattery(
    sets: Sequence[FundusSet], preset: str | Preset, start: str | Path | None
) -> None:
    """Raise FundusError if the model to start from has learned from what will be tested."""
    _, ancestor = descent(preset, start, None)
    for one in sets:
        if ancestor and FITTED in set(met_again(ancestor.trained.card, one)):
            problem = f"{ancestor.name} has learned from photographs of {one.name}"
            raise FundusError(
                problem, "each fold would flatter: start from another model, or nothing"
            )


def _finished(
    folder: Path,
    others: Sequence[FundusSet],
    preset: Preset,
    start: str | Path | None,
    steps: int | None,
    seed: int,
) -> TrainedModel:
    """Read a fold's finished model; raise FundusError if it is not the one that is asked for."""
    trained = load_model(folder)
    descended, ancestor = descent(preset, start, None)
    fitted, held = split_by_patient(others)
    wanted = entries_of(descended) | {
        "seed": seed,
        "ancestors": ancestor.entries if ancestor else [],
        "photographs": [[] if preset.endless else part.names for part in fitted],
        "validation_patients": [part.patients for part in held],
    }
    wanted.setdefault(EYES, None)  # of the usual ones a card says nothing
    del wanted["minutes"]  # the steps follow from them
    del wanted["start"]  # the ancestors say more than where they lie
    if steps:
        wanted["steps"] = steps
    if any(trained.card.get(name) != _as_json(value) for name, value in wanted.items()):
        raise FundusError(f"{folder} holds another model", "choose another folder, or remove it")
    return trained


def _as_json(value: Any) -> Any:
    """Return a value as a card that was read back has it: lists instead of tuples."""
    if isinstance(value, tuple):
        return [_as_json(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _as_json(inner) for name, inner in value.items()}
    return value
