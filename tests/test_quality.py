"""Whether a photograph is fit to be read: each fault noticed, and a good photograph left alone."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy import ndimage

from fundus_utils import storage
from fundus_utils.data import read_photograph
from fundus_utils.focus import blockiness, doubling, evenness, sharpness
from fundus_utils.photograph import find_fov
from fundus_utils.quality import map_warnings, photograph_warnings, roundness, tree_share
from fundus_utils.synthetic.camera import compressed

NAME = Path("mine.jpg")
CHASE_DB1 = storage.PROJECT / "data" / "CHASE_DB1"
EYES = [CHASE_DB1 / f"Image_{eye}.jpg" for eye in ("03L", "05R", "10L")]


def problems(photograph: np.ndarray) -> str:
    faults = photograph_warnings(NAME, photograph, find_fov(photograph))
    assert all(fault.file == NAME for fault in faults)
    return "; ".join(fault.problem for fault in faults)


@pytest.fixture(scope="module", params=EYES, ids=lambda path: path.stem)
def eye(request: pytest.FixtureRequest) -> np.ndarray:
    return read_photograph(request.param)


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height)))


def test_a_good_photograph_is_left_alone(eye):
    assert problems(eye) == ""
    assert problems(resized(eye, 400, 384)) == ""  # small, but not too small


def test_out_of_focus_is_seen_also_through_grain(eye):
    blurred = ndimage.gaussian_filter(eye, (5, 5, 0))
    assert "out of focus" in problems(blurred)
    grain = np.random.default_rng(0).normal(0, 4, eye.shape)
    assert "out of focus" in problems((blurred + grain).clip(0, 255).astype(np.uint8))


def test_a_little_blur_is_no_fault(eye):
    assert problems(ndimage.gaussian_filter(eye, (1, 1, 0))) == ""


def test_a_photograph_that_was_moved_or_shows_two_is_told_from_one_out_of_focus(eye):
    moved = [ndimage.uniform_filter1d(eye, 18, axis=axis) for axis in (0, 1)]
    aslant = ndimage.rotate(eye, 30, reshape=False, order=1)
    aslant = ndimage.uniform_filter1d(aslant, 18, axis=1)
    twice = eye // 2 + np.roll(eye // 2, (24, 7), axis=(0, 1))
    for one in (*moved, aslant, twice):
        assert problems(one) == "is blurred in one direction, or shows everything twice"
    a_little = ndimage.uniform_filter1d(eye, 3, axis=1)
    assert problems(a_little) == ""


def test_the_blocks_of_a_poor_jpeg_are_seen(eye):
    assert problems(compressed(eye, 70)) == ""
    assert problems(compressed(eye, 12)).startswith("was compressed so hard")


def test_blockiness_by_hand():
    """Steps of 9 at the borders of blocks, and of 1 elsewhere."""
    everywhere = np.ones((64, 64), bool)
    flat = np.full((64, 64, 3), 100, np.uint8)
    assert blockiness(flat, everywhere) == 1  # nothing to be seen
    rows, columns = np.indices((64, 64))
    steps = rows // 8 * 8 + rows + columns // 8 * 8 + columns  # 9 at the borders, 1 elsewhere
    photograph = np.repeat(steps[..., None].astype(np.uint8), 3, axis=-1)
    assert blockiness(photograph, everywhere) == 9
    assert blockiness(photograph, ~everywhere) == 1


def grainy(texture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey photograph of a texture, and a field of view of 512 pixels."""
    rows, columns = np.indices(texture.shape) - 279.5
    values = (128 + 30 * texture / texture.std()).clip(0, 255).astype(np.uint8)
    return np.repeat(values[..., None], 3, axis=-1), np.hypot(rows, columns) < 256


def test_doubling_is_the_correlation_of_two_equal_pictures_laid_over_each_other():
    """a + b, where b is a, moved: half of it comes again at that distance."""
    noise = np.random.default_rng(0).standard_normal((560, 560))
    assert doubling(*grainy(noise)) < 0.1
    for apart in ((20, 0), (0, 20), (-12, 16)):
        assert doubling(*grainy(noise + np.roll(noise, apart, (0, 1)))) == pytest.approx(
            0.5, abs=0.05
        )
    assert doubling(*grainy(noise + np.roll(noise, 70, 0))) < 0.1  # too far apart


