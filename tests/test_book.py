"""The book: which pages it has, how they are prepared, and that all of it works offline."""

import base64
import io
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from docutils.utils.math import MathError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from fundus_utils import storage
from fundus_utils.errors import FundusError
from fundus_utils.workbook import WIDGET

sys.path.insert(0, str(storage.PROJECT / "notebooks" / "book"))

from build import build, main
from pages import collect, contents, mended_links, pictures_in, prepared
from rendering import jupyter_anchor, mathml

# Sphinx tells the authors of its extensions what will change.
pytestmark = pytest.mark.filterwarnings("ignore:.*Sphinx API modifications")

WORDS = 'A square that is as "grey" as rain.'
BAR = "\r100%|██████████| 60/60 [00:02<00:00, 29.9eye/s]\n"
FIRST = """# 01 · First

See [02](02_second.ipynb#A-place,-named), [the module](../fundus_utils/x.py),
[data](../data/README.md).

$$H(p) = -p \\ln p$$

It is $p$.
"""
SECOND = """# 02 · Second

![A square of one colour, drawn by hand](square.png)

## A place, named

Back to [01](01_first.ipynb), or [here](#A-place,-named)."""

BROKEN = """# 02 · Second

It is [x](gone.ipynb), or $\\nosuchsign$."""


def square() -> bytes:
    """Return a small grey picture as the bytes of a PNG file."""
    written = io.BytesIO()
    Image.new("L", (8, 8), 99).save(written, "PNG")
    return written.getvalue()


def figure(words: str = WORDS) -> Any:
    """Return the output that `figures.show` leaves: a picture, its words beside it."""
    return new_output(
        "display_data",
        data={"image/png": base64.b64encode(square()).decode(), "text/plain": words},
        metadata={"image/png": {"alt": words}},
    )


