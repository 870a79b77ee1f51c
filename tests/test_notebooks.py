"""Notebooks as they are stored: light, in order, in the course's form. nbval runs them."""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import fundus_utils
from fundus_utils.storage import PROJECT
from fundus_utils.workbook import notebook_paths

PATHS = notebook_paths()
OPENING = ["**Aim.**", "**You will learn**", "**You need**", "**Time and memory.**"]
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(path: Path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def lines_of(cell) -> int:
    return len([line for line in cell.source.splitlines() if line.strip()])


def test_the_course_is_there():
    assert [path.stem[:2] for path in PATHS] == [f"{number:02d}" for number in range(12)]


@each
def test_is_valid(path):
    nbformat.validate(read(path))


@each
def test_opens_with_aim_and_ends_with_the_next_step(path):
    text = prose(path)
    headings = re.findall(r"^# .*", text, flags=re.M)
    assert len(headings) == 1 and headings[0].startswith(f"# {path.stem[:2]} · ")
    places = [text.index(part) for part in OPENING]
    assert places == sorted(places)
    assert "## Summary" in text
    assert "**Next" in text.split("## Summary")[1]


@each
def test_first_cell_chooses_the_data_set(path):
    assert "DATASET = storage.chosen_set()" in code_cells(path)[0].source


IMPORTS_ALONE = """
import sys
{imports}
from exercises.checking import exercises_of
exercises_of({lesson})
print("tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("lesson", [1, 2])
def test_a_lesson_without_networks_does_not_wait_for_tensorflow(lesson):
    imports = [
        ast.unparse(node)
        for cell in code_cells(PATHS[lesson])
        for node in ast.parse(cell.source).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert any("widgets" in line for line in imports)
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS_ALONE.format(imports="\n".join(imports), lesson=lesson)],
        cwd=PROJECT / "notebooks",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "False\n"


@each
def test_was_run_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each
def test_what_prints_has_a_stored_output(path):
    for cell in code_cells(path):
        if re.search(r"^(print\(|show\(|widgets\.)", cell.source, flags=re.M):
            assert cell.outputs, cell.source


@each
def test_is_light(path):
    assert path.stat().st_size < 1_000_000
    for cell in code_cells(path):
        text = "".join(o.get("text", "") for o in cell.outputs)
        assert len(text.splitlines()) <= 100


@each
def test_prose_leads(path):
    cells = code_cells(path)
    lines = [lines_of(cell) for cell in cells]
    assert statistics.median(lines) <= 8
    assert max(lines) <= 30
    assert len(prose(path).split()) >= 5 * sum(lines)


@each
def test_every_picture_has_words(path):
    pictures = 0
    for cell in code_cells(path):
        for output in cell.outputs:
            kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            for kind in kinds:
                pictures += 1
                alt = output.metadata[kind]["alt"]
                assert len(alt.split()) >= 5
                assert output.data["text/plain"] == alt
    assert pictures >= 1


@each
def test_pictures_are_captioned_and_numbered_in_order(path):
    source = "\n".join(cell.source for cell in code_cells(path))
    numbers = [int(n) for n in re.findall(rf'"Figure {int(path.stem[:2])}\.(\d+)\.', source)]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))


@each
def test_holds_nothing_of_the_machine_or_the_moment(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(root|home|work|tmp|Users)/|[A-Z]:\\\\", text)
    notebook = read(path)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr"
            assert not any("widget" in kind for kind in output.get("data", {}))


@each
def test_an_uncompared_cell_gives_its_reason(path):
    cells = code_cells(path)
    uncompared = [c for c in cells if "nbval-ignore-output" in c.metadata.get("tags", [])]
    assert all(cell.source.startswith("# Not compared:") for cell in uncompared)
    assert len(uncompared) <= len(cells) / 5


def test_the_first_notebook_leads_to_every_other():
    listed = re.findall(r"\]\(([0-9][0-9]_\w+\.ipynb)", prose(PATHS[0]))
    assert {path.name for path in PATHS[1:]} <= set(listed)


@each
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)", prose(path)):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def definitions(tree: ast.Module) -> dict[str, str]:
    """Return every top-level function and class as a syntax tree without its docstrings."""
    found = {}
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(inner):
                inner.body = inner.body[1:] or [ast.Pass()]
        found[node.name] = ast.unparse(node)
    return found


def packaged() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(Path(fundus_utils.__file__).parent.rglob("*.py")):
        for name, text in definitions(ast.parse(path.read_text(encoding="utf-8"))).items():
            found.setdefault(name, []).append(text)
    return found


TAUGHT = {
    "01": ["base_rate_loss"],
    "02": ["merge", "split"],
    "03": ["RunningStatistics", "normalize"],
    "04": ["_convolution", "_two_convolutions", "article_unet", "original_unet", "compact_unet"],
    "06": ["colour_vessels"],
}


@each
def test_a_lessons_definition_is_the_packages(path):
    package = packaged()
    taught: dict[str, str] = {}
    for cell in code_cells(path):
        taught |= definitions(ast.parse(cell.source))
    for name, text in taught.items():
        if name in package:
            assert package[name] == [text], name
    assert [name for name in taught if name in package] == TAUGHT.get(path.stem[:2], [])


def test_each_taught_function_is_taught_once():
    names = [name for names in TAUGHT.values() for name in names]
    assert len(names) == len(set(names))


def test_no_photograph_is_committed_whose_licence_forbids_it():
    if not (PROJECT / ".git").exists():
        pytest.skip("no clone, but an archive")
    kinds = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".ppm", ".gz", ".zip", ".tar"}
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    files = listed.stdout.split("\0")
    assert "pyproject.toml" in files
    pictures = [file for file in files if Path(file).suffix.lower() in kinds]
    others = [file for file in pictures if not file.startswith("data/CHASE_DB1/Image_")]
    # In the public domain; and made of Image_01L, _11L and _09L, CC BY 4.0 as the others.
    made = [f"notebooks/results/{name}.jpg" for name in ("drawing", "overview", "timid")]
    assert others == ["data/retina.jpg", *made]
