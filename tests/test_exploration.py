"""What is measured before any training: contrast, widths and dark lines of drawn pictures."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fundus_utils.errors import FundusError
from fundus_utils.exploration import (
    Contrast,
    branching_angles,
    describe,
    fractal_dimension,
    local_darkness,
    ring_around,
    vessel_contrast,
    vessel_share,
    vessel_widths,
)
from fundus_utils.photograph import Sample
from fundus_utils.synthetic import draw_eye

EVERYWHERE = np.ones((41, 41), bool)


def line(width: int, size: int = 41) -> np.ndarray:
    label = np.zeros((size, size), bool)
    label[:, size // 2 - width // 2 : size // 2 - width // 2 + width] = True
    return label


def scene(left: int, vessel: int, right: int) -> np.ndarray:
    """Return a photograph whose green channel has a vessel between two backgrounds."""
    photograph = np.zeros((41, 41, 3), np.uint8)
    photograph[:, :20, 1], photograph[:, 20:, 1] = left, right
    photograph[line(1), 1] = vessel
    return photograph


def test_ring_lies_round_the_vessel_and_inside_the_field() -> None:
    label = np.zeros((41, 41), bool)
    label[20, 20] = True
    distance = np.hypot(*(np.indices(label.shape) - 20))
    assert np.array_equal(ring_around(label, EVERYWHERE), (distance <= 6) & (distance > 0))
    half = np.indices(label.shape)[1] > 18
    assert np.array_equal(ring_around(label, half, 3), (distance <= 3) & (distance > 0) & half)
    assert not (ring_around(line(5), EVERYWHERE) & line(5)).any()


def test_contrast_by_hand() -> None:
    # Rows of 120 and 140 take turns: mean 130, and every pixel is 10 from the mean nearby.
    photograph = scene(120, 100, 120)
    photograph[::2, :, 1] = np.where(line(1)[::2], 100, 140)
    found = vessel_contrast(photograph, line(1), EVERYWHERE, "green")
    assert found.difference == pytest.approx(30, abs=0.5)
    assert found.noise == pytest.approx(10, abs=0.2)
    assert found.to_noise == found.difference / found.noise


def test_slow_changes_of_brightness_are_no_noise() -> None:
    photograph = scene(0, 0, 0)
    photograph[..., 1] = np.arange(100, 141)[:, None]  # one grey level a row
    found = vessel_contrast(photograph, line(1), EVERYWHERE, "green")
    spread = photograph[..., 1][ring_around(line(1), EVERYWHERE)].std()
    assert found.difference == pytest.approx(0, abs=1e-9)
    assert found.noise < spread / 2


def test_brighter_vessels_have_a_negative_contrast() -> None:
    found = vessel_contrast(scene(100, 150, 100), line(1), EVERYWHERE, "green")
    assert found.difference == pytest.approx(-50)
    assert found.noise < 1e-9
    assert found.to_noise == 0
    assert vessel_contrast(scene(100, 150, 100), line(1), EVERYWHERE, "red") == Contrast(0, 0)


def test_far_away_and_outside_do_not_count() -> None:
    photograph = scene(130, 100, 130)
    fov = EVERYWHERE.copy()
    photograph[:, :10] = photograph[:, 31:] = photograph[:12] = 255
    fov[:12] = False
    found = vessel_contrast(photograph, line(1), fov, "green")
    assert found.difference == 30
    assert found.noise < 1e-9


def test_drawn_eye_shows_its_vessels_best_in_green() -> None:
    eye = draw_eye(1, 0, 256)
    found = {
        name: vessel_contrast(eye.photograph, eye.label, eye.fov, name).difference
        for name in ("red", "green", "blue", "grey")
    }
    assert max(found, key=found.__getitem__) == "green"
    assert found["green"] > 5


@pytest.mark.parametrize("width", [1, 3, 5, 9])
@pytest.mark.parametrize("diagonal", [False, True])
def test_width_of_a_drawn_line(width: int, diagonal: bool) -> None:
    label = line(width, 101)
    if diagonal:
        y, x = np.indices(label.shape)
        label = np.abs(y - x) / math.sqrt(2) <= width / 2
    widths = vessel_widths(label)
    assert abs(np.median(widths) - width) <= 1
    assert widths.min() >= 1


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_width_of_a_vessel_at_the_pictures_border(side: str) -> None:
    label = np.zeros((80, 80), bool)
    if side in ("left", "top"):
        label[:, :10] = True
    else:
        label[:, -10:] = True
    if side in ("top", "bottom"):
        label = label.T
    assert np.median(vessel_widths(label)) == 10


def test_no_vessel_has_no_width() -> None:
    assert vessel_widths(np.zeros((9, 9), bool)).size == 0


def test_share_counts_the_field_of_view_alone() -> None:
    fov = EVERYWHERE.copy()
    fov[:, 30:] = False
    sample = Sample(
        name="a",
        patient="a",
        photograph=scene(1, 2, 3),
        label=line(3),
        fov=fov,
    )
    assert vessel_share(sample) == pytest.approx(3 / 30)
    assert math.isnan(vessel_share(replace(sample, label=None)))


def test_dark_line_stands_out_of_an_uneven_background() -> None:
    background = (80 + 2 * np.indices((81, 81))[1]).astype(np.uint8)
    image = background - 30 * line(5, 81).astype(np.uint8)
    fov = np.ones((81, 81), bool)
    fov[:10] = False
    dark = local_darkness(image, fov)
    assert dark.shape == image.shape
    assert (dark[:10] == 0).all()
    assert dark[fov & line(5, 81)].min() >= 20 / 255  # 30 less the rise of the light across it
    beside = ~line(5, 81)
    assert not dark[:, 12:-12][beside[:, 12:-12]].any()  # none of the rise itself
    even = np.full((30, 30), 90, np.uint8)
    assert local_darkness(even, np.ones((30, 30), bool)).max() == 0


def test_bright_line_is_no_dark_line() -> None:
    image = np.full((41, 41), 100, np.uint8) + 50 * line(3).astype(np.uint8)
    assert local_darkness(image, EVERYWHERE).max() == 0


def star(*degrees: float, width: int = 3) -> np.ndarray:
    """Return a label of straight vessels from the middle, in these directions."""
    picture = Image.new("L", (121, 121))
    for angle in np.radians(degrees):
        end = 60 + 70 * np.cos(angle), 60 + 70 * np.sin(angle)
        ImageDraw.Draw(picture).line([(60, 60), end], fill=1, width=width)
    return np.asarray(picture) > 0


@pytest.mark.parametrize("between", [70, 90, 110])
def test_angle_of_a_fork(between: float) -> None:
    found = branching_angles(star(180, between / 2, -between / 2))
    assert len(found) == 1
    assert abs(found[0] - between) < 12


@pytest.mark.parametrize("between", [45, 60, 90])
def test_a_crossing_is_no_fork(between: float) -> None:
    crossing = star(20, 200, 20 + between, 200 + between)
    assert len(branching_angles(crossing)) == 0
    assert len(branching_angles(star(0, 180))) == 0


def test_dimension_of_a_line_and_of_a_plane() -> None:
    assert fractal_dimension(line(1, 256)) == pytest.approx(1, abs=0.05)
    dense = np.zeros((256, 256), bool)
    dense[::2] = True
    assert fractal_dimension(dense) == pytest.approx(2, abs=0.05)


def test_an_empty_label_has_no_dimension_and_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(fractal_dimension(np.zeros((64, 64), bool)))


def test_what_drawn_and_real_photographs_are_compared_by() -> None:
    eye = draw_eye(0, 0, 384)
    sample = Sample(
        name=eye.name,
        patient=eye.patient,
        photograph=eye.photograph,
        label=eye.label,
        fov=eye.fov,
    )
    found = describe(sample)
    assert 0.04 < found["share"] < 0.2
    assert 1 < found["width"] < 6
    assert 40 < found["angle"] < 110
    assert found["green"] > 0
    assert 1 < found["dimension"] < 1.5
    assert found["share"] == vessel_share(sample)
    assert found["brightness"] == eye.photograph[eye.fov, 1].mean()
    with pytest.raises(FundusError, match=r"drawn_01L.*empty"):
        describe(replace(sample, label=np.zeros_like(eye.fov)))
