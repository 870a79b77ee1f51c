"""The book in a real browser, opened as a file: found by search, read, nothing from outside.

`make test-browser` installs what this needs besides Debian's Chromium.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import IN_A_BROWSER, Watched

from fundus_utils import storage

sys.path.insert(0, str(storage.PROJECT / "notebooks" / "book"))

from build import build

pytestmark = [*IN_A_BROWSER, pytest.mark.filterwarnings("ignore:.*Sphinx API modifications")]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the book of the stored notebooks, once; return its first page."""
    return build(storage.PROJECT / "notebooks", tmp_path_factory.mktemp("made") / "book")


@pytest.fixture
def watched(index: Path, chromium: Any) -> Iterator[Watched]:
    """Open the book's first page."""
    one = Watched(chromium)
    one.page.goto(index.as_uri())
    yield one
    one.close("book")


def test_a_word_is_searched_and_a_result_followed_to_a_figure(watched):
    page = watched.page
    page.keyboard.press("Control+k")
    page.keyboard.type("Dice")
    page.keyboard.press("Enter")
    results = page.locator("#search-results")
    results.get_by_text("Search finished").wait_for()
    watched.photograph("book_search")
    results.get_by_role("link", name="07 · Evaluation", exact=True).click()
    page.wait_for_url("**/notebooks/07_evaluation.html*")
    figure = page.locator(".cell_output img").first
    figure.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.cell_output img').naturalWidth > 100")
    assert len(figure.get_attribute("alt").split()) >= 5
    assert re.match(r"Figure 7\.1\. ", page.locator(".cell_output em").first.inner_text())


def test_a_formula_is_drawn_by_the_browser(watched):
    page = watched.page
    page.get_by_role("link", name="01 · Data exploration", exact=True).first.click()
    formula = page.locator(".formula math").first
    formula.scroll_into_view_if_needed()
    bar = formula.locator("mfrac").first.bounding_box()
    above, below = (
        formula.locator("mfrac").first.locator(f"> :nth-child({place})").bounding_box()
        for place in (1, 2)
    )
    assert above["y"] + above["height"] <= below["y"] + 1  # one above the other: no line of text
    assert bar["width"] > 50
    assert formula.get_attribute("alttext").startswith(r"\text{Dice} = \frac")


def test_a_symptom_leads_to_its_place_on_the_page(watched):
    page = watched.page
    page.get_by_role("link", name="09 · Common mistakes", exact=True).first.click()
    page.wait_for_url("**/09_common_mistakes.html")
    page.locator("article a[href='#label-on-the-wrong-scale']").first.click()
    heading = page.get_by_role("heading", name="3. Label on the wrong scale")
    page.wait_for_function("() => window.scrollY > 1000")
    assert 0 <= heading.bounding_box()["y"] < 400


@pytest.mark.skipif(
    not (storage.PROJECT / "notebooks" / "solutions").exists(),
    reason="a handout has no solutions",
)
def test_from_a_lesson_to_its_solutions_and_back(watched):
    page = watched.page
    page.get_by_role("link", name="04 · Building the U-Net", exact=True).first.click()
    page.wait_for_url("**/notebooks/04_building_the_unet.html")
    page.locator("article").get_by_role("link", name="solutions", exact=True).click()
    page.wait_for_url("**/solutions/04_building_the_unet.html")
    page.locator("article").get_by_role("link", name="notebook 04", exact=True).click()
    page.wait_for_url("**/notebooks/04_building_the_unet.html")
