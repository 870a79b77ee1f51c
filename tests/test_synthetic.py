"""The drawn photographs: the same bits anywhere, and vessels such as a real eye has."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, gaussian_filter

from fundus_utils import synthetic

SEED = synthetic.SEED
PICTURES = ("photograph", "label", "fov", "arteries", "veins")
DIGEST = (
    "import hashlib; from fundus_utils.synthetic import draw_eye; eye = draw_eye({}, {}, 256);"
    "print(hashlib.sha256(eye.photograph.tobytes() + eye.label.tobytes()).hexdigest())"
)


@pytest.fixture(scope="module")
def eyes() -> list[synthetic.DrawnEye]:
    return [synthetic.draw_eye(SEED, number) for number in range(6)]


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


def test_every_eye_and_seed_differs(eyes: list[synthetic.DrawnEye]) -> None:
    labels = [eye.label for eye in eyes] + [synthetic.draw_eye(SEED + 1, 0).label]
    assert len({label.tobytes() for label in labels}) == len(labels)
    names = [(eye.name, eye.patient) for eye in eyes[1:4]]
    assert names == [("drawn_01R", "01"), ("drawn_02L", "02"), ("drawn_02R", "02")]


@pytest.mark.parametrize("size", [256, 512])
def test_label_and_field(size: int) -> None:
    for number in range(4):
        eye = synthetic.draw_eye(SEED, number, size)
        assert eye.photograph.dtype == np.uint8 and eye.photograph.shape == (size, size, 3)
        assert np.array_equal(eye.label, (eye.arteries | eye.veins) & eye.fov)
        assert not (eye.label & ~eye.fov).any() and not eye.photograph[~eye.fov].any()
        assert 0.08 <= eye.label.sum() / eye.fov.sum() <= 0.15


def test_green_shows_vessels_best(eyes: list[synthetic.DrawnEye]) -> None:
    for eye in eyes:
        ring = binary_dilation(eye.label, iterations=6) & eye.fov & ~eye.label
        red, green, blue = eye.photograph[ring].mean(0) - eye.photograph[eye.label].mean(0)
        assert 7 < green < 23 and green > red and green > blue > 0


def test_disc_lies_on_the_nasal_side(eyes: list[synthetic.DrawnEye]) -> None:
    for eye in eyes:
        bright = gaussian_filter(eye.photograph[..., 1].astype(float), 12)
        column = np.unravel_index(bright.argmax(), bright.shape)[1]
        assert (column > 256) == eye.name.endswith("R")


def test_draw_set_writes_every_picture(tmp_path: Path) -> None:
    synthetic.draw_set(tmp_path, count=2, size=256, progress=False)
    for folder in synthetic.FOLDERS:
        paths = sorted((tmp_path / folder).iterdir())
        assert [path.name for path in paths] == ["drawn_01L.png", "drawn_01R.png"]
        with Image.open(paths[1]) as picture:
            assert picture.mode == ("RGB" if folder == "images" else "L")
            values = set(np.unique(np.asarray(picture)).tolist())
        assert picture.size == (256, 256) and (folder == "images" or values == {0, 255})
