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

CELL_SECONDS = 1200
WIDGET = "application/vnd.jupyter.widget-view+json"  # dead without its kernel: the picture stays
NO_ALT = 'alt="No description has been provided for this image"'


def notebook_paths() -> list[Path]:
    """Return the numbered notebooks in order."""
    return sorted((storage.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def execute(path: Path, bar: Any = None) -> Any:
    """Run a notebook from a fresh kernel in its own folder and return it, outputs filled in.

    Raises:
        FundusError: a cell failed; names the notebook and holds the kernel's message.
    """
    notebook = nbformat.read(path, as_version=4)

    def moved(cell: Any, cell_index: int) -> None:
        if bar is not None and cell.cell_type == "code":
            bar.update()

    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=place)
    client.extra_arguments = ["--IPKernelApp.log_level=40"]
    client.on_cell_complete = moved
    try:
        client.execute()
    except Exception as error:  # a kernel may fail in many ways, the reader needs its words
        raise storage.FundusError(f"{path.name} stopped: {error}") from error
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def store(path: Path, notebook: Any) -> None:
    """Write an executed notebook back over its source, whole or not at all.

    What changes from run to run is taken out: timestamps, widget state, standard error.
    """
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(about)
    for cell in notebook.cells:
        tags = {key: value for key, value in cell.metadata.items() if key == "tags"}
        cell.metadata = nbformat.from_dict(tags)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    with storage.writing_whole(path) as room:
        nbformat.write(notebook, room)


def html_page(notebooks: list[Any]) -> str:
    """Return one HTML page of executed notebooks: figures in it, alternative texts filled in."""
    page = nbformat.v4.new_notebook(cells=[cell for one in notebooks for cell in one.cells])
    offline = dict.fromkeys(("mathjax_url", "require_js_url", "jquery_url"), "")
    exporter = HTMLExporter(exclude_input_prompt=True, **offline)
    exporter.log.setLevel(logging.ERROR)  # it warns of missing texts, which are filled in below
    body, _ = exporter.from_notebook_node(page)
    outputs = [output for cell in page.cells for output in cell.get("outputs", [])]
    pictures = [o.data for o in outputs if any(k.startswith("image/") for k in o.get("data", {}))]
    texts = (html.escape(str(picture.get("text/plain", ""))) for picture in pictures)
    body = re.sub(NO_ALT, lambda _: f'alt="{next(texts)}"', body)
    body = re.sub(r'<script src="">\s*</script>', "", body)  # what the empty addresses leave
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
    paths, done = notebook_paths(), []
    sources = [nbformat.read(path, as_version=4) for path in paths]
    cells = sum(cell.cell_type == "code" for source in sources for cell in source.cells)
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
