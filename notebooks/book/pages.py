"""Collect the pages of the book, and prepare each so that all its links lead somewhere.

A page is called by its path below the project's root, such as `notebooks/results/README.md`, and
has the same path in the book: links from page to page stay as they are.
"""

import os
import posixpath
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_notebook

from fundus_utils import storage
from fundus_utils.errors import FundusError
from fundus_utils.workbook import WIDGET, without_progress

BESIDE = (
    "README.md",
    "README.zh-CN.md",
    "data/README.md",
    "data/CHASE_DB1/README.md",
    "notebooks/results/README.md",
    "CONTRIBUTING.md",
)
CODE_OR_LINK = re.compile(r"(```.*?```|`[^`\n]+`)|(!?)\[([^\[\]]*)\]\(([^()\s]*)\)", re.DOTALL)
PARTS = {
    "Lessons": "notebooks/[0-9]",
    "Solutions": "notebooks/solutions/",
    "About": "",  # what is left
}
TITLES = {"README.md": "About this workbook", "README.zh-CN.md": "中文"}


def collect(folder: Path, root: Path) -> dict[str, Path]:
    """Return each page's name, and the file that it is made from.

    Args:
        folder: of the numbered notebooks, with the outputs that are shown.
        root: of the project: there lie the solutions and the pages of plain text. A page that is
            not there, such as a handout's solutions, is left out.

    Raises:
        FundusError: the folder holds no numbered notebook.
    """
    lessons = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        advice = "name another; python -m fundus_utils run fills data/derived/run"
        raise FundusError(f"{folder} holds no numbered notebooks", advice)
    pages = {f"notebooks/{path.name}": path for path in lessons}
    others = sorted(root.glob("notebooks/solutions/[0-9][0-9]_*.ipynb"))
    others += [root / name for name in BESIDE if (root / name).exists()]
    return pages | {path.relative_to(root).as_posix(): path for path in others}


def contents(pages: Iterable[str]) -> str:
    """Return the book's table of contents as Markdown: its parts, each with its pages in order."""
    blocks = []
    left = list(pages)
    for caption, pattern in PARTS.items():
        names = [name for name in left if re.match(pattern, name)]
        entries = [f"{TITLES[name]} <{name}>" if name in TITLES else name for name in names]
        if names:
            head = ["```{toctree}", f":caption: {caption}", ":maxdepth: 1", ""]
            blocks.append("\n".join([*head, *entries, "```"]))
        left = [name for name in left if name not in names]
    return "\n\n".join(blocks) + "\n"


def _path_of(target: str, name: str) -> str:
    """Return the path, below the project's root, that a link on a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target.split("#")[0]))


def mended_links(text: str, name: str, pages: Iterable[str], root: Path) -> str:
    """Return Markdown in which a link to a file that is in the project, not in the book, is none.

    What the link said stays, with the file's path as code. A link to what is nowhere stays: Sphinx
    complains of it.

    Args:
        text: of a page.
        name: the page's.
        pages: the names of all pages.
        root: of the project.
    """
    there = set(pages)

    def mended(found: re.Match[str]) -> str:
        code, mark, said, target = found.groups()
        if code or mark or re.match(r"[a-z]+:|#", target):
            return found[0]
        path = _path_of(target, name)
        if path in there or not (root / path).exists():
            return found[0]
        return f"`{path}`" if path.endswith(said.strip("`")) else f"{said} (`{path}`)"

    return CODE_OR_LINK.sub(mended, text)


def pictures_in(text: str, name: str) -> list[str]:
    """Return the paths, below the project's root, of the picture files that a page shows."""
    targets = [target for _, mark, _, target in CODE_OR_LINK.findall(text) if mark]
    return [_path_of(target, name) for target in targets if not re.match(r"[a-z]+:", target)]


def prepare_output(output: Any, root: Path) -> None:
    """Change an output in place: no dead widget, a picture with its words, no path of a machine."""
    data = output.get("data", {})
    data.pop(WIDGET, None)
    for kind in data:
        if kind.startswith("image/"):
            words = output.metadata.get(kind, {}).get("alt")
            if words:
                data["text/plain"] = words
                break
    if "text" in output:
        output.text = output.text.replace(f"{root}{os.sep}", "")


def prepared(notebook: Any, name: str, pages: Iterable[str], root: Path) -> Any:
    """Return a copy of a notebook as the book shows it: see `mended_links` and `prepare_output`.

    Progress bars, and what a kernel or JupyterLab has left in its metadata, are taken out.
    """
    cells = [without_progress(cell) for cell in notebook.cells]
    for cell in cells:
        cell.metadata = {"tags": list(cell.metadata.get("tags", []))}
        if cell.cell_type == "markdown":
            cell.source = mended_links(cell.source, name, pages, root)
        for output in cell.get("outputs", []):
            prepare_output(output, root)
    language = {"name": "python", "pygments_lexer": "ipython3"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})


def write_pages(pages: dict[str, Path], source: Path, root: Path) -> None:
    """Write all pages, prepared, and the pictures they show, into the folder that Sphinx reads."""
    for name, path in pages.items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
            nbformat.write(prepared(notebook, name, pages, root), target)
            prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
            text = "\n\n".join(prose)
        else:
            text = path.read_text(encoding=storage.UTF8)
            target.write_text(mended_links(text, name, pages, root), encoding=storage.UTF8)
        for picture in pictures_in(text, name):
            if (root / picture).is_file():
                (source / picture).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / picture, source / picture)
