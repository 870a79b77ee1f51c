"""How sure a figure is: resampled over patients, never over pixels.

The pixels of a photograph are alike, and so are both eyes of a patient. Another test set would hold
other patients: whole patients are drawn, each with all photographs (the bootstrap: Efron 1979).
Every table here has a row a photograph, whose name is the index, a column `patient`, and a column
for each measure; `by_patient` makes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .errors import FundusError
from .evaluation import UNDEFINED

# Patients that a test needs. With five even the strongest outcome, all differences of one sign,
# has p = 2 * 0.5**5 = 0.0625: a test that can never fall below 0.05 is no test. Six reach 0.031.
MIN_PATIENTS = 6


@dataclass(frozen=True)
class Interval:
    """A figure, and where it may lie for other patients like these.

    mean: the figure of all photographs. low, high: the limits of the resampled figures' middle
    part; nan with fewer than two patients. patients: how many were drawn from.
    """

    mean: float
    low: float
    high: float
    patients: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two models on the same photographs: the second's measure less the first's.

    differences: float64, one for each photograph. mean: of them. low, high: see `Interval`.
    photographs, patients: how many. p_value: of Wilcoxon's signed-rank test, see `paired`.
    """

    differences: pd.Series
    mean: float
    low: float
    high: float
    photographs: int
    patients: int
    p_value: float


def patient_of(name: str, patients: Mapping[str, str]) -> str:
    """Return a photograph's patient.

    Raises:
        FundusError: the patient is not known.
    """
    if name not in patients:
        problem = f"the patient of {name} is not known"
        raise FundusError(problem, "name one for every photograph")
    return patients[name]


def by_patient(
    photographs: Mapping[str, Mapping[str, float]], patients: Mapping[str, str]
) -> pd.DataFrame:
    """Return the table that this module works on.

    Args:
        photographs: {name: {measure: value}}, as in what `evaluation.evaluate_maps` returns.
        patients: {name: patient}; it may name more photographs.

    Raises:
        FundusError: the patient of a photograph is not known.
    """
    table = pd.DataFrame.from_dict(dict(photographs), orient="index")
    table.insert(0, "patient", [patient_of(name, patients) for name in table.index])
    return table


def resampled(
    figure: Callable[[NDArray], NDArray | float],
    patients: int,
    repeats: int,
    seed: int,
    level: float,
) -> tuple[NDArray, NDArray, NDArray]:
    """Return a figure of all patients, and its percentile limits over resampled patients.

    Args:
        figure: from how often each patient is drawn, int (patients,), to a float or to an array of
            always the same shape. A draw for which it is undefined (nan) is left out.
        patients: how many there are, and how many are drawn each time.
        repeats: how many times they are drawn.
        seed: of the draws: the same seed gives the same limits.
        level: the share of the resampled figures between the limits, in (0, 1).

    Returns:
        The figure, its lower and its upper limit, of one shape. The limits are nan with fewer than
        two patients.
    """
    whole = np.asarray(figure(np.ones(patients, int)), np.float64)
    undefined = np.full_like(whole, UNDEFINED)
    if patients < 2:
        return whole, undefined, undefined
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(patients, np.full(patients, 1 / patients), size=repeats)
    figures = np.array([figure(times) for times in draws])
    others = tuple(range(1, figures.ndim))
    defined = figures[np.isfinite(figures).all(axis=others)]
    if not len(defined):
        return whole, undefined, undefined
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail], axis=0)
    return whole, low, high


def mean_interval(
    table: pd.DataFrame, measure: str, repeats: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return a measure's mean over the photographs, and its interval over patients.

    With few patients the interval is too narrow. Of normally distributed values, an interval of
    95 % held the true mean in 79 of 100 simulations with 4 patients, in 86 with 6, in 90 with 10
    and in 93 with 20.

    Args:
        table: see the module. A photograph whose measure is undefined (nan) is left out.
        measure: a column of the table.
        repeats: see `resampled`.
        seed: see `resampled`.
        level: see `resampled`.

    Raises:
        FundusError: the table lacks a column, or has a photograph twice or without a patient.
    """
    _check(table, measure)
    groups = table.dropna(subset=[measure]).groupby("patient")[measure]
    sums = groups.sum().to_numpy(np.float64)
    sizes = groups.size().to_numpy()
    if not len(sums):
        return Interval(UNDEFINED, UNDEFINED, UNDEFINED, 0)

    def mean_of(times: NDArray) -> float:
        return (times @ sums) / (times @ sizes)

    mean, low, high = resampled(mean_of, len(sums), repeats, seed, level)
    return Interval(float(mean), float(low), float(high), len(sums))


def _check(table: pd.DataFrame, measure: str) -> None:
    for column in ("patient", measure):
        if column not in table:
            columns = ", ".join(map(str, table.columns))
            raise FundusError(f"the table has no column {column}", f"its columns are {columns}")
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise FundusError(f"the table has {twice[0]} twice", "leave one of the two rows out")
    unknown = table.index[table["patient"].isna()]
    if len(unknown):
        problem = f"the table has no patient for {unknown[0]}"
        raise FundusError(problem, "name one for every photograph")


def paired(
    first: pd.DataFrame,
    second: pd.DataFrame,
    measure: str,
    repeats: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """Compare two models photograph by photograph: how much higher is the second's measure?

    How difficult a photograph is falls out of the difference, since both models had the same one.
    The test takes one value for each patient, the mean difference (Wilcoxon 1945: signed ranks). It
    is exact up to 50 patients, or up to 13 if differences are equal or 0; beyond, an approximation.

    Args:
        first: see the module.
        second: the same photographs, in any order.
        measure: a column of both. Where it is undefined (nan), the photograph is left out.
        repeats: see `resampled`.
        seed: see `resampled`.
        level: see `resampled`.

    Returns:
        The comparison. Its p-value is nan below MIN_PATIENTS, and 1 if all differences are 0.

    Raises:
        FundusError: a photograph is in one of the tables only, or belongs to two patients; or as in
            `mean_interval`.
    """
    for table in (first, second):
        _check(table, measure)
    _check_same(first, second)
    differences = (second[measure].loc[first.index] - first[measure]).dropna()
    patients = first["patient"].loc[differences.index]
    table = pd.DataFrame({"patient": patients, measure: differences})
    interval = mean_interval(table, measure, repeats, seed, level)
    return Comparison(
        differences=differences,
        mean=interval.mean,
        low=interval.low,
        high=interval.high,
        photographs=len(differences),
        patients=interval.patients,
        p_value=_p_value(table.groupby("patient")[measure].mean()),
    )


def _check_same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    alone = first.index.symmetric_difference(second.index)
    if len(alone):
        problem = f"only one of the tables has {', '.join(map(str, alone))}"
        raise FundusError(problem, "measure both models on the same photographs")
    moved = first.index[first["patient"] != second["patient"].loc[first.index]]
    if len(moved):
        problem = f"the two tables name different patients for {moved[0]}"
        raise FundusError(problem, "take the patients of both from one place")


def _p_value(differences: pd.Series) -> float:
    if len(differences) < MIN_PATIENTS:
        return UNDEFINED
    rounded = differences.round(12)  # 0.3 - 0.2 and 0.2 - 0.1 are equal but for their last digit
    return float(stats.wilcoxon(rounded).pvalue) if rounded.any() else 1.0
