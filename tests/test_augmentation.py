"""Channel merge: what is merged comes apart again, and what moves, moves together."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from fundus_utils.augmentation import (
    STILL,
    Ranges,
    augment,
    draw_affine,
    image_channel,
    jitter,
    merge,
    split,
    warp,
)
from fundus_utils.evaluation import dice
from fundus_utils.synthetic import DrawnEye, draw_eye

NAMES = ("red", "green", "blue", "grey")
UNLIT = replace(Ranges(), contrast=(1, 1), brightness=(0, 0), gamma=(1, 1))  # moves only
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def eye() -> DrawnEye:
    return draw_eye(1, 0, 256)


def random_merged(seed: int = 0, size: tuple[int, int] = (40, 50), channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, channels), np.uint8)
    masks = rng.integers(0, 2, (*size, 2), np.uint8) * 255
    return np.concatenate([image, masks], axis=2)


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    st.booleans(),
    seeds,
)
def test_split_undoes_merge(
    photograph: np.ndarray, channels: list[str], with_fov: bool, seed: int
) -> None:
    label, fov = np.random.default_rng(seed).random((2, *photograph.shape[:2])) < 0.5
    merged = merge(photograph, label, fov if with_fov else None, channels)
    assert merged.shape[2] == len(channels) + 1 + with_fov and merged.dtype == np.uint8
    image, label_again, fov_again = split(merged, len(channels))
    for i, name in enumerate(channels):
        assert np.array_equal(image[..., i], image_channel(photograph, name))
    assert label_again.dtype == fov_again.dtype == bool
    assert np.array_equal(label_again, label)
    assert fov_again.all() if not with_fov else np.array_equal(fov_again, fov)


def test_the_articles_picture_has_the_label_as_its_third_channel(eye: DrawnEye) -> None:
    merged = merge(eye.photograph, eye.label, channels=("red", "green"))
    assert np.array_equal(merged[..., :2], eye.photograph[..., :2])
    assert np.array_equal(merged[..., 2], eye.label * np.uint8(255))
    assert Image.fromarray(merged).mode == "RGB"


def test_grey_is_pillows_luminance_and_other_names_are_refused(eye: DrawnEye) -> None:
    grey = image_channel(eye.photograph, "grey")
    assert np.array_equal(grey, np.asarray(Image.fromarray(eye.photograph).convert("L")))
    weighted = eye.photograph @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey - weighted).max() <= 1
    with pytest.raises(ValueError, match=r"'gren'.*green"):
        image_channel(eye.photograph, "gren")


@given(seeds)
@settings(max_examples=40)
def test_label_and_field_stay_two_valued(seed: int) -> None:
    moved = augment(random_merged(), np.random.default_rng(seed))
    image, label, fov = split(moved)
    assert moved.shape == (40, 50, 3) and image.dtype == np.uint8
    assert label.dtype == fov.dtype == bool


@given(seeds, st.integers(1, 3))
@settings(max_examples=40)
def test_brightness_changes_leave_label_and_field_alone(seed: int, channels: int) -> None:
    merged = random_merged(channels=channels)
    wild = replace(STILL, contrast=(0.2, 3), brightness=(-0.5, 0.5), gamma=(0.3, 3))
    lit = augment(merged, np.random.default_rng(seed), wild, channels)
    assert np.array_equal(lit[..., channels:], merged[..., channels:])
    assert not np.array_equal(lit[..., :channels], merged[..., :channels])
    moved = augment(merged, np.random.default_rng(seed), Ranges(), channels)
    affine = draw_affine(np.random.default_rng(seed), Ranges(), (40, 50))
    assert np.array_equal(moved[..., channels:], warp(merged, affine)[..., channels:])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_still_ranges_give_the_picture_back(channels: int) -> None:
    merged = random_merged(channels=channels)
    assert np.array_equal(augment(merged, np.random.default_rng(5), STILL, channels), merged)


def test_same_seed_same_picture_other_seed_another() -> None:
    merged = random_merged()
    first, again, other = (augment(merged, np.random.default_rng(s)) for s in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_augment_leaves_its_input_alone() -> None:
    merged = random_merged()
    kept = merged.copy()
    augment(merged, np.random.default_rng(0))
    assert np.array_equal(merged, kept)


def test_mirror_comes_in_half_of_the_draws_and_twice_is_the_picture() -> None:
    merged, mirroring = random_merged(), replace(STILL, mirror=True)
    mirrored = 0
    for seed in range(200):
        affine = draw_affine(np.random.default_rng(seed), mirroring, (40, 50))
        once = warp(merged, affine)
        assert np.array_equal(once, merged if affine[0] > 0 else merged[:, ::-1])
        assert np.array_equal(warp(once, affine), merged)
        mirrored += affine[0] < 0
    assert 70 < mirrored < 130


@given(seeds, st.floats(0, 300), st.floats(0, 200), st.integers(1, 99), st.integers(1, 99))
def test_crop_centre_comes_to_lie_in_the_middle(
    seed: int, row: float, column: float, height: int, width: int
) -> None:
    ranges = replace(Ranges(), shift=(0, 0))
    a, b, c, d, e, f = draw_affine(
        np.random.default_rng(seed), ranges, (300, 200), (height, width), (row, column)
    )
    x, y = width / 2, height / 2
    assert (a * x + b * y + c, d * x + e * y + f) == pytest.approx((column, row), abs=1e-6)


@given(seeds)
def test_scale_and_shear_mean_the_same_at_any_rotation(seed: int) -> None:
    ranges = replace(STILL, rotation=(-180, 180), scale=(2, 2), shear=(10, 10))
    a, b, _, d, e, _ = draw_affine(np.random.default_rng(seed), ranges, (30, 30))
    right, down = np.array([a, d]), np.array([b, e])  # the result's axes in the source
    assert np.hypot(*right) == pytest.approx(1 / 2) and np.hypot(*down) == pytest.approx(1 / 2)
    leaning = math.degrees(math.atan2(down @ right, right[0] * down[1] - right[1] * down[0]))
    assert leaning == pytest.approx(-10)


def test_crop_shows_what_lies_round_its_centre() -> None:
    merged = random_merged()
    crop = augment(merged, np.random.default_rng(0), STILL, size=(10, 20), centre=(15, 30))
    assert np.array_equal(crop, merged[10:20, 20:40])


@pytest.mark.parametrize("seed", range(8))
def test_merged_route_equals_two_separate_transforms(seed: int, eye: DrawnEye) -> None:
    merged = merge(eye.photograph, eye.label, eye.fov)
    a, b, c, d, e, f = affine = draw_affine(np.random.default_rng(seed), UNLIT, eye.label.shape)
    image, label, _ = split(warp(merged, affine))

    # Pillow counts from a pixel's corner, SciPy from its centre, and rows come first there.
    matrix = np.array([[e, d], [b, a]])
    offset = np.array([f, c]) + (matrix.sum(axis=1) - 1) / 2

    def apart(picture: np.ndarray) -> np.ndarray:
        return ndimage.affine_transform(picture.astype(float), matrix, offset, order=1)

    assert dice(apart(eye.label) >= 0.5, label) > 0.98
    inside = ndimage.binary_erosion(apart(eye.fov) > 0.99, iterations=3)
    difference = np.abs(apart(eye.photograph[..., 1]) - image[..., 0])[inside]
    assert inside.mean() > 0.3 and difference.mean() < 1


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_label_stays_on_what_it_labels(seed: int) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(7).normal(size=(128, 128)), 6)
    image = (128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)
    merged = np.stack([image, (image > 128) * np.uint8(255), np.full_like(image, 255)], axis=2)
    moved, label, fov = split(augment(merged, np.random.default_rng(seed), UNLIT))
    assert dice(label[fov], moved[fov][:, 0] > 128) > 0.97


@given(seeds)
def test_jitter_keeps_the_order_of_brightness(seed: int) -> None:
    lit = jitter(np.arange(256, dtype=np.uint8), np.random.default_rng(seed), Ranges())
    assert lit.dtype == np.uint8 and (np.diff(lit.astype(int)) >= 0).all()


def test_a_label_of_0_and_255_is_merged_as_one_of_false_and_true() -> None:
    photograph, label = np.zeros((3, 3, 3), np.uint8), np.eye(3, dtype=bool)
    _, back, _ = split(merge(photograph, label.astype(np.uint8) * 255))
    assert np.array_equal(back, label)
