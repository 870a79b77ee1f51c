"""What is made is there whole or not at all, and lies where the reader says."""

from pathlib import Path

import pytest

from fundus_utils import storage
from fundus_utils.storage import FundusError


def test_written_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for content in ("one", "two"):
        with storage.writing_whole(path) as room:
            room.write_text(content)
            assert room.name == "a.txt"
    assert path.read_text() == "two" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_interrupted_writing_keeps_the_old_file_and_leaves_nothing(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), storage.writing_whole(path) as room:
        room.write_text("ha")
        raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_interrupted_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage.writing_whole(tmp_path / "set") as room:
        (room / "images").mkdir(parents=True)
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_folder_is_made_once(data: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "a.txt").write_text(str(len(made)))

    for _ in range(3):
        folder = storage.made_folder("things_1", make)
        assert folder == storage.derived_dir() / "things_1"
        assert (folder / "a.txt").read_text() == "1"
    assert len(made) == 1 and list(storage.derived_dir().iterdir()) == [folder]


def test_folder_whose_making_failed_is_made_again(data: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise FundusError("no")

    with pytest.raises(FundusError, match="no"):
        storage.made_folder("things", fail)
    folder = storage.made_folder("things", lambda folder: (folder / "a.txt").touch())
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


def test_the_faster_of_two_makers_is_kept(data: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "a.txt").write_text("slow")
        other = storage.derived_dir() / "things"
        other.mkdir()
        (other / "a.txt").write_text("fast")

    assert (storage.made_folder("things", make) / "a.txt").read_text() == "fast"


def test_error_of_a_maker_is_not_hidden(data: Path) -> None:
    def make(folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        storage.made_folder("things", make)


def test_folders_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, found, default in (
        ("FUNDUS_DATA", storage.data_dir, "data"),
        ("FUNDUS_DERIVED", storage.derived_dir, "data/derived"),
    ):
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


def test_environment_then_saved_choice_then_synthetic(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storage.chosen_set() == "synthetic"
    storage.save_choice("chase_db1")
    assert storage.chosen_set() == "chase_db1"
    monkeypatch.setenv("FUNDUS_DATASET", "drive")
    assert storage.chosen_set() == "drive"
    monkeypatch.setenv("FUNDUS_DATASET", "")
    assert storage.chosen_set() == "chase_db1"


def test_json_is_read_back_or_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    storage.save_json(path, {"a": [1, 2.5, "ä"]})
    assert storage.load_json(path) == {"a": [1, 2.5, "ä"]}
    path.write_text('{"a": ')
    with pytest.raises(FundusError, match=r"a\.json is not valid JSON"):
        storage.load_json(path)


def test_key_names_the_content() -> None:
    assert storage.key_of({"a": 1, "b": 2}) == storage.key_of({"b": 2, "a": 1})
    assert storage.key_of("a", "b") != storage.key_of("b", "a")
    assert len(storage.key_of(1)) == 10
