"""Calibration: bins by hand, and temperatures that are known beforehand."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import calibration, metrics

from fundus_utils.calibration import (
    expected_calibration_error,
    halfway_threshold,
    reliability,
    temperature_of,
    with_temperature,
)
from fundus_utils.errors import FundusError

LABEL = np.array([[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
# Of 4 pixels at 0.8, 3 are vessels; of 12 at 0.05, 1 is.
MAP = np.array([[0.8] * 4, [0.05] * 4, [0.05] * 4, [0.05] * 4], np.float32)


def sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


def calibrated(seed: int = 0, size: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Return a label, and the logits of the probabilities that it was drawn with."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 1.5, size)
    return rng.random(size) < sigmoid(logit), logit


def test_reliability_by_hand() -> None:
    table = reliability(LABEL, MAP)
    assert table["from"].tolist() == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert table["to"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    assert table["count"].tolist() == [12, 0, 0, 0, 0, 0, 0, 0, 4, 0]
    assert table["predicted"].dropna().tolist() == pytest.approx([0.05, 0.8])
    assert table["observed"].dropna().tolist() == pytest.approx([1 / 12, 3 / 4])
    empty = table[table["count"] == 0]
    assert len(empty) == 8 and empty[["predicted", "observed"]].isna().all(axis=None)


def test_error_by_hand() -> None:
    by_hand = (12 * (1 / 12 - 0.05) + 4 * (0.8 - 3 / 4)) / 16
    assert expected_calibration_error(LABEL, MAP) == pytest.approx(by_hand)
    # In one bin: 4 vessels of 16, and a mean of (12 * 0.05 + 4 * 0.8) / 16.
    assert expected_calibration_error(LABEL, MAP, bins=1) == pytest.approx(4 / 16 - 3.8 / 16)
    assert expected_calibration_error(LABEL, LABEL.astype(np.float32)) == 0
    assert expected_calibration_error(LABEL, 1 - LABEL.astype(np.float32)) == 1


def test_limits_belong_to_the_upper_bin_also_in_float32() -> None:
    for dtype in (np.float32, np.float64):
        tenths = (np.arange(11) / 10).astype(dtype)
        table = reliability(np.zeros(11, bool), tenths)
        assert table["count"].tolist() == [1] * 9 + [2], dtype


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_scikit_learn_draws_the_same_diagram(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random(300) ** 3
    label = rng.random(300) < 0.5 * probability
    table = reliability(label, probability, bins)
    assert table["count"].sum() == 300
    filled = table.dropna()
    observed, predicted = calibration.calibration_curve(label, probability, n_bins=bins)
    assert filled["observed"].tolist() == pytest.approx(observed)
    assert filled["predicted"].tolist() == pytest.approx(predicted)


def test_what_is_calibrated_has_hardly_an_error() -> None:
    label, logit = calibrated()
    assert expected_calibration_error(label, sigmoid(logit)) < 0.01
    assert expected_calibration_error(label, sigmoid(3 * logit)) > 0.05


def test_no_pixel_has_no_error_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = np.zeros(0, np.float32)
        assert math.isnan(expected_calibration_error(np.zeros(0, bool), nothing))
        assert reliability(np.zeros(0, bool), nothing)["count"].sum() == 0


@pytest.mark.parametrize("value", [1.001, 255, -0.001, math.nan])
def test_a_map_that_leaves_0_to_1_is_refused(value: float) -> None:
    spoilt = MAP.copy()
    spoilt[3, 3] = value
    with pytest.raises(FundusError, match="values outside 0 to 1"):
        reliability(LABEL, spoilt)


def test_temperature_by_hand() -> None:
    # Of 4 pixels at 0.9 three are vessels, and of 4 at 0.1 one is: the best map says 0.75 and 0.25,
    # so that T = logit(0.9) / logit(0.75) = log(9) / log(3) = 2.
    label = np.array([1, 1, 1, 0, 0, 0, 0, 1], bool)
    probability = np.array([0.9] * 4 + [0.1] * 4, np.float32)
    assert temperature_of([(label, probability)]) == pytest.approx(2, rel=1e-4)
    mended = with_temperature(probability, 2)
    assert mended.tolist() == pytest.approx([0.75] * 4 + [0.25] * 4)
    assert expected_calibration_error(label, mended) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.2, 0.5, 1.0, 3.0])
def test_known_temperature_is_found(temperature: float) -> None:
    label, logit = calibrated()
    off = sigmoid(temperature * logit)
    found = temperature_of([(label, off)])
    assert found == pytest.approx(temperature, rel=0.05)
    mended = with_temperature(off, found)
    assert metrics.log_loss(label, mended) <= metrics.log_loss(label, off) + 1e-9
    assert np.abs(mended - sigmoid(logit)).mean() < 0.02


def test_photographs_are_pooled() -> None:
    label, logit = calibrated()
    off = sigmoid(2 * logit).astype(np.float32)
    pieces = [(label[:100], off[:100]), (label[100:].reshape(-1, 3), off[100:].reshape(-1, 3))]
    assert temperature_of(iter(pieces)) == pytest.approx(temperature_of([(label, off)]))


def test_probabilities_of_0_and_1_that_are_wrong_cost_a_finite_loss() -> None:
    label = np.array([1, 1, 1, 0, 0, 0, 0, 1], bool)
    certain = np.array([1] * 4 + [0] * 4, np.float32)
    by_hand = math.log((1 - 1e-6) / 1e-6) / math.log(3)  # from the clipped value to 0.75
    assert temperature_of([(label, certain)]) == pytest.approx(by_hand, rel=1e-4)
    assert with_temperature(certain, by_hand).tolist() == pytest.approx([0.75] * 4 + [0.25] * 4)


def test_temperature_stays_in_its_range() -> None:
    label, logit = calibrated(size=2000)
    without_error = np.where(label, 0.51, 0.49)
    assert 0.01 <= temperature_of([(label, without_error)]) < 0.02
    upside_down = sigmoid(-logit)
    assert 99 < temperature_of([(label, upside_down)]) <= 100


def test_no_pixel_has_no_temperature() -> None:
    for nothing in ([], [(np.zeros(0, bool), np.zeros(0, np.float32))]):
        with pytest.raises(FundusError, match="no pixel"):
            temperature_of(nothing)


def test_temperature_1_changes_nothing_but_the_clipped() -> None:
    probability = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    same = with_temperature(probability, 1)
    assert same.dtype == np.float32 and same.shape == (20, 30)
    np.testing.assert_allclose(same, probability, atol=1e-7)
    assert with_temperature(np.array([0, 1], np.float32), 1).tolist() == pytest.approx(
        [1e-6, 1 - 1e-6], abs=1e-7
    )


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 10))
@settings(max_examples=40, deadline=None)
def test_ranking_stays(seed: int, temperature: float) -> None:
    rng = np.random.default_rng(seed)
    label = rng.random(500) < 0.3
    label[:2] = True, False
    probability = sigmoid(rng.normal(2 * label - 2, 1)).astype(np.float32)
    other = with_temperature(probability, temperature)
    assert (np.diff(other[np.argsort(probability)]) >= 0).all()
    before = metrics.roc_auc_score(label, probability)
    assert metrics.roc_auc_score(label, other) == pytest.approx(before, abs=1e-4)
    surer = (np.abs(other - 0.5) - np.abs(probability - 0.5)) * (1 - temperature)
    assert (surer >= -1e-6).all()  # surer below 1, less sure above


@pytest.mark.parametrize("temperature", [0, -1, math.nan])
def test_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(FundusError, match="choose one above 0"):
        with_temperature(MAP, temperature)


# A threshold without labels


def test_halfway_lies_between_the_own_and_that_of_the_share():
    rng = np.random.default_rng(3)
    maps = [rng.random((30, 40)).astype(np.float32), rng.random(500).astype(np.float32)]
    every = np.concatenate([one.ravel() for one in maps])
    for share in (0.05, 0.1, 0.5):
        by_share = np.quantile(every, 1 - share)
        assert halfway_threshold(maps, 0.48, share) == pytest.approx(
            (0.48 + by_share) / 2, abs=1e-3
        )


def test_where_more_than_the_share_is_certain_the_share_asks_for_1():
    sure = np.ones(100, np.float32)
    assert halfway_threshold([sure], 0.4) == pytest.approx(0.7)
    assert halfway_threshold([np.zeros(100, np.float32)], 0.4) == pytest.approx(0.2, abs=1e-4)


def test_without_a_map_there_is_no_threshold():
    with pytest.raises(FundusError, match="no map"):
        halfway_threshold([], 0.5)
