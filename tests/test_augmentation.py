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
    jitter,
    merge,
    split,
    warp,
)
from fundus_utils.errors import FundusError
from fundus_utils.evaluation import dice
from fundus_utils.photograph import image_channel
from fundus_utils.synthetic import DrawnEye, draw_eye

NAMES = ("red", "green", "blue", "grey")
UNLIT = replace(Ranges(), contrast=(1, 1), brightness=(0, 0), gamma=(1, 1))  # moves only
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def eye() -> DrawnEye:
    return draw_eye(1, 0, 256)


def random_merged(n_channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, n_channels), np.uint8)
    masks = rng.integers(0, 2, (40, 50, 2), np.uint8) * 255
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
    assert merged.shape[2] == len(channels) + 1 + with_fov
    assert merged.dtype == np.uint8
    image, label_again, fov_again = split(merged, len(channels))
    for i, name in enumerate(channels):
        assert np.array_equal(image[..., i], image_channel(photograph, name))
    assert label_again.dtype == fov_again.dtype == bool
    assert np.array_equal(label_again, label)
    if with_fov:
        assert np.array_equal(fov_again, fov)
    else:
        assert fov_again.all()


def test_the_articles_picture_has_the_label_as_its_third_channel(eye: DrawnEye) -> None:
    merged = merge(eye.photograph, eye.label, channels=("red", "green"))
    assert np.array_equal(merged[..., :2], eye.photograph[..., :2])
    assert np.array_equal(merged[..., 2], eye.label * np.uint8(255))
    assert Image.fromarray(merged).mode == "RGB"


def test_split_cuts_masks_at_half_of_255() -> None:
    values = np.array([[0, 1, 127], [128, 254, 255]], np.uint8)
    above_half = np.array([[False, False, False], [True, True, True]])
    merged = np.stack([values, values, values.T.reshape(2, 3)], axis=2)
    image, label, fov = split(merged)
    assert np.array_equal(image[..., 0], values)
    assert np.array_equal(label, above_half)
    assert fov.tolist() == [[False, True, False], [True, False, True]]  # 0 128 1, 254 127 255


@given(seeds)
@settings(max_examples=40)
def test_label_and_field_stay_two_valued(seed: int) -> None:
    moved = augment(random_merged(), np.random.default_rng(seed))
    assert moved.shape == (40, 50, 3)
    between = (moved[..., 1:] > 0) & (moved[..., 1:] < 255)
    assert between.any(), "nothing was interpolated"
    image, label, fov = split(moved)
    assert image.dtype == np.uint8
    for mask, interpolated in ((label, moved[..., 1]), (fov, moved[..., 2])):
        assert mask.dtype == bool
        assert mask[interpolated > 127.5].all()
        assert not mask[interpolated < 127.5].any()


@given(seeds, st.integers(1, 3))
@settings(max_examples=40)
def test_brightness_changes_leave_label_and_field_alone(seed: int, n_channels: int) -> None:
    merged = random_merged(n_channels)
    wild = replace(STILL, contrast=(0.2, 3), brightness=(-0.5, 0.5), gamma=(0.3, 3))
    lit = augment(merged, np.random.default_rng(seed), wild, n_channels)
    assert np.array_equal(lit[..., n_channels:], merged[..., n_channels:])
    assert not np.array_equal(lit[..., :n_channels], merged[..., :n_channels])
    moved = augment(merged, np.random.default_rng(seed), Ranges(), n_channels)
    affine = draw_affine(np.random.default_rng(seed), Ranges(), (40, 50))
    unlit = warp(merged, affine)
    assert np.array_equal(moved[..., n_channels:], unlit[..., n_channels:])


@pytest.mark.parametrize("n_channels", [1, 2])
def test_noise_is_as_strong_as_drawn_and_leaves_label_and_field_alone(n_channels: int) -> None:
    merged = np.full((200, 200, n_channels + 2), 100, np.uint8)
    merged[..., n_channels:] = random_merged(1)[0, 0, 1]
    noisy = augment(merged, np.random.default_rng(0), replace(STILL, noise=(6, 6)), n_channels)
    assert np.array_equal(noisy[..., n_channels:], merged[..., n_channels:])
    change = noisy[..., :n_channels].astype(float) - 100
    assert abs(change.mean()) < 0.2 and change.std() == pytest.approx(6, rel=0.03)
    if n_channels == 2:
        assert abs(np.corrcoef(change[..., 0].ravel(), change[..., 1].ravel())[0, 1]) < 0.05
    strengths = []
    for seed in range(40):
        drawn = augment(merged, np.random.default_rng(seed), replace(STILL, noise=(0, 8)))
        strengths.append(drawn[..., 0].astype(float).std())
    assert min(strengths) < 2 and max(strengths) > 6 and max(strengths) < 8.5


