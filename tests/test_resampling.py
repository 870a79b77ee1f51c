"""How sure a figure is: means, areas and differences, resampled over patients."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from test_evaluation import BY_HAND, LABEL, MAP

from fundus_utils.bands import GRID, MapCounts, area_interval, count_maps, curve_bands
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import evaluate_maps
from fundus_utils.resampling import (
    MIN_PATIENTS,
    by_patient,
    mean_interval,
    paired,
)

EVERYWHERE = np.ones_like(LABEL)
PATIENTS = {"1": "a", "2": "b", "3": "c"}
AUC = BY_HAND["auc"]
AVERAGE_PRECISION = BY_HAND["average_precision"]


def table_of(**patients: list[float]) -> pd.DataFrame:
    """Return the table of patients with these values of Dice, a photograph each."""
    rows = {}
    for patient, values in patients.items():
        for number, value in enumerate(values):
            rows[f"{patient}{number}"] = {"patient": patient, "dice": value}
    return pd.DataFrame.from_dict(rows, orient="index")


def raised(table: pd.DataFrame, by: list[float]) -> pd.DataFrame:
    return table.assign(dice=table["dice"] + by)


def random_maps(seed: int, patients: int = 5, gain: float = 2.0) -> list[tuple]:
    """Return maps of many probabilities, one each patient, that rank vessels higher by `gain`."""
    rng = np.random.default_rng(seed)
    items = []
    for patient in range(patients):
        label = rng.random((60, 70)) < 0.1
        logit = rng.normal(gain * label - 2 + rng.normal(scale=0.5), 1)
        fov = rng.random(label.shape) < 0.9
        items.append((f"eye_{patient}", label, (1 / (1 + np.exp(-logit))).astype(np.float32), fov))
    return items


def each_alone(items: list[tuple]) -> dict[str, str]:
    return {item[0]: item[0] for item in items}


# Means


def test_mean_is_that_of_the_photographs_and_not_of_the_patients() -> None:
    found = mean_interval(table_of(a=[0.9, 0.9, 0.9], b=[0.5]), "dice")
    assert found.mean == pytest.approx(0.8)
    assert found.patients == 2


def test_two_patients_are_drawn_whole() -> None:
    # Four draws are equally likely: aa (0.9), ab and ba (0.8), bb (0.5). The limits are 0.5 and 0.9
    # up to a level of 0.5; inside it only 0.8 is left. Single photographs would mix otherwise.
    table = table_of(a=[0.9, 0.9, 0.9], b=[0.5])
    wide = mean_interval(table, "dice", level=0.6)
    assert (wide.low, wide.high) == pytest.approx((0.5, 0.9))
    narrow = mean_interval(table, "dice", level=0.4)
    assert (narrow.low, narrow.high) == pytest.approx((0.8, 0.8))


def test_more_photographs_of_the_same_patients_make_nothing_surer() -> None:
    once = mean_interval(table_of(a=[0.9], b=[0.5], c=[0.6]), "dice")
    often = mean_interval(table_of(a=[0.9] * 20, b=[0.5] * 20, c=[0.6] * 20), "dice")
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_spread_is_that_of_the_bootstrap_by_formula() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.02, 40)
    table = table_of(**{f"p{number}": [value] for number, value in enumerate(values)})
    found = mean_interval(table, "dice", level=0.6827)  # one standard deviation on each side
    assert (found.high - found.low) / 2 == pytest.approx(values.std() / math.sqrt(40), rel=0.08)
    wider = mean_interval(table, "dice", level=0.95)
    assert wider.low < found.low < found.mean < found.high < wider.high


def test_one_patient_has_no_interval() -> None:
    found = mean_interval(table_of(a=[0.7, 0.9]), "dice")
    assert found.mean == pytest.approx(0.8)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert found.patients == 1


def test_undefined_values_are_left_out() -> None:
    table = table_of(a=[0.9, math.nan], b=[0.5], c=[math.nan])
    assert mean_interval(table, "dice") == mean_interval(table_of(a=[0.9], b=[0.5]), "dice")
    nothing = mean_interval(table_of(a=[math.nan]), "dice")
    assert math.isnan(nothing.mean) and nothing.patients == 0


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=3), min_size=2, max_size=6),
    st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_interval_stays_among_the_patients_and_ignores_the_order(
    values: list[list[float]], seed: int
) -> None:
    table = table_of(**{f"p{number}": some for number, some in enumerate(values)})
    found = mean_interval(table, "dice", repeats=200, seed=seed)
    means = [np.mean(some) for some in values]
    assert min(means) - 1e-9 <= found.low <= found.high <= max(means) + 1e-9
    turned = mean_interval(table[::-1], "dice", repeats=200, seed=seed)
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high))


def test_seed_repeats_and_changes_an_interval() -> None:
    table = table_of(a=[0.91], b=[0.52], c=[0.63], d=[0.78])
    first = mean_interval(table, "dice", repeats=30)
    assert mean_interval(table, "dice", repeats=30) == first
    assert mean_interval(table, "dice", repeats=30, seed=1) != first


def test_table_is_made_of_what_evaluation_returns() -> None:
    items = [("1L", LABEL, MAP, EVERYWHERE), ("1R", LABEL, 0 * MAP, EVERYWHERE)]
    patients = {"1L": "1", "1R": "1", "2L": "2"}
    table = by_patient(evaluate_maps(items, 0.5)["photographs"], patients)
    assert table["patient"].to_dict() == {"1L": "1", "1R": "1"}
    assert table["dice"].to_dict() == {"1L": 6 / 9, "1R": 0}
    assert mean_interval(table, "dice").mean == pytest.approx(3 / 9)


def test_photograph_of_an_unknown_patient_is_named() -> None:
    with pytest.raises(FundusError, match="the patient of 2L is not known"):
        by_patient({"1L": {"dice": 0.8}, "2L": {"dice": 0.8}}, {"1L": "1"})
    unknown = table_of(a=[0.9], b=[0.5]).assign(patient=["a", None])
    with pytest.raises(FundusError, match="no patient for b0"):
        mean_interval(unknown, "dice")


def test_table_that_does_not_fit_is_refused() -> None:
    table = table_of(a=[0.9], b=[0.5])
    with pytest.raises(FundusError, match=r"no column auc.*patient, dice"):
        mean_interval(table, "auc")
    with pytest.raises(FundusError, match="no column patient"):
        mean_interval(table[["dice"]], "dice")
    with pytest.raises(FundusError, match="a0 twice"):
        mean_interval(pd.concat([table, table[:1]]), "dice")


# Two models


def test_comparison_by_hand() -> None:
    first = table_of(a=[0.7, 0.8], b=[0.6])
    second = raised(first, [0.1, 0.3, -0.1])
    found = paired(first, second[::-1], "dice")
    assert found.differences.to_dict() == pytest.approx({"a0": 0.1, "a1": 0.3, "b0": -0.1})
    assert found.mean == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((-0.1, 0.2))
    assert (found.photographs, found.patients) == (3, 2)
    assert math.isnan(found.p_value)


def test_difficult_photographs_make_no_difference_unsure() -> None:
    first = table_of(a=[0.2], b=[0.5], c=[0.9])
    found = paired(first, raised(first, [0.01, 0.01, 0.01]), "dice")
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))
    single = mean_interval(first, "dice")
    assert single.high - single.low > 0.3


def test_five_patients_cannot_show_anything_and_six_can() -> None:
    assert 2 * 0.5 ** (MIN_PATIENTS - 1) > 0.05 > 2 * 0.5**MIN_PATIENTS
    six = table_of(a=[0.5], b=[0.6], c=[0.7], d=[0.4], e=[0.5], f=[0.6])
    better = raised(six, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert paired(six, better, "dice").p_value == pytest.approx(2 * 0.5**6)
    assert paired(better, six, "dice").p_value == pytest.approx(2 * 0.5**6)
    assert math.isnan(paired(six[:5], better[:5], "dice").p_value)


def test_signed_ranks_by_hand() -> None:
    # The smallest of six differences goes the other way: rank sums 1 and 20. Of 64 signs, those
    # with a rank sum of at most 1 are {} and {1}, on either side: 4 / 64.
    six = table_of(a=[0.5], b=[0.6], c=[0.7], d=[0.4], e=[0.5], f=[0.6])
    mixed = raised(six, [-0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert paired(six, mixed, "dice").p_value == pytest.approx(4 / 64)


def test_equal_differences_are_tied_whatever_their_last_digit() -> None:
    six = table_of(a=[0.1], b=[0.2], c=[0.3], d=[0.4], e=[0.5], f=[0.6])
    same = raised(six, [0.1, 0.1, 0.1, 0.1, 0.1, -0.1])
    # One of six equal ranks goes the other way: 7 of 64 signs have at most one, on either side.
    assert paired(six, same, "dice").p_value == pytest.approx(14 / 64)


def test_test_counts_patients_and_not_photographs() -> None:
    many = table_of(a=[0.5] * 10, b=[0.6] * 10)
    found = paired(many, raised(many, [0.01] * 20), "dice")
    assert (found.photographs, found.patients) == (20, 2)
    assert math.isnan(found.p_value)


def test_no_difference_at_all_has_p_1() -> None:
    seven = table_of(**{name: [0.5, 0.7] for name in "abcdefg"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is divided by 0
        found = paired(seven, seven, "dice")
    assert (found.mean, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    # Also where the two photographs of each patient cancel out.
    assert paired(seven, raised(seven, [0.1, -0.1] * 7), "dice").p_value == 1


def test_photographs_of_one_table_only_are_named() -> None:
    first = table_of(a=[0.9, 0.8], b=[0.5])
    with pytest.raises(FundusError, match="only one of the tables has a1, b0"):
        paired(first, first.drop(index=["a1", "b0"]), "dice")
    with pytest.raises(FundusError, match="only one of the tables has b0"):
        paired(first.drop(index="b0"), first, "dice")


def test_patients_that_moved_are_named() -> None:
    first = table_of(a=[0.9], b=[0.5])
    with pytest.raises(FundusError, match="different patients for b0"):
        paired(first, first.assign(patient=["a", "c"]), "dice")


def test_undefined_differences_are_left_out() -> None:
    first = table_of(a=[0.9, math.nan], b=[0.5])
    found = paired(first, raised(first, [0.1, 0.1, math.nan]), "dice")
    assert list(found.differences.index) == ["a0"]
    assert (found.photographs, found.patients) == (1, 1)


# Curves and areas


def test_areas_by_hand() -> None:
    counts = count_maps([("eye", LABEL, MAP, EVERYWHERE)], {"eye": "1"})
    assert (counts.vessels.sum(), counts.background.sum()) == (4, 12)
    assert area_interval(counts).mean == pytest.approx(AUC)
    assert area_interval(counts, "pr").mean == pytest.approx(AVERAGE_PRECISION)


def test_curves_by_hand() -> None:
    counts = count_maps([("eye", LABEL, MAP, EVERYWHERE)], {"eye": "1"})
    roc = curve_bands(counts).set_index("x")["y"]
    assert roc[0.0] == 2 / 4  # 0.9 and 0.8 before any false one
    assert roc[0.25] == pytest.approx(1)  # from 3 of 12 on, between (2/12, 1) and (1, 1)
    assert roc[0.125] == pytest.approx(3 / 4)  # 1.5 of 12: between 0.75, with one false, and 0.6
    assert roc[1.0] == 1
    precision = curve_bands(counts, "pr").set_index("x")["y"]
    assert precision[0.0] == precision[0.25] == precision[0.5] == 1
    assert precision[0.505] == precision[0.75] == 3 / 4
    assert precision[0.755] == precision[1.0] == 4 / 6
    assert precision.index.tolist() == GRID.tolist()


CHANGES = {
    "as it is": lambda p: p,
    "timid": lambda p: 0.09 + 0.01 * p,
    "tiny": lambda p: 1e-9 * p,
    "sharp": lambda p: 1 / (1 + ((1 - p) / p) ** 5),
    "of 20 levels": lambda p: np.rint(20 * p) / 20,
    "mostly 0": lambda p: np.where(p < 0.2, 0, p),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("gain", [-1.0, 0.0, 2.0, 6.0])
def test_scikit_learn_finds_the_same_area(kind: str, gain: float) -> None:
    change = CHANGES[kind]
    items = [
        (name, label, change(probability.astype(np.float64)).astype(np.float32), fov)
        for name, label, probability, fov in random_maps(0, patients=3, gain=gain)
    ]
    label = np.concatenate([item[1][item[3]] for item in items])
    probability = np.concatenate([item[2][item[3]] for item in items])
    counts = count_maps(iter(items), each_alone(items))
    auc = area_interval(counts, repeats=2).mean
    assert auc == pytest.approx(metrics.roc_auc_score(label, probability), abs=3e-4)
    precision = area_interval(counts, "pr", repeats=2).mean
    theirs = metrics.average_precision_score(label, probability)
    assert precision == pytest.approx(theirs, abs=3e-4)


def test_area_of_a_million_pixels_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    label = rng.random((500, 2000)) < 0.1
    probability = (1 / (1 + np.exp(3 - rng.normal(2 * label, 1)))).astype(np.float32)
    items = [("eye", label, probability, np.ones_like(label))]
    counts = count_maps(items, {"eye": "1"})
    flat = (label.ravel(), probability.ravel())
    assert area_interval(counts).mean == pytest.approx(metrics.roc_auc_score(*flat), abs=1e-4)
    theirs = metrics.average_precision_score(*flat)
    assert area_interval(counts, "pr").mean == pytest.approx(theirs, abs=3e-4)


def test_photographs_of_a_patient_are_counted_together() -> None:
    items = [
        ("2L", LABEL, MAP, EVERYWHERE),
        ("1L", LABEL, MAP, EVERYWHERE),
        ("1R", LABEL, 0 * MAP, EVERYWHERE),
    ]
    counts = count_maps(items, {"1L": "1", "1R": "1", "2L": "2"})
    assert counts.patients == ("1", "2")
    assert counts.vessels.sum(axis=1).tolist() == [8, 4]
    assert counts.background.sum(axis=1).tolist() == [24, 12]


def test_what_lies_outside_the_field_of_view_does_not_count() -> None:
    fov = np.zeros_like(LABEL)
    fov[:2] = True
    spoilt = np.where(fov, MAP, 1)
    counts = count_maps([("eye", LABEL, spoilt, fov)], {"eye": "1"})
    assert counts.background.sum() == 4
    assert area_interval(counts).mean == pytest.approx((4 + 4 + 3 + 2) / 16)


def drawn_by_hand(items: list[tuple], repeats: int) -> list[float]:
    """Return the AUC of the pooled pixels of patients that are drawn, some of them repeatedly."""
    even = np.full(len(items), 1 / len(items))
    found = []
    for times in np.random.default_rng(0).multinomial(len(items), even, size=repeats):
        drawn = [item for item, often in zip(items, times, strict=True) for _ in range(often)]
        label = np.concatenate([item[1][item[3]] for item in drawn])
        probability = np.concatenate([item[2][item[3]] for item in drawn])
        found.append(metrics.roc_auc_score(label, probability))
    return found


def test_band_and_interval_are_those_of_drawn_patients() -> None:
    items = [*random_maps(0, 3, gain=2.0), *random_maps(1, 3, gain=1.0)]
    items = [(str(number), *item[1:]) for number, item in enumerate(items)]
    counts = count_maps(items, each_alone(items))
    found = area_interval(counts, repeats=80, level=0.8)
    slow = np.quantile(drawn_by_hand(items, 80), [0.1, 0.9])
    assert (found.low, found.high) == pytest.approx(tuple(slow), abs=3e-4)
    assert found.high - found.low > 0.04
    assert found.patients == 6
    for kind in ("roc", "pr"):
        band = curve_bands(counts, kind, repeats=200)
        assert (band["low"] <= band["high"]).all()
        inner = band[1:-1]
        assert ((inner["low"] <= inner["y"]) & (inner["y"] <= inner["high"])).mean() > 0.98
        area = area_interval(counts, kind, repeats=2).mean
        assert np.trapezoid(band["y"], band["x"]) == pytest.approx(area, abs=0.003)


def test_patients_that_are_alike_have_a_band_without_width() -> None:
    items = [(name, LABEL, MAP, EVERYWHERE) for name in ("1", "2", "3")]
    counts = count_maps(items, each_alone(items))
    found = area_interval(counts)
    assert (found.mean, found.low, found.high) == pytest.approx((AUC, AUC, AUC))
    band = curve_bands(counts, "pr")
    assert np.allclose(band["low"], band["y"]) and np.allclose(band["high"], band["y"])


def test_one_patient_has_curves_without_a_band() -> None:
    counts = count_maps([("eye", LABEL, MAP, EVERYWHERE)], {"eye": "1"})
    band = curve_bands(counts)
    assert band["y"].notna().all()
    assert band["low"].isna().all() and band["high"].isna().all()
    assert math.isnan(area_interval(counts).low)


def test_draws_without_any_vessel_are_left_out() -> None:
    nothing = np.zeros_like(LABEL)
    items = [("1", LABEL, MAP, EVERYWHERE), ("2", nothing, MAP, EVERYWHERE)]
    counts = count_maps(items, each_alone(items))
    for kind in ("roc", "pr"):
        assert math.isfinite(area_interval(counts, kind).low)
        assert curve_bands(counts, kind).notna().all(axis=None)
    dark = count_maps([("2", nothing, MAP, EVERYWHERE), ("3", nothing, MAP, EVERYWHERE)], PATIENTS)
    assert math.isnan(area_interval(dark, "pr").mean)
    assert curve_bands(dark)["y"].isna().all()
    assert math.isnan(area_interval(dark).low)


def test_what_cannot_be_counted_is_named() -> None:
    with pytest.raises(FundusError, match="eye_7 has no label"):
        count_maps([("eye_7", None, MAP, EVERYWHERE)], {"eye_7": "7"})
    with pytest.raises(FundusError, match="the patient of eye_7 is not known"):
        count_maps([("eye_7", LABEL, MAP, EVERYWHERE)], PATIENTS)
    with pytest.raises(FundusError, match="the map of 1 holds values outside 0 to 1"):
        count_maps([("1", LABEL, 255 * MAP, EVERYWHERE)], PATIENTS)
    with pytest.raises(FundusError, match="no photograph"):
        count_maps([], PATIENTS)


@pytest.mark.parametrize("draw", [curve_bands, area_interval])
def test_another_curve_is_refused(draw) -> None:
    counts = MapCounts(("a",), np.ones((1, 3), int), np.ones((1, 3), int))
    with pytest.raises(FundusError, match=r"'auc'.*choose from roc, pr"):
        draw(counts, "auc")
