"""Mistakes in a reader's own photographs and labels: each one is named, and healthy pairs are not.

Real photographs of CHASE_DB1, shrunk to a third for speed; each test breaks copies in one way.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from fundus_utils import doctor
from fundus_utils.__main__ import main
from fundus_utils.data.examination import examine
from fundus_utils.data.faults import Fault
from fundus_utils.data.label_faults import View, agreement, shift_of, shows_vessels
from fundus_utils.data.label_files import examine_label
from fundus_utils.data.own_folder import pairs_by_name
from fundus_utils.data.photograph_faults import field_of, height_to_width
from fundus_utils.storage import PROJECT

CHASE = PROJECT / "data" / "CHASE_DB1"
BROKEN = "Image_01L"  # the pair that a test breaks
HEALTHY = "Image_05R"  # beside it: nothing may be said about it
THIRD = "Image_09L"

Picture = np.ndarray
Pair = tuple[Picture, Picture]  # photograph uint8 (H, W, 3), label bool (H, W)


@cache
def pair_of(name: str) -> Pair:
    photograph = Image.open(CHASE / f"{name}.jpg").reduce(3)
    label = Image.open(CHASE / f"{name}_1stHO.png").convert("L").reduce(3)
    return np.asarray(photograph), np.asarray(label) >= 128


def save(path: Path, picture: Picture) -> Path:
    """Write a picture; a bool array is written as {0, 255}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
    Image.fromarray(np.ascontiguousarray(grey)).save(path, compress_level=1)
    return path


