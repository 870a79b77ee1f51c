"""The drawn photographs: the same on every computer, and vessels such as a real eye has."""

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__
from PIL import Image
from scipy import ndimage
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

from fundus_utils import synthetic
from fundus_utils.crops import EndlessCrops
from fundus_utils.evaluation import dice
from fundus_utils.fov import resize
from fundus_utils.synthetic.growth import grow_branches, grow_trunks, vessel_widths
from fundus_utils.synthetic.ranges import SHARED, draw_traits
from fundus_utils.synthetic.stream import APART, Eyes, draw_merged

SEED = synthetic.SEED
PICTURES = ("photograph", "label", "label2", "fov", "arteries", "veins")
DIGEST = (
    "import hashlib; from fundus_utils.synthetic import draw_eye; eye = draw_eye({}, {}, 256);"
    "print(hashlib.sha256(eye.photograph.tobytes() + eye.label.tobytes()).hexdigest())"
)


@pytest.fixture(scope="module")
def eyes() -> list[synthetic.DrawnEye]:
    return [synthetic.draw_eye(SEED, number) for number in range(12)]


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


def test_both_eyes_of_a_patient_share_traits() -> None:
    left, right, other = (draw_traits(SEED, eye, synthetic.Ranges()) for eye in (0, 1, 2))
    for name in SHARED:
        assert getattr(left, name) == getattr(right, name) != getattr(other, name)
    assert left.side == -right.side and left.angle != right.angle


@pytest.mark.parametrize("size", [256, 512])
def test_label_and_field(size: int) -> None:
    for number in range(4):
        eye = synthetic.draw_eye(SEED, number, size)
        assert eye.photograph.dtype == np.uint8 and eye.photograph.shape == (size, size, 3)
        assert np.array_equal(eye.label, (eye.arteries | eye.veins) & eye.fov)
        assert not (eye.label & ~eye.fov).any() and not eye.photograph[~eye.fov].any()
        assert 0.05 <= eye.label.sum() / eye.fov.sum() <= (0.2 if size == 256 else 0.15)


@pytest.mark.parametrize("size", [256, 1024, pytest.param(2048, marks=pytest.mark.slow)])
def test_the_same_eye_at_every_size(size: int, eyes: list[synthetic.DrawnEye]) -> None:
    eye = synthetic.draw_eye(SEED, 0, size)
    side = (min(size, 512),) * 2
    here, there = (resize(one.label, side) for one in (eyes[0], eye))
    assert dice(here, there) > (0.85 if size > 256 else 0.7)
    here, there = (resize(one.photograph, side)[..., 1].astype(float) for one in (eyes[0], eye))
    inside = resize(eyes[0].fov, side) & (there > 0)
    assert np.corrcoef(here[inside], there[inside])[0, 1] > 0.9


def test_green_shows_vessels_best(eyes: list[synthetic.DrawnEye]) -> None:
    for eye in eyes:
        ring = binary_dilation(eye.label, iterations=6) & eye.fov & ~eye.label
        around, inside = (eye.photograph[mask].astype(float) for mask in (ring, eye.label))
        red, green, _ = 1 - inside.mean(0) / around.mean(0)
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
    macula = replace(synthetic.Ranges(), view=((0.9, 0.0), (1.0, 0.0)), angle=(45, 50))
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
    traits = draw_traits(SEED, 0, synthetic.Ranges())
    rng = np.random.default_rng(0)
    trees = grow_trunks(traits, rng)
    grow_branches(trees, traits, rng)
    tree, widths = trees[0], vessel_widths(trees, traits)[0]
    assert widths.max() == pytest.approx(traits.ratio * traits.vein)
    cubes = np.zeros(len(widths))  # of a node's children
    for node, parent in enumerate(tree.parents):
        assert parent < node  # no loops
        if parent >= 0:
            cubes[parent] += widths[node] ** 3
    own = (widths**3 - cubes) / np.array(tree.feeds)  # what ends at a node, or leaves by twigs
    assert np.ptp(own) < 1e-9 * own.max()


def test_every_place_is_supplied(eyes: list[synthetic.DrawnEye]) -> None:
    traits = draw_traits(SEED, 0, synthetic.Ranges())
    rng = np.random.default_rng(0)
    trees = grow_trunks(traits, rng)
    grow_branches(trees, traits, rng)
    nodes = np.concatenate([tree.nodes[:, :2] for tree in trees])
    places = traits.centre + traits.width / 2 * rng.uniform(-0.7, 0.7, (300, 2))
    places = places[np.hypot(*(places - traits.fovea).T) > 1]
    away = [np.hypot(*(nodes - place).T).min() for place in places]
    assert np.percentile(away, 95) < traits.spacing


def test_lesions_are_the_same_at_every_size() -> None:
    sick, well = replace(synthetic.Ranges(), disease=(1, 1), jpeg=(100, 100)), synthetic.Ranges()
    well = replace(well, jpeg=(100, 100))
    shown = []
    for size in (256, 512):
        pair = [synthetic.draw_eye(SEED, 1, size, ranges).photograph for ranges in (sick, well)]
        apart = np.subtract(*(resize(one, (256, 256)).astype(float) for one in pair))
        shown.append(abs(apart).max(axis=-1) > 12)
    assert shown[0].sum() > 50 and dice(*shown) > 0.6


def test_sick_eyes_have_lesions_and_the_same_vessels(eyes: list[synthetic.DrawnEye]) -> None:
    changed = 0
    for number in range(6):
        sick = synthetic.draw_eye(SEED, number, 512, replace(synthetic.Ranges(), disease=(1, 1)))
        assert np.array_equal(sick.label, eyes[number].label)
        apart = abs(sick.photograph.astype(int) - eyes[number].photograph)
        changed += (apart.max(axis=-1) > 15).sum() > 100
    assert changed >= 3


@pytest.mark.slow
def test_eyes_stream_from_worker_processes() -> None:
    stream = Eyes(SEED, 128, keep=2)
    try:
        first, again = stream[0], draw_merged(APART + SEED, 0, 128, ("green",), synthetic.SICK)
        assert np.array_equal(first, again) and first.shape[-1] == 3
        assert np.array_equal(
            stream[9], draw_merged(APART + SEED, 9, 128, ("green",), synthetic.SICK)
        )
        assert min(stream.made) == 9 - 2 * stream.keep  # old ones have been dropped
    finally:
        stream.close()


@pytest.mark.slow
def test_crops_of_endless_eyes_depend_on_seed_and_number_alone() -> None:
    made = []
    for numbers in ((0, 1, 900), (900, 1, 0)):
        crops = EndlessCrops([], 0.3, 0.1, 32, 5, 1, True, eyes=Eyes(SEED, 128, keep=3))
        with closing(crops):
            found = {i: crops[i] for i in numbers}
        made.append([found[i] for i in (0, 1, 900)])
    for one, other in zip(*made, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_draw_set_writes_every_picture(tmp_path: Path) -> None:
    synthetic.draw_set(tmp_path, count=2, size=256, progress=False)
    for folder in synthetic.FOLDERS:
        paths = sorted((tmp_path / folder).iterdir())
        assert [path.name for path in paths] == ["drawn_01L.png", "drawn_01R.png"]
        with Image.open(paths[1]) as picture:
            assert picture.mode == ("RGB" if folder == "images" else "L")
            values = set(np.unique(np.asarray(picture)).tolist())
        assert picture.size == (256, 256) and (folder == "images" or values == {0, 255})
