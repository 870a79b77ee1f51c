"""The app for one's own photographs in a real browser, as `make app` serves it."""

import io
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browsing import IN_A_BROWSER, START_SECONDS, Watched, free_port, serving
from PIL import Image

from fundus_utils import storage

pytestmark = IN_A_BROWSER
CHASE_DB1 = storage.PROJECT / "data" / "CHASE_DB1"
EYES = [CHASE_DB1 / f"Image_{child:02d}{eye}.jpg" for child in range(5, 15) for eye in "LR"]
READ_SECONDS = 300


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Serve a copy of the notebook; give its address and the one folder that it may write to."""
    root = tmp_path_factory.mktemp("app")
    home = tmp_path_factory.mktemp("home")
    notebook = storage.PROJECT / "notebooks" / "11_your_own_photographs.ipynb"
    shutil.copy(notebook, root)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "voila",
        notebook.name,
        "--no-browser",
        f"--port={port}",
        f"--Voila.config_file_paths={storage.PROJECT / 'notebooks' / 'app'}",
    ]
    environment = os.environ | {
        "FUNDUS_DERIVED": str(home / "derived"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "TMPDIR": str(home),
    }
    with serving(
        command, f"http://127.0.0.1:{port}", "/voila/static/voila.js", root, environment
    ) as address:
        yield address, home


class App(Watched):
    """The app that stands open in the browser."""

    def upload(self, *files: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="photographs").click()
        chooser.value.set_files([str(path) for path in files])

    def said(self) -> str:
        """Return what stands beside the bar."""
        labels = self.page.locator(".widget-label").all_inner_texts()
        found = [text for text in labels if re.search(r" of \d+|ZIP|read by|stop", text)]
        return found[0] if found else ""

    def wait_until_said(self, pattern: str) -> str:
        end = time.monotonic() + READ_SECONDS
        while time.monotonic() < end:
            if re.search(pattern, self.said()):
                return self.said()
            time.sleep(0.05)
        pytest.fail(f"{pattern} was not said, but {self.said()}")

    def picture(self) -> str:
        return self.page.locator("img.widget-image").first.get_attribute("src")

    def menu(self, label: str) -> Any:
        return self.page.locator(".widget-dropdown", has_text=label).locator("select").first

    def slide(self, label: str, key: str, times: int = 1) -> None:
        self.page.locator(".widget-slider", has_text=label).locator(".noUi-handle").focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def table(self) -> str:
        return self.page.locator(".widget-html table").first.inner_text()


@pytest.fixture(scope="module")
def app(chromium: Any, served: tuple[str, Path]) -> Iterator[App]:
    one = App(chromium)
    one.page.goto(served[0], timeout=1000 * START_SECONDS)
    one.page.wait_for_selector("img.widget-image")
    yield one
    one.close("app")


def test_it_says_what_it_is_for(app):
    text = app.page.inner_text("body")
    assert "not for diagnosis" in text
    assert "schoolchildren" in text
    assert "are gone when the kernel ends" in text


def test_no_other_site_reaches_it(served):
    """A name of another site that leads to this computer opens nothing."""
    request = urllib.request.Request(served[0], headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=START_SECONDS)


def test_a_photograph_is_read_and_a_broken_file_is_named(app, tmp_path):
    before = app.picture()
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(EYES[0].read_bytes()[:5000])
    app.upload(EYES[0], broken)
    assert app.wait_until_said("read$") == "1 of 2 read"
    app.wait_for_another(before, app.picture)
    assert "broken.jpg" in app.page.get_by_text("Not read:").inner_text()
    assert app.menu("photograph").locator("option").all_inner_texts() == [EYES[0].name]


def test_before_and_after_and_the_other_views(app):
    whole = app.picture()
    app.slide("from the left", "ArrowLeft", times=5)
    half = app.wait_for_another(whole, app.picture)
    app.menu("show").select_option("spread of four views")
    app.wait_for_another(half, app.picture)
    app.menu("show").select_option("overlay")
    app.slide("from the left", "ArrowRight", times=5)
    app.wait_for_another(half, app.picture)


def test_the_threshold_moves_picture_and_numbers(app):
    before = app.picture(), app.table()
    app.slide("threshold", "ArrowRight", times=20)
    app.wait_for_another(before[0], app.picture)
    app.wait_for_another(before[1], app.table)


def test_twenty_photographs_are_read_and_the_work_can_be_stopped(app):
    app.upload(*EYES)
    app.wait_until_said(r"^2 of 20")
    app.page.get_by_role("button", name="stop").click()
    stopped = int(app.wait_until_said("read$").split()[0])
    assert 1 < stopped < 20
    app.page.get_by_role("button", name="forget them all").click()
    app.page.wait_for_function(
        "() => [...document.querySelectorAll('select')].some("
        "one => one.options.length === 1 && one.options[0].text === 'example')"
    )
    assert app.said() == ""
    app.upload(*EYES)
    assert app.wait_until_said("read$") == "20 of 20 read"
    app.photograph("app_twenty")


def test_the_download_opens_and_its_table_is_read(app):
    app.page.get_by_role("button", name="make a ZIP").click()
    link = app.page.locator("a[download]").first
    link.wait_for(timeout=1000 * READ_SECONDS)
    links = app.page.locator("a[download]")
    files: dict[str, bytes] = {}
    for number in range(links.count()):
        with app.page.expect_download() as download:
            links.nth(number).click()
        with zipfile.ZipFile(download.value.path()) as archive:
            files |= {name: archive.read(name) for name in archive.namelist()}
    table = pd.read_csv(io.BytesIO(files["numbers.csv"]))
    assert list(table["photograph"]) == [path.name for path in EYES]
    assert table["density"].between(0.02, 0.2).all()
    for path in EYES:
        size = Image.open(path).size
        vessels = Image.open(io.BytesIO(files[f"{path.stem}_vessels.png"]))
        overlay = Image.open(io.BytesIO(files[f"{path.stem}_overlay.jpg"]))
        assert vessels.size == overlay.size == size
        assert 0.02 < np.asarray(vessels).mean() < 0.2


def test_no_upload_is_on_the_disk(app, served):
    """By content, in all that the server may write to; and in the usual folder for such files."""
    starts = {path.read_bytes()[:2000] for path in EYES}
    places = [served[1], served[1].parent / "app0"]
    looked_at = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert looked_at  # the connection files of the kernel
    for path in looked_at:
        content = path.read_bytes()
        assert not any(start in content for start in starts), path


def test_the_kernel_ends_with_the_page(app, served):
    log = served[1].parent / "app0.log"
    assert "Kernel shutdown" not in log.read_text(encoding="utf-8")
    app.photograph("app_end")
    app.page.goto("about:blank")
    app.wait_for_another(False, lambda: "Kernel shutdown" in log.read_text(encoding="utf-8"))
