"""What is made is there whole or not at all, once, and lies where the reader says."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import pytest

from fundus_utils import storage
from fundus_utils.errors import FundusError

# Another process that holds the lock of a folder until its standard input is closed.
HOLDER = """
import sys
from pathlib import Path
from fundus_utils import storage
with storage.locked(Path(sys.argv[1]), wait=True):
    print("held", flush=True)
    sys.stdin.read()
"""

# Another process that makes a folder, slowly, and notes that it did.
MAKER = """
import sys, time
from pathlib import Path
from fundus_utils import storage
def make(folder):
    with Path(sys.argv[1]).open("a", encoding="utf-8") as notes:
        notes.write("made\\n")
    time.sleep(0.3)
    (folder / "a.txt").write_text("whole", encoding="utf-8")
print((storage.made_folder("things", make) / "a.txt").read_text(encoding="utf-8"))
"""


def started(program: str, *arguments: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | environment,
        cwd=storage.PROJECT,
    )


# Written whole


def test_written_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for content in ("one", "two"):
        with storage.writing_whole(path) as target:
            target.write_text(content, encoding="utf-8")
            assert target.name == "a.txt"
            assert target != path
    assert path.read_text(encoding="utf-8") == "two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_interrupted_writing_keeps_the_old_file_and_leaves_nothing(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(error), storage.writing_whole(path) as target:
        target.write_text("ha", encoding="utf-8")
        raise error
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage.writing_whole(tmp_path / "set") as target:
        (target / "images").mkdir(parents=True)
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def half_made(parent: Path, age: float) -> Path:
    """Return a folder as a killed process leaves it, so many seconds old."""
    folder = parent / f"{storage.MAKING}{age}"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "set").mkdir()
    (folder / "set" / "half.txt").write_text("half", encoding="utf-8")
    then = time.time() - age
    os.utime(folder, (then, then))
    return folder


def test_what_killed_processes_left_is_swept_by_the_next_writing(tmp_path: Path) -> None:
    old = half_made(tmp_path, age=60)
    other = tmp_path / "making_of.txt"
    other.touch()
    storage.save_json(tmp_path / "a.json", {})
    assert not old.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "making_of.txt"]


def test_what_is_being_made_is_not_swept(tmp_path: Path) -> None:
    old = half_made(tmp_path, age=60)
    fresh = half_made(tmp_path, age=0)  # its maker may not have locked it yet
    with filelock.FileLock(old / "lock"):
        then = time.time() - 60
        os.utime(old, (then, then))
        storage.save_json(tmp_path / "a.json", {})
        assert (old / "set" / "half.txt").exists()
    assert (fresh / "set" / "half.txt").exists()


def test_what_another_process_is_making_is_not_swept(tmp_path: Path) -> None:
    old = half_made(tmp_path, age=60)
    with started(HOLDER, str(old)) as holder:
        assert holder.stdout.readline() == "held\n"
        then = time.time() - 60
        os.utime(old, (then, then))
        storage.save_json(tmp_path / "a.json", {})
        assert (old / "set" / "half.txt").exists()
        holder.kill()
        holder.wait()
    storage.save_json(tmp_path / "a.json", {})  # its lock died with it
    assert not old.exists()


def test_long_writing_is_not_swept_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "FRESH_SECONDS", -1)
    with storage.writing_whole(tmp_path / "slow.txt") as target:
        target.write_text("slow", encoding="utf-8")
        storage.save_json(tmp_path / "quick.json", {})
    assert (tmp_path / "slow.txt").read_text(encoding="utf-8") == "slow"


# Locked


def test_locked_folder_is_refused_while_another_process_holds_it(tmp_path: Path) -> None:
    with started(HOLDER, str(tmp_path / "model")) as holder:
        assert holder.stdout.readline() == "held\n"
        begin = time.monotonic()
        with (
            pytest.raises(FundusError, match=r"another process works in .*model"),
            storage.locked(tmp_path / "model", wait=False),
        ):
            pytest.fail("both hold it")
        assert time.monotonic() - begin < 5, "it waited"
        holder.stdin.close()
        with storage.locked(tmp_path / "model", wait=True):
            assert holder.wait(10) == 0
    with storage.locked(tmp_path / "model", wait=False):
        pass


def test_error_inside_a_locked_folder_lets_it_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage.locked(tmp_path, wait=False):
        _ = 1 / 0
    with storage.locked(tmp_path, wait=False):
        pass


# Made once


def test_folder_is_made_once(data: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "a.txt").write_text(str(len(made)), encoding="utf-8")

    for _ in range(3):
        folder = storage.made_folder("things_1", make)
        assert folder == storage.derived_dir() / "things_1"
        assert (folder / "a.txt").read_text(encoding="utf-8") == "1"
    assert len(made) == 1
    shown = [path for path in storage.derived_dir().iterdir() if path.name[0] != "."]
    assert shown == [folder]


def test_folder_is_made_once_though_two_threads_ask(data: Path) -> None:
    made = []
    found = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)
        (folder / "a.txt").write_text("whole", encoding="utf-8")

    def ask() -> None:
        folder = storage.made_folder("things", make)
        found.append((folder / "a.txt").read_text(encoding="utf-8"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["whole"] * 3
    assert len(made) == 1


def test_folder_is_made_once_though_two_processes_ask(data: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    makers = [started(MAKER, str(notes)) for _ in range(2)]
    for maker in makers:
        assert maker.communicate(timeout=60)[0] == "whole\n"
        assert maker.returncode == 0
    assert notes.read_text(encoding="utf-8") == "made\n"


def test_folder_whose_making_failed_is_made_again(data: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half", encoding="utf-8")
        raise FundusError("it failed", "try again")

    def make(folder: Path) -> None:
        (folder / "a.txt").touch()

    with pytest.raises(FundusError, match="it failed"):
        storage.made_folder("things", fail)
    folder = storage.made_folder("things", make)
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


def test_error_of_a_maker_is_not_hidden(data: Path) -> None:
    def make(folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        storage.made_folder("things", make)


# Folders and choices


@pytest.mark.parametrize(
    ("variable", "default"), [("FUNDUS_DATA", "data"), ("FUNDUS_DERIVED", "data/derived")]
)
def test_folders_come_from_the_environment(
    variable: str, default: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = storage.data_dir if variable == "FUNDUS_DATA" else storage.derived_dir
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(variable, raising=False)
    assert found() == storage.PROJECT / default
    monkeypatch.setenv(variable, "elsewhere/eyes")  # counts from the project, not from here
    assert found() == storage.PROJECT / "elsewhere" / "eyes"
    monkeypatch.setenv(variable, str(tmp_path / "eyes"))
    assert found() == tmp_path / "eyes"
    monkeypatch.setenv(variable, "~/eyes")
    assert found() == Path.home().resolve() / "eyes"
    monkeypatch.setenv(variable, "")
    assert found() == storage.PROJECT / default


def test_folder_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDUS_DATA", "~nobody_of_that_name/eyes")
    with pytest.raises(FundusError, match="FUNDUS_DATA is ~nobody_of_that_name/eyes"):
        storage.data_dir()


def test_environment_then_saved_choice_then_the_set_that_comes_along(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storage.chosen_set() == "chase_db1"
    storage.save_choice("synthetic")
    assert storage.chosen_set() == "synthetic"
    monkeypatch.setenv("FUNDUS_DATASET", "drive")
    assert storage.chosen_set() == "drive"
    monkeypatch.setenv("FUNDUS_DATASET", "")
    assert storage.chosen_set() == "synthetic"


# Text and keys


def test_json_is_read_back_or_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    storage.save_json(path, {"a": [1, 2.5, "ä"]})
    assert storage.load_json(path) == {"a": [1, 2.5, "ä"]}
    for broken in ('{"a": ', "[" * 100_000):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(FundusError, match=r"a\.json is not valid JSON"):
            storage.load_json(path)
    path.write_bytes(b'"\xff"')
    with pytest.raises(FundusError, match=r"a\.json is not valid JSON"):
        storage.load_json(path)


def test_nan_becomes_null(tmp_path: Path) -> None:
    storage.save_json(tmp_path / "a.json", {"auc": float("nan"), "dice": 0.5})
    assert storage.load_json(tmp_path / "a.json") == {"auc": None, "dice": 0.5}


# PYTHONUTF8=0 too: else Python takes UTF-8 by itself where the locale is C.
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_text_is_utf_8_whatever_the_locale(utf8: str, data: Path) -> None:
    (storage.derived_dir()).mkdir()
    (storage.derived_dir() / "read.json").write_text('"Äuglein"', encoding="utf-8")
    program = """