def cell_with(*outputs: Any, **metadata: Any) -> Any:
    return new_code_cell("work()", outputs=list(outputs), metadata=metadata)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project of two tiny notebooks, a page of text and a module."""
    root = tmp_path / "project"
    files = {
        "data/README.md": "# Data\n\nMade by [x](../fundus_utils/x.py).\n",
        "data/CHASE_DB1/README.md": "# CHASE_DB1\n\nCC BY 4.0.\n",
        "fundus_utils/x.py": "",
        "README.md": "# All\n\nBegin with [01](notebooks/01_first.ipynb), under [MIT](LICENSE).\n",
        "LICENSE": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "notebooks").mkdir()
    (root / "notebooks" / "square.png").write_bytes(square())
    warning = f"{root}/fundus_utils/x.py:1: UserWarning: few patients\n"
    said = new_output("stream", name="stderr", text=BAR + warning)
    first = [new_markdown_cell(FIRST), cell_with(figure(), said, tags=["exercise"])]
    write(root / "notebooks" / "01_first.ipynb", *first)
    write(root / "notebooks" / "02_second.ipynb", new_markdown_cell(SECOND))
    return root


def write(path: Path, *cells: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


# Which pages there are


def test_lessons_come_in_order_then_solutions_then_the_rest(root: Path) -> None:
    write(root / "notebooks" / "10_last.ipynb")
    write(root / "notebooks" / "scratch.ipynb")
    write(root / "notebooks" / "solutions" / "01_first.ipynb")
    pages = collect(root / "notebooks", root)
    assert list(pages) == [
        "notebooks/01_first.ipynb",
        "notebooks/02_second.ipynb",
        "notebooks/10_last.ipynb",
        "notebooks/solutions/01_first.ipynb",
        "README.md",
        "data/README.md",
        "data/CHASE_DB1/README.md",
    ]


def test_a_runs_notebooks_take_the_place_of_the_stored_ones(root: Path) -> None:
    run = root / "data" / "derived" / "run"
    write(run / "01_first.ipynb")
    pages = collect(run, root)
    assert pages["notebooks/01_first.ipynb"] == run / "01_first.ipynb"
    assert "notebooks/02_second.ipynb" not in pages


def test_a_folder_without_notebooks_is_told(root: Path) -> None:
    with pytest.raises(FundusError, match="data holds no numbered notebooks"):
        collect(root / "data", root)


def test_a_part_without_pages_is_left_out_of_the_contents() -> None:
    pages = ["notebooks/01_first.ipynb", "README.md"]
    assert "Solutions" not in contents(pages)
    text = contents([*pages, "notebooks/solutions/01_first.ipynb"])
    places = [text.index(f":caption: {part}") for part in ("Lessons", "Solutions", "About")]
    assert places == sorted(places)
    assert "About this workbook <README.md>" in text
    assert text.count("notebooks/01_first.ipynb") == 1


# How they are prepared


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[02](02_second.ipynb#Part)", "[02](02_second.ipynb#Part)"),
        ("[data](../data/README.md)", "[data](../data/README.md)"),
        ("[x](https://doi.org/10.1/x.py)", "[x](https://doi.org/10.1/x.py)"),
        ("[3](#3.-Here)", "[3](#3.-Here)"),
        ("[`x.py`](../fundus_utils/x.py)", "`fundus_utils/x.py`"),
        ("[the module](../fundus_utils/x.py)", "the module (`fundus_utils/x.py`)"),
        ("[gone](../fundus_utils/gone.py)", "[gone](../fundus_utils/gone.py)"),
        ("`a[0](../LICENSE)`", "`a[0](../LICENSE)`"),
        ("```\na[0](../LICENSE)\n```", "```\na[0](../LICENSE)\n```"),
        ("`b` [MIT](../LICENSE)", "`b` MIT (`LICENSE`)"),
        ("![a square](square.png)", "![a square](square.png)"),
    ],
)
def test_only_links_that_leave_the_book_become_plain(root: Path, text: str, expected: str) -> None:
    pages = collect(root / "notebooks", root)
    assert mended_links(text, "notebooks/01_first.ipynb", pages, root) == expected


def test_pictures_of_a_page_are_found_from_where_it_lies() -> None:
    text = "![a](b.png) [c](d.png) `![e](f.png)` ![g](../h/i.jpg) ![j](https://k.org/l.png)"
    assert pictures_in(text, "notebooks/01_first.ipynb") == ["notebooks/b.png", "h/i.jpg"]


def test_a_prepared_notebook_has_no_progress_no_widget_and_no_path_of_a_machine() -> None:
    root = Path("/somewhere/project")
    live = figure()
    live.data[WIDGET] = {"model_id": "1"}
    warning = new_output("stream", name="stderr", text=f"{root}/notebooks/x.py:7: beware\n")
    bar = new_output("stream", name="stderr", text=BAR)
    notebook = new_notebook(
        cells=[cell_with(live, bar, warning, tags=["exercise"], execution={"at": "noon"})],
        metadata={"widgets": {WIDGET: {"state": {}}}},
    )
    (cell,) = prepared(notebook, "notebooks/01_first.ipynb", [], root).cells
    assert cell.metadata == {"tags": ["exercise"]}
    assert set(cell.outputs[0].data) == {"image/png", "text/plain"}
    assert [one.text for one in cell.outputs[1:]] == ["notebooks/x.py:7: beware\n"]
    again = prepared(notebook, "notebooks/01_first.ipynb", [], root)
    assert set(again.metadata) == {"kernelspec", "language_info"}
    assert WIDGET in live.data, "the notebook itself was changed"


def test_the_words_of_a_picture_are_those_that_are_meant_for_it() -> None:
    drawn = figure()
    drawn.data["text/plain"] = "<Figure size 640x480 with 1 Axes>"
    notebook = new_notebook(cells=[cell_with(drawn)])
    (cell,) = prepared(notebook, "notebooks/01_first.ipynb", [], Path("/p")).cells
    assert cell.outputs[0].data["text/plain"] == WORDS


def test_a_formula_keeps_its_source_and_the_spaces_around_a_name() -> None:
    drawn = mathml(r"-p \ln p < q", block=True)
    assert re.match(r'<math alttext="-p \\ln p &lt; q" .*display="block"', drawn)
    assert re.search(r"<mspace[^>]*></mspace><mi>ln</mi><mspace", drawn)
    assert "mfrac" in mathml(r"\frac{a}{b}", block=False)
    with pytest.raises(MathError):
        mathml(r"\nosuchsign", block=False)


def test_anchors_are_jupyters() -> None:
    assert jupyter_anchor("3. Label on the wrong scale") == "3.-Label-on-the-wrong-scale"


# What Sphinx makes of them


class Page(HTMLParser):
    """What a page shows and asks for."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.pictures: list[str] = []  # their alternative texts
        self.links: list[str] = []
        self.asked: list[str] = []
        self.places: set[str] = set()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.places.add(found["id"])
        if tag == "a":
            self.links.append(found.get("href", ""))
        else:
            self.asked += [found[name] for name in ("src", "href") if name in found]
        if tag == "img":
            self.pictures.append(found.get("alt", ""))


