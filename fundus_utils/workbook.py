"""Run every notebook in order, keep what they make, and put them on one HTML page."""

import html
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from tqdm import tqdm

from . import storage
from .storage import PROJECT, FundusError

NOTEBOOKS = PROJECT / "notebooks"
CELL_SECONDS = 1200
EMPTY_SCRIPT = re.compile(r'<script src="">\s*</script>')
NO_ALT = re.compile(r'alt="No description has been provided for this image"')


def notebook_paths() -> list[Path]:
    """Return the numbered notebooks in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def execute(path: Path, bar: Any = None) -> Any:
    """Run a notebook from a fresh kernel in its own folder and return it, outputs filled in.

    Raises:
        FundusError: a cell failed; names the notebook and holds the kernel's message.
    """
    notebook = nbformat.read(path, as_version=4)

    def moved(cell: Any, cell_index: int) -> None:
        if bar is not None and cell.cell_type == "code":
            bar.update()

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_complete=moved,
    )
    try:
        client.execute()
    except Exception as error:  # a kernel may fail in many ways, the reader needs its words
        raise FundusError(f"{path.name} stopped: {error}") from error
    return notebook


def strip(notebook: Any) -> Any:
    """Take out what changes from run to run: timestamps, widget state, standard error."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key == "tags"}
        )
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    return notebook


def store(path: Path, notebook: Any) -> None:
    """Write an executed notebook back over its source, whole or not at all."""
    with storage.writing_whole(path) as room:
        nbformat.write(strip(notebook), room)


def _alt_texts(notebook: Any) -> list[str]:
    """Return the alternative text of each picture of a notebook, in order."""
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    pictures = [o for o in outputs if any(k.startswith("image/") for k in o.get("data", {}))]
    return [html.escape(str(picture.data.get("text/plain", "")), True) for picture in pictures]


def html_page(notebooks: list[Any]) -> str:
    """Return one HTML page of executed notebooks: figures in it, alternative texts filled in."""
    page = nbformat.v4.new_notebook(cells=[cell for one in notebooks for cell in one.cells])
    exporter = HTMLExporter(
        mathjax_url="", require_js_url="", jquery_url="", exclude_input_prompt=True
    )
    exporter.log.setLevel(logging.ERROR)  # it warns of missing texts, which are filled in below
    body, _ = exporter.from_notebook_node(page)
    texts = iter(_alt_texts(page))
    body = NO_ALT.sub(lambda _: f'alt="{next(texts)}"', body)
    body = EMPTY_SCRIPT.sub("", body)  # what the empty addresses above leave
    return body.replace("<title>Notebook</title>", "<title>Fundus U-Net workbook</title>")


def run(keep: bool = False) -> Path:
    """Run all notebooks; write them and one HTML page under `data/derived/run/`.

    Args:
        keep: also write the outputs back into `notebooks/`, as authors do.

    Returns:
        The folder with the results.
    """
    os.environ["FUNDUS_LIVE"] = "0"
    out = storage.derived_dir() / "run"
    out.mkdir(parents=True, exist_ok=True)
    paths = notebook_paths()
    sources = [nbformat.read(path, as_version=4) for path in paths]
    cells = sum(cell.cell_type == "code" for source in sources for cell in source.cells)
    done = []
    with tqdm(total=cells, unit="cell", file=sys.stderr) as bar:
        for path in paths:
            bar.set_description(path.stem)
            begin = time.monotonic()
            notebook = execute(path, bar)
            bar.write(f"{path.stem}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
            done.append(notebook)
            nbformat.write(notebook, out / path.name)
            if keep:
                store(path, notebook)
    with storage.writing_whole(out / "workbook.html") as room:
        room.write_text(html_page(done))
    return out
