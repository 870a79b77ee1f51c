"""Uploaded photographs read in whole: maps at their own size, numbers in units, ZIP files."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PHOTOGRAPH, png, quick_model
from PIL import Image

from fundus_utils import reading, storage
from fundus_utils.errors import FundusError
from fundus_utils.prediction import predict_map
from fundus_utils.reading import (
    numbers_of,
    read_one,
    row_of,
    unused_name,
    warnings_of,
    zip_files,
)
from fundus_utils.trained_model import TrainedModel, load_model

EYE = storage.PROJECT / "data" / "CHASE_DB1" / "Image_11L.jpg"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> TrainedModel:
    """Give a quick stand-in for a network, and show photographs small."""
    monkeypatch.setattr(reading, "SHOWN_DIAMETER", 56)
    return quick_model()


def opened(archive: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(archive))


def picture_in(archive: bytes, name: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(opened(archive).read(name))))


def test_the_map_is_that_of_predict_map(trained):
    large = np.repeat(np.repeat(PHOTOGRAPH, 4, axis=0), 4, axis=1)
    one = read_one(trained, "mine.png", png(large))
    (archive,) = zip_files([one], 0.5, "a model")
    wanted = predict_map(trained, large)
    found = picture_in(archive, "mine_probability.png")
    assert np.array_equal(found, np.rint(wanted * 255).astype(np.uint8))
    assert np.array_equal(picture_in(archive, "mine_vessels.png"), wanted >= 0.5)
    assert picture_in(archive, "mine_overlay.jpg").shape == large.shape


def test_what_is_shown_has_one_diameter_whatever_the_size(trained):
    shapes = set()
    for times in (1, 3):
        large = np.repeat(np.repeat(PHOTOGRAPH, times, axis=0), times, axis=1)
        one = read_one(trained, "mine.png", png(large))
        assert one.photograph.shape[:2] == one.fov.shape == one.probability.shape
        assert (one.probability[~one.fov] == 0).all()
        shapes.add(one.fov.shape)
    assert len({height for height, _ in shapes}) == 1


def test_one_view_or_four_as_the_card_says(trained):
    four = quick_model(flips=True)
    uneven = PHOTOGRAPH.copy()
    uneven[:15] //= 2
    for model in (trained, four):
        one = read_one(model, "mine.png", png(uneven))
        (archive,) = zip_files([one], 0.5, "a model")
        wanted = predict_map(model, uneven)
        found = picture_in(archive, "mine_probability.png")
        assert np.array_equal(found, np.rint(wanted * 255).astype(np.uint8))


def test_numbers_do_not_hang_on_the_size_of_the_file():
    """A photograph and its half have nearly the same numbers, in diameters and in percent."""
    whole = Image.open(EYE)
    half = whole.resize((whole.width // 2, whole.height // 2))
    shipped = load_model()
    found = [
        numbers_of(read_one(shipped, "eye.png", png(np.asarray(one))), shipped.threshold)
        for one in (whole, half)
    ]
    for name, allowed in {"density": 0.04, "length": 0.06, "width": 0.05}.items():
        assert abs(found[1][name] / found[0][name] - 1) < allowed, name
    assert 5 < found[0]["length"] < 20  # diameters
    assert 0.3 < found[0]["width"] < 1.5  # percent


@pytest.mark.parametrize("content", [b"", b"no picture", png(PHOTOGRAPH)[:60]])
def test_a_broken_file_is_named(trained, content):
    with pytest.raises(FundusError, match=r"^broken\.png "):
        read_one(trained, "broken.png", content)


def test_a_grey_or_16_bit_file_is_read(trained):
    grey = PHOTOGRAPH[..., 0]
    deep = grey.astype(np.uint16) * 257
    maps = [read_one(trained, "mine.png", png(one)).probability for one in (grey, deep)]
    assert np.array_equal(*maps)


@pytest.mark.parametrize(
    ("name", "used", "wanted"),
    [
        ("eye.jpg", [], "eye.jpg"),
        ("eye.jpg", ["eye.jpg"], "eye (2).jpg"),
        ("eye.png", ["Eye.jpg", "eye (2).jpg"], "eye (3).png"),
        ("../../etc/passwd", [], "passwd"),
        ("C:\\photos\\eye.tif", [], "eye.tif"),
        ("眼底 1.jpg", [], "眼底 1.jpg"),
        ("<b>&.jpg", [], "_b_&.jpg"),
        ("e\u0301.png", [], "é.png"),  # as a Mac writes it
        ("किताब.png", [], "किताब.png"),
        (f"{'a' * 250}.png", [], f"{'a' * 55}.png"),
        ("..", [], "photograph"),
        ("", [], "photograph"),
    ],
)
def test_names_are_safe_and_met_once(name, used, wanted):
    assert unused_name(name, used) == wanted


def test_large_results_are_divided_and_no_photograph_is(trained):
    readings = [read_one(trained, f"eye_{n}.png", png(PHOTOGRAPH)) for n in range(4)]
    archives = list(zip_files(readings, 0.5, "a model", part=1))
    names = [opened(archive).namelist() for archive in archives]
    assert names[0] == ["ABOUT.txt"]
    for number, listed in enumerate(names[1:]):
        assert [name.startswith(f"eye_{number}_") for name in listed[:3]] == [True] * 3
    assert names[-1][-1] == "numbers.csv"
    (whole,) = zip_files(readings, 0.5, "a model")
    assert sorted(opened(whole).namelist()) == sorted(name for one in names for name in one)


def test_the_table_holds_what_is_shown(trained):
    readings = [read_one(trained, f"眼 {n}.png", png(PHOTOGRAPH // (1 + n))) for n in range(2)]
    (archive,) = zip_files(readings, 0.6, "a model")
    table = pd.read_csv(io.BytesIO(opened(archive).read("numbers.csv")), encoding="utf-8")
    assert list(table["photograph"]) == ["眼 0.png", "眼 1.png"]
    for one, row in zip(readings, table.to_dict("records"), strict=True):
        wanted = row_of(one, 0.6)
        assert row["warnings"] == wanted["warnings"] != ""
        assert row["length"] == pytest.approx(wanted["length"], rel=1e-4, nan_ok=True)
        assert row["density"] == pytest.approx(wanted["density"], rel=1e-4)
    about = opened(archive).read("ABOUT.txt").decode("utf-8")
    assert "not for diagnosis" in about
    assert "a model" in about and "0.60" in about
    assert "56 pixels across" in about


def test_what_speaks_against_a_map_follows_the_threshold():
    shipped = load_model()
    one = read_one(shipped, "eye.png", EYE.read_bytes())
    assert warnings_of(one, shipped.threshold) == []
    assert "hardly a vessel" in warnings_of(one, 0.9999)[0].problem
    assert "too many vessels" in warnings_of(one, 0.0001)[0].problem


def test_a_mask_that_is_all_vessel_has_no_lengths(trained):
    one = read_one(trained, "mine.png", png(PHOTOGRAPH))
    found = numbers_of(one, 0.0)
    assert found["density"] == 1
    assert all(np.isnan(found[name]) for name in ("length", "width", "dimension", "tortuosity"))


def test_more_than_one_picture_in_a_file_is_said(trained):
    written = io.BytesIO()
    pages = [Image.fromarray(PHOTOGRAPH), Image.fromarray(PHOTOGRAPH // 2)]
    pages[0].save(written, "TIFF", save_all=True, append_images=pages[1:])
    one = read_one(trained, "pages.tif", written.getvalue())
    assert one.warnings[0].problem == "holds 2 pictures"


def test_a_picture_that_would_fill_the_memory_is_refused(trained):
    written = io.BytesIO()
    Image.new("1", (9000, 9000)).save(written, "PNG")
    with pytest.raises(FundusError, match="too many pixels"):
        read_one(trained, "large.png", written.getvalue())


def test_a_file_that_another_program_would_have_to_open_is_refused(trained):
    with pytest.raises(FundusError, match="in no picture format"):
        read_one(
            trained, "drawing.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n"
        )


def test_nothing_is_written(trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    one = read_one(trained, "mine.png", png(PHOTOGRAPH))
    list(zip_files([one], 0.5, "a model"))
    assert list(tmp_path.iterdir()) == []


def test_the_example_needs_no_warning():
    content = (storage.PROJECT / "data" / "retina.jpg").read_bytes()
    assert read_one(load_model(), "retina.jpg", content).warnings == ()