@pytest.mark.parametrize("value", [0, 255])
def test_noise_stays_within_the_greys(value: int) -> None:
    merged = np.full((50, 50, 3), value, np.uint8)
    noisy = augment(merged, np.random.default_rng(0), replace(STILL, noise=(6, 6)))
    assert abs(noisy[..., 0].astype(int) - value).max() < 40  # none comes out at the other end


IMPOSSIBLE = [
    {"noise": (4, 0)},
    {"noise": (-1, 2)},
    {"scale": (1.2, 0.8)},
    {"scale": (0, 1)},
    {"shear": (0, float("nan"))},
]


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_a_range_that_nothing_can_be_drawn_from_is_refused(wrong: dict) -> None:
    with pytest.raises(FundusError, match="lower end first"):
        replace(Ranges(), **wrong)


def test_noise_changes_nothing_else_of_what_is_drawn() -> None:
    merged = random_merged()
    plain = augment(merged, np.random.default_rng(1))
    hardly = augment(merged, np.random.default_rng(1), replace(Ranges(), noise=(0.001, 0.001)))
    assert np.array_equal(plain, hardly)


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_still_ranges_give_the_picture_back(n_channels: int) -> None:
    merged = random_merged(n_channels)
    assert np.array_equal(augment(merged, np.random.default_rng(5), STILL, n_channels), merged)


def test_same_seed_same_picture_other_seed_another() -> None:
    merged = random_merged()
    first = augment(merged, np.random.default_rng(3))
    again = augment(merged, np.random.default_rng(3))
    other = augment(merged, np.random.default_rng(4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augment_leaves_its_input_alone() -> None:
    merged = random_merged()
    kept = merged.copy()
    augment(merged, np.random.default_rng(0))
    assert np.array_equal(merged, kept)


def test_mirror_comes_in_half_of_the_draws_and_twice_is_the_picture() -> None:
    merged = random_merged()
    mirroring = replace(STILL, mirror=True)
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
        np.random.default_rng(seed),
        ranges,
        source=(300, 200),
        size=(height, width),
        centre=(row, column),
    )
    x = width / 2
    y = height / 2
    assert a * x + b * y + c == pytest.approx(column, abs=1e-6)
    assert d * x + e * y + f == pytest.approx(row, abs=1e-6)


@given(seeds)
def test_scale_and_shear_mean_the_same_at_any_rotation(seed: int) -> None:
    ranges = replace(STILL, rotation=(-180, 180), scale=(2, 2), shear=(10, 10))
    a, b, _, d, e, _ = draw_affine(np.random.default_rng(seed), ranges, (30, 30))
    right = np.array([a, d])  # the result's axes in the source
    down = np.array([b, e])
    assert np.hypot(*right) == pytest.approx(1 / 2)
    assert np.hypot(*down) == pytest.approx(1 / 2)
    cosine = down @ right
    sine = right[0] * down[1] - right[1] * down[0]
    assert math.degrees(math.atan2(cosine, sine)) == pytest.approx(-10)


def test_crop_shows_what_lies_round_its_centre() -> None:
    merged = random_merged()
    crop = augment(merged, np.random.default_rng(0), STILL, size=(10, 20), centre=(15, 30))
    assert np.array_equal(crop, merged[10:20, 20:40])


@pytest.mark.parametrize("seed", range(8))
def test_merged_route_equals_two_separate_transforms(seed: int, eye: DrawnEye) -> None:
    merged = merge(eye.photograph, eye.label, eye.fov)
    affine = draw_affine(np.random.default_rng(seed), UNLIT, eye.label.shape)
    image, label, _ = split(warp(merged, affine))

    # Pillow counts from a pixel's corner, SciPy from its centre, and rows come first there.
    a, b, c, d, e, f = affine
    matrix = np.array([[e, d], [b, a]])
    offset = np.array([f, c]) + (matrix.sum(axis=1) - 1) / 2

    def apart(picture: np.ndarray) -> np.ndarray:
        return ndimage.affine_transform(picture.astype(float), matrix, offset, order=1)

    assert dice(apart(eye.label) >= 0.5, label) > 0.98
    inside = ndimage.binary_erosion(apart(eye.fov) > 0.99, iterations=3)
    difference = np.abs(apart(eye.photograph[..., 1]) - image[..., 0])[inside]
    assert inside.mean() > 0.3
    assert difference.mean() < 1


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
    assert lit.dtype == np.uint8
    assert (np.diff(lit.astype(int)) >= 0).all()


def test_a_label_of_0_and_255_is_merged_as_one_of_false_and_true() -> None:
    photograph = np.zeros((3, 3, 3), np.uint8)
    label = np.eye(3, dtype=bool)
    _, back, _ = split(merge(photograph, label.astype(np.uint8) * 255))
    assert np.array_equal(back, label)
