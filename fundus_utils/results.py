"""Tables of results as pandas frames: curves of training, measures, and the rows of studies."""

from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

from . import storage
from .errors import FundusError

# Columns of a study that are text, also where they hold digits.
TEXTS = ("name", "key", "commit", "test", "photograph", "patient", "seen")
NEEDED_OF_CURVE = ["epoch", "step", "loss", "val_loss"]
CURVE = [*NEEDED_OF_CURVE, "val_dice", "learning_rate"]


def read_curve(path: Path) -> pd.DataFrame:
    """Read a curve.csv: a row an epoch, with the columns of CURVE as float64.

    loss is that of the epoch's crops, val_loss that of the held-out photographs after it; val_dice
    is theirs where their maps are cut at 0.5. What was not measured is nan.

    Returns:
        The table, without rows if the file is not there.

    Raises:
        FundusError: the file is no such table.
    """
    if not path.is_file():
        return pd.DataFrame(columns=CURVE, dtype=float)
    try:
        curve = pd.read_csv(path, encoding=storage.UTF8, dtype=str)  # every digit counts
        curve = curve.astype(float)
        curve[NEEDED_OF_CURVE]  # raises where one of them is missing
        return curve.reindex(columns=CURVE)
    except (ValueError, KeyError) as error:  # those of pandas' parser and of text too
        raise FundusError(
            f"{path} is no training curve ({error})", "train the model anew"
        ) from None


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its row numbers, whole or not at all.

    `read_curve` gives every digit of a curve back.
    """
    with storage.writing_whole(path) as target:
        table.to_csv(target, index=False, encoding="utf-8", lineterminator="\n", errors=storage.ODD)


def read_table(path: Path) -> pd.DataFrame:
    """Read the rows of a study, see `training.study`; a table without rows if there is none yet.

    Raises:
        FundusError: the file is no table.
    """
    if not path.is_file():
        return pd.DataFrame()
    try:
        as_text = dict.fromkeys(TEXTS, str)
        return pd.read_csv(
            path,
            encoding=storage.UTF8,
            dtype=as_text,
            keep_default_na=False,
            na_values=[""],
        )
    except ValueError as error:
        raise FundusError(f"{path} is no table ({error})", "take it from the last commit") from None


def append_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add rows to a table, whole or not at all; those before them stay as they are, byte by byte.

    Raises:
        FundusError: the table has other columns.
    """
    added = pd.DataFrame(rows)
    before = path.read_bytes() if path.is_file() else b""
    if before and list(read_table(path).columns) != list(added.columns):
        problem = f"{path} has other columns than its next row"
        raise FundusError(problem, "was the study changed? Rename the table and begin a new one")
    if before and not before.endswith(b"\n"):  # an editor has left out the last one
        before += b"\n"
    text = added.to_csv(index=False, header=not before, lineterminator="\n", encoding=storage.UTF8)
    with storage.writing_whole(path) as target:
        target.write_bytes(before + text.encode(storage.UTF8, storage.ODD))


def summary(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return what the seeds of each training of a study come to, the best mean first.

    Args:
        table: see `read_table`.
        measure: a column, such as `chase_db1 validation dice`.

    Returns:
        A table whose index is the name, with seeds (how many), mean, std (dividing by one less than
        the seeds), and low and high: the interval that holds the true mean in 95 of 100 such
        studies (Student's t). With one seed std, low and high are nan.
    """
    groups = table.groupby("name", sort=False)[measure]
    found = pd.DataFrame({"seeds": groups.count(), "mean": groups.mean(), "std": groups.std()})
    seeds = found["seeds"].where(found["seeds"] > 1)
    reach = stats.t.ppf(0.975, seeds - 1) * found["std"] / seeds**0.5
    found["low"] = found["mean"] - reach
    found["high"] = found["mean"] + reach
    return found.sort_values("mean", ascending=False)
