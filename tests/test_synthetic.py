"""The drawn photographs: the same on every computer, and vessels such as a real eye has."""

import functools
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__
from PIL import Image
from scipy import ndimage
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

from fundus_utils import synthetic
from fundus_utils.evaluation import dice
from fundus_utils.photograph import resize
from fundus_utils.synthetic import writing
from fundus_utils.synthetic.growth import grow_branches, grow_trunks, tree_widths
from fundus_utils.synthetic.ranges import SHARED, draw_traits

SEED = synthetic.SEED
PICTURES = ("photograph", "label", "label2", "fov", "arteries", "veins")
DIGEST = (
    "import hashlib; from fundus_utils.synthetic import draw_eye; eye = draw_eye({}, {}, 256);"
    "print(hashlib.sha256(eye.photograph.tobytes() + eye.label.tobytes()).hexdigest())"
)


@functools.cache
def eye_of(number: int, size: int = 512) -> synthetic.DrawnEye:
    """Draw an eye once for all tests that only look at it."""
    return synthetic.draw_eye(SEED, number, size)


@pytest.fixture(scope="module")
def eyes() -> list[synthetic.DrawnEye]:
    return [eye_of(number) for number in range(12)]


def test_same_bits_in_any_order(eyes: list[synthetic.DrawnEye]) -> None:
    for number in (5, 0):
        again = synthetic.draw_eye(SEED, number)
        assert again.name == eyes[number].name
        assert all(np.array_equal(getattr(again, p), getattr(eyes[number], p)) for p in PICTURES)


def test_same_bits_in_another_process(capsys: pytest.CaptureFixture[str]) -> None:
    call = DIGEST.format(SEED, 3)
    exec(call, {})
    there = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    assert there.stdout == capsys.readouterr().out


def test_another_processor_draws_the_same_labels(
    eyes: list[synthetic.DrawnEye], tmp_path: Path
) -> None:
    """NumPy computes exponentials and sines with other instructions there: last bits differ."""
    call = (
        "import numpy; from fundus_utils.synthetic import draw_eye\n"
        f"for n in range(4): e = draw_eye({SEED}, n); "
        f"numpy.savez(r'{tmp_path}/' + str(n), photograph=e.photograph, label=e.label,"
        "label2=e.label2, fov=e.fov, arteries=e.arteries, veins=e.veins)"
    )
    older = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512_SKX"}
    call += "\nfrom numpy._core._multiarray_umath import __cpu_features__ as has; print(has)"
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", call],
        env=os.environ | older, check=True, capture_output=True, text=True,
    )  # fmt: skip
    if there.stdout.strip() == str(__cpu_features__):
        pytest.skip("this processor has nothing to switch off")
    for number in range(4):
        there, here = np.load(tmp_path / f"{number}.npz"), eyes[number]
        assert all(np.array_equal(there[p], getattr(here, p)) for p in PICTURES[1:])
        assert abs(there["photograph"].astype(int) - here.photograph).max() <= 1


def test_every_eye_and_seed_differs(eyes: list[synthetic.DrawnEye]) -> None:
    labels = [eye.label for eye in eyes] + [synthetic.draw_eye(SEED + 1, 0).label]
    assert len({label.tobytes() for label in labels}) == len(labels)
    names = [(eye.name, eye.patient) for eye in eyes[1:4]]
    assert names == [("drawn_01R", "01"), ("drawn_02L", "02"), ("drawn_02R", "02")]


def test_a_photograph_alone_is_that_of_the_eye() -> None:
    eye = synthetic.draw_eye(SEED, 5, 256, synthetic.SICK)
    assert np.array_equal(synthetic.draw_photograph(SEED, 5, 256, synthetic.SICK), eye.photograph)


def test_both_eyes_of_a_patient_share_traits() -> None:
    ranges = synthetic.EyeRanges()
    left, right, other = (draw_traits(SEED, eye, ranges) for eye in (0, 1, 2))
    for name in SHARED:
        assert getattr(left, name) == getattr(right, name) != getattr(other, name)
    assert left.side == -right.side and left.angle != right.angle


