"""Tiny data sets in the official layouts, for the tests of loading and of downloading."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from browsing import CHROMIUM
from PIL import Image

from fundus_utils import synthetic
from fundus_utils.data.sets import STARE_NUMBERS
from fundus_utils.trained_model import TrainedModel

SIZE = (30, 40)  # height, width
VESSELS = np.zeros(SIZE, bool)
VESSELS[10:15, 10:30] = True  # 100 of 1200 pixels
DISC = np.hypot(*(np.indices(SIZE) - np.array([15, 20])[:, None, None])) < 14
PHOTOGRAPH = (DISC[..., None] * np.array([200, 100, 40])).astype(np.uint8)


def save(path: Path, picture: np.ndarray | Image.Image) -> None:
    """Write a picture; `.gz` packs it; a bool array is written as {0, 255}."""
    if isinstance(picture, np.ndarray) and picture.dtype == bool:
        picture = picture.astype(np.uint8) * 255
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        written = io.BytesIO()
        picture.save(written, "PPM")
        path.write_bytes(gzip.compress(written.getvalue()))
    else:
        sharp = {"quality": 95, "subsampling": 0} if path.suffix.lower() == ".jpg" else {}
        picture.save(path, **sharp)


def palette_zero_one() -> Image.Image:
    """Return the label as the second observer's files of DRIVE have it: mode P, values {0, 1}."""
    picture = Image.fromarray(VESSELS.astype(np.uint8))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    return picture


def build_drive(root: Path, test: bool = True, test_labels: bool = True) -> None:
    for number in range(1 if test else 21, 41):
        part = "training" if number > 20 else "test"
        stem = f"{number:02d}"
        save(root / part / "images" / f"{stem}_{part}.tif", PHOTOGRAPH)
        save(root / part / "mask" / f"{stem}_{part}_mask.gif", DISC)
        if number > 20 or test_labels:
            save(root / part / "1st_manual" / f"{stem}_manual1.gif", VESSELS)
        if number <= 20 and test_labels:
            save(root / part / "2nd_manual" / f"{stem}_manual2.gif", palette_zero_one())


def build_chase_db1(root: Path) -> None:
    for stem in (f"Image_{child:02d}{eye}" for child in range(1, 15) for eye in "LR"):
        save(root / f"{stem}.jpg", PHOTOGRAPH)
        for observer in ("1stHO", "2ndHO"):
            save(root / f"{stem}_{observer}.png", Image.fromarray(VESSELS))  # mode 1


def build_stare(root: Path, packed: bool = True) -> None:
    for stem in (f"im{number:04d}" for number in STARE_NUMBERS):
        end = ".ppm.gz" if packed else ".ppm"
        save(root / "stare-images" / f"{stem}{end}", PHOTOGRAPH)
        for observer in ("ah", "vk"):
            save(root / f"labels-{observer}" / f"{stem}.{observer}{end}", VESSELS)  # grey: P5


def build_hrf(root: Path) -> None:
    for stem in (f"{n:02d}_{kind}" for n in range(1, 16) for kind in ("h", "g", "dr")):
        end = ".JPG" if stem.endswith("dr") else ".jpg"
        save(root / "images" / f"{stem}{end}", PHOTOGRAPH)
        save(root / "manual1" / f"{stem}.tif", VESSELS)
        save(root / "mask" / f"{stem}_mask.tif", np.repeat(DISC[..., None], 3, axis=2))


BUILDERS = {
    "drive": ("DRIVE", build_drive),
    "chase_db1": ("CHASE_DB1", build_chase_db1),
    "stare": ("STARE", build_stare),
    "hrf": ("HRF", build_hrf),
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is `data_dir()` in this test, beside an own `derived_dir()`."""
    monkeypatch.setenv("FUNDUS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    monkeypatch.delenv("FUNDUS_DATASET", raising=False)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a reader's own folder of six small drawn eyes: both eyes of three patients."""
    folder = tmp_path_factory.mktemp("own")
    synthetic.draw_set(folder, count=6, size=128, progress=False)
    return folder


# Of a quick stand-in for a trained network, see `quick_model`.
CARD = {
    "channels": ["green"],
    "fov_diameter": 28,
    "normalization": "dataset",
    "threshold": 0.5,
}


def sigmoid(batch: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-batch[..., :1]))


def quick_model(**changes: Any) -> TrainedModel:
    """Return a stand-in for a trained network; `changes` are those of its card."""
    network = SimpleNamespace(predict_on_batch=sigmoid)
    return TrainedModel(network, CARD | changes, mean=0.3, std=0.2)


def png(picture: np.ndarray) -> bytes:
    """Return a PNG file's content, as a browser uploads it."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Give the browser, for all tests in one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="make test-browser installs it")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],
        )
        yield browser
        browser.close()
