"""The run of all notebooks: what it writes and stores, and the check of the computer."""

import copy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fundus_utils import data, doctor, storage, workbook
from fundus_utils.errors import FundusError

SHOW = """
import matplotlib.pyplot as plt
from fundus_utils.figures import show
figure, axis = plt.subplots(figsize=(1, 1))
show(figure, "Figure 1. A caption.", 'Axes with "nothing" in them.')
print("shown")
"""
LOOP = """
import sys
from tqdm import tqdm
for _ in tqdm(range(60), unit="eye", file=sys.stderr, mininterval=0):
    pass
print("after the bar")
print("beware of this", file=sys.stderr)
"""


def written(folder: Path, *cells: Any) -> Path:
    path = folder / "01_tiny.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a notebook with a figure and a progress bar, run in a fresh kernel."""
    cells = [new_markdown_cell("# 01 · Tiny"), new_code_cell(SHOW), new_code_cell(LOOP)]
    return workbook.execute(written(tmp_path_factory.mktemp("book"), *cells))


# The notebooks there are


def test_notebooks_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    for name in ("10_ten.ipynb", "02_two.ipynb", "scratch.ipynb", "01_one.txt"):
        (tmp_path / "notebooks" / name).touch()
    monkeypatch.setattr(storage, "PROJECT", tmp_path)
    assert [path.name for path in workbook.notebook_paths()] == ["02_two.ipynb", "10_ten.ipynb"]


def test_without_notebooks_there_is_nothing_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PROJECT", tmp_path)
    monkeypatch.setenv("FUNDUS_LIVE", "1")  # `run` changes it
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    for action in (workbook.notebook_paths, workbook.run):
        with pytest.raises(FundusError, match=r"notebooks holds no notebooks.*clone"):
            action()
    assert not list(tmp_path.iterdir())


def test_a_failing_cell_names_its_notebook(tmp_path: Path) -> None:
    path = written(tmp_path, new_code_cell("1 / 0"))
    with pytest.raises(FundusError, match=r"01_tiny\.ipynb stopped(.|\n)*ZeroDivisionError"):
        workbook.execute(path)


def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **codes: str) -> Path:
    """Write a course of notebooks with one code cell each; return its folder."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for stem, code in codes.items():
        nbformat.write(new_notebook(cells=[new_code_cell(code)]), folder / f"{stem}.ipynb")
    monkeypatch.setattr(storage, "PROJECT", tmp_path)
    monkeypatch.setenv("FUNDUS_LIVE", "1")  # `run` changes it
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path / "derived"))
    return folder


def test_a_run_writes_all_notebooks_and_keeps_outputs_where_it_is_asked(
    tmp_path, monkeypatch
) -> None:
    folder = course(
        tmp_path,
        monkeypatch,
        **{
            "01_first": "print('said by one')",
            "05_long": "import time; time.sleep(2); print('said by five')",
        },
    )
    out = workbook.run()
    for name, said in (("01_first", "said by one\n"), ("05_long", "said by five\n")):
        (cell,) = nbformat.read(out / f"{name}.ipynb", 4).cells
        assert [one.text for one in cell.outputs] == [said]
    assert nbformat.read(folder / "01_first.ipynb", 4).cells[0].outputs == []  # not kept
    workbook.run(keep=True)
    assert nbformat.read(folder / "01_first.ipynb", 4).cells[0].outputs != []


def test_a_run_ends_with_the_notebook_that_failed_and_begins_no_other(
    tmp_path, monkeypatch
) -> None:
    codes = {f"0{number}_on": "import time; time.sleep(1)" for number in (1, 2, 3, 4)}
    course(tmp_path, monkeypatch, **{"05_off": "1 / 0"}, **codes)
    with pytest.raises(FundusError, match=r"05_off\.ipynb stopped"):
        workbook.run()
    written = {path.stem for path in (tmp_path / "derived" / "run").glob("*.ipynb")}
    assert "04_on" not in written


WAIT = """
import pathlib, time
pathlib.Path("begun").touch()
time.sleep(600)
"""
# Where the tests run in the background of a shell, an interrupt is ignored unless it is asked for.
RUN = """
import signal
import sys
from pathlib import Path
from fundus_utils import storage, workbook
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
storage.PROJECT = Path(sys.argv[1])
workbook.run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_its_kernels(tmp_path, monkeypatch, number) -> None:
    folder = course(tmp_path, monkeypatch, **{"05_long": WAIT})
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        while not (folder / "begun").exists():
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=120)  # the cell itself would take ten minutes
        finally:
            process.kill()
    assert process.returncode != 0
    assert (b"KeyboardInterrupt" in said) == (number == signal.SIGINT)


# What is executed


def test_an_executed_figure_has_its_picture_its_words_and_its_caption(executed: Any) -> None:
    figure, caption, printed = executed.cells[1].outputs
    assert figure.data["text/plain"] == 'Axes with "nothing" in them.'
    assert "image/png" in figure.data
    assert caption.data["text/markdown"] == "*Figure 1. A caption.*"
    assert printed.text == "shown\n"


