"""Which trainings of a study have no row yet, and how long they will take."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from .. import results
from ..errors import FundusError
from .study_file import Training, commit_of, read_study
from .study_parts import is_here


def left_of(path: Path) -> list[Training]:
    """Return the trainings of a study whose rows are not there yet.

    Raises:
        FundusError: a row is there, but the study means something else by its name now.
    """
    over = commit_of(path) is not None
    done = results.read_table(path.with_suffix(".csv"))
    keys = {}
    tests: dict[tuple[str, int], set[str]] = {}
    for row in done.to_dict("records"):
        name_and_seed = row["name"], int(row["seed"])
        keys[name_and_seed] = row["key"]
        tests.setdefault(name_and_seed, set()).add(row.get("test", ""))
    left = []
    for one in read_study(path):
        key = keys.get((one.name, one.seed))
        if one.each:
            known = tests.get((one.name, one.seed), set())
            lacking = [test for test in one.tests if test not in known and is_here(test)]
            one = replace(one, tests=tuple(lacking))
        nothing_to_measure = one.each and not one.tests
        if key is None or (one.each and key == one.key):
            left += [] if nothing_to_measure else [one]
        elif not over and key != one.key:
            problem = f"the row {one.name!r}, seed {one.seed}, was made with other settings"
            raise FundusError(problem, f"rename it in {path}, or remove its row from the table")
    return left


def seconds_left(path: Path) -> float | None:
    """Return how long the rest of a study will take, judged by its rows; None if there are none."""
    done = results.read_table(path.with_suffix(".csv"))
    if done.empty:
        return None
    pace = (done["seconds"].astype(float) / done["steps"].astype(float)).median()
    return float(pace * sum(one.steps for one in left_of(path)))


def listed(path: Path) -> pd.DataFrame:
    """Return what is left of a study as a table: name, seed, steps."""
    rows = [{"name": one.name, "seed": one.seed, "steps": one.steps} for one in left_of(path)]
    return pd.DataFrame(rows, columns=["name", "seed", "steps"])
