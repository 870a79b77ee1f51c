"""The front door: two READMEs in step, a glossary of twenty terms, links that lead somewhere."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from fundus_utils.storage import PROJECT

ENGLISH = "README.md"
CHINESE = "README.zh-CN.md"
GUIDE = "CONTRIBUTING.md"
PAGES = [ENGLISH, CHINESE, GUIDE]
CLAIMS = "原文的说法与结论"  # the section that the Chinese page has and the English one has not
FENCE = re.compile(r"^```\n(.*?)^```\n", flags=re.M | re.S)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e-?\d+)?")
HAN = re.compile(r"[\u4e00-\u9fff]")
each_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def code_blocks(text: str) -> list[str]:
    """Return the blocks of code, without comments."""
    blocks = []
    for block in FENCE.findall(text):
        lines = [re.sub(r"\s*# .*", "", line) for line in block.splitlines()]
        blocks.append("\n".join(line for line in lines if line))
    return blocks


def sections_of(text: str) -> list[tuple[int, str, str]]:
    """Return level, title and prose of each section, without blocks of code."""
    parts = re.split(r"^(#+) (.*)\n", FENCE.sub("", text), flags=re.M)[1:]
    return [(len(parts[i]), parts[i + 1], parts[i + 2]) for i in range(0, len(parts), 3)]


def common_sections(page: str) -> list[tuple[int, str, str]]:
    """Return the sections that both languages have."""
    return [one for one in sections_of(text_of(page)) if one[1] != CLAIMS]


def rows_of(prose: str) -> list[list[str]]:
    """Return the cells of each row of the tables in a text, their headings included."""
    lines = [line for line in prose.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= set("-")]


def section(page: str, title: str) -> str:
    (prose,) = [prose for _, name, prose in sections_of(text_of(page)) if name == title]
    return prose


def links_in(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))


def spans_in(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def common_text(page: str) -> str:
    return "\n".join(prose for _, _, prose in common_sections(page))


def figures_in(text: str) -> set[str]:
    """Return the numbers that were measured or counted: of two digits or more."""
    return {one for one in NUMBER.findall(text) if len(one) > 1}


# Two languages, one page


def test_headings_are_in_step():
    levels = [[level for level, _, _ in common_sections(page)] for page in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1]
    titles = {title for _, title, _ in sections_of(text_of(CHINESE))}
    assert CLAIMS in titles


def test_blocks_of_code_are_the_same_but_for_comments():
    assert code_blocks(text_of(ENGLISH)) == code_blocks(text_of(CHINESE))
    assert len(code_blocks(text_of(ENGLISH))) >= 5


def test_every_row_of_every_table_has_the_same_numbers():
    for english, chinese in zip(common_sections(ENGLISH), common_sections(CHINESE), strict=True):
        pairs = zip(rows_of(english[2]), rows_of(chinese[2]), strict=True)
        for row, other in pairs:
            said = [sorted(NUMBER.findall(" ".join(one))) for one in (row, other)]
            assert said[0] == said[1], (row, other)
            assert len(row) == len(other), (row, other)


def test_every_section_has_the_same_figures():
    for english, chinese in zip(common_sections(ENGLISH), common_sections(CHINESE), strict=True):
        assert figures_in(english[2]) == figures_in(chinese[2]), english[1]


def test_links_pictures_and_code_are_the_same():
    links = [Counter(links_in(common_text(page))) for page in (ENGLISH, CHINESE)]
    if not (PROJECT / "notebooks" / "solutions").exists():  # a handout's README names none
        links = [Counter(one for one in found if "solutions" not in one) for found in links]
    del links[0][CHINESE], links[1][ENGLISH]
    assert links[0] == links[1]
    for english, chinese in zip(common_sections(ENGLISH), common_sections(CHINESE), strict=True):
        spans = Counter(spans_in(chinese[2]))
        assert Counter(spans_in(english[2])) == spans, english[1]


# The article's claims, in Chinese


def table_of(notebook: str, heading: str) -> list[list[str]]:
    """Return the rows of a notebook's table by the first words of its heading."""
    (path,) = (PROJECT / "notebooks").glob(f"{notebook}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return rows_of(prose[prose.index(heading) :].split("\n\n")[0])[1:]


def test_each_claim_is_quoted_as_in_notebook_00_and_settled_as_in_06():
    claims = rows_of(section(CHINESE, CLAIMS))[1:]
    quoted = table_of("00", "| the article says | translated |")
    settled = table_of("06", "| the article says | verdict |")
    for claim, quote, verdict in zip(claims, quoted, settled, strict=True):
        assert claim[0] == quote[0]
        assert HAN.search(claim[1]) and "**" in claim[1]
        assert sorted(NUMBER.findall(claim[2])) == sorted(NUMBER.findall(verdict[2])), claim
        named = re.findall(r"\]\((?:notebooks/)?(\d\d)_", verdict[3])
        assert re.findall(r"\]\(notebooks/(\d\d)_", claim[3]) == (named or ["06"])


# The glossary


def test_twenty_terms_each_in_both_languages():
    english = rows_of(section(ENGLISH, "Glossary"))[1:]
    chinese = rows_of(section(CHINESE, "术语表"))[1:]
    assert len(english) == 20
    assert [row[:2] for row in english] == [row[1::-1] for row in chinese]
    for term, word, sentence in english:
        assert re.match(r"[A-Za-z]", term) and HAN.search(word) and sentence.endswith(".")
    for row in chinese:
        assert HAN.search(row[2]) and row[2].endswith("。")


# What all three pages name is there


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = [title for _, title, _ in sections_of(path.read_text(encoding="utf-8"))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_links_and_anchors_lead_somewhere(page):
    for target in links_in(text_of(page)):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        path = PROJECT / (file or page)
        assert path.exists(), target
        assert not anchor or anchor in anchors_of(path), target


@each_page
def test_each_make_target_is_there(page):
    text = text_of(page)
    code = "\n".join([*code_blocks(text), *spans_in(text)])
    named = set(re.findall(r"^make ([a-z][\w-]*)", code, flags=re.M))
    targets = re.search(r"^\.PHONY: (.*)", text_of("Makefile"), flags=re.M)[1].split()
    assert named <= set(targets)
    assert "test" in named


def test_the_guide_is_short_and_names_what_is_there():
    text = text_of(GUIDE)
    assert len(text.splitlines()) <= 120
    tests = "\n".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("tests/*.py"))
    for span in spans_in(text):
        for path in re.findall(r"^(?:fundus_utils|notebooks|tests|data)/[\w./]+$", span):
            assert "NN" in path or "NAME" in path or (PROJECT / path).exists(), path
        for name in re.findall(r"^test_\w+$", span):
            assert f"def {name}(" in tests, name


def test_the_picture_is_light_wide_and_described():
    path = PROJECT / "notebooks" / "results" / "overview.jpg"
    assert path.stat().st_size <= 120_000
    with Image.open(path) as picture:
        assert picture.width >= 1000
    for page in (ENGLISH, CHINESE):
        (alt,) = re.findall(r"!\[(.*?)\]\(notebooks/results/overview\.jpg\)", text_of(page))
        assert len(alt) > 20


@each_page
def test_no_heading_skips_a_level_and_no_path_of_a_machine_is_named(page):
    levels = [level for level, _, _ in sections_of(text_of(page))]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    assert not re.search(r"/(root|home/\w+|work|Users)/", text_of(page))
