"""What a study is: its file, and its trainings.

A study is a TOML file. What stands at its top counts for every training, unless the training says
otherwise; see `notebooks/results/README.md`.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .. import storage
from ..augmentation import Ranges
from ..data import FundusSet
from ..errors import FundusError
from ..synthetic import EyeRanges
from .ancestry import BUILT, FOR_LIFE, model_checksum, start_checksum
from .presets import EYES, NOTHING, Preset, changed, entries_of, preset_called
from .study_parts import parts_of

# At the top, for all trainings.
AT_THE_TOP = ("sets", "preset", "steps", "seeds", "turn", "tests", "diagnosed", "each")
COMMIT = "commit"  # at the top of a study that is over
# What an entry needs not say where a model is measured as it is.
MEASURED_ALONE: dict[str, Any] = {
    "sets": [],
    "preset": "lesson",
    "steps": 0,
}
OWN = ("name", "sets", "preset", "steps", "seeds", "photographs", "changes", "model", "begins_with")


@dataclass(frozen=True)
class Training:
    """One training of a study: a line of its table.

    name, seed: tell it from the others. sets: as `parts_of` reads them. preset: with its changes.
    steps: how many. photographs: the first so many of each set alone, or None. turn: seed n takes
    them from patient n times this number on, so that three seeds are three choices. tests: what it
    is measured on, as `parts_of` reads them. diagnosed: instead of that, it is looked into after
    each epoch, see `diagnosis.diagnose`, on its held-out photographs. each: it has a row for each
    photograph that it is measured on, and what is not on this disk is left for another. model:
    nothing is trained, this model is measured as it is. begins_with: the training of the same study
    and seed whose network it begins with, or None: then the preset's `start` counts.
    """

    name: str
    seed: int
    sets: tuple[str, ...]
    preset: Preset
    steps: int
    photographs: int | None
    tests: tuple[str, ...]
    diagnosed: bool = False
    each: bool = False
    model: str | None = None
    turn: int = 0
    begins_with: "Training | None" = None

    @property
    def learned_from(self) -> list[FundusSet]:
        """The sets that it learns from, where it takes few photographs those alone."""
        parts = parts_of(self.sets)
        if self.photographs is None:
            return parts
        return [part.first(self.photographs, begin=self.turn * self.seed) for part in parts]

    @property
    def key(self) -> str:
        """Ten hexadecimal digits that change with all that the study says about the training.

        Also with the weights that it starts from; of another training that it begins with, with
        what the study says about that one. Where each photograph has a row, not with what it is
        measured on: that may grow.
        """
        tests = () if self.each else self.tests
        if self.model is not None:
            return storage.key_of(model_checksum(self.model), tests)
        about = entries_of(self.preset)
        del about["minutes"]  # the steps are given
        # Rows that are older than these entries keep their key.
        if about["scales"] == (1.0,):
            del about["scales"]
        if not any(about["ranges"]["noise"]):
            del about["ranges"]["noise"]
        start = start_checksum(self.preset.start)
        if self.begins_with is not None:
            start = self.begins_with.key
        turned = [self.turn] if self.turn else []
        return storage.key_of(about, start, self.sets, self.steps, self.photographs, tests, *turned)


def read_study(path: Path) -> list[Training]:
    """Read a study's file.

    Returns:
        Its trainings, seed after seed of each, in the file's order.

    Raises:
        FundusError: it is no such file, or something in it is misspelt or missing.
    """
    table = _load(path)
    _refuse_unknown(path, table, (*AT_THE_TOP, COMMIT, "training"))
    shared = {name: table[name] for name in AT_THE_TOP if name in table}
    trainings: list[Training] = []
    for own in table.get("training", []):
        _refuse_unknown(path, own, OWN)
        trainings += _trainings_of(path, shared | own, trainings)
    named = [(one.name, one.seed) for one in trainings]
    for name, seed in named:
        if named.count((name, seed)) > 1:
            raise FundusError(f"{path} has {name!r} with seed {seed} twice", "rename one")
    if not trainings:
        raise FundusError(f"{path} has no [[training]]", "write at least one")
    return trainings


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding=storage.UTF8))
    except (OSError, ValueError) as error:
        raise FundusError(f"{path} cannot be read ({error})", "give a study's TOML file") from None


def commit_of(path: Path) -> str | None:
    """Return the commit at which a study that is over was run; None if it can go on.

    Its rows were made with the presets, and begin with the models, of that commit.
    """
    return _load(path).get(COMMIT)


def _refuse_unknown(path: Path, entries: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in entries:
        if name not in known:
            raise FundusError(f"{path} says {name!r}", f"choose from {', '.join(known)}")


def _trainings_of(
    path: Path, entries: dict[str, Any], before: list[Training]
) -> Iterator[Training]:
    """Return a training for each seed; `before` are those that it may begin with."""
    if "model" in entries:
        entries = MEASURED_ALONE | entries
    diagnosed = bool(entries.get("diagnosed", False))
    for one, other in (("diagnosed", "each"), ("model", "begins_with")):
        if entries.get(one) and entries.get(other):
            raise FundusError(f"{path} says both {one} and {other}", "choose one of them")
    needed = ["name", "sets", "preset", "steps"]
    if not diagnosed:
        needed.append("tests")
    if lacking := [name for name in needed if name not in entries]:
        problem = f"{path}: a training lacks {', '.join(lacking)}"
        raise FundusError(problem, "write it there, or at the top of the file")
    preset = _preset_of(path, entries)
    for seed in entries.get("seeds", [0]):
        yield Training(
            name=entries["name"],
            seed=seed,
            sets=tuple(entries["sets"]),
            preset=preset,
            steps=entries["steps"],
            photographs=entries.get("photographs"),
            tests=() if diagnosed else tuple(entries["tests"]),
            diagnosed=diagnosed,
            each=bool(entries.get("each", False)),
            model=entries.get("model"),
            turn=entries.get("turn", 0),
            begins_with=_first_of(path, entries, preset, seed, before),
        )


def _preset_of(path: Path, entries: dict[str, Any]) -> Preset:
    """Return a training's preset with its changes; without a start if it begins with another."""
    changes = dict(entries.get("changes", {}))
    if "start" in changes and "begins_with" in entries:
        raise FundusError(f"{path} says both start and begins_with", "choose one of them")
    _refuse_unknown(path, changes, tuple(one.name for one in fields(Preset)))
    for name, usual in {"ranges": Ranges, EYES: EyeRanges}.items():
        if name in changes:
            _refuse_unknown(path, changes[name], tuple(one.name for one in fields(usual)))
            changes[name] = {row: _floats(span) for row, span in changes[name].items()}
    preset = changed(preset_called(entries["preset"]), changes)
    return replace(preset, start=NOTHING) if "begins_with" in entries else preset


def _first_of(
    path: Path, entries: dict[str, Any], preset: Preset, seed: int, before: list[Training]
) -> Training | None:
    """Return the training that another one begins with, of the same seed, or None."""
    name = entries.get("begins_with")
    if name is None:
        return None
    about = f"{path}: {entries['name']!r} begins with {name!r}, seed {seed}"
    found = [one for one in before if (one.name, one.seed) == (name, seed)]
    if not found:
        raise FundusError(f"{about}, which is not there", "write it before, with that seed")
    (first,) = found
    if first.model is not None:
        problem = f"{about}, which is only measured"
        raise FundusError(problem, f"say changes = {{ start = {first.model!r} }} instead")
    for entry in (*FOR_LIFE, *BUILT):
        if getattr(first.preset, entry) != getattr(preset, entry):
            raise FundusError(f"{about}, which has another {entry}", "give both the same")
    return first


def _floats(value: Any) -> Any:
    """Return a span with floats for whole numbers: a training's key must not tell 0 from 0.0."""
    if isinstance(value, list):
        return [_floats(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
