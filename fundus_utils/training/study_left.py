"""Which trainings of a study have no row yet, and how long they will take."""

from dataclasses import replace
from pathlib import Path
from typing import Any

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
    made: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in results.read_table(path.with_suffix(".csv")).to_dict("records"):
        made.setdefault((row["name"], int(row["seed"])), []).append(row)
    over = commit_of(path) is not None
    left = []
    for one in read_study(path):
        rows = made.get((one.name, one.seed), [])
        if rows and rows[-1]["key"] != one.key:
            if over:  # its rows were made with the settings of then
                continue
            problem = f"the row {one.name!r}, seed {one.seed}, was made with other settings"
            raise FundusError(problem, f"rename it in {path}, or remove its row from the table")
        if not one.each:
            left += [] if rows else [one]
            continue
        known = {row.get("test") for row in rows}
        lacking = [test for test in one.tests if test not in known and is_here(test)]
        if lacking:
            left.append(replace(one, tests=tuple(lacking)))
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
