"""The app for one's own photographs, by its controls: many files, broken ones, stop, model, ZIP."""

import base64
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PHOTOGRAPH, png, quick_model, save
from PIL import Image

from fundus_utils import reading, storage
from fundus_utils.data.faults import Fault
from fundus_utils.errors import FundusError
from fundus_utils.trained_model import DRAWN, TrainedModel
from fundus_utils.widgets import own
from fundus_utils.widgets.background import Background
from fundus_utils.widgets.readings import VIEWS, links_html, numbers_html, warnings_html


def stand_in(folder: Path) -> TrainedModel:
    """Give a quick stand-in for a network; another one has another threshold."""
    if folder.name == "broken":
        raise FundusError("model.keras is broken", "train it anew")
    return quick_model(threshold=0.7 if folder.name == "drawn" else 0.5)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> own.OwnPhotographs:
    monkeypatch.setattr(reading, "SHOWN_DIAMETER", 56)
    monkeypatch.setattr(own, "load_model", stand_in)
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    save(tmp_path / "example.png", PHOTOGRAPH)
    return own.OwnPhotographs(tmp_path / "example.png")


def upload(app: own.OwnPhotographs, files: dict[str, bytes], wait: bool = True) -> None:
    """Do as a browser's upload field does."""
    app.field.value = tuple(
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.now(UTC),
        }
        for name, content in files.items()
    )
    if wait:
        app.work.wait()


def archives(app: own.OwnPhotographs) -> list[zipfile.ZipFile]:
    contents = re.findall(r'href="data:application/zip;base64,([^"]*)"', app.links.value)
    return [zipfile.ZipFile(io.BytesIO(base64.b64decode(one))) for one in contents]