def test_progress_is_left_out_and_what_is_said_is_kept(executed: Any) -> None:
    bar = said_by(executed.cells[2])
    assert "60/60" in bar  # the notebook itself has the bar
    assert bar.count("\r") > 10
    plain = workbook.without_progress(executed.cells[2])
    assert said_by(plain) == "beware of this\n"
    assert [one.text for one in plain.outputs if one.name == "stdout"] == ["after the bar\n"]


def cell_with(*outputs: Any) -> Any:
    cell = new_code_cell("work()")
    cell.outputs = list(outputs)
    return cell


def stderr(text: str) -> Any:
    return new_output("stream", name="stderr", text=text)


def said_by(cell: Any) -> str:
    return "".join(one.text for one in cell.outputs if one.get("name") == "stderr")


BAR_PIECES = (
    "\r  0%|          | 0/60 [00:00<?, ?eye/s]",
    "\r 50%|█████     | 30/60 [00:01<00:01, 29.9eye/s]",
    "\r100%|██████████| 60/60 [00:02<00:00, 30.1eye/s]\n",
)


def test_redrawn_lines_of_a_bar_are_taken_out() -> None:
    in_one = cell_with(stderr("".join(BAR_PIECES)))
    in_pieces = cell_with(*(stderr(piece) for piece in BAR_PIECES))
    for cell in (in_one, in_pieces):
        assert workbook.without_progress(cell).outputs == []
        assert "60/60" in said_by(cell), "the cell itself was changed"


def test_a_bar_with_words_before_it_is_taken_out() -> None:
    drawn = "photographs:  40%|████      | 2/5 [00:00<00:00,  9.0it/s]\r"
    last = "photographs: 100%|██████████| 5/5 [00:00<00:00,  9.0it/s]\n"
    assert workbook.without_progress(cell_with(stderr(drawn + last))).outputs == []


def test_a_bar_that_counts_without_an_end_is_taken_out() -> None:
    drawn = "\r0eye [00:00, ?eye/s]\r12eye [00:01, 11.8eye/s]\n"
    assert workbook.without_progress(cell_with(stderr(drawn))).outputs == []


def test_a_warning_stays_with_the_other_outputs_in_order() -> None:
    shown = new_output("stream", name="stdout", text="50%| is no bar here\n")
    warning = "train.py:7: UserWarning: few patients\n"
    cell = cell_with(shown, stderr("".join(BAR_PIECES) + warning))
    plain = workbook.without_progress(cell)
    assert plain.outputs[0] == shown
    assert said_by(plain) == warning


def test_a_warning_between_the_lines_of_a_bar_stays() -> None:
    text = BAR_PIECES[0] + BAR_PIECES[1] + "\nUserWarning: few patients\n" + BAR_PIECES[2]
    assert said_by(workbook.without_progress(cell_with(stderr(text)))).strip() == (
        "UserWarning: few patients"
    )


def test_prose_has_no_progress() -> None:
    prose = new_markdown_cell("50%| of it")
    assert workbook.without_progress(prose) == prose


# What is stored


def test_a_stored_notebook_keeps_outputs_and_nothing_of_the_moment(
    executed: Any, tmp_path: Path
) -> None:
    assert executed.cells[1].metadata, "there is no time to take out"
    assert said_by(executed.cells[2]), "there is no standard error to take out"
    path = tmp_path / "02_stored.ipynb"
    workbook.store(path, copy.deepcopy(executed))
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert not any(cell.metadata for cell in cells)
    names = [one.name for cell in cells for one in cell.outputs if "name" in one]
    assert names == ["stdout", "stdout"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


# The doctor


def test_the_doctor_finds_this_environment_ready(capsys: pytest.CaptureFixture) -> None:
    assert doctor.report()
    text = capsys.readouterr().out
    assert "FAIL" not in text
    assert "numpy" in text


def test_the_doctor_misses_the_set_that_comes_along_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def gone(name: str, part: str) -> list:
        raise FundusError(f"{name} is not there", "look")

    monkeypatch.setattr(data, "load_set", gone)
    assert not doctor.report()
    lines = capsys.readouterr().out.splitlines()
    (failed,) = [line for line in lines if line.startswith("FAIL")]
    assert failed.startswith("FAIL chase_db1: chase_db1 is not there; it comes with the project")
    assert sum("not here, and not needed" in line for line in lines) == 3


def test_the_doctor_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def absent(name: str) -> str:
        if name == "pooch":
            raise doctor.PackageNotFoundError(name)
        return "0.0"

    monkeypatch.setattr(doctor, "version", absent)
    assert not doctor.report()
    text = capsys.readouterr().out
    assert "FAIL pooch is not installed" in text
    assert "FAIL numpy 0.0" in text


def test_the_doctor_says_so_where_the_package_itself_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def absent(name: str) -> list[str]:
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", absent)
    assert not doctor.report()
    assert "FAIL fundus-utils itself is not installed: run `make setup`" in capsys.readouterr().out
