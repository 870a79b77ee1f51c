"""Tables of results as pandas frames: curves of training, and measures of an evaluation."""

from pathlib import Path
from typing import Any

import pandas as pd

from . import storage
from .errors import FundusError

CURVE = ("epoch", "step", "loss", "val_loss")


def read_curve(path: Path) -> pd.DataFrame:
    """Read a curve.csv: a row an epoch, with the columns of CURVE as float64.

    Returns:
        The table, without rows if the file is not there.

    Raises:
        FundusError: the file is no such table.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(CURVE), dtype=float)
    try:
        curve = pd.read_csv(path, encoding=storage.UTF8, dtype=str)  # every digit counts
        return curve.astype(float)[list(CURVE)]
    except (ValueError, KeyError) as error:  # those of pandas' parser and of text too
        raise FundusError(
            f"{path} is no training curve ({error})", "train the model anew"
        ) from None


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its row numbers, whole or not at all.

    `read_curve` gives every digit of a curve back.
    """
    with storage.writing_whole(path) as target:
        table.to_csv(target, index=False, encoding=storage.UTF8, lineterminator="\n")


def measures_table(found: dict[str, Any]) -> pd.DataFrame:
    """Return what `evaluation.evaluate_maps` found: a row a photograph, the last one `pooled`.

    Args:
        found: {"photographs": {name: measures}, "pooled": measures}.

    Returns:
        A table whose index is the photographs' names, its columns the measures.
    """
    rows = dict(found["photographs"])
    rows["pooled"] = found["pooled"]
    return pd.DataFrame.from_dict(rows, orient="index")