@pytest.mark.parametrize("size", [256, 512])
def test_label_and_field(size: int) -> None:
    for number in range(4):
        eye = eye_of(number, size)
        assert eye.photograph.dtype == np.uint8 and eye.photograph.shape == (size, size, 3)
        assert not eye.label[~eye.fov].any()
        assert not eye.photograph[~eye.fov].any()
        assert 0.05 <= eye.label.sum() / eye.fov.sum() <= (0.2 if size == 256 else 0.15)


def darkening(eye: synthetic.DrawnEye, mask: np.ndarray) -> float:
    """How much darker green is just inside a mask's edge than just outside, share of its mean."""
    green = eye.photograph[..., 1].astype(float)
    retina = binary_erosion(eye.fov, iterations=6)
    inside = mask & ~binary_erosion(mask) & retina
    outside = binary_dilation(mask, iterations=2) & ~binary_dilation(mask) & retina
    return (green[outside].mean() - green[inside].mean()) / green[retina].mean()


@pytest.mark.parametrize("size", [256, 512])
def test_arteries_and_veins_lie_where_the_photograph_darkens(size: int) -> None:
    for number in range(4):
        eye = eye_of(number, size)
        for tree in (eye.arteries, eye.veins):
            assert not tree[~eye.fov].any()
            assert (tree & eye.label).sum() > 0.3 * eye.label.sum()
            assert eye.label[tree].all()
            for axis in (0, 1):
                for pixels in (-2, 2):
                    beside = np.roll(tree, pixels, axis)
                    assert darkening(eye, tree) > 1.5 * darkening(eye, beside)


@pytest.mark.parametrize("size", [256, 1024, pytest.param(2048, marks=pytest.mark.slow)])
def test_the_same_eye_at_every_size(size: int, eyes: list[synthetic.DrawnEye]) -> None:
    eye = eye_of(0, size)
    side = min(size, 512)
    label = resize(eyes[0].label, (side, side))
    other_label = resize(eye.label, (side, side))
    assert dice(label, other_label) > (0.85 if size > 256 else 0.7)
    green = resize(eyes[0].photograph, (side, side))[..., 1].astype(float)
    other_green = resize(eye.photograph, (side, side))[..., 1].astype(float)
    inside = resize(eyes[0].fov, (side, side)) & (other_green > 0)
    assert np.corrcoef(green[inside], other_green[inside])[0, 1] > 0.9


def test_green_shows_vessels_best(eyes: list[synthetic.DrawnEye]) -> None:
    for eye in eyes:
        ring = binary_dilation(eye.label, iterations=6) & eye.fov & ~eye.label
        around = eye.photograph[ring].mean(axis=0)
        inside = eye.photograph[eye.label].mean(axis=0)
        red, green, _ = 1 - inside / around
        assert green > red


def test_arteries_and_veins_make_no_loops(eyes: list[synthetic.DrawnEye]) -> None:
    """A loop encloses an island; only at the disc, where all begin, may there be some."""
    for eye in eyes[:6]:
        row, column = np.mgrid[:512, :512]
        x, y, radius = eye.disc
        away = np.hypot(column - x, row - y) > 1.6 * radius
        for tree in (eye.arteries, eye.veins):
            islands, _ = ndimage.label(~tree)
            sizes = np.bincount(islands[away & eye.fov], minlength=islands.max() + 1)
            outside = np.unique(islands[~binary_erosion(eye.fov, iterations=3) & ~tree])
            sizes[[0, sizes.argmax(), *outside]] = 0
            assert (sizes > 30).sum() <= 1


def test_centre_lines_lie_in_the_vessels(eyes: list[synthetic.DrawnEye]) -> None:
    for eye in eyes[:4]:
        wide = eye.widths > 2
        assert wide.sum() > 300 and eye.label[wide].mean() > 0.95
        x, y, radius = eye.disc
        assert 20 < radius < 70
        if radius < min(x, y) and max(x, y) < 512 - radius:
            green = eye.photograph[..., 1].astype(float)
            assert green[int(y), int(x)] > np.median(green[eye.fov])


def test_disc_lies_on_the_nasal_side() -> None:
    macula = replace(synthetic.EyeRanges(), view=((0.9, 0.0), (1.0, 0.0)), angle=(45, 50))
    for number in range(6):
        eye = synthetic.draw_eye(SEED, number, 256, macula)
        column, row, _ = map(int, eye.disc)
        assert (column > 128) == eye.name.endswith("R")
        bright = gaussian_filter(eye.photograph[..., 1].astype(float), 3)
        assert bright[row, column] > bright[row, 255 - column]


