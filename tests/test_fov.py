"""The field of view: found whatever surrounds it, measured, and brought to one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_utils.fov import find_fov, fov_diameter, resize, scaled_size


def disc(size: tuple[int, int], centre: tuple[int, int], radius: float) -> np.ndarray:
    return np.hypot(*(np.indices(size) - np.array(centre)[:, None, None])) <= radius


DISC = disc((120, 140), (60, 70), 50)


def photograph_of(fov: np.ndarray, noise: int = 0) -> np.ndarray:
    picture = np.random.default_rng(0).integers(0, noise + 1, (*fov.shape, 3))
    picture[fov] = (200, 100, 40)
    return picture.astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 1, 19])
def test_disc_is_found_in_a_noisy_black_surround(noise: int) -> None:
    fov = find_fov(photograph_of(DISC, noise))
    assert fov.dtype == bool and np.array_equal(fov, DISC)


def test_dark_spots_inside_are_filled_and_bright_specks_outside_are_left_out() -> None:
    photograph = photograph_of(DISC, noise=10)
    photograph[50:70, 60:75] = 0
    photograph[2:5, 2:20] = 255
    assert np.array_equal(find_fov(photograph), DISC)


def test_a_speck_is_no_field_of_view() -> None:
    photograph = np.zeros((600, 600, 3), np.uint8)
    photograph[300:303, 300:303] = 255
    assert find_fov(photograph).all()


@pytest.mark.parametrize("value", [0, 7, 255])
def test_picture_of_one_value_is_all_field_of_view(value: int) -> None:
    assert find_fov(np.full((4, 6, 3), value, np.uint8)).all()


def test_diameter_of_full_clipped_and_empty_discs() -> None:
    clipped = DISC.copy()
    clipped[:25] = clipped[95:] = False
    assert fov_diameter(DISC) == fov_diameter(clipped) == fov_diameter(clipped.T) == 101
    assert fov_diameter(np.ones((3, 5), bool)) == 5
    assert fov_diameter(np.zeros((3, 5), bool)) == 0


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 900))
def test_scaled_size_keeps_the_aspect_to_half_a_pixel(
    height: int, width: int, diameter: int
) -> None:
    factor = diameter / max(height, width)
    found = scaled_size(np.ones((height, width), bool), diameter)
    assert max(found) == diameter and min(found) >= 1
    for side, before in zip(found, (height, width), strict=True):
        assert side == 1 or abs(side - before * factor) <= 0.5


@pytest.mark.parametrize("diameter", [33, 101, 240])
def test_resized_field_of_view_has_the_diameter(diameter: int) -> None:
    resized = resize(DISC, scaled_size(DISC, diameter))
    assert abs(fov_diameter(resized) - diameter) <= 1


@pytest.mark.parametrize("size", [(20, 30), (61, 70), (240, 280)])
def test_two_values_stay_two_and_colours_stay_colours(size: tuple[int, int]) -> None:
    mask = resize(DISC, size)
    assert mask.dtype == bool and mask.shape == size
    assert abs(mask.mean() - DISC.mean()) < 0.01
    photograph = resize(photograph_of(DISC), size)
    assert photograph.dtype == np.uint8 and photograph.shape == (*size, 3)
    assert tuple(photograph[size[0] // 2, size[1] // 2]) == (200, 100, 40)


def test_same_size_changes_nothing() -> None:
    photograph = photograph_of(DISC, 20)
    assert np.array_equal(resize(photograph, DISC.shape), photograph)


@pytest.mark.parametrize("size", [(30, 35), (60, 70), (77, 99), (300, 350)])
def test_map_keeps_its_mean_and_its_range(size: tuple[int, int]) -> None:
    y, x = np.indices(DISC.shape) / 20
    probability = (0.5 + 0.5 * np.sin(x) * np.cos(y)).astype(np.float32)
    resized = resize(probability, size)
    assert resized.dtype == np.float32 and resized.shape == size
    assert resized.mean() == pytest.approx(probability.mean(), abs=0.002)
    assert resized.min() >= 0 and resized.max() <= 1