def test_a_flat_strip_can_be_asked_for_doubling():
    strip = np.random.default_rng(0).integers(0, 255, (70, 1500, 3), np.uint8)
    assert 0 <= doubling(strip, np.ones(strip.shape[:2], bool)) <= 1


def test_evenness_of_a_texture_that_is_alike_in_all_directions_and_of_one_that_is_not():
    noise = np.random.default_rng(0).standard_normal((560, 560))
    assert evenness(*grainy(noise)) > 0.95
    for axis in (0, 1):
        assert evenness(*grainy(ndimage.uniform_filter1d(noise, 9, axis=axis))) < 0.7


def test_nothing_to_be_seen_is_no_fault_of_sharpness():
    black = np.zeros((64, 64, 3), np.uint8)
    everywhere = np.ones((64, 64), bool)
    assert sharpness(black, everywhere) == 0
    assert evenness(black, everywhere) == 1
    assert doubling(black, everywhere) == 0


def test_sharpness_falls_as_blur_grows_and_does_not_hang_on_the_size(eye):
    fov = find_fov(eye)
    found = [sharpness(ndimage.gaussian_filter(eye, (b, b, 0)), fov) for b in (0, 1, 3, 6)]
    assert found == sorted(found, reverse=True)
    half = resized(eye, eye.shape[1] // 2, eye.shape[0] // 2)
    assert abs(sharpness(half, find_fov(half)) - found[0]) < 0.1


def test_other_faults_are_named_once_each(eye):
    height, width = eye.shape[:2]
    assert problems(eye // 8).startswith("is much too dark")
    assert problems(resized(eye, 200, 192)).startswith("is small: its field of view is 18")
    assert problems(resized(eye, width, height * 3 // 4)).startswith("is squeezed")
    assert "has no round" not in problems(resized(eye, width, height * 3 // 4))
    middle = eye[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    assert problems(middle).startswith("shows no field of view")
    assert problems(eye[..., ::-1]).startswith("is blue where a retina is red")
    assert "has no round field of view" in problems(eye[:, : width // 2])


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((300, 300, 3), np.uint8),
        np.full((300, 300, 3), 255, np.uint8),
        np.full((300, 300, 3), 120, np.uint8),
        np.full((1, 1, 3), 120, np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8),
        skimage.data.astronaut(),
        skimage.data.chelsea(),
        skimage.data.coffee(),
    ],
    ids=["black", "white", "grey", "dot", "noise", "astronaut", "cat", "coffee"],
)
def test_what_is_no_retina_is_not_let_pass(picture):
    assert problems(picture)


def test_two_eyes_in_one_picture_are_seen(eye):
    assert "more than one field of view" in problems(np.concatenate([eye, eye], axis=1))
    written = eye.copy()
    written[:40, :200] = 255  # a name in the corner
    assert problems(written) == ""


def test_roundness_of_shapes_by_hand():
    rows, columns = np.indices((200, 240)) - np.array([100, 120])[:, None, None]
    disc = np.hypot(rows, columns) < 80
    assert roundness(disc) > 0.98
    cut = disc & (np.abs(rows) < 60)  # as cameras cut it at the top and bottom
    assert roundness(cut) > 0.97
    square = (np.abs(rows) < 80) & (np.abs(columns) < 80)
    assert abs(roundness(square) - np.pi / 4) < 0.02


def test_tree_share_by_hand():
    vessels = np.zeros((10, 10), bool)
    assert tree_share(vessels) == 0
    vessels[0, :6] = True
    vessels[1, 6] = vessels[2, 7] = True  # joined at the corners: still one part of 8
    vessels[8, 3:5] = True
    assert tree_share(vessels) == 0.8


def test_a_map_without_a_tree_is_doubted():
    fov = np.ones((100, 100), bool)
    tree = np.zeros((100, 100), bool)
    tree[50:53] = True  # 3 % and 2 % of the picture
    tree[:, 20:22] = True
    assert map_warnings(NAME, tree, fov) == []
    dots = np.zeros((100, 100), bool)
    dots[::4, ::4] = True
    assert "no tree of vessels" in map_warnings(NAME, dots, fov)[0].problem
    assert "hardly a vessel" in map_warnings(NAME, tree & False, fov)[0].problem
    wide = np.zeros((100, 100), bool)
    wide[:20] = True
    assert "too many vessels" in map_warnings(NAME, wide, fov)[0].problem
    nothing = np.zeros((100, 100), bool)
    assert "hardly a vessel" in map_warnings(NAME, nothing, nothing)[0].problem
