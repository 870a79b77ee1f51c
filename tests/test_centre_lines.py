"""clDice: by hand, as its authors compute it, and where a mask is empty."""

import math

import numpy as np
import pytest
from skimage.morphology import skeletonize

from fundus_utils.centre_lines import cldice, line_counts
from fundus_utils.data import load_set
from fundus_utils.evaluation import dice, evaluate_maps

LINE = np.zeros((7, 12), bool)
LINE[3, 1:9] = True  # eight pixels
MOVED = np.zeros((7, 12), bool)
MOVED[3, 4:10] = True  # six, of which five lie on the line
EVERYWHERE = np.ones_like(LINE)


def of_its_authors(found: np.ndarray, label: np.ndarray) -> float:
    """The definition as published with the paper (jocpae/clDice, cldice_metric.py)."""

    def score(mask: np.ndarray, lines: np.ndarray) -> float:
        return np.sum(mask * lines) / np.sum(lines)

    precision = score(label, skeletonize(found))
    sensitivity = score(found, skeletonize(label))
    return 2 * precision * sensitivity / (precision + sensitivity)


def test_by_hand() -> None:
    assert line_counts(LINE, MOVED) == (8, 5, 6, 5)
    sensitivity = 5 / 8
    precision = 5 / 6
    by_hand = 2 * sensitivity * precision / (sensitivity + precision)
    assert cldice(LINE, MOVED) == pytest.approx(by_hand)


def test_a_missed_thin_vessel_costs_more_than_in_dice() -> None:
    label = np.zeros((40, 60), bool)
    label[5:16, 4:56] = True  # eleven pixels wide
    label[30, 4:56] = True  # one pixel wide
    found = label.copy()
    found[30] = False
    assert dice(label, found) > 0.95
    assert cldice(label, found) < 0.75


def test_two_observers_and_a_thicker_map_as_the_authors_compute_it() -> None:
    sample = load_set("chase_db1", "test")[0]
    second = sample.label2 & sample.fov
    label = sample.label & sample.fov
    assert cldice(label, second) == pytest.approx(of_its_authors(second, label), abs=1e-12)
    thicker = np.roll(label, 1, axis=0) | label
    assert cldice(label, thicker) == pytest.approx(of_its_authors(thicker, label), abs=1e-12)
    assert cldice(label, label) == 1


def test_empty_masks() -> None:
    nothing = np.zeros_like(LINE)
    assert cldice(nothing, nothing) == 1
    assert cldice(LINE, nothing) == 0
    assert cldice(nothing, LINE) == 0
    assert cldice(LINE, LINE[::-1, ::-1] & ~LINE) == 0


def test_evaluated_maps_have_it_by_photograph_and_pooled() -> None:
    items = [
        ("a", LINE, MOVED.astype(np.float32), EVERYWHERE),
        ("b", LINE, LINE.astype(np.float32), EVERYWHERE),
    ]
    found = evaluate_maps(items, 0.5)
    assert found["photographs"]["a"]["cldice"] == cldice(LINE, MOVED)
    assert found["photographs"]["b"]["cldice"] == 1
    sensitivity = (5 + 8) / (8 + 8)  # all centre lines together
    precision = (5 + 8) / (6 + 8)
    by_hand = 2 * sensitivity * precision / (sensitivity + precision)
    assert found["pooled"]["cldice"] == pytest.approx(by_hand)


def test_only_the_field_of_view_counts() -> None:
    fov = EVERYWHERE.copy()
    fov[:, 9:] = False
    spoilt = MOVED.astype(np.float32)
    spoilt[:, 9:] = 1
    found = evaluate_maps([("a", LINE, spoilt, fov)], 0.5)["photographs"]["a"]["cldice"]
    assert found == cldice(LINE, MOVED & fov)
    assert not math.isnan(found)