from fundus_utils import storage
storage.save_choice("folder:/\\u00c4uglein")
assert storage.chosen_set() == "folder:/\\u00c4uglein"
assert storage.load_json(storage.derived_dir() / "read.json") == "\\u00c4uglein"
"""
    with started(program, PYTHONUTF8=utf8, LC_ALL="C", PYTHONCOERCECLOCALE="0") as process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert (storage.derived_dir() / "dataset.txt").read_bytes() == "folder:/Äuglein\n".encode()


def test_key_names_the_content() -> None:
    assert storage.key_of({"a": 1, "b": 2}) == storage.key_of({"b": 2, "a": 1})
    assert storage.key_of("a", "b") != storage.key_of("b", "a")
    assert len(storage.key_of(1)) == 10


# Sources


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a tiny package folder that `sources` looks into."""
    folder = tmp_path / "package"
    (folder / "drawing").mkdir(parents=True)
    (folder / "storage.py").touch()
    (folder / "merging.py").write_text("one = 1\n", encoding="utf-8")
    (folder / "drawing" / "__init__.py").touch()
    (folder / "drawing" / "eye.py").write_text("eyes = 2  # Ä\n", encoding="utf-8")
    monkeypatch.setattr(storage, "__file__", str(folder / "storage.py"))
    return folder


def test_sources_name_a_module_or_all_of_a_sub_package(package: Path) -> None:
    found = storage.sources(["merging", "drawing"])
    assert list(found) == ["merging.py", "drawing/__init__.py", "drawing/eye.py"]
    assert list(storage.sources(["merging"])) == ["merging.py"]


def test_sources_change_with_a_file(package: Path) -> None:
    before = storage.sources(["merging", "drawing"])
    assert storage.sources(["merging", "drawing"]) == before
    (package / "drawing" / "eye.py").write_text("eyes = 3  # Ä\n", encoding="utf-8")
    after = storage.sources(["merging", "drawing"])
    assert after.keys() == before.keys()
    changed = [name for name, checksum in after.items() if checksum != before[name]]
    assert changed == ["drawing/eye.py"]
    (package / "drawing" / "camera.py").touch()
    assert "drawing/camera.py" in storage.sources(["drawing"])


def test_sources_refuse_a_module_that_is_not_there(package: Path) -> None:
    with pytest.raises(ValueError, match="'mergin'"):
        storage.sources(["mergin"])


def test_sources_know_this_package() -> None:
    found = storage.sources(["augmentation", "synthetic"])
    assert "augmentation.py" in found
    assert "synthetic/eye.py" in found