def save_pair(root: Path, name: str, pair: Pair) -> None:
    save(root / "images" / f"{name}.png", pair[0])
    save(root / "labels" / f"{name}.png", pair[1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder of two healthy pairs."""
    for name in (BROKEN, HEALTHY):
        save_pair(tmp_path, name, pair_of(name))
    return tmp_path


def faults_in(root: Path) -> list[Fault]:
    return list(examine(root / "images", root / "labels").faults)


def resized(picture: Picture, width: int, height: int, smooth: bool) -> Picture:
    grey = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
    way = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(grey).resize((width, height), way))


def shrunk_label(label: Picture, width: int, height: int) -> Picture:
    return resized(label, width, height, smooth=False) > 127


def moved(label: Picture, down: int, right: int) -> Picture:
    return ndimage.shift(label.astype(np.uint8), (down, right), order=0).astype(bool)


def brighter(photograph: Picture, factor: float) -> Picture:
    return (photograph * float(factor)).clip(0, 255).astype(np.uint8)


def grey(photograph: Picture) -> Picture:
    return np.asarray(Image.fromarray(photograph).convert("L").convert("RGB"))


def test_healthy_files_as_they_come_are_silent(tmp_path: Path) -> None:
    """In the size and the formats of the project's own set."""
    for folder, pattern in (("images", "{}.jpg"), ("labels", "{}_1stHO.png")):
        (tmp_path / folder).mkdir()
        for name in (BROKEN, THIRD):
            file = CHASE / pattern.format(name)
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    found = examine(tmp_path / "images", tmp_path / "labels")
    assert found.pairs == 2
    (note,) = found.faults  # true: the two names of a pair are not the same
    assert note.note and "Image_01L_1stHO.png for Image_01L.jpg" in note.problem


# How a pair is broken, the folder of the file that is named, and what is said of it.
BREAKS: dict[str, tuple[Callable[[Picture, Picture], Pair], str, str]] = {
    "label resized bilinearly": (
        lambda p, v: (p, resized(shrunk_label(v, 167, 160), 333, 320, smooth=True)),
        "labels",
        "values where two are meant",
    ),
    "label inverted": (lambda p, v: (p, ~v), "labels", "it is inverted"),
    "label black": (lambda p, v: (p, v & False), "labels", "is black throughout"),
    "label white": (lambda p, v: (p, v | True), "labels", "is white throughout"),
    "label smaller": (
        lambda p, v: (p, shrunk_label(v, 300, 288)),
        "labels",
        "is 300x288 pixels, its photograph 333x320",
    ),
    "label turned by a quarter": (lambda p, v: (p, np.rot90(v)), "labels", "is 320x333 pixels"),
    "photograph mirrored": (
        lambda p, v: (p[:, ::-1], v),
        "labels",
        "only when it is mirrored left to right",
    ),
    "photograph upside down": (
        lambda p, v: (p[::-1], v),
        "labels",
        "only when it is mirrored top to bottom",
    ),
    "photograph turned round": (
        lambda p, v: (p[::-1, ::-1], v),
        "labels",
        "only when it is turned by 180 degrees",
    ),
    "square photograph turned": (
        lambda p, v: (np.rot90(p[:, 6:326]), v[:, 6:326]),
        "labels",
        "only when it is turned by 90 degrees to the left",
    ),
    "square label transposed": (
        lambda p, v: (p[:, 6:326], v[:, 6:326].T),
        "labels",
        "only when it is mirrored along the diagonal",
    ),
    "label a little lower": (
        lambda p, v: (p, moved(v, 3, 0)),
        "labels",
        f"lies beside the vessels of {BROKEN}.png: move it 3 px up",
    ),
    "label far off": (
        lambda p, v: (p, moved(v, -20, 50)),
        "labels",
        "move it 20 px down and 50 px to the left",
    ),
    "blue first": (lambda p, v: (p[..., ::-1], v), "images", "in the order blue, green, red"),
    "grey": (lambda p, v: (grey(p), v), "images", "is grey"),
    "no green": (
        lambda p, v: (p * np.array([1, 0, 1], np.uint8), v),
        "images",
        "has an empty green channel",
    ),
    "divided by 255": (lambda p, v: (p // 255, v), "images", "only the values 0 and 1"),
    "dark": (lambda p, v: (brighter(p, 0.1), v), "images", "is much too dark"),
    "bright": (lambda p, v: (brighter(p, 8), v), "images", "is much too bright"),
    "made square": (
        lambda p, v: (resized(p, 333, 333, smooth=True), shrunk_label(v, 333, 333)),
        "images",
        "its round field of view is 1.04 times as high as wide",
    ),
    "made wide": (
        lambda p, v: (resized(p, 333, 240, smooth=True), shrunk_label(v, 333, 240)),
        "images",
        "its round field of view is 0.75 times as high as wide",
    ),
    "cut out of the middle": (
        lambda p, v: (p[80:240, 86:246], v[80:240, 86:246]),
        "images",
        "nothing dark lies round it",
    ),
    "on white": (
        lambda p, v: (np.where(p.max(axis=2, keepdims=True) < 30, 255, p).astype(np.uint8), v),
        "images",
        "nothing dark lies round it",
    ),
    "two eyes": (
        lambda p, v: (np.hstack([p, p[:, ::-1]]), np.hstack([v, v[:, ::-1]])),
        "images",
        "shows more than one field of view",
    ),
    "small": (
        lambda p, v: (resized(p, 60, 58, smooth=True), shrunk_label(v, 60, 58)),
        "images",
        "is 60x58 pixels",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_fault_is_named_once_with_its_file(name: str, root: Path) -> None:
    broken, folder, words = BREAKS[name]
    save_pair(root, BROKEN, broken(*pair_of(BROKEN)))
    (fault,) = faults_in(root)
    assert fault.file == root / folder / f"{BROKEN}.png"
    assert words in fault.problem and not fault.note


def test_what_is_healthy_though_unusual_is_silent(root: Path) -> None:
    photograph, label = pair_of(BROKEN)
    blurred = ndimage.gaussian_filter(photograph, (1, 1, 0))
    noise = np.random.default_rng(0).normal(0, 15, photograph.shape)
    second = Image.open(CHASE / f"{BROKEN}_2ndHO.png").convert("L").reduce(3)
    save_pair(root, "blurred", (blurred, label))
    save_pair(root, "noisy", ((photograph + noise).clip(0, 255).astype(np.uint8), label))
    save_pair(root, "mirrored", (photograph[:, ::-1], label[:, ::-1]))
    save_pair(root, "cut", (photograph[40:287], label[40:287]))
    save_pair(root, "other observer", (brighter(photograph, 0.5), np.asarray(second) >= 128))
    assert faults_in(root) == []


def test_grey_pixels_of_a_label_are_counted(tmp_path: Path) -> None:
    values = np.zeros((4, 5), np.uint8)
    values[1, 1:4] = 255
    values[2, :2] = 90, 200
    (fault,) = examine_label(save(tmp_path / "a.png", values)).faults
    assert fault.problem.startswith("holds 4 values") and "2 pixels (10.0%)" in fault.problem
    cut = examine_label(tmp_path / "a.png").label
    assert cut is not None and cut.tolist() == (values > 127).tolist()


def test_lines_that_vanish_when_a_label_is_shrunk_are_named(tmp_path: Path) -> None:
    label = np.zeros((3000, 3000), bool)
    label[200:2800, 1000] = True
    found = examine_label(save(tmp_path / "a.png", label))
    (fault,) = found.faults
    assert "so thin that most are gone" in fault.problem and found.label is None
    label[200:2800, 996:1006] = True
    assert examine_label(save(tmp_path / "b.png", label)).faults == ()


def test_jpeg_labels_are_told_once(root: Path) -> None:
    for name in (BROKEN, HEALTHY):
        (root / "labels" / f"{name}.png").unlink()
        save(root / "labels" / f"{name}.jpg", pair_of(name)[1])
    *each, folder = faults_in(root)
    assert [fault.file.name for fault in each] == [f"{BROKEN}.jpg", f"{HEALTHY}.jpg"]
    assert folder.file == root / "labels" and "2 JPEG files among 2 labels" in folder.problem


def test_labels_of_0_and_1_are_a_note(root: Path) -> None:
    save(root / "labels" / f"{BROKEN}.png", pair_of(BROKEN)[1].astype(np.uint8))
    (fault,) = faults_in(root)
    assert fault.note and "0 and 1, not 0 and 255, in 1 of 2 labels" in fault.problem


def test_bilevel_and_palette_labels_are_no_note(root: Path) -> None:
    """Other tools read these two as 0 and 255."""
    Image.fromarray(pair_of(BROKEN)[1]).save(root / "labels" / f"{BROKEN}.png")
    palette = Image.fromarray(pair_of(HEALTHY)[1].astype(np.uint8))
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(root / "labels" / f"{HEALTHY}.png")
    assert faults_in(root) == []


def test_mixed_up_labels_are_named_with_the_right_ones(root: Path) -> None:
    names = (BROKEN, HEALTHY, THIRD)
    others = (HEALTHY, THIRD, BROKEN)
    for name, other in zip(names, others, strict=True):
        save_pair(root, name, (pair_of(name)[0], pair_of(other)[1]))
    found = {fault.file.name: fault.problem for fault in faults_in(root)}
    assert set(found) == {f"{name}.png" for name in names}
    for name, place in zip(names, (THIRD, BROKEN, HEALTHY), strict=True):
        assert f"is paired with {name}.png" in found[f"{name}.png"]
        assert f"shows the vessels of {place}.png" in found[f"{name}.png"]


def test_the_right_label_is_found_also_where_it_has_no_photograph(root: Path) -> None:
    save_pair(root, BROKEN, (pair_of(BROKEN)[0], pair_of(THIRD)[1]))
    save(root / "labels" / "spare.png", pair_of(BROKEN)[1])
    lonely, mixed = faults_in(root)
    assert lonely.file.name == "spare.png" and "has no photograph" in lonely.problem
    assert mixed.file.name == f"{BROKEN}.png" and "vessels of spare.png" in mixed.problem


def test_a_label_of_no_photograph_here_is_named(root: Path) -> None:
    save_pair(root, BROKEN, (pair_of(BROKEN)[0], pair_of(THIRD)[1]))
    (fault,) = faults_in(root)
    assert fault.file == root / "images" / f"{BROKEN}.png"
    assert "no dark lines" in fault.problem and "nor where another label" in fault.problem


def test_the_same_photograph_under_two_names(root: Path) -> None:
    save_pair(root, "twin", pair_of(BROKEN))
    (fault,) = faults_in(root)
    assert fault.file.name == "twin.png" and f"same pixels as {BROKEN}.png" in fault.problem


def test_several_pictures_in_one_file(root: Path) -> None:
    photograph = Image.fromarray(pair_of(BROKEN)[0])
    (root / "images" / f"{BROKEN}.png").unlink()
    file = root / "images" / f"{BROKEN}.tif"
    photograph.save(file, save_all=True, append_images=[photograph.reduce(8)])
    (fault,) = faults_in(root)
    assert fault.file == file and "holds 2 pictures" in fault.problem


def test_unreadable_files_do_not_stop_the_others(root: Path) -> None:
    """Cut short, empty, no picture, a folder, a link to itself; and a real fault behind them."""
    images = root / "images"
    whole = (images / f"{BROKEN}.png").read_bytes()
    for name, content in (("a", whole[:5000]), ("b", b""), ("c", b"no picture")):
        (images / f"{name}.png").write_bytes(content)
        save(root / "labels" / f"{name}.png", pair_of(BROKEN)[1])
    (images / "d.png").mkdir()
    (images / "e.png").symlink_to(images / "e.png")
    save(root / "labels" / f"{HEALTHY}.png", ~pair_of(HEALTHY)[1])
    found: dict[str, str] = {}
    for fault in faults_in(root):
        found[fault.file.name] = found.get(fault.file.name, "") + fault.problem
    assert set(found) == {"a.png", "b.png", "c.png", "d.png", "e.png", f"{HEALTHY}.png"}
    assert "truncated" in found["a.png"] and "is empty" in found["b.png"]
    assert "no picture format" in found["c.png"]
    assert "inverted" in found[f"{HEALTHY}.png"]


def test_files_without_a_partner_are_named(root: Path) -> None:
    save(root / "images" / "alone.png", pair_of(THIRD)[0])
    save(root / "labels" / "lonely.png", pair_of(THIRD)[1])
    found = examine(root / "images", root / "labels")
    assert found.pairs == 2
    assert [(fault.file.name, fault.problem) for fault in found.faults] == [
        ("alone.png", "has no label"),
        ("lonely.png", "has no photograph"),
    ]


def test_one_stem_twice_is_named(root: Path) -> None:
    save(root / "images" / f"{BROKEN}.tif", brighter(pair_of(BROKEN)[0], 0.9))
    (fault,) = faults_in(root)
    assert fault.file.name == f"{BROKEN}.tif" and f"stem of {BROKEN}.png" in fault.problem


def test_names_that_fit_nowhere_are_paired_in_order_and_that_is_said(tmp_path: Path) -> None:
    for name, image, label in ((BROKEN, "left", "m"), (HEALTHY, "right", "n")):
        save(tmp_path / "images" / f"{image}.png", pair_of(name)[0])
        save(tmp_path / "labels" / f"{label}.png", pair_of(name)[1])
    found = examine(tmp_path / "images", tmp_path / "labels")
    assert found.pairs == 2
    (fault,) = found.faults
    assert fault.file == tmp_path / "labels" and "paired in sorted order" in fault.problem
    assert not fault.note


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (["Image_01L.jpg", "Image_01R.jpg"], ["Image_01R_1stHO.png", "Image_01L_1stHO.png"], "10"),
        (["21_training.tif", "22_training.tif"], ["21_manual1.gif", "22_manual1.gif"], "01"),
        (["im0001.ppm.gz", "im0002.ppm.gz"], ["im0001.ah.ppm.gz", "im0002.vk.ppm.gz"], "01"),
        (["01_dr.JPG", "01_g.jpg"], ["01_dr.tif", "01_g.tif"], "01"),
        (["eye_1.png", "eye_12.png"], ["eye_12_mask.png", "eye_1_mask.png"], "10"),
        (["eye.png", "eye_left.png"], ["eye_left_mask.png", "eye_mask.png"], "10"),
        (["photo_1.png", "photo_2.png"], ["label_002.png", "label_001.png"], "10"),
        (["01_a_photo.png", "02_b_photo.png"], ["01.png", "02.png"], "01"),
        (["1_left.png", "1_right.png"], ["1.png", "label_1.png"], "--"),  # whose are they?
        (["a.png", "b.png"], ["c.png", "ab.png"], "--"),
    ],
)
def test_names_of_real_sets_find_each_other(
    images: list[str], labels: list[str], expected: str
) -> None:
    """`expected`: for each label the place of its photograph, or - for none."""
    found = pairs_by_name(paths(images), paths(labels))
    partner = {label.name: image.name for image, label in found}
    places = [str(images.index(partner[name])) if name in partner else "-" for name in labels]
    assert "".join(places) == expected


def paths(names: list[str]) -> list[Path]:
    return [Path(name) for name in names]


@given(st.sets(st.text("abc12_", min_size=1, max_size=6), min_size=1, max_size=8))
def test_equal_stems_always_pair(stems: set[str]) -> None:
    images = paths([f"{stem}.jpg" for stem in sorted(stems)])
    labels = paths([f"{stem}.png" for stem in sorted(stems, reverse=True)])
    found = pairs_by_name(images, labels)
    assert len(found) == len(stems)
    assert all(image.stem == label.stem for image, label in found)


# Measures by hand


def bars() -> tuple[View, Picture]:
    """Return a view of which three upright bars are dark, and the label of the bars."""
    label = np.zeros((60, 80), bool)
    label[10:50, 20:23] = label[20:30, 40:44] = label[5:55, 60:62] = True
    small = np.full((60, 80, 3), 100, np.uint8)
    small[label] = 60
    small[::2] += 2  # a grain
    everywhere = np.ones(label.shape, bool)
    return View(Path("a.png"), (60, 80), small, label * np.uint8(40), everywhere), label


def test_agreement_by_hand() -> None:
    view, label = bars()
    assert agreement(view, label) == pytest.approx(1)
    assert agreement(view, ~label) == pytest.approx(-1)
    assert agreement(view, label & False) == 0
    half = label.copy()
    half[:, 30:] = False
    # Of n pixels a are dark and b of these labelled: r = sqrt(b (n - a) / (a (n - b))).
    a, b, n = 260, 120, 4800
    assert agreement(view, half) == pytest.approx(np.sqrt(b * (n - a) / (a * (n - b))))


def test_vessels_are_seen_under_part_of_a_label_and_not_beside_it() -> None:
    view, label = bars()
    half = label.copy()
    half[:, 30:] = False
    assert shows_vessels(view, label) and shows_vessels(view, half)
    assert not shows_vessels(view, np.roll(label, 10, axis=1))
    assert not shows_vessels(view, label & False)


@given(st.integers(-9, 9), st.integers(-9, 9))
@settings(max_examples=20, deadline=None)
def test_a_shift_is_found_with_its_sign(down: int, right: int) -> None:
    view, label = bars()
    wrong = np.roll(label, (-down, -right), axis=(0, 1))
    assert shift_of(view, wrong) == pytest.approx([down, right], abs=0.11)


def disc(high: float, wide: float, keep: float = 1.0) -> tuple[Picture, Picture]:
    """Return an ellipse in a picture of 300x300, cut off at the top and bottom: red, and where."""
    rows, columns = np.indices((300, 300)) - 149.5
    fov = np.hypot(rows / high, columns / wide) < 1
    fov &= np.abs(rows) < keep * high
    return fov[..., None] * np.array([200, 80, 40], np.uint8), fov


@given(st.floats(80, 140), st.floats(80, 140), st.floats(0.75, 1))
@settings(max_examples=40, deadline=None)
def test_an_ellipse_is_measured_also_where_it_is_cut(high: float, wide: float, keep: float) -> None:
    assert height_to_width(*disc(high, wide, keep)) == pytest.approx(high / wide, rel=0.015)


def test_an_ellipse_is_measured_between_the_pixels() -> None:
    """On the pixels inside its border it came out 0.934, with only its two sides seen."""
    assert height_to_width(*disc(80, 87, 0.75)) == pytest.approx(80 / 87, rel=0.015)


@pytest.mark.parametrize("how_round", [np.maximum, np.add])
def test_a_square_upright_or_on_its_corner_is_no_ellipse(how_round: np.ufunc) -> None:
    rows, columns = np.abs(np.indices((300, 300)) - 149.5)
    fov = how_round(rows, 0.9 * columns) < 120
    assert height_to_width(fov[..., None] * np.array([200, 80, 40], np.uint8), fov) is None


def test_a_circle_that_fades_into_the_dark_is_not_called_squeezed() -> None:
    """Lit from one side: the border that is seen on the other side is not the camera's."""
    photograph, fov = disc(120, 120)
    rows, columns = np.indices(fov.shape) - 149.5
    light = ((130 - np.hypot(rows / 1.2, columns - 50)) / 60).clip(0, 1)
    fading = (photograph * light[..., None]).astype(np.uint8)
    seen = field_of(fading)
    assert np.ptp(np.flatnonzero(seen.any(axis=0))) < 200  # of 240
    assert height_to_width(fading, seen) == pytest.approx(1, abs=0.02)


# The command


def arguments(root: Path) -> list[str]:
    return ["doctor", str(root / "images"), str(root / "labels")]


def test_the_command_says_ok_with_the_count(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments(root)) == 0
    assert capsys.readouterr().out == "OK   pairs examined: 2, nothing was found\n"


def test_the_command_prints_a_line_for_each_finding_and_fails(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    save_pair(root, BROKEN, (pair_of(BROKEN)[0][..., ::-1], pair_of(BROKEN)[1][:, ::-1]))
    (root / "images" / f"{HEALTHY}.png").write_bytes(b"")
    assert main(arguments(root)) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(line.startswith(f"FAIL {root}") for line in lines)
    assert {Path(line.split()[1]).name for line in lines} == {f"{BROKEN}.png:", f"{HEALTHY}.png:"}
    assert last == "FAIL pairs examined: 2, findings: 3"


def test_photographs_are_examined_without_labels(root: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["doctor", str(root / "images")]) == 0
    (last,) = capsys.readouterr().out.splitlines()
    assert last == "OK   photographs examined: 2, without labels, nothing was found"
    save(root / "images" / f"{BROKEN}.png", pair_of(BROKEN)[0][..., ::-1])
    assert main(["doctor", str(root / "images")]) == 1
    fault, last = capsys.readouterr().out.splitlines()
    assert "in the order blue, green, red" in fault
    assert last.startswith("FAIL photographs examined: 2")


def test_without_labels_doctor_asks_whether_a_map_can_be_believed(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    save(root / "images" / "small.png", resized(pair_of(BROKEN)[0], 160, 154, smooth=True))
    (root / "images" / "c.heic").touch()
    assert main(["doctor", str(root / "images")]) == 1
    said = capsys.readouterr()
    assert "small.png: is small" in said.out and "left out 1 (c.heic)" in said.err


def test_a_note_alone_is_printed_and_all_is_well(root: Path, capsys: pytest.CaptureFixture) -> None:
    save(root / "labels" / f"{BROKEN}.png", pair_of(BROKEN)[1].astype(np.uint8))
    assert main(arguments(root)) == 0
    note, last = capsys.readouterr().out.splitlines()
    assert note.startswith(f"NOTE {root / 'labels'}: ") and last.startswith("OK ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "none is no folder"),
        (["images", "none"], "none is no folder"),
        (["images", "empty"], "empty holds no pictures"),
        (["images", "images"], "put the labels into a folder of their own"),
    ],
)
def test_folders_that_cannot_be_examined_are_refused(
    words: list[str], said: str, root: Path, capsys: pytest.CaptureFixture
) -> None:
    (root / "empty").mkdir()
    assert main(["doctor", *(str(root / word) for word in words)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and "Traceback" not in error


@pytest.mark.parametrize("well", [True, False])
def test_without_folders_the_computer_is_checked(
    well: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "report", lambda: well)
    assert main(["doctor"]) == (0 if well else 1)
