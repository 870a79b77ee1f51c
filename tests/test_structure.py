"""The house: who may import whom, how long a function and a module may be, one name a meaning."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fundus_utils

PACKAGE = Path(fundus_utils.__file__).parent
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
HOUSE = ("errors", "storage", "quiet")
CORE = (
    "photograph",
    "exploration",
    "augmentation",
    "normalization",
    "preparation",
    "unet",
    "networks",
    "trained_model",
    "figures",
    "prediction",
    "centre_lines",
    "evaluation",
    "diagnosis",
    "results",
)
# From the ground up: what stands here may import what stands before it, and itself.
WINGS = (
    "synthetic",
    "data",
    "seen",
    "resampling",
    "bands",
    "calibration",
    "failures",
    "mistakes",
    "vessel_numbers",
    "focus",
    "quality",
    "mapping",
    "reading",
    "reports",
    "training",
    "diagrams",
    "widgets",
    "doctor",
    "workbook",
    "options",
)
FLOORS = (*HOUSE, *CORE, *WINGS)
MOST_LINES = 250  # of a module
MOST_FUNCTION_LINES = 40  # its docstring apart
MOST_CORE_LINES = 1200  # of code


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def package_of(module: str) -> list[str]:
    """Return the parts of the package that a module's relative imports count from."""
    return module.split("/")[:-1]


def imported(module: str, tree: ast.Module) -> Iterator[str]:
    """Name every module of the package that a module imports, also inside its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("fundus_utils"), f"{module}: import relatively"
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level == 0:
            assert not str(node.module).startswith("fundus_utils"), f"{module}: import relatively"
            continue
        base = package_of(module)
        base = base[: len(base) - (node.level - 1)]
        base += node.module.split(".") if node.module else []
        for alias in node.names:
            whole = "/".join([*base, alias.name])
            name = "/".join(base)
            for candidate in (whole, f"{whole}/__init__", name, f"{name}/__init__"):
                if candidate in MODULES:
                    yield candidate
                    break


IMPORTS = {module: sorted(set(imported(module, tree_of(path)))) for module, path in MODULES.items()}


def floor_of(module: str) -> str:
    return module.split("/")[0]


def test_imports_are_seen():
    """The reader of imports itself: it would be of no use if it saw none."""
    assert "preparation" in IMPORTS["training/eyes"]
    assert "synthetic/__init__" in IMPORTS["training/eyes"]
    assert "training/train" in IMPORTS["__main__"]  # imported inside a function
    assert "storage" in IMPORTS["prediction"]


@pytest.mark.parametrize("module", [one for one in MODULES if one not in ("__init__", "__main__")])
def test_no_import_goes_up(module):
    own = FLOORS.index(floor_of(module))
    for other in IMPORTS[module]:
        assert FLOORS.index(floor_of(other)) <= own, f"{module} imports {other}"


def test_there_is_no_circle():
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way, module])
        if module not in done:
            for other in IMPORTS[module]:
                visit(other, (*way, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_no_wing(module):
    assert {floor_of(one) for one in IMPORTS[module]} <= {*CORE, *HOUSE}


def test_the_drawing_knows_nothing_of_the_course():
    for module in MODULES:
        if floor_of(module) == "synthetic":
            assert {floor_of(one) for one in IMPORTS[module]} <= {"synthetic"}


def test_reading_data_needs_neither_networks_nor_training():
    for module in MODULES:
        if floor_of(module) == "data":
            allowed = {"data", "synthetic", "exploration", "photograph", "errors", "storage"}
            assert {floor_of(one) for one in IMPORTS[module]} <= allowed


def test_only_the_command_imports_training():
    for module in MODULES:
        if floor_of(module) not in ("training", "__main__"):
            assert "training" not in {floor_of(one) for one in IMPORTS[module]}, module


def definitions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def lines_of(node: ast.FunctionDef) -> int:
    """Return how many lines a function has, its docstring apart."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node):
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


@pytest.mark.parametrize("module", MODULES)
def test_functions_fit_a_screen_and_modules_a_sitting(module):
    text = MODULES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in definitions(ast.parse(text)):
        assert lines_of(node) <= MOST_FUNCTION_LINES, node.name


def code_lines(path: Path) -> int:
    """Return a module's lines of code: without blank lines, comments and docstrings."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    silent: set[int] = set()
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node):
            docstring = node.body[0]
            assert docstring.end_lineno is not None
            silent |= set(range(docstring.lineno, docstring.end_lineno + 1))
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.strip()
        if said and not said.startswith("#") and number not in silent:
            count += 1
    return count


def test_the_core_can_be_read_in_an_afternoon():
    assert sum(code_lines(MODULES[module]) for module in CORE) <= MOST_CORE_LINES


# The same function of the same command, one behind the other.
COMMANDS = {"doctor", "download", "run", "train", "evaluate", "predict", "study"}


def public_names(module: str) -> set[str]:
    """Return the public functions, classes and constants that a module defines itself."""
    found: set[str] = set()
    for node in tree_of(MODULES[module]).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def test_one_name_has_one_meaning():
    homes: dict[str, list[str]] = {}
    for module in MODULES:
        for name in public_names(module):
            if not (module == "__main__" and name in COMMANDS):
                homes.setdefault(name, []).append(module)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def opens_text(call: ast.Call) -> bool:
    """Say whether a call of something named `open` opens a file as text."""
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if owner in ("Image", "tarfile", "zipfile", "gzip"):  # these open bytes unless told otherwise
        return False
    constants = [str(node.value) for node in ast.walk(call) if isinstance(node, ast.Constant)]
    modes = [text for text in constants if set(text) <= set("rwxabt+")]
    return not modes or not all("b" in mode for mode in modes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path.open()", True),
        ("path.open('w')", True),
        ("open(path, mode='r')", True),
        ("path.open('rb')", False),
        ("path.open('ab' if there else 'wb')", False),
        ("open(path, mode='wb')", False),
        ("Image.open(path)", False),
    ],
)
def test_text_mode_is_seen(text, expected):
    assert opens_text(ast.parse(text, mode="eval").body) is expected


@pytest.mark.parametrize("module", MODULES)
def test_text_is_read_and_written_as_utf_8(module):
    """Windows would take another encoding, and stumble over the first umlaut."""
    for node in ast.walk(tree_of(MODULES[module])):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        named = {keyword.arg for keyword in node.keywords}
        if name in ("read_text", "write_text", "read_csv", "to_csv"):
            assert "encoding" in named, f"{module}:{node.lineno}"
        if name == "open" and opens_text(node):
            assert "encoding" in named, f"{module}:{node.lineno}"
