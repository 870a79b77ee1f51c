"""What the learner has solved: kept in `data/derived/progress.json`, shown in notebook 00."""

import json
import os
from pathlib import Path

from fundus_utils import storage

counting = True  # False while solutions are read


def solved() -> set[str]:
    """Return the numbers of exercises ("1.2") and questions ("1.b") that were answered rightly."""
    try:
        found = json.loads(_file().read_text(encoding=storage.UTF8))
    except (OSError, ValueError):  # nothing solved yet, or the file was spoilt
        return set()
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()


def keep(number: str) -> None:
    """Remember that an exercise or a question was answered rightly."""
    if not counting or os.environ.get("FUNDUS_LIVE") == "0":
        return  # where notebooks are run as a whole, nobody has solved anything
    lock = storage.derived_dir() / ".locks" / "progress"
    with storage.locked(lock, wait=True):  # two lessons may be open at once
        text = json.dumps(sorted({*solved(), number}))
        with storage.writing_whole(_file()) as target:
            target.write_text(text, encoding=storage.UTF8)


def _file() -> Path:
    return storage.derived_dir() / "progress.json"