def pages_of(book: Path) -> dict[Path, Page]:
    return {
        path.resolve(): Page(path) for path in book.rglob("*.html") if "_static" not in str(path)
    }


def dead_links(pages: dict[Path, Page]) -> Iterator[str]:
    """Name the links from page to page that lead to no page, or to no place on it."""
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            name, _, place = link.partition("#")
            other = (path.parent / name).resolve() if name else path
            if other not in pages or (place and place not in pages[other].places):
                yield f"{path.name}: {link}"


def from_outside(book: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Name what a page, or a style sheet, would fetch from another computer."""
    for page in pages.values():
        yield from (asked for asked in page.asked if re.match(r"(https?:)?//", asked))
    for sheet in book.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        yield from re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)]*", text)


def without_words(pages: dict[Path, Page]) -> list[str]:
    """Return the alternative texts that say nothing."""
    texts = [text for page in pages.values() for text in page.pictures]
    return [text for text in texts if len(text) < 20 or re.match(r"<Figure|\S*\.\w+$", text)]


@pytest.mark.slow
def test_a_small_book_has_links_words_and_formulas_and_works_offline(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    out = tmp_path / "book"
    (out / "old").mkdir(parents=True)
    (out / "searchindex.js").touch()  # an old book
    index = build(root / "notebooks", out, root)
    assert capfd.readouterr().err == ""
    assert not (out / "old").exists()
    pages = pages_of(out)
    first = pages[(out / "notebooks" / "01_first.html").resolve()]
    assert list(dead_links(pages)) == []
    assert {"02_second.html#a-place-named", "../data/README.html"} <= set(first.links)
    assert "fundus_utils/x.py</span>" in first.text
    assert first.pictures == [WORDS]
    assert without_words(pages) == []
    assert first.text.count("<math alttext=") == 2
    assert "few patients" in first.text
    assert "eye/s" not in first.text
    assert "tag_exercise" in first.text
    assert list(from_outside(out, pages)) == []
    assert not any(str(tmp_path) in page.text for page in pages.values())
    assert "About this workbook" in pages[index.resolve()].text
    assert (out / "_images" / "square.png").exists()


@pytest.mark.slow
def test_a_dead_link_or_formula_stops_the_book_and_the_old_one_stays(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    out = tmp_path / "book"
    out.mkdir()
    (out / "searchindex.js").touch()
    write(root / "notebooks" / "02_second.ipynb", new_markdown_cell(BROKEN))
    with pytest.raises(FundusError, match="Sphinx found something wrong"):
        build(root / "notebooks", out, root)
    said = capfd.readouterr().err
    assert "gone.ipynb" in said
    assert re.search(r"02_second\.ipynb:\d+: WARNING: the formula \$\\nosuchsign\$", said)
    assert [path.name for path in out.iterdir()] == ["searchindex.js"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_the_workbook_itself_is_a_book(tmp_path: Path) -> None:
    out = tmp_path / "book"
    build(storage.PROJECT / "notebooks", out)
    pages = pages_of(out)
    lessons = list((storage.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    assert all((out / "notebooks" / f"{path.stem}.html").exists() for path in lessons)
    assert sum(len(page.pictures) for page in pages.values()) > 4 * len(lessons)
    assert without_words(pages) == []
    assert list(dead_links(pages)) == []
    assert list(from_outside(out, pages)) == []
    assert not any(str(storage.PROJECT) in page.text for page in pages.values())
    chinese = [path.name for path, page in pages.items() if '<html lang="zh-CN"' in page.text]
    assert chinese == ["README.zh-CN.html"]


def test_a_folder_that_holds_something_else_is_not_replaced(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    assert main([str(root / "notebooks"), "--out", str(mine)]) == 1
    assert "mine is there, and is no book" in capsys.readouterr().err
    assert (mine / "thesis.txt").exists()