EYES = {"a.png": png(PHOTOGRAPH), "b.png": png(PHOTOGRAPH // 2), "c.png": png(PHOTOGRAPH[:, ::-1])}


def test_the_example_stands_there_until_something_is_uploaded(app):
    assert app.which.options == ("example",)
    upload(app, EYES)
    assert app.which.options == ("a.png", "b.png", "c.png")
    assert app.which.value == "a.png"
    assert app.work.said.value == "3 of 3 read"
    assert app.field.value == ()  # no second copy


def test_later_uploads_come_beside_the_first_and_what_is_shown_stays(app):
    upload(app, EYES)
    app.which.value = "b.png"
    before = app.picture.value
    upload(app, {"b.png": EYES["a.png"]})
    assert app.which.options == ("a.png", "b.png", "c.png", "b (2).png")
    assert app.which.value == "b.png"
    assert app.picture.value == before


def test_a_broken_file_is_named_and_the_others_go_on(app):
    upload(
        app,
        {"a.png": EYES["a.png"], "<img src=x>.png": b"no picture", "cut.png": EYES["b.png"][:60]},
    )
    assert app.which.options == ("a.png",)
    assert app.work.said.value == "1 of 3 read"
    assert app.broken.value.count("Not read:") == 2
    assert "cut.png" in app.broken.value
    assert "<img" not in app.broken.value


def test_only_broken_files_leave_the_example(app):
    before = app.picture.value
    upload(app, {"a.png": b"", "b.png": b"x"})
    assert app.which.options == ("example",)
    assert app.picture.value == before
    upload(app, EYES)
    assert app.broken.value == ""


def test_every_control_changes_the_picture(app):
    upload(app, EYES)
    shown = [app.picture.value]
    for view in VIEWS[1:]:
        app.view.value = view
        shown.append(app.picture.value)
    app.view.value = "overlay"
    app.until.value = 50
    shown.append(app.picture.value)
    app.cut.value = 0.9
    shown.append(app.picture.value)
    app.which.value = "b.png"
    shown.append(app.picture.value)
    assert len(set(shown)) == len(shown)


def test_the_right_side_is_the_bare_photograph(app):
    upload(app, EYES)
    app.until.value = 0
    assert np.array_equal(app.drawn(), app.chosen.photograph)
    app.until.value = 50
    shown, bare = app.drawn(), app.chosen.photograph
    right = slice(1 + shown.shape[1] // 2, None)
    assert np.array_equal(shown[:, right], bare[:, right])
    assert not np.array_equal(shown, bare)


def test_numbers_follow_the_threshold(app):
    upload(app, EYES)
    before = app.numbers.value
    app.cut.value = 0.9
    assert app.numbers.value != before


def test_an_error_of_any_kind_ends_no_batch(app, monkeypatch):
    read_one = own.read_one

    def read_or_fail(trained: TrainedModel, name: str, content: bytes) -> reading.Reading:
        if name == "b.png":
            raise RuntimeError("out of graph")
        return read_one(trained, name, content)

    monkeypatch.setattr(own, "read_one", read_or_fail)
    upload(app, EYES)
    assert app.which.options == ("a.png", "c.png")
    assert "Not read: b.png: out of graph" in app.broken.value


def test_a_late_stop_says_nothing(app):
    upload(app, EYES)
    app.work.stop()
    assert app.work.said.value == "3 of 3 read"


def during(app: own.OwnPhotographs, monkeypatch, name: str, action: Callable[[], None]) -> None:
    """Do something while a photograph is read."""
    read_one = own.read_one

    def read_and_act(trained: TrainedModel, one: str, content: bytes) -> reading.Reading:
        if one == name:
            action()
        return read_one(trained, one, content)

    monkeypatch.setattr(own, "read_one", read_and_act)


def test_what_is_asked_for_while_something_runs_does_not_disturb_it(app, monkeypatch):
    def ask() -> None:
        app.pack()
        app.forget()
        app.model.value = "drawn"

    during(app, monkeypatch, "b.png", ask)
    upload(app, EYES)
    assert app.which.options == ("a.png", "b.png", "c.png")
    assert app.work.said.value == "3 of 3 read"
    assert app.model.value == "shipped"
    assert archives(app) == []


def test_what_is_uploaded_while_something_runs_is_read_after_it(app, monkeypatch):
    during(app, monkeypatch, "b.png", lambda: upload(app, {"late.png": EYES["a.png"]}, wait=False))
    upload(app, EYES)
    app.work.wait()  # the second batch begins when the first has ended
    assert app.which.options == ("a.png", "b.png", "c.png", "late.png")


def test_no_zip_of_another_threshold_is_offered(app, monkeypatch):
    upload(app, EYES)
    zip_files = own.zip_files

    def move_and_pack(*arguments: object) -> object:
        app.cut.value = 0.9
        return zip_files(*arguments)

    monkeypatch.setattr(own, "zip_files", move_and_pack)
    app.pack()
    app.work.wait()
    assert archives(app) == []
    assert "the threshold was moved" in app.work.said.value


def test_no_photograph_of_a_readers_goes_into_a_notebooks_file(app):
    bundle, _ = app._repr_mimebundle_()
    upload(app, {"b.png": EYES["b.png"]})
    assert app.picture.value != app.example_picture
    again, _ = app._repr_mimebundle_()
    assert again["image/jpeg"] == bundle["image/jpeg"]


def test_work_can_be_stopped_between_photographs(app, monkeypatch):
    read_one = own.read_one

    def read_and_stop(trained: TrainedModel, name: str, content: bytes) -> reading.Reading:
        if name == "b.png":
            app.work.stop()
        return read_one(trained, name, content)

    monkeypatch.setattr(own, "read_one", read_and_stop)
    upload(app, EYES)
    assert app.which.options == ("a.png", "b.png")
    assert app.work.said.value == "2 of 3 read"
    upload(app, {"d.png": EYES["a.png"]})  # and goes on when asked again
    assert "d.png" in app.which.options


def test_nothing_else_is_begun_while_something_runs(app, monkeypatch):
    disabled = []
    read_one = own.read_one

    def look(trained: TrainedModel, name: str, content: bytes) -> reading.Reading:
        disabled.append([one.disabled for one in (app.field, app.model, app.pack_button)])
        return read_one(trained, name, content)

    monkeypatch.setattr(own, "read_one", look)
    upload(app, EYES)
    assert disabled == [[True] * 3] * 3
    assert not any(one.disabled for one in (app.field, app.model, app.pack_button))


def test_another_model_reads_everything_again(app):
    upload(app, EYES)
    app.model.value = "drawn"
    app.work.wait()
    assert app.work.said.value == "3 read by drawn"
    assert app.cut.value == 0.7
    assert app.which.options == ("a.png", "b.png", "c.png")


def test_a_model_that_is_stopped_or_broken_changes_nothing(app, monkeypatch):
    upload(app, EYES)
    before = app.readings
    read_one = own.read_one

    def read_and_stop(trained: TrainedModel, name: str, content: bytes) -> reading.Reading:
        app.work.stop()
        return read_one(trained, name, content)

    monkeypatch.setattr(own, "read_one", read_and_stop)
    app.model.value = "drawn"
    app.work.wait()
    assert app.model.value == "shipped"
    assert app.readings is before
    app.models["drawn"] = Path("broken")
    app.model.value = "drawn"
    app.work.wait()
    assert "model.keras is broken" in app.work.said.value
    assert app.model.value == "shipped"
    assert app.readings is before


@pytest.mark.parametrize(
    "error", [ValueError("no channel is called 'nir'"), RuntimeError("\x1b[1mgraph\x1b[0m\nfailed")]
)
def test_a_model_that_fails_in_any_way_changes_nothing(app, monkeypatch, error):
    upload(app, EYES)
    before = app.readings

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(own, "read_one", fail)
    app.model.value = "drawn"
    app.work.wait()
    assert app.model.value == "shipped"
    assert app.readings is before
    assert app.work.said.value in (
        "drawn cannot be used: no channel is called 'nir'",
        "drawn cannot be used: graph failed",
    )


def test_own_models_are_offered(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").write_text("{}", encoding="utf-8")
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "card.json").write_text("{}", encoding="utf-8")
    models = own.models_here()
    assert list(models) == ["shipped", "drawn", "./drawn", "mine"]
    assert models["drawn"] == DRAWN  # the package's own


def test_the_zip_holds_what_is_shown(app):
    upload(app, EYES)
    app.cut.value = 0.6
    app.pack()
    app.work.wait()
    (archive,) = archives(app)
    table = pd.read_csv(io.BytesIO(archive.read("numbers.csv")))
    assert list(table["photograph"]) == list(EYES)
    assert "0.60" in archive.read("ABOUT.txt").decode("utf-8")
    shape = np.asarray(Image.open(io.BytesIO(archive.read("a_probability.png")))).shape
    assert shape == PHOTOGRAPH.shape[:2]


@pytest.mark.parametrize(
    "change",
    [
        lambda app: setattr(app.cut, "value", 0.9),
        lambda app: upload(app, {"d.png": EYES["a.png"]}),
        lambda app: app.forget(),
    ],
    ids=["threshold", "upload", "forget"],
)
def test_an_old_zip_is_not_offered(app, change: Callable[[own.OwnPhotographs], None]):
    upload(app, EYES)
    app.pack()
    app.work.wait()
    assert archives(app)
    change(app)
    assert archives(app) == []


def test_a_stopped_zip_is_none(app, monkeypatch):
    upload(app, EYES)
    monkeypatch.setattr(own, "zip_files", lambda *_: (app.work.stop() or b"" for _ in range(1)))
    app.pack()
    app.work.wait()
    assert archives(app) == []
    assert "stopped" in app.work.said.value


def test_all_is_forgotten(app):
    upload(app, EYES)
    app.forget()
    assert app.which.options == ("example",)
    assert list(app.readings) == ["example"]


def test_nothing_is_left_on_the_disk(app, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    upload(app, EYES | {"broken.png": b"x"})
    app.pack()
    app.work.wait()
    assert sorted(tmp_path.rglob("*")) == before
    assert not storage.derived_dir().exists()


def test_what_is_written_about_a_photograph_is_html():
    fault = Fault(Path("a.png"), "is <b>", "Bad", "Mend it")
    assert "It is &lt;b&gt;. Bad. Mend it." in warnings_html([fault])
    assert "no promise" in warnings_html([])
    numbers = {"density": 0.1, "length": 9, "width": 0.7, "dimension": np.nan, "tortuosity": np.nan}
    assert "10.0%" in numbers_html(numbers)
    assert "nan" in numbers_html(numbers)
    assert "vessels_2.zip" in links_html([b"1", b"2"])


def test_an_error_in_the_background_is_said():
    work = Background(lambda busy: None)

    def fail() -> str:
        raise RuntimeError("the disk is full")

    work.start(fail)
    work.wait()
    assert "the disk is full" in work.said.value
    assert work.stop_button.disabled
