"""Figures and exercises in a real browser: JupyterLab as a learner has it, nothing from outside.

`make test-browser` installs what this needs besides Debian's Chromium.
"""

import json
import os
import re
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browsing import IN_A_BROWSER, MOVE_SECONDS, START_SECONDS, Watched, free_port, serving
from nbformat.v4 import new_code_cell, new_notebook

from fundus_utils import storage

pytestmark = IN_A_BROWSER
NOTEBOOKS = storage.PROJECT / "notebooks"
BEGIN = """
import sys
sys.path.insert(0, {notebooks!r})
from fundus_utils import widgets
from fundus_utils.data import load_set
sample = load_set("chase_db1", "train")[0]
"""
BROWSER = 'widgets.browser(load_set("chase_db1", "train"))'
PLAYGROUND = """
from fundus_utils.augmentation import merge
from fundus_utils.photograph import rescale
small = rescale(sample, 256)
widgets.augmentation_playground(merge(small.photograph, small.label, small.fov))
"""
EXPLORER = """
from fundus_utils.trained_model import load_model
widgets.unet_explorer(load_model("drawn"), sample.photograph, sample.fov)
"""
ANSWER = "accuracy = ..."
CHECK = 'from exercises import ask, check\ncheck("1.1", accuracy)'
ASK = "ask(1)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Start JupyterLab on this computer alone; give its address and its folder."""
    root = tmp_path_factory.mktemp("lab")
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    environment = os.environ | {
        "JUPYTERLAB_WORKSPACES_DIR": str(root.parent / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(root.parent / "config"),
        "FUNDUS_DERIVED": str(root.parent / "derived"),  # nothing is solved in the reader's own
        "FUNDUS_LIVE": "1",
    }
    with serving(command, f"http://127.0.0.1:{port}", "/api", root, environment) as address:
        yield address, root


def start_kernel(address: str, name: str) -> None:
    """Begin a notebook's session before its page is opened, so that no dialog asks for a kernel."""
    session = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    request = urllib.request.Request(
        f"{address}/api/sessions",
        data=json.dumps(session).encode("utf-8"),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=START_SECONDS):
        pass


class Lab(Watched):
    """A notebook that stands open in the browser."""

    def run_all(self) -> None:
        """Run all cells, as the menu does, and wait until the last one is done."""
        self.page.evaluate(
            "() => { window.ran = false; window.jupyterapp.commands"
            ".execute('notebook:run-all-cells').then(() => { window.ran = true; }); }"
        )
        self.page.wait_for_function("() => window.ran")

    def picture(self) -> str:
        return self.page.locator(".jp-OutputArea-output img.widget-image").first.get_attribute(
            "src"
        )


@pytest.fixture
def lab(chromium: Any, server: tuple[str, Path]) -> Iterator[Any]:
    """Return a function that opens a notebook of some cells, run from top to bottom."""
    address, root = server
    opened: list[Lab] = []

    def open_notebook(*codes: str) -> Lab:
        begin = BEGIN.format(notebooks=str(NOTEBOOKS))
        cells = [new_code_cell(code.strip()) for code in (begin, *codes)]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        path = root / f"lesson_{len(list(root.glob('*.ipynb')))}.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        start_kernel(address, path.name)
        one = Lab(chromium)
        page = one.page
        opened.append(one)
        page.goto(f"{address}/lab/workspaces/{path.stem}/tree/{path.name}")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext"
            "?.session?.kernel?.status === 'idle'"
        )
        one.run_all()
        return one

    yield open_notebook
    for one in opened:
        one.close("lab")


def slide(lab: Lab, label: str, key: str, times: int = 1) -> None:
    """Move a slider by the keyboard, as somebody without a mouse does."""
    row = lab.page.locator(".widget-slider", has_text=label).first
    row.locator(".noUi-handle").focus()
    for _ in range(times):
        lab.page.keyboard.press(key)


def test_the_browser_of_01_answers_to_menu_and_slider(lab):
    page = lab(BROWSER)
    plain = page.picture()
    page.page.locator(".widget-dropdown", has_text="overlay").locator("select").select_option(
        "label"
    )
    covered = page.wait_for_another(plain, page.picture)
    slide(page, "overlay from the left", "ArrowLeft", times=4)
    aside = page.wait_for_another(covered, page.picture)
    assert len({plain, covered, aside}) == 3


def test_the_playground_of_02_answers_to_the_keyboard(lab):
    page = lab(PLAYGROUND)
    before = page.picture()
    slide(page, "rotation", "ArrowRight", times=3)
    page.wait_for_another(before, page.picture)


def test_the_explorer_of_04_shows_another_level(lab):
    page = lab(EXPLORER)
    said = page.page.locator(".jp-OutputArea-output .widget-label").last
    first = said.inner_text()
    assert "5 x 5 pixels of the input" in first
    before = page.picture()
    menu = page.page.locator(".widget-dropdown", has_text="level").locator("select")
    menu.focus()
    for key in ("Space", "ArrowDown", "Enter"):  # opened, moved, chosen
        page.page.keyboard.press(key)
    page.wait_for_another(before, page.picture)
    assert "14 x 14 pixels of the input" in said.inner_text()


def test_an_exercise_is_answered_wrongly_and_then_rightly(lab):
    source = NOTEBOOKS / "solutions" / "sources" / "01.toml"
    if not source.exists():
        pytest.skip("a handout has no solutions")
    first = tomllib.loads(source.read_text(encoding="utf-8"))["exercise"][0]
    solution = re.sub(r" *#.*", "", first["solution"].strip())
    page = lab(ANSWER, CHECK)

    def said() -> str:
        texts = page.page.locator(
            ".jp-OutputArea-output", has_text="Exercise 1.1"
        ).all_inner_texts()
        return texts[-1] if texts else ""

    def answer(text: str) -> str:
        before = said()
        page.page.locator(".jp-CodeCell .cm-content").nth(1).click()
        page.page.keyboard.press("Control+a")
        page.page.keyboard.type(text)
        page.run_all()
        return page.wait_for_another(before, said)

    assert "not answered yet" in (said() or page.wait_for_another("", said))
    assert "inside the field of view" in answer("accuracy = 0.88")
    assert "Exercise 1.1: right" in answer(solution.replace("\n", "; "))


def test_a_question_replies_to_a_choice_made_by_keyboard(lab):
    page = lab("from exercises import ask", ASK)
    choice = page.page.locator(".widget-radio input").first
    choice.focus()
    page.page.keyboard.press("Space")
    page.page.get_by_text("Not quite.").first.wait_for(timeout=1000 * MOVE_SECONDS)
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Space")
    page.page.get_by_text("Right.").first.wait_for(timeout=1000 * MOVE_SECONDS)
