"""The field of view: found whatever surrounds it, measured, and brought to one scale."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fundus_utils.errors import FundusError
from fundus_utils.photograph import (
    Sample,
    diameter_of,
    find_fov,
    image_channel,
    lit_pixels,
    pad_to_multiple,
    rescale,
    resize,
    scaled_size,
)

ROWS, COLUMNS = np.indices((120, 140))
DISC = np.hypot(ROWS - 60, COLUMNS - 70) <= 50


def photograph_of(fov: np.ndarray, noise: int) -> np.ndarray:
    picture = np.random.default_rng(0).integers(0, noise + 1, (*fov.shape, 3))
    picture[fov] = (200, 100, 40)
    return picture.astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 1, 19])
def test_disc_is_found_in_a_noisy_black_surround(noise: int) -> None:
    fov = find_fov(photograph_of(DISC, noise))
    assert fov.dtype == bool
    assert np.array_equal(fov, DISC)


def test_dark_spots_inside_are_filled_and_bright_specks_outside_are_left_out() -> None:
    photograph = photograph_of(DISC, noise=10)
    photograph[50:70, 60:75] = 0
    photograph[2:5, 2:20] = 255
    assert np.array_equal(find_fov(photograph), DISC)


def test_a_disc_without_red_is_found_in_the_brightest_channel() -> None:
    rows, columns = np.ogrid[:90, :100]
    disc = (rows - 45) ** 2 + (columns - 50) ** 2 < 30**2
    green = np.zeros((90, 100, 3), np.uint8)
    green[disc, 1] = 120
    assert np.array_equal(find_fov(green), disc)


def test_a_small_disc_in_a_large_black_picture_is_found() -> None:
    rows, columns = np.ogrid[:300, :400]
    disc = (rows - 100) ** 2 + (columns - 300) ** 2 < 30**2  # 2 % of the picture, as of a phone
    photograph = np.where(disc[..., None], np.uint8([120, 80, 40]), np.uint8(0))
    assert np.array_equal(find_fov(photograph), disc)


def test_a_speck_is_no_field_of_view() -> None:
    photograph = np.zeros((600, 600, 3), np.uint8)
    photograph[300:303, 300:303] = 255
    assert find_fov(photograph).all()


@pytest.mark.parametrize("value", [0, 7, 255])
def test_picture_of_one_value_is_all_field_of_view(value: int) -> None:
    assert find_fov(np.full((4, 6, 3), value, np.uint8)).all()


def test_lit_is_what_lies_above_a_tenth_of_the_brightest_red() -> None:
    photograph = np.zeros((2, 3, 3), np.uint8)
    photograph[..., 0] = [[200, 21, 20], [19, 0, 100]]
    photograph[..., 1:] = 255  # green and blue do not count
    lit = lit_pixels(photograph)
    assert lit.dtype == bool
    assert lit.tolist() == [[True, True, False], [False, False, True]]


def test_green_stands_for_red_where_there_is_none() -> None:
    photograph = np.zeros((2, 3, 3), np.uint8)
    photograph[..., 1] = [[90, 10, 9], [8, 0, 50]]
    assert lit_pixels(photograph).tolist() == [[True, True, False], [False, False, True]]


def test_diameter_of_full_clipped_and_empty_discs() -> None:
    clipped = DISC.copy()
    clipped[:25] = False
    clipped[95:] = False
    assert diameter_of(DISC) == 101
    assert diameter_of(clipped) == 101
    assert diameter_of(clipped.T) == 101
    assert diameter_of(np.ones((3, 5), bool)) == 5
    assert diameter_of(np.zeros((3, 5), bool)) == 0


def test_channels_are_those_of_their_names() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    for index, name in enumerate(("red", "green", "blue")):
        assert np.array_equal(image_channel(photograph, name), photograph[..., index])


def test_grey_is_pillows_luminance_and_other_names_are_refused() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    grey = image_channel(photograph, "grey")
    assert np.array_equal(grey, np.asarray(Image.fromarray(photograph).convert("L")))
    weighted = photograph @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey - weighted).max() <= 1
    with pytest.raises(ValueError, match=r"'gren'.*green"):
        image_channel(photograph, "gren")


# Scale


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 900))
def test_scaled_size_keeps_the_aspect_to_half_a_pixel(
    height: int, width: int, diameter: int
) -> None:
    factor = diameter / max(height, width)
    found = scaled_size(np.ones((height, width), bool), diameter)
    assert max(found) == diameter
    assert min(found) >= 1
    for side, before in zip(found, (height, width), strict=True):
        assert side == 1 or abs(side - before * factor) <= 0.5


@pytest.mark.parametrize("diameter", [33, 101, 240])
def test_resized_field_of_view_has_the_diameter(diameter: int) -> None:
    resized = resize(DISC, scaled_size(DISC, diameter))
    assert abs(diameter_of(resized) - diameter) <= 1


@pytest.mark.parametrize("size", [(20, 30), (61, 70), (240, 280)])
def test_two_values_stay_two_and_colours_stay_colours(size: tuple[int, int]) -> None:
    mask = resize(DISC, size)
    assert mask.dtype == bool
    assert mask.shape == size
    assert abs(mask.mean() - DISC.mean()) < 0.01
    photograph = resize(photograph_of(DISC, noise=0), size)
    assert photograph.dtype == np.uint8
    assert photograph.shape == (*size, 3)
    assert tuple(photograph[size[0] // 2, size[1] // 2]) == (200, 100, 40)


def test_a_mask_is_cut_at_one_half() -> None:
    left = np.zeros((4, 40), bool)
    left[:, :22] = True  # of the third of four new pixels, two tenths are covered
    assert resize(left, (1, 4)).tolist() == [[True, True, False, False]]
    left[:, :28] = True  # eight tenths
    assert resize(left, (1, 4)).tolist() == [[True, True, True, False]]


def test_same_size_changes_nothing() -> None:
    photograph = photograph_of(DISC, noise=19)
    assert np.array_equal(resize(photograph, DISC.shape), photograph)


@pytest.mark.parametrize("size", [(30, 35), (60, 70), (77, 99), (300, 350)])
def test_map_keeps_its_mean_and_its_range(size: tuple[int, int]) -> None:
    waves = np.sin(COLUMNS / 20) * np.cos(ROWS / 20)
    probability = (0.5 + 0.5 * waves).astype(np.float32)
    resized = resize(probability, size)
    assert resized.dtype == np.float32
    assert resized.shape == size
    assert resized.mean() == pytest.approx(probability.mean(), abs=0.002)
    assert resized.min() >= 0
    assert resized.max() <= 1


def test_all_of_a_sample_comes_to_one_size() -> None:
    sample = Sample(
        name="eye",
        patient="eye",
        photograph=photograph_of(DISC, noise=0),
        label=DISC & (COLUMNS > 70),
        fov=DISC,
    )
    small = rescale(sample, 51)
    size = scaled_size(DISC, 51)
    assert small.photograph.shape == (*size, 3)
    assert small.label.shape == small.fov.shape == size
    assert small.label2 is None
    assert small.name == sample.name
    assert np.array_equal(small.label, resize(sample.label, size))
    seconds = rescale(replace(sample, label=None, label2=sample.label), 51)
    assert seconds.label is None
    assert np.array_equal(seconds.label2, small.label)


# A field of view that cannot be


def test_a_field_of_view_of_one_pixel_is_refused() -> None:
    fov = np.zeros((960, 999), bool)
    fov[400, 500] = True
    with pytest.raises(FundusError, match=r"1 pixels across in a picture of 999x960.*mask"):
        scaled_size(fov, 540)


def test_a_small_but_real_eye_is_scaled() -> None:
    rows, columns = np.indices((1000, 1000))
    fov = np.hypot(rows - 500, columns - 500) <= 50
    assert diameter_of(fov) == 101
    assert scaled_size(fov, 540) == (round(1000 * 540 / 101),) * 2


# Padding


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (16, 32), (33, 17)])
@pytest.mark.parametrize("reflect", [True, False])
def test_padding_reaches_the_next_multiple_and_keeps_the_image(
    shape: tuple[int, int], reflect: bool
) -> None:
    image = np.random.default_rng(0).random((*shape, 2)).astype(np.float32)
    padded = pad_to_multiple(image, 16, reflect)
    for side, before in zip(padded.shape[:2], shape, strict=True):
        assert side % 16 == 0
        assert 0 <= side - before < 16
    assert np.array_equal(padded[: shape[0], : shape[1]], image)


def test_padding_by_hand() -> None:
    row = np.array([[1, 2, 3]])
    assert pad_to_multiple(row, 5)[0].tolist() == [1, 2, 3, 3, 2]
    assert pad_to_multiple(row, 5, reflect=False)[0].tolist() == [1, 2, 3, 0, 0]
