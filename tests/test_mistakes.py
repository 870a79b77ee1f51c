"""A folder that is broken on purpose: each file has its fault, and the examination finds it."""

import re
from dataclasses import replace

import nbformat
import numpy as np
import pytest

from fundus_utils import mistakes, storage, synthetic
from fundus_utils.data.examination import examine
from fundus_utils.errors import FundusError


@pytest.fixture(scope="module")
def eyes():
    return [synthetic.draw_eye(synthetic.SEED, eye, 512) for eye in range(0, 14, 2)]


def test_grey_levels_are_0_and_255():
    grey = mistakes.as_grey_levels(np.array([[True, False]]))
    assert grey.dtype == np.uint8
    assert grey.tolist() == [[255, 0]]


def test_only_the_photograph_is_mirrored(eyes):
    changed = mistakes.only_photograph_mirrored(eyes[0])
    assert np.array_equal(changed.photograph[:, ::-1], eyes[0].photograph)
    assert changed.label is eyes[0].label


def test_blue_comes_first(eyes):
    changed = mistakes.blue_first(eyes[0])
    assert np.array_equal(changed.photograph[..., 0], eyes[0].photograph[..., 2])
    assert np.array_equal(changed.photograph[..., 1], eyes[0].photograph[..., 1])


def test_the_label_moves_to_the_right(eyes):
    label = np.zeros((512, 512), bool)
    label[7, 100] = True
    changed = mistakes.label_moved(replace(eyes[0], label=label))
    assert np.argwhere(changed.label).tolist() == [[7, 110]]


def test_narrowing_takes_a_third_of_the_width(eyes):
    changed = mistakes.narrowed(eyes[0])
    for picture in (changed.photograph, changed.label, changed.fov):
        assert picture.shape[:2] == (512, 341)
    assert changed.label2 is None
    share = changed.fov.mean() / eyes[0].fov.mean()
    assert share == pytest.approx(1, abs=0.01)


def test_every_fault_is_in_the_file_that_it_names(eyes, tmp_path):
    photographs, labels = mistakes.write_broken_folder(tmp_path / "broken", eyes)
    found = examine(photographs, labels)
    words = {
        "2_only_photograph_mirrored": "mirrored left to right",
        "3_blue_first": "blue, green, red",
        "4_label_moved": "move it 10 px to the left",
        "5_squeezed": "squeezed",
        "6_label_resized_smoothly": "lie between black and white",
        "7_no_label": "has no label",
    }
    said = {fault.file.stem: fault.problem for fault in found.faults if not fault.note}
    assert said.keys() == words.keys()
    for name, part in words.items():
        assert part in said[name]
    assert found.pairs == 6


def test_too_few_samples_and_missing_labels_are_refused(eyes, tmp_path):
    with pytest.raises(FundusError, match="6 samples"):
        mistakes.write_broken_folder(tmp_path, eyes[:6])
    with pytest.raises(FundusError, match="has no label"):
        mistakes.write_broken_folder(tmp_path, [*eyes[:6], replace(eyes[6], label=None)])
    assert list(tmp_path.iterdir()) == []


def test_each_mistake_of_the_notebook_is_found_by_its_symptom():
    path = storage.PROJECT / "notebooks" / "09_common_mistakes.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    headings = re.findall(r"^### (\d.+)$", text, flags=re.M)
    assert [int(one.split(".")[0]) for one in headings] == list(range(1, len(headings) + 1))
    anchors = {one.replace(" ", "-") for one in headings}  # as JupyterLab and nbconvert make them
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == anchors
