"""The project's files agree with each other: one list of dependencies, one set of commands."""

import re
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

META = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
LISTED = [Requirement(line) for line in META["dependencies"]]
TESTS = [Requirement(line) for line in META["optional-dependencies"]["test"]]
README = (PROJECT / "README.md").read_text()
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def conda_specs() -> dict[str, str]:
    listed = yaml.safe_load((PROJECT / "environment.yml").read_text())["dependencies"]
    plain = [line for line in listed if isinstance(line, str) and " " in line]
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in plain}


def test_conda_environment_is_the_same_list():
    wanted = {
        CONDA_NAMES.get(one.name, one.name): SpecifierSet(str(one.specifier))
        for one in LISTED + TESTS
    }
    wanted["python"] = SpecifierSet(META["requires-python"])
    assert {name: SpecifierSet(text) for name, text in conda_specs().items()} == wanted


@pytest.mark.parametrize("name, text", conda_specs().items())
def test_conda_reads_each_line(name, text):
    assert MatchSpec(f"{name} {text}").name.normalized == name


def locked() -> dict[str, str]:
    text = (PROJECT / "requirements.lock").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, flags=re.M))


@pytest.mark.parametrize("one", LISTED + TESTS, ids=lambda one: one.name)
def test_lock_fits_the_list(one):
    assert one.specifier.contains(locked()[one.name])


def test_lock_has_hashes_and_names_no_host():
    text = (PROJECT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_lock_is_what_is_installed():
    assert version("keras") == locked()["keras"]


@pytest.mark.parametrize("page", ["README.md", "data/README.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (PROJECT / page).read_text()):
        if not target.startswith(("http", "mailto")):
            assert ((PROJECT / page).parent / target).exists(), target


def test_readme_names_every_notebook_and_module():
    for path in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        assert f"notebooks/{path.name}" in README
    for path in sorted((PROJECT / "fundus_utils").glob("[a-z]*.py")):
        assert f"`{path.stem}`" in README, path.stem


def test_readme_names_every_make_target():
    text = (PROJECT / "Makefile").read_text()
    for target in re.search(r"^\.PHONY: (.*)", text, flags=re.M)[1].split():
        if target not in ("run", "setup", "lint", "unit", "nbval", "clean"):
            assert f"make {target}" in README, target


def test_commands_of_the_readme_parse():
    commands = re.findall(r"^python -m fundus_utils (.*)", README, flags=re.M)
    assert len(commands) >= 5
    for line in commands:
        parser().parse_args(line.split("#")[0].split())


def test_no_module_is_long():
    for path in sorted((PROJECT / "fundus_utils").glob("*.py")):
        assert len(path.read_text().splitlines()) <= 260, path.name


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "fundus_utils").glob("*.py")), ids=lambda p: p.name
)
def test_no_path_of_a_machine(path: Path):
    assert not re.search(r"/(root|home/\w+|work|Users)/", path.read_text())
