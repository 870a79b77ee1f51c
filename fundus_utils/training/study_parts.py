"""The parts of data sets that a study learns from, or tests on, by the names it writes."""

from pathlib import Path

from ..data import SOURCES, FundusSet, load_set
from ..data.files import resolved
from ..errors import FundusError

PART_NAMES = ("train", "test", "all", "fit", "validation")


def parts_of(names: tuple[str, ...]) -> list[FundusSet]:
    """Return the parts of data sets that a study names: `SET`, its training part, or `SET PART`."""
    return [load_set(*_name_and_part(text)) for text in names]


def _name_and_part(text: str) -> tuple[str, str]:
    """Divide `SET PART` at its last blank: the path of a `folder:PATH` may hold others."""
    name, blank, part = text.rpartition(" ")
    if not blank or _is_folder(text):
        return text, "train"
    if text.startswith("folder:") and part not in PART_NAMES and not _is_folder(name):
        return text, "train"  # of a folder that is not there
    return name, part


def _is_folder(text: str) -> bool:
    kind, _, path = text.partition(":")
    return kind == "folder" and resolved(Path(path)).is_dir()


def is_here(text: str) -> bool:
    """Say whether a part of a set, as a study names it, is whole on this disk.

    Raises:
        FundusError: no set, or no part, has that name.
    """
    name, part = _name_and_part(text)
    kind = name.partition(":")[0]
    if kind not in SOURCES:
        raise FundusError(f"no data set is called {kind!r}", f"choose from {', '.join(SOURCES)}")
    if part not in PART_NAMES:
        raise FundusError(f"no part is called {part!r}", f"choose from {', '.join(PART_NAMES)}")
    try:
        return len(parts_of((text,))) > 0
    except FundusError:  # it is not there, or a part of it
        return False
