"""Run every notebook in order, and keep what they make; `notebooks/book/` makes a book of it."""

import copy
import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from . import storage
from .errors import FundusError

CELL_SECONDS = 1200
AT_ONCE = 2  # notebooks: one waits where the other computes
BEGUN_FIRST = "05"
WIDGET = "application/vnd.jupyter.widget-view+json"  # dead without its kernel: the picture stays
BAR = re.compile(r"\d+%\||\[\d\d:\d\d")  # how the last state of a bar looks
_RUNNING: set[Any] = set()  # clients whose kernels run now


def notebook_paths() -> list[Path]:
    """Return the numbered notebooks in order.

    Raises:
        FundusError: there are none beside the package, as when it was installed by itself.
    """
    folder = storage.PROJECT / "notebooks"
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        advice = "run this from a clone of the project, set up by `make` (or `pip install -e .`)"
        raise FundusError(f"{folder} holds no notebooks", advice)
    return paths


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
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.extra_arguments = ["--IPKernelApp.log_level=40"]
    client.on_cell_complete = moved
    _RUNNING.add(client)
    try:
        client.execute()
    except Exception as error:  # a kernel may fail in many ways, the reader needs its words
        advice = "mend that cell, or ask where the course comes from"
        raise FundusError(f"{path.name} stopped: {error}", advice) from error
    finally:
        _RUNNING.discard(client)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def store(path: Path, notebook: Any) -> None:
    """Write an executed notebook back over its source, whole or not at all.

    What changes from run to run is taken out: timestamps, widget state, standard error.
    """
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        tags = {key: value for key, value in cell.metadata.items() if key == "tags"}
        cell.metadata = nbformat.from_dict(tags)
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    with storage.writing_whole(path) as target:
        nbformat.write(notebook, target)


def without_progress(cell: Any) -> Any:
    """Return a copy of an executed cell without the lines of its progress bars.

    A bar draws itself again and again over one line, which on paper becomes sixty lines; a
    warning, which takes a line of its own, stays.
    """
    plain = copy.deepcopy(cell)
    if plain.cell_type != "code":
        return plain
    errors = [one for one in plain.outputs if one.get("name") == "stderr"]
    others = [one for one in plain.outputs if one.get("name") != "stderr"]
    lines = "".join(one.text for one in errors).splitlines(keepends=True)
    # `splitlines` cuts at each carriage return too: what stands before one has been drawn over.
    kept = [line for line in lines if not line.endswith("\r") and not BAR.search(line)]
    said = "".join(kept).strip("\n")
    plain.outputs = others
    if said:
        plain.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=said + "\n"))
    return plain


def in_turn(paths: list[Path]) -> list[Path]:
    """Return the notebooks in the order in which they are begun: the longest first.

    It trains the networks that later ones use, and so it need not be waited for in the end.
    """
    return sorted(paths, key=lambda path: path.stem[:2] != BEGUN_FIRST)


def stop_kernels() -> None:
    """End the kernels that run now, so that whoever waits for them need not wait longer."""
    for client in list(_RUNNING):
        provisioner = getattr(client.km, "provisioner", None)
        if provisioner is not None and provisioner.pid:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(provisioner.pid, signal.SIGTERM)


def run(keep: bool = False) -> Path:
    """Run all notebooks, AT_ONCE at a time, and write them to `data/derived/run/`.

    Args:
        keep: also write the outputs back into `notebooks/`, as authors do.

    Returns:
        The folder with the notebooks.

    Raises:
        FundusError: a notebook stopped, see `execute`; those that have begun are let finish.
        KeyboardInterrupt, SystemExit: it was stopped; the kernels are ended.
    """
    os.environ["FUNDUS_LIVE"] = "0"
    paths = notebook_paths()
    out = storage.derived_dir() / "run"
    out.mkdir(parents=True, exist_ok=True)
    sources = [nbformat.read(path, as_version=4) for path in paths]
    cells = sum(cell.cell_type == "code" for source in sources for cell in source.cells)

    def run_one(path: Path, bar: Any) -> None:
        begin = time.monotonic()
        notebook = execute(path, bar)
        bar.write(f"{path.stem}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
        with storage.writing_whole(out / path.name) as target:
            nbformat.write(notebook, target)
        if keep:
            store(path, notebook)

    with (
        tqdm(total=cells, unit="cell", file=sys.stderr) as bar,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        running = [pool.submit(run_one, path, bar) for path in in_turn(paths)]
        try:
            for one in as_completed(running):
                one.result()
        except BaseException as reason:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(reason, Exception):  # stopped from outside, not by a notebook
                stop_kernels()
            raise
    return out
