import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fundus_utils import doctor, workbook
from fundus_utils.storage import FundusError

SHOW = """
import matplotlib.pyplot as plt
from fundus_utils.figures import show
figure, axis = plt.subplots(figsize=(1, 1))
show(figure, "Figure 1. A caption.", 'Axes with "nothing" in them.')
print("shown")
"""


def written(tmp_path, *cells):
    path = tmp_path / "01_tiny.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    path = written(
        tmp_path_factory.mktemp("book"), new_markdown_cell("# 01 · Tiny"), new_code_cell(SHOW)
    )
    return workbook.execute(path)


def test_the_page_holds_the_alternative_text_of_each_figure(executed):
    page = workbook.html_page([executed])
    assert 'alt="Axes with &quot;nothing&quot; in them."' in page
    assert "No description has been provided" not in page
    assert "A caption." in page and "data:image/png;base64" in page


def test_the_page_needs_nothing_from_outside(executed):
    page = workbook.html_page([executed])
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=[\"'](?!data:)", page)


def test_a_stored_notebook_keeps_outputs_and_nothing_of_the_moment(executed, tmp_path):
    path = tmp_path / "02_stored.ipynb"
    workbook.store(path, executed)
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert cells[0].execution_count == 1 and not cells[0].metadata
    assert [o.get("name") for o in cells[0].outputs if "name" in o] == ["stdout"]


def test_a_failing_cell_names_its_notebook(tmp_path):
    path = written(tmp_path, new_code_cell("1 / 0"))
    with pytest.raises(FundusError, match=r"01_tiny\.ipynb.*"):
        workbook.execute(path)


def test_the_doctor_finds_this_environment_ready(capsys):
    assert doctor.report()
    text = capsys.readouterr().out
    assert "FAIL" not in text and "numpy" in text


def test_the_doctor_names_what_is_missing(monkeypatch, capsys):
    def absent(name):
        if name == "pooch":
            raise doctor.PackageNotFoundError(name)
        return "0.0"

    monkeypatch.setattr(doctor, "version", absent)
    assert not doctor.report()
    text = capsys.readouterr().out
    assert "FAIL pooch is not installed" in text and "FAIL numpy 0.0" in text
