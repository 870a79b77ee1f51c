"""Measures: by hand, against scikit-learn, and where a label leaves them undefined."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from fundus_utils.errors import FundusError
from fundus_utils.evaluation import (
    MEASURES,
    PIXEL_MEASURES,
    THRESHOLDS,
    base_rate_loss,
    best_threshold,
    confusion,
    dice,
    dice_by_threshold,
    evaluate_maps,
    measures,
)

# At 0.5: of 4 vessel pixels 3 are found, of 12 others 2 are called vessels.
LABEL = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
MAP = np.array(
    [[0.9, 0.8, 0.7, 0.2], [0.75, 0.6, 0.1, 0.1], [0.1] * 4, [0.1] * 4], dtype=np.float32
)
BY_HAND = {
    "dice": 6 / 9,  # 2 * 3 / (2 * 3 + 2 + 1)
    "auc": 45 / 48,  # pairs won: 12 + 12 + 11 + 10 of 4 * 12
    "average_precision": (1 + 1 + 3 / 4 + 4 / 6) / 4,  # precision as each vessel pixel is found
    "mcc": (3 * 10 - 2 * 1) / math.sqrt(5 * 4 * 12 * 11),
    "accuracy": 13 / 16,
    "sensitivity": 3 / 4,
    "specificity": 10 / 12,
}


def random_pair(seed: int, size: int = 300, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.random(size) < rng.uniform(0.02, 0.9)
    label[:2] = True, False
    probability = (0.6 * rng.random(size) + 0.4 * label * rng.random(size)).astype(np.float32)
    if steps:  # as of a map of few grey levels: many pixels are equal
        probability = np.rint(probability * steps).astype(np.float32) / steps
    return label, probability


def quietly(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measures(label, probability, 0.5)


def test_by_hand() -> None:
    assert confusion(LABEL, MAP >= 0.5) == (3, 2, 1, 10)
    found = measures(LABEL, MAP, 0.5)
    assert tuple(found) == PIXEL_MEASURES
    assert found == pytest.approx(BY_HAND)
    assert dice(LABEL, MAP >= 0.5) == found["dice"]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 20]), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_scikit_learn_finds_the_same(seed: int, steps: int, threshold: float) -> None:
    label, probability = random_pair(seed, steps=steps)
    vessels = probability >= threshold
    pairs = probability[label][:, None] - probability[~label]
    theirs = {
        "dice": metrics.f1_score(label, vessels, zero_division=0),
        "auc": float(((pairs > 0) + (pairs == 0) / 2).mean()),
        "average_precision": metrics.average_precision_score(label, probability),
        "mcc": metrics.matthews_corrcoef(label, vessels),
        "accuracy": metrics.accuracy_score(label, vessels),
        "sensitivity": metrics.recall_score(label, vessels),
        "specificity": metrics.recall_score(~label, ~vessels),
    }
    ours = measures(label, probability, threshold)
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert ours["auc"] == pytest.approx(metrics.roc_auc_score(label, probability), abs=1e-9)


def test_large_counts_do_not_overflow() -> None:
    label = np.tile(LABEL.ravel(), 200_000)
    probability = np.tile(MAP.ravel(), 200_000)
    assert measures(label, probability, 0.5) == pytest.approx(BY_HAND)


def test_label_without_vessels_leaves_four_measures() -> None:
    found = quietly(np.zeros_like(LABEL), MAP)
    undefined = {name for name in PIXEL_MEASURES if math.isnan(found[name])}
    assert undefined == {"auc", "average_precision", "sensitivity"}
    assert found["dice"] == 0
    assert found["mcc"] == 0
    assert found["accuracy"] == found["specificity"] == 11 / 16
    assert quietly(np.zeros_like(LABEL), 0 * MAP)["dice"] == 1


def test_label_of_vessels_alone_leaves_four_measures() -> None:
    found = quietly(np.ones_like(LABEL), MAP)
    undefined = {name for name in PIXEL_MEASURES if math.isnan(found[name])}
    assert undefined == {"auc", "average_precision", "specificity"}
    assert found["mcc"] == 0
    assert found["dice"] == 10 / 21
    assert found["accuracy"] == found["sensitivity"] == 5 / 16


def test_no_pixels_at_all_give_no_error_no_warning_and_no_figure() -> None:
    found = quietly(np.zeros(0, bool), np.zeros(0, np.float32))
    assert all(math.isnan(value) for value in found.values())
    nothing = np.zeros((2, 2), bool)
    dark = ("dark", nothing, np.zeros((2, 2), np.float32), nothing)
    evaluated = evaluate_maps([dark], 0.5)
    assert all(math.isnan(evaluated["photographs"]["dark"][name]) for name in MEASURES)
    assert all(math.isnan(evaluated["pooled"][name]) for name in MEASURES)
    eye = ("eye", LABEL, MAP, np.ones_like(LABEL))
    assert evaluate_maps([dark, eye], 0.5)["pooled"] == evaluate_maps([eye], 0.5)["pooled"]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4), st.sampled_from([0, 100, 7]))
@settings(max_examples=40, deadline=None)
def test_dice_by_threshold_is_the_dice_at_each(seeds: list[int], steps: int) -> None:
    pairs = [random_pair(seed, 200 + i, steps) for i, seed in enumerate(seeds)]
    label = np.concatenate([pair[0] for pair in pairs])
    probability = np.concatenate([pair[1] for pair in pairs])
    each = [dice(label, probability >= float(t)) for t in THRESHOLDS]
    np.testing.assert_allclose(dice_by_threshold(iter(pairs)), each, atol=1e-12)


def test_dice_by_threshold_where_there_is_no_vessel() -> None:
    label = np.zeros(5, bool)
    probability = np.full(5, 0.505, np.float32)
    assert dice_by_threshold([(label, probability)]).tolist() == [0.0] * 50 + [1.0] * 49


def test_best_threshold_separates_what_can_be_separated() -> None:
    label = np.arange(100) >= 80
    probability = np.where(label, 0.375, 0.365).astype(np.float32)
    assert best_threshold([(label, probability)]) == (0.37, 1.0)
    threshold, score = best_threshold([(LABEL, MAP)])
    assert (threshold, score) == (0.11, 8 / 10)  # 4 found, 2 false, 0 missed


@pytest.mark.parametrize(("share", "loss"), [(0.086, 0.29), (0.10, 0.33), (0.5, math.log(2))])
def test_base_rate_loss_known_values(share: float, loss: float) -> None:
    assert base_rate_loss(share) == pytest.approx(loss, abs=0.005)


@given(st.floats(0.001, 0.999))
def test_base_rate_loss_is_what_the_best_constant_reaches(share: float) -> None:
    constants = np.append(np.linspace(0.0005, 0.9995, 1000), share)
    losses = -share * np.log(constants) - (1 - share) * np.log(1 - constants)
    assert base_rate_loss(share) == pytest.approx(losses.min())


@pytest.mark.parametrize("share", [0.0, 1.0, 0, 1])
def test_base_rate_loss_of_one_kind_is_0(share: float) -> None:
    assert base_rate_loss(share) == 0


def test_pooled_measures_are_those_of_all_pixels_inside() -> None:
    items = []
    labels = []
    maps = []
    for seed, shape in enumerate([(10, 20), (15, 30), (5, 7)]):
        flat_label, flat_map = random_pair(seed, math.prod(shape))
        label = flat_label.reshape(shape)
        probability = flat_map.reshape(shape)
        fov = np.random.default_rng(seed).random(shape) < 0.8
        items.append((f"eye_{seed}", label, probability, fov))
        labels.append(label[fov])
        maps.append(probability[fov])
    evaluated = evaluate_maps(iter(items), 0.4)
    at_once = measures(np.concatenate(labels), np.concatenate(maps), 0.4)
    del evaluated["pooled"]["cldice"], evaluated["photographs"]["eye_1"]["cldice"]
    assert evaluated["pooled"] == pytest.approx(at_once, abs=1e-5)
    assert list(evaluated["photographs"]) == ["eye_0", "eye_1", "eye_2"]
    assert evaluated["photographs"]["eye_1"] == measures(labels[1], maps[1], 0.4)


def test_what_lies_outside_the_field_of_view_does_not_count() -> None:
    fov = np.zeros_like(LABEL)
    fov[:2] = True
    spoilt = np.where(fov, MAP, 1)
    found = evaluate_maps([("eye", LABEL, spoilt, fov)], 0.5)
    assert found == evaluate_maps([("eye", LABEL, MAP, fov)], 0.5)
    assert found["pooled"]["accuracy"] == 5 / 8


def test_pooled_areas_keep_tiny_probabilities_apart() -> None:
    rng = np.random.default_rng(0)
    label = rng.random((50, 80)) < 0.1
    tiny = (10.0 ** rng.uniform(-9, -6, label.shape) * np.where(label, 3, 1)).astype(np.float32)
    pooled = evaluate_maps([("eye", label, tiny, np.ones_like(label))], 0.5)["pooled"]
    exact = metrics.roc_auc_score(label.ravel(), tiny.ravel())
    assert pooled["auc"] == pytest.approx(exact, abs=1e-5)


def test_nothing_to_measure_is_said() -> None:
    with pytest.raises(FundusError, match="no photograph"):
        evaluate_maps([], 0.5)


def test_photograph_without_label_is_named() -> None:
    with pytest.raises(FundusError, match="eye_7 has no label"):
        evaluate_maps([("eye_7", None, MAP, np.ones_like(LABEL))], 0.5)


@pytest.mark.parametrize("value", [1.001, 255, -0.001, math.inf, math.nan])
def test_a_map_that_leaves_0_to_1_is_named(value: float) -> None:
    spoilt = MAP.copy()
    spoilt[3, 3] = value
    everywhere = np.ones_like(LABEL)
    items = [("eye_1", LABEL, MAP, everywhere), ("eye_2", LABEL, spoilt, everywhere)]
    with pytest.raises(FundusError, match="eye_2 holds values outside 0 to 1"):
        evaluate_maps(items, 0.5)


def test_a_map_of_0_and_1_is_measured() -> None:
    ends = LABEL.astype(np.float32)
    ends[0, 0] = 0
    ends[1, 0] = -0.0
    found = evaluate_maps([("eye", LABEL, ends, np.ones_like(LABEL))], 0.5)
    assert found["pooled"]["sensitivity"] == 3 / 4
    assert found["pooled"]["auc"] == pytest.approx((3 * 12 + 12 / 2) / 48)