def test_observers_differ_as_people_do(eyes: list[synthetic.DrawnEye]) -> None:
    agreement = [dice(eye.label, eye.label2) for eye in eyes]
    assert 0.75 <= np.mean(agreement) <= 0.82


def test_a_parent_is_as_wide_as_murray_says() -> None:
    traits = draw_traits(SEED, 0, synthetic.EyeRanges())
    rng = np.random.default_rng(0)
    trees = grow_trunks(traits, rng)
    grow_branches(trees, traits, rng)
    tree = trees[0]
    widths, _ = tree_widths(trees, traits)
    assert widths.max() == pytest.approx(traits.ratio * traits.vein)
    cubes = np.zeros(len(widths))  # of a node's children
    for node, parent in enumerate(tree.parents):
        assert parent < node  # no loops
        if parent >= 0:
            cubes[parent] += widths[node] ** 3
    own = (widths**3 - cubes) / np.array(tree.feeds)  # what ends at a node, or leaves by twigs
    assert np.ptp(own) < 1e-9 * own.max()


def test_every_place_is_supplied(eyes: list[synthetic.DrawnEye]) -> None:
    traits = draw_traits(SEED, 0, synthetic.EyeRanges())
    rng = np.random.default_rng(0)
    trees = grow_trunks(traits, rng)
    grow_branches(trees, traits, rng)
    nodes = np.concatenate([tree.nodes[:, :2] for tree in trees])
    places = traits.centre + traits.width / 2 * rng.uniform(-0.7, 0.7, (300, 2))
    places = places[np.hypot(*(places - traits.fovea).T) > 1]
    away = [np.hypot(*(nodes - place).T).min() for place in places]
    assert np.percentile(away, 95) < traits.spacing


def test_lesions_are_the_same_at_every_size() -> None:
    well = replace(synthetic.EyeRanges(), jpeg=(100, 100))
    sick = replace(well, disease=(1, 1))
    shown = {}
    for size in (256, 512):
        with_lesions = synthetic.draw_eye(SEED, 1, size, sick).photograph
        without = synthetic.draw_eye(SEED, 1, size, well).photograph
        small = (256, 256)
        apart = resize(with_lesions, small).astype(float) - resize(without, small)
        shown[size] = abs(apart).max(axis=-1) > 12
    assert shown[256].sum() > 50
    assert dice(shown[256], shown[512]) > 0.6


def test_sick_eyes_have_lesions_and_the_same_vessels(eyes: list[synthetic.DrawnEye]) -> None:
    ranges = replace(synthetic.EyeRanges(), disease=(1, 1))
    changed = 0
    for number in range(6):
        sick = synthetic.draw_eye(SEED, number, 512, ranges)
        assert np.array_equal(sick.label, eyes[number].label)
        apart = abs(sick.photograph.astype(int) - eyes[number].photograph)
        changed += (apart.max(axis=-1) > 15).sum() > 100
    assert changed >= 3


def test_draw_set_writes_every_picture(tmp_path: Path) -> None:
    synthetic.draw_set(tmp_path, count=2, size=256, progress=False)
    for folder in synthetic.FOLDERS:
        paths = sorted((tmp_path / folder).iterdir())
        assert [path.name for path in paths] == ["drawn_01L.png", "drawn_01R.png"]
        with Image.open(paths[1]) as picture:
            assert picture.mode == ("RGB" if folder == "images" else "L")
            values = set(np.unique(np.asarray(picture)).tolist())
        assert picture.size == (256, 256) and (folder == "images" or values == {0, 255})


def test_a_drawing_that_is_stopped_begins_no_other_eye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def draw_slowly(seed: int, eye: int, size: int) -> int:
        begun.append(eye)
        time.sleep(0.02)
        return eye

    def stop(drawn: int, folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "draw_eye", draw_slowly)
    monkeypatch.setattr(writing, "_save_pictures", stop)
    with pytest.raises(KeyboardInterrupt):
        synthetic.draw_set(tmp_path)  # with its bar
    assert 1 <= len(begun) < synthetic.COUNT
