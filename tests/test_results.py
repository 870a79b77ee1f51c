"""Tables of results: curves to the last digit, measures with a row a photograph."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_utils.errors import FundusError
from fundus_utils.results import (
    CURVE,
    append_rows,
    read_curve,
    read_table,
    save_table,
    summary,
)

HEADER = b"epoch,step,loss,val_loss,val_dice,learning_rate\n"
numbers = st.floats(allow_nan=False, allow_infinity=False)


def curve_of(losses: list[float]) -> pd.DataFrame:
    rows = []
    for epoch, loss in enumerate(losses, start=1):
        row = {"epoch": epoch, "step": 10 * epoch, "loss": loss, "val_loss": loss / 3}
        row |= {"val_dice": loss / 7, "learning_rate": loss / 11}
        rows.append(row)
    return pd.DataFrame(rows)


def test_curve_is_read_back_to_the_last_digit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    curve = curve_of((rng.random(3000) * 10.0 ** rng.integers(-12, 3, 3000)).tolist())
    save_table(tmp_path / "curve.csv", curve)
    again = read_curve(tmp_path / "curve.csv")
    assert list(again.columns) == CURVE
    assert (again.dtypes == np.float64).all()
    assert np.array_equal(again.to_numpy(), curve.to_numpy(dtype=float))


@given(numbers)
def test_any_number_is_read_back(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    path = tmp_path_factory.getbasetemp() / "curve.csv"
    save_table(path, curve_of([number]))
    assert read_curve(path)["loss"].tolist() == [number]


def test_saved_table_is_plain_csv(tmp_path: Path) -> None:
    save_table(tmp_path / "curve.csv", curve_of([0.5]))
    content = (tmp_path / "curve.csv").read_bytes()
    assert content == HEADER + f"1,10,0.5,{0.5 / 3},{0.5 / 7},{0.5 / 11}\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]


def test_names_keep_their_letters(tmp_path: Path) -> None:
    save_table(tmp_path / "table.csv", pd.DataFrame({"name": ["Äuglein"]}))
    assert "Äuglein" in (tmp_path / "table.csv").read_text(encoding="utf-8")


def test_columns_of_another_program_do_not_disturb(tmp_path: Path) -> None:
    save_table(tmp_path / "curve.csv", curve_of([0.5, 0.4]).assign(rate=0.1)[["rate", *CURVE]])
    assert list(read_curve(tmp_path / "curve.csv").columns) == CURVE


def test_curve_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    curve = read_curve(tmp_path / "curve.csv")
    assert list(curve.columns) == CURVE
    assert len(curve) == 0
    assert (curve.dtypes == np.float64).all()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"epoch,step\n1,10\n",
        b"epoch,step,loss,val_loss\n1,10,half,0.5\n",
        b"epoch,step,loss,val_loss\n1,10,0.5,0.5\n2,20,0.5,0.5,0.5,0.5\n",
        b"\xff\xfe\x00\x01",
        bytes(range(256)),
    ],
    ids=["empty", "columns", "word", "long row", "not text", "bytes"],
)
def test_broken_curve_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_bytes(content)
    with pytest.raises(FundusError, match=r"curve\.csv is no training curve"):
        read_curve(path)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_rows_are_added_below_whatever_the_table_ends_with(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "table.csv"
    before = b"name,seed\r\na,1" + end
    path.write_bytes(before)
    append_rows(path, [{"name": "b", "seed": 2}])
    assert path.read_bytes().startswith(before)
    assert read_table(path).to_dict("list") == {"name": ["a", "b"], "seed": [1, 2]}


def test_a_seed_without_a_value_does_not_count() -> None:
    dice = {"a": [0.80, 0.81, np.nan], "b": [0.80, 0.81]}
    rows = [{"name": name, "dice": value} for name, values in dice.items() for value in values]
    found = summary(pd.DataFrame(rows), "dice")
    assert found["seeds"].to_dict() == {"a": 2, "b": 2}
    assert found.loc["a", "low"] == pytest.approx(found.loc["b", "low"])
