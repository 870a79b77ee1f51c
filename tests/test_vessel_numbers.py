"""Clinical numbers of small drawn masks, by hand."""

import numpy as np
import pytest

from fundus_utils.errors import FundusError
from fundus_utils.exploration import fractal_dimension
from fundus_utils.synthetic import draw_eye
from fundus_utils.vessel_numbers import (
    centre_line_length,
    centre_line_segments,
    tortuosity,
    vessel_numbers,
)

SIDE = 301


def band(degrees: float, half_length: float = 100, half_width: float = 1.5) -> np.ndarray:
    """Return a straight vessel through the middle, so many degrees from the rows."""
    row, column = np.indices((SIDE, SIDE)) - SIDE // 2
    angle = np.radians(degrees)
    across = np.abs(np.sin(angle) * column - np.cos(angle) * row)
    along = np.abs(np.cos(angle) * column + np.sin(angle) * row)
    return (across <= half_width) & (along <= half_length)


def ring(radius: float = 80) -> np.ndarray:
    """Return a closed ring, three pixels wide."""
    row, column = np.indices((SIDE, SIDE)) - SIDE // 2
    return np.abs(np.hypot(row, column) - radius) <= 1.5


def arc(degrees: float, radius: float = 80) -> np.ndarray:
    """Return the part of a ring that spans an angle at its middle."""
    row, column = np.indices((SIDE, SIDE)) - SIDE // 2
    return ring(radius) & (np.abs(np.degrees(np.arctan2(row, column))) <= degrees / 2)


def everywhere(mask: np.ndarray) -> np.ndarray:
    return np.ones_like(mask)


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_a_straight_vessel_is_straight_in_every_direction(degrees: int) -> None:
    assert 1 <= tortuosity(band(degrees)) < 1.005


@pytest.mark.parametrize("degrees", [60, 120, 180])
def test_an_arc_is_longer_than_its_chord_by_what_geometry_says(degrees: int) -> None:
    half = np.radians(degrees) / 2
    assert tortuosity(arc(degrees)) == pytest.approx(half / np.sin(half), rel=0.02)


def test_a_longer_segment_weighs_more() -> None:
    straight = band(0, half_length=40)
    bent = arc(180)
    both = np.concatenate([straight, bent])
    assert tortuosity(both) == pytest.approx(tortuosity(bent))
    three = np.concatenate([band(0), band(0), bent])
    assert tortuosity(three) == pytest.approx(tortuosity(straight), abs=0.005)


def test_a_gap_makes_a_winding_vessel_straighter() -> None:
    whole = arc(180)
    broken = whole.copy()
    broken[145:156] = False
    assert tortuosity(broken) < tortuosity(whole) - 0.3


def test_short_segments_are_left_out() -> None:
    assert np.isnan(tortuosity(band(0, half_length=8)))
    assert tortuosity(band(0, half_length=8), shortest=10) == pytest.approx(1, abs=0.005)


def test_a_segment_needs_two_ends() -> None:
    with pytest.raises(FundusError, match="no ends"):
        tortuosity(band(0), shortest=1)


def test_a_fork_parts_three_segments_that_run_from_end_to_end() -> None:
    lines = np.zeros((60, 60), bool)
    lines[30, 5:55] = True
    lines[5:30, 30] = True
    found = list(centre_line_segments(lines))
    assert len(found) == 3
    for pixels in found:
        steps = np.abs(np.diff(pixels, axis=0)).max(axis=1)
        assert (steps == 1).all()  # each touches the one before
        assert 20 <= len(pixels) <= 26


def test_a_closed_ring_has_a_length_and_no_segment() -> None:
    assert list(centre_line_segments(ring())) == []
    assert np.isnan(tortuosity(ring()))
    assert centre_line_length(ring()) == pytest.approx(2 * np.pi * 80, rel=0.02)


def test_lengths_are_right_on_average_over_directions() -> None:
    found = [centre_line_length(band(degrees)) for degrees in range(0, 180, 5)]
    assert np.mean(found) == pytest.approx(200, rel=0.02)
    assert min(found) > 0.92 * 200
    assert max(found) < 1.05 * 200


def test_a_straight_vessel_has_the_numbers_of_its_drawing() -> None:
    mask = np.zeros((100, 200), bool)
    mask[50:55, 20:180] = True
    found = vessel_numbers(mask, everywhere(mask))
    assert found["density"] == 5 * 160 / mask.size
    assert found["width"] == 5
    assert found["length"] == pytest.approx(156, rel=0.06)  # an upright line reads 5 % too short
    assert found["tortuosity"] == pytest.approx(1, abs=0.001)
    assert found["dimension"] == fractal_dimension(mask)


def test_what_lies_outside_the_field_of_view_does_not_count() -> None:
    eye = draw_eye(seed=0, eye=0, size=320)
    spoiled = eye.label | ~eye.fov
    assert vessel_numbers(spoiled, eye.fov) == vessel_numbers(eye.label, eye.fov)


def test_nothing_has_no_width() -> None:
    empty = np.zeros((50, 50), bool)
    found = vessel_numbers(empty, everywhere(empty))
    assert (found["density"], found["length"]) == (0, 0)
    assert all(np.isnan(found[name]) for name in ("width", "dimension", "tortuosity"))
    assert np.isnan(vessel_numbers(empty, empty)["density"])
