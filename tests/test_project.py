"""The project's files agree with each other: one list of dependencies, one set of commands."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rattler import MatchSpec

from fundus_utils.__main__ import parser
from fundus_utils.storage import PROJECT

SOURCES = sorted((PROJECT / "fundus_utils").rglob("*.py"))


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


META = tomllib.loads(text_of("pyproject.toml"))["project"]
LISTED = [Requirement(line) for line in META["dependencies"]]
EXTRAS = META["optional-dependencies"]
BESIDE = [Requirement(line) for extra in ("test", "present") for line in EXTRAS[extra]]
README = text_of("README.md")
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def conda_specs() -> dict[str, str]:
    listed = yaml.safe_load(text_of("environment.yml"))["dependencies"]
    plain = [line for line in listed if isinstance(line, str) and " " in line]
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in plain}


def test_conda_environment_is_the_same_list():
    wanted = {
        CONDA_NAMES.get(one.name, one.name): SpecifierSet(str(one.specifier))
        for one in LISTED + BESIDE
    }
    wanted["python"] = SpecifierSet(META["requires-python"])
    assert {name: SpecifierSet(text) for name, text in conda_specs().items()} == wanted


@pytest.mark.parametrize("name, text", conda_specs().items())
def test_conda_reads_each_line(name, text):
    assert MatchSpec(f"{name} {text}").name.normalized == name


def locked() -> list[Requirement]:
    """Return the lines of the lock: a package may have one for each of several Pythons."""
    lines = re.findall(r"^[a-z0-9].*?(?= \\)", text_of("requirements.lock"), flags=re.M)
    return [Requirement(line) for line in lines]


def version_of(line: Requirement) -> str:
    (pin,) = line.specifier
    return pin.version


@pytest.mark.parametrize("one", LISTED + BESIDE, ids=lambda one: one.name)
def test_lock_fits_the_list(one):
    lines = [line for line in locked() if line.name == one.name]
    assert lines
    for line in lines:
        assert one.specifier.contains(version_of(line))


def test_lock_has_hashes_and_names_no_host():
    text = text_of("requirements.lock")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


@pytest.mark.parametrize("name", ["keras", *(one.name for one in LISTED + BESIDE)])
def test_the_lock_is_what_is_installed(name):
    here = [line for line in locked() if line.name == name]
    here = [line for line in here if line.marker is None or line.marker.evaluate()]
    assert [version_of(line) for line in here] == [version(name)]


@pytest.mark.parametrize("page", ["README.md", "data/README.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", text_of(page)):
        if not target.startswith(("http", "mailto")):
            assert ((PROJECT / page).parent / target).exists(), target


def test_readme_names_every_notebook_and_module():
    for path in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        assert f"notebooks/{path.name}" in README
    for path in SOURCES:
        name = f"{path.parent.name}/" if path.name == "__init__.py" else path.stem
        assert f"`{name}`" in README or name in ("fundus_utils/", "__main__"), path


def test_packages_are_all_installed():
    listed = tomllib.loads(text_of("pyproject.toml"))["tool"]["setuptools"]["packages"]
    there = {path.parent for path in SOURCES}
    named = {".".join(folder.relative_to(PROJECT).parts) for folder in there}
    assert set(listed) == named


def pytest_of(target: str) -> str:
    """Return the command by which a target of the Makefile calls pytest."""
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", target],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    (command,) = [line for line in done.stdout.splitlines() if "-m pytest" in line]
    return command


def named_in(command: str) -> list[str]:
    """Return the notebooks and tests that a command names, in order."""
    return [word for word in command.split() if word.startswith(("notebooks/", "tests/test_"))]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_each_file_is_checked_once_and_the_longest_first():
    # Beside a folder pytest would forget the files in it that are named, and with them the order.
    named = named_in(pytest_of("test"))
    notebooks = [*PROJECT.glob("notebooks/*.ipynb"), *PROJECT.glob("notebooks/solutions/*.ipynb")]
    tests = PROJECT.glob("tests/test_*.py")
    there = [path.relative_to(PROJECT).as_posix() for path in (*notebooks, *tests)]
    assert sorted(named) == sorted(there)
    assert named[0] == "notebooks/05_training.ipynb"


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_what_make_test_leaves_out_is_checked_by_test_slow_and_by_ci():
    slow = pytest_of("test-slow")
    assert ' -m "not slow" ' in pytest_of("test")
    assert " -m slow " in slow and slow.count(" -m ") == 2  # the other one is of `python -m pytest`
    tests = [path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("tests/test_*.py")]
    assert sorted(named_in(slow)) == sorted(tests)
    if (PROJECT / ".ci" / "run").is_file():
        commands = text_of(".ci/run").splitlines()
        assert commands.index("make test") + 1 == commands.index("make test-slow")


def test_readme_names_every_make_target():
    text = text_of("Makefile")
    for target in re.search(r"^\.PHONY: (.*)", text, flags=re.M)[1].split():
        if target not in ("run", "setup", "lint", "unit", "nbval", "clean"):
            assert f"make {target}" in README, target


def test_commands_of_the_readme_parse():
    commands = re.findall(r"^python -m fundus_utils (.*)", README, flags=re.M)
    assert len(commands) >= 5
    for line in commands:
        parser().parse_args(line.split("#")[0].split())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_path_of_a_machine(path: Path):
    assert not re.search(r"/(root|home/\w+|work|Users)/", path.read_text(encoding="utf-8"))
