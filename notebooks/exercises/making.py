"""Make the solutions' notebooks from the lessons and `../solutions/sources`; make a handout.

An exercise's text, stub and check stand in the lesson alone: here they are copied.

    python notebooks/exercises/making.py solutions
    python notebooks/exercises/making.py handout
"""

import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fundus_utils import storage
from fundus_utils.errors import FundusError
from fundus_utils.workbook import execute, notebook_paths, store

SOLUTIONS = storage.PROJECT / "notebooks" / "solutions"
OPENING = """# Solutions · {title}

These are the solutions to the exercises of [notebook {number:02d}](../{name}), each with its \
reasons. There are others that are as good: the check in the lesson decides. Try first; a solution \
that was read is soon forgotten, one that was found is not.

(This notebook is made from the lesson and from `sources/{number:02d}.toml`: change it there.)"""
BEGINNING = """import sys

sys.path.insert(0, "..")  # the exercises lie beside the lessons
from exercises import looking_up

looking_up()  # nothing in here counts as solved"""


def tagged(notebook: Any, tag: str) -> list[Any]:
    """Return the cells of a notebook that carry a tag, in order."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def answers_of(lesson: int) -> list[dict[str, Any]]:
    """Return what is written about each exercise: number, solution, why, and wrong answers."""
    path = SOLUTIONS / "sources" / f"{lesson:02d}.toml"
    return tomllib.loads(path.read_text(encoding=storage.UTF8))["exercise"]


def parts_of(notebook: Any, number: str) -> tuple[Any, Any, Any]:
    """Return the text, the stub and the check of an exercise, as cells of the lesson.

    Raises:
        ValueError: the lesson does not hold the three of them in a row.
    """
    cells = notebook.cells
    for text, stub, check in zip(cells, cells[1:], cells[2:], strict=False):
        headed = text.source.startswith(f"### Exercise {number} · ")
        asked = "exercise" in stub.metadata.get("tags", [])
        if headed and asked and check.source.startswith(f'check("{number}", '):
            return text, stub, check
    raise ValueError(f"exercise {number}: text, stub (tagged `exercise`) and check in a row")


def solutions_of(path: Path) -> Any:
    """Return the notebook with the solutions to a lesson's exercises, not yet run."""
    lesson = nbformat.read(path, as_version=4)
    number = int(path.stem[:2])
    title = lesson.cells[0].source.splitlines()[0].removeprefix("# ")
    opening = OPENING.format(title=title, number=number, name=path.name)
    cells = [new_markdown_cell(opening), new_code_cell(BEGINNING)]
    cells += [new_code_cell(cell.source) for cell in tagged(lesson, "exercise-setup")]
    for answer in answers_of(number):
        text, _, check = parts_of(lesson, answer["number"])
        moved = re.sub(r"\]\((?!https?:|#)", "](../", text.source.removeprefix("#"))
        cells += [
            new_markdown_cell(moved),
            new_code_cell(answer["solution"].strip()),
            new_code_cell(check.source),
            new_markdown_cell(answer["why"].strip()),
        ]
    for place, cell in enumerate(cells):
        cell.id = f"s{number:02d}-{place:02d}"
    return new_notebook(cells=cells)


def make_solutions() -> None:
    """Write and run the solutions' notebooks of all lessons that have exercises."""
    for path in notebook_paths():
        if (SOLUTIONS / "sources" / f"{path.stem[:2]}.toml").exists():
            target = SOLUTIONS / path.name
            nbformat.write(solutions_of(path), target)
            store(target, execute(target))
            print(target.relative_to(storage.PROJECT))


SENTENCE = re.compile(r"Solutions with reasons are in \[solutions\]\([^)]*\); try first\.")
LINK = re.compile(r"\[([^\[\]]*)\]\((?:notebooks/)?solutions/[^)]*\)")


def without_solutions(text: str) -> str:
    """Return Markdown without its links to the solutions."""
    return LINK.sub(r"\1", SENTENCE.sub("Whoever gave you this copy has the solutions.", text))


def make_handout() -> Path:
    """Write the last commit without its solutions, for a class, as a ZIP file; return its path.

    What you have tried out in the notebooks since then does not go out.

    Raises:
        FundusError: this is no clone, so that nobody knows what belongs to it.
    """
    if not (storage.PROJECT / ".git").exists():
        raise FundusError(f"{storage.PROJECT} is no clone", "make the handout in a clone of it")
    command = ["git", "-C", str(storage.PROJECT), "archive", "--format=tar", "HEAD"]
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    target = storage.derived_dir() / "handout"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "fundus-workbook")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(root, filter="data")
        shutil.rmtree(root / "notebooks" / "solutions")
        for readme in (root / "README.md", root / "README.zh-CN.md"):
            text = without_solutions(readme.read_text(encoding=storage.UTF8))
            readme.write_text(text, encoding=storage.UTF8)
        for lesson in root.glob("notebooks/*.ipynb"):
            notebook = nbformat.read(lesson, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = without_solutions(cell.source)
            nbformat.write(notebook, lesson)
        return Path(shutil.make_archive(str(target), "zip", folder, root.name))


if __name__ == "__main__":
    if sys.argv[1:] == ["handout"]:
        print(make_handout())
    else:
        make_solutions()
