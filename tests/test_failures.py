"""Where a map fails: widths, rings and places of small drawn masks, by hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_utils.errors import FundusError
from fundus_utils.exploration import vessel_widths
from fundus_utils.failures import (
    errors_by_distance,
    largest_errors,
    sensitivity_by_width,
    shifted_dice,
    width_of_each,
)
from fundus_utils.synthetic import draw_eye


def lines(*columns: tuple[int, int], size: int = 61) -> np.ndarray:
    """Return a label of upright vessels from edge to edge: (first column, width) of each."""
    label = np.zeros((size, size), bool)
    for first, width in columns:
        label[:, first : first + width] = True
    return label


def everywhere(label: np.ndarray) -> np.ndarray:
    return np.ones_like(label)


def nothing(label: np.ndarray) -> np.ndarray:
    return np.zeros_like(label)


# Widths


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("turned", [False, True])
def test_straight_vessel_has_its_width_everywhere(width: int, turned: bool) -> None:
    label = lines((20, width)).T if turned else lines((20, width))
    found = width_of_each(label)
    assert (found[label] == width).all()
    assert np.isnan(found[~label]).all()


@pytest.mark.parametrize("across", [3, 5, 9, 13])
def test_slanting_vessel_has_the_width_across_it(across: int) -> None:
    row, column = np.indices((81, 81))
    label = np.abs(row - column) <= across // 2  # so many pixels of each row, at 45 degrees
    middle = width_of_each(label)[30:-30]
    assert np.nanmin(middle) == pytest.approx(across / np.sqrt(2), abs=0.15)
    assert np.nanmax(middle) == pytest.approx(across / np.sqrt(2), abs=0.15)


def test_each_of_two_vessels_has_its_own_width() -> None:
    label = lines((5, 1), (20, 7))
    found = width_of_each(label)[10:-10]
    assert (found[:, 5] == 1).all()
    assert (found[:, 20:27] == 7).all()


@pytest.mark.parametrize("left", [0, 55])
def test_vessel_at_the_pictures_edge_ends_there(left: int) -> None:
    found = width_of_each(lines((left, 6)))
    assert np.nanmedian(found) == 6


def test_widths_are_those_of_the_centre_lines() -> None:
    label = draw_eye(1, 0, 256).label
    found = width_of_each(label)
    assert np.array_equal(np.isfinite(found), label)
    widest = vessel_widths(label).max()  # on the centre lines, perhaps beside the middle
    assert widest <= np.nanmax(found) <= widest + 1


def test_no_vessel_has_no_width() -> None:
    assert np.isnan(width_of_each(np.zeros((9, 7), bool))).all()


def test_sensitivity_by_width_by_hand() -> None:
    label = lines((5, 1), (20, 3), (40, 5))  # 9 columns of 61
    vessels = lines((21, 2), (40, 5))  # 0 of 1, 2 of 3, 5 of 5
    table = sensitivity_by_width(label, vessels, everywhere(label), edges=(0, 2, 4))
    assert table["from"].tolist() == [0, 2, 4]
    assert table["to"].tolist() == [2, 4, np.inf]
    assert table["pixels"].tolist() == [61, 183, 305]
    assert table["share"].tolist() == pytest.approx([1 / 9, 3 / 9, 5 / 9])
    assert table["sensitivity"].tolist() == pytest.approx([0, 2 / 3, 1])
    assert table["missed"].tolist() == pytest.approx([1 / 2, 1 / 2, 0])


def test_width_on_an_edge_belongs_to_the_upper_class() -> None:
    label = lines((20, 3))
    label[:2] = label[-2:] = False
    fov = everywhere(label)
    fov[:6] = fov[-6:] = False
    table = sensitivity_by_width(label, label, fov, edges=(0, 3, 4))
    assert table["pixels"].tolist() == [0, 3 * 49, 0]


def test_widths_count_inside_the_field_of_view_and_are_not_cut_by_it() -> None:
    label = lines((20, 5))
    fov = everywhere(label)
    fov[:, 21:] = False  # one column of five is left
    fov[:5] = fov[-5:] = False
    table = sensitivity_by_width(label, nothing(label), fov, edges=(0, 4))
    assert table["pixels"].tolist() == [0, 51]
    assert table["sensitivity"][1] == 0


def test_classes_without_pixels_are_nan_and_give_no_warning() -> None:
    label = lines((20, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = sensitivity_by_width(label, label, everywhere(label), edges=(0, 1.5, 10))
        assert table["sensitivity"].isna().tolist() == [True, False, True]
        assert table["missed"].isna().all()  # nothing is missed at all
        empty = sensitivity_by_width(nothing(label), label, everywhere(label), edges=(0, 3))
        assert empty["share"].isna().all()


@pytest.mark.parametrize("edges", [(), (1, 2), (0, 3, 3), (0, 4, 2)])
@pytest.mark.parametrize("table", [sensitivity_by_width, errors_by_distance])
def test_edges_that_do_not_rise_from_0_are_refused(table, edges) -> None:
    label = lines((20, 3))
    with pytest.raises(FundusError, match="do not rise from 0"):
        table(label, label, everywhere(label), edges)


# Rings


def test_rings_by_hand() -> None:
    # A field of view of 5x5 inside 7x7: 16 pixels at distance 1, 8 at 2, 1 at 3.
    fov = np.zeros((7, 7), bool)
    fov[1:6, 1:6] = True
    label = np.zeros((7, 7), bool)
    label[1, 1:5] = True  # at distance 1, none found: 4 missed
    label[3, 3] = True  # the middle, found
    vessels = np.zeros((7, 7), bool)
    vessels[3] = True  # of the row inside: 2 at distance 1 and 2 at distance 2 are false
    table = errors_by_distance(label, vessels, fov, edges=(0, 2, 3))
    assert table["from"].tolist() == [0, 2, 3]
    assert table["to"].tolist() == [2, 3, np.inf]
    assert table["pixels"].tolist() == [16, 8, 1]
    assert table["false_positives"].tolist() == [2, 2, 0]
    assert table["false_negatives"].tolist() == [4, 0, 0]
    assert table["false_positive_share"].tolist() == [2 / 16, 2 / 8, 0]
    assert table["false_negative_share"].tolist() == [4 / 16, 0, 0]


def test_pictures_edge_is_a_border() -> None:
    label = np.zeros((5, 5), bool)
    table = errors_by_distance(label, ~label, everywhere(label), edges=(0, 1, 2, 3, 9))
    assert table["pixels"].tolist() == [0, 16, 8, 1, 0]
    assert table["false_positives"].tolist() == [0, 16, 8, 1, 0]
    assert table["false_positive_share"].isna().tolist() == [True, False, False, False, True]


def test_rings_round_a_place_by_hand() -> None:
    label = np.zeros((5, 7), bool)
    label[1, 2] = True  # the place itself, found
    label[1, 4] = True  # at distance 2, missed
    vessels = np.zeros((5, 7), bool)
    vessels[1, 2] = True
    vessels[4, 2] = True  # at distance 3, false
    table = errors_by_distance(label, vessels, everywhere(label), (0, 1, 2, 3), centre=(1, 2))
    assert table["pixels"].tolist() == [1, 8, 11, 15]
    assert table["false_positives"].tolist() == [0, 0, 0, 1]
    assert table["false_negatives"].tolist() == [0, 0, 1, 0]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_rings_hold_every_error_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label, vessels, fov = rng.random((3, 20, 25)) < np.array([0.2, 0.3, 0.9])[:, None, None]
    table = errors_by_distance(label, vessels, fov, edges=(0, 1.2, 2, 5))
    assert table["pixels"].sum() == fov.sum()
    assert table["false_positives"].sum() == (vessels & ~label & fov).sum()
    assert table["false_negatives"].sum() == (label & ~vessels & fov).sum()


# Places


def blocks(*corners: tuple[int, int, int], size: int = 100) -> np.ndarray:
    """Return squares: (row, column) of the upper left corner, and the side."""
    mask = np.zeros((size, size), bool)
    for row, column, side in corners:
        mask[row : row + side, column : column + side] = True
    return mask


def test_largest_errors_come_first() -> None:
    label = blocks((20, 20, 3), (70, 30, 7), (40, 70, 5))
    found = largest_errors(label, nothing(label), everywhere(label), count=2, side=10)
    assert found == [(73, 33), (42, 72)]
    all_of_them = largest_errors(label, nothing(label), everywhere(label), side=10)
    assert all_of_them == [(73, 33), (42, 72), (21, 21)]


def test_missed_and_false_are_told_apart() -> None:
    label = blocks((20, 20, 5))
    vessels = blocks((70, 70, 3))
    assert largest_errors(label, vessels, everywhere(label), "missed", side=10) == [(22, 22)]
    assert largest_errors(label, vessels, everywhere(label), "false", side=10) == [(71, 71)]
    assert largest_errors(label, label, everywhere(label), "missed", side=10) == []
    with pytest.raises(FundusError, match="choose from missed, false"):
        largest_errors(label, vessels, everywhere(label), "wrong")


def test_errors_outside_the_field_of_view_do_not_count() -> None:
    label = blocks((20, 20, 5), (60, 60, 3))
    fov = everywhere(label)
    fov[:30] = False
    assert largest_errors(label, nothing(label), fov, side=10) == [(61, 61)]


def test_pixels_that_touch_by_a_corner_are_one_error() -> None:
    label = np.eye(100, dtype=bool) & blocks((30, 30, 9))
    label |= blocks((80, 10, 2))  # 4 pixels in one piece, fewer than 9 in a slanting row
    found = largest_errors(label, nothing(label), everywhere(label), count=1, side=10)
    assert found == [(34, 34)]


def test_middle_of_a_bent_error_lies_on_it() -> None:
    label = blocks((30, 30, 31)) & ~blocks((31, 31, 30))  # two arms of an angle
    (row, column) = largest_errors(label, nothing(label), everywhere(label), side=10)[0]
    assert label[row, column]


def test_window_at_the_edge_is_moved_into_the_picture() -> None:
    label = blocks((0, 0, 3), (97, 50, 2))
    for side in (20, 21):
        found = largest_errors(label, nothing(label), everywhere(label), side=side)
        assert found[0] == (side // 2, side // 2)
        assert found[1][0] - side // 2 + side == 100
    with pytest.raises(FundusError, match="window of 101 pixels does not fit"):
        largest_errors(label, label, everywhere(label), side=101)


@given(st.integers(0, 2**32 - 1), st.integers(3, 25))
@settings(max_examples=40, deadline=None)
def test_windows_lie_inside_and_apart(seed: int, side: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.random((60, 45)) < 0.1
    places = largest_errors(label, nothing(label), everywhere(label), count=8, side=side)
    shown = np.zeros(label.shape, int)
    for row, column in places:
        top = row - side // 2
        left = column - side // 2
        assert top >= 0 and left >= 0
        shown[top : top + side, left : left + side] += 1
    assert shown.sum() == len(places) * side**2  # none reaches beyond the picture
    assert shown.max() == 1


def test_an_error_that_is_shown_already_makes_room_for_the_next() -> None:
    label = blocks((20, 20, 5), (28, 20, 4), (70, 70, 2))
    found = largest_errors(label, nothing(label), everywhere(label), count=2, side=20)
    assert found == [(22, 22), (70, 70)]


# The ceiling


def test_no_shift_has_a_dice_of_1() -> None:
    assert shifted_dice(draw_eye(1, 0, 128).label, 0, 0) == 1


def test_shifts_of_a_straight_vessel_by_hand() -> None:
    label = lines((20, 3))
    assert shifted_dice(label, 0, 1) == pytest.approx(2 / 3)  # two of three columns lie on it
    assert shifted_dice(label, 0, 0.5) == pytest.approx(2 * 3 / (3 + 4))  # a half is a vessel
    assert shifted_dice(label, 0, -0.5) == pytest.approx(2 * 3 / (3 + 4))
    assert shifted_dice(label, 0, 0.4) == 1  # too little for any pixel
    assert shifted_dice(label, 0, 0.6) == shifted_dice(label, 0, 1)
    assert shifted_dice(label, 2.0, 0) == pytest.approx(2 * 59 / (59 + 61))  # along the vessel


def test_a_small_shift_takes_nothing_away_at_the_edge() -> None:
    label = lines((0, 3))
    assert shifted_dice(label, 0, 0.4) == shifted_dice(label, 0.4, 0) == 1


def test_thin_vessels_suffer_more() -> None:
    thin = shifted_dice(lines((20, 1)), 0, 0.5)
    wide = shifted_dice(lines((20, 9)), 0, 0.5)
    assert thin == pytest.approx(2 / 3)
    assert wide == pytest.approx(18 / 19)
