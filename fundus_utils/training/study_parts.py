"""The parts of data sets that a study learns from, or tests on, by the names it writes."""

from ..data import SOURCES, FundusSet, load_set
from ..errors import FundusError

PART_NAMES = ("train", "test", "all", "fit", "validation")


def parts_of(names: tuple[str, ...]) -> list[FundusSet]:
    """Return the parts of data sets that a study names: `SET`, its training part, or `SET PART`."""
    found = []
    for text in names:
        name, _, part = text.partition(" ")
        found.append(load_set(name, part or "train"))
    return found


def is_here(text: str) -> bool:
    """Say whether a part of a set, as a study names it, is whole on this disk.

    Raises:
        FundusError: no set, or no part, has that name.
    """
    kind = text.partition(" ")[0].partition(":")[0]
    if kind not in SOURCES:
        raise FundusError(f"no data set is called {kind!r}", f"choose from {', '.join(SOURCES)}")
    part = text.partition(" ")[2]
    if part not in ("", *PART_NAMES):
        raise FundusError(f"no part is called {part!r}", f"choose from {', '.join(PART_NAMES)}")
    try:
        return len(parts_of((text,))) > 0
    except FundusError:  # it is not there, or a part of it
        return False
