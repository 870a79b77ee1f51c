"""Say of an answer that it is right, or give a hint; never the solution."""

import copy
import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kept

FOLDER = Path(__file__).parent


class NotAnswered(Exception):
    """The learner has not written anything yet: the stub is as it was."""


class Hint(Exception):
    """The answer is not right; the message says what to look at next."""


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer."""

    state: str  # "right", "not yet" or "not answered yet"
    text: str = ""

    def __str__(self) -> str:
        """Return one line: the state, then the hint or what the answer shows."""
        return f"{self.state}. {self.text}" if self.text else f"{self.state}."


@dataclass(frozen=True)
class Exercise:
    """One exercise: its check raises Hint or NotAnswered, and returns where the answer is right."""

    number: str  # "1.2": the second exercise of notebook 01
    title: str
    shows: str  # what is said to the learner who got it right
    examine: Callable[[Any], None]


EXERCISES: dict[str, Exercise] = {}


def exercise(number: str, title: str, shows: str) -> Callable[[Callable[[Any], None]], Any]:
    """Register a function of one argument, the answer, as the check of an exercise."""

    def register(examine: Callable[[Any], None]) -> Callable[[Any], None]:
        EXERCISES[number] = Exercise(number, title, shows, examine)
        return examine

    return register


def exercises_of(lesson: int) -> list[Exercise]:
    """Return the exercises of a lesson, in order; none where it has no checks."""
    if (FOLDER / f"lesson_{lesson:02d}.py").exists():
        importlib.import_module(f".lesson_{lesson:02d}", __package__)
    numbers = [number for number in EXERCISES if number.split(".")[0] == str(lesson)]
    return [EXERCISES[number] for number in sorted(numbers)]


def lessons() -> list[int]:
    """Return the numbers of the lessons that have exercises."""
    return sorted(int(path.stem[-2:]) for path in FOLDER.glob("lesson_*.py"))


def answered(value: Any) -> Any:
    """Return a value that the learner has filled in. Raises NotAnswered for None and `...`."""
    if value is None or value is ...:
        raise NotAnswered
    return value


def number(value: Any) -> float:
    """Return an answer as a number. Raises NotAnswered, or Hint where it is none."""
    try:
        found = float(answered(value))
    except (TypeError, ValueError):
        raise Hint(f"The answer must be one number; this is {value!r:.60}.") from None
    if not math.isfinite(found):
        raise Hint(f"The answer is {found}, which is no number to work with. Where does it arise?")
    return found


def numbers(values: Any, count: int, asked: str) -> NDArray[np.float64]:
    """Return an answer of some numbers. Raises NotAnswered, or Hint, with `asked`, where not."""
    parts = answered(values)
    if not isinstance(parts, tuple | list | np.ndarray) or np.shape(parts)[:1] != (count,):
        raise Hint(asked)
    return np.array([number(part) for part in parts])


def mask(value: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return an answer that is a mask of a shape. Raises Hint where it is none."""
    found = np.asarray(value)
    if found.shape != shape:
        raise Hint(f"The result has the shape {found.shape}, the label {shape}.")
    if found.dtype != bool:
        raise Hint(f"The result must be True and False; this is {found.dtype}. Cut it somewhere.")
    return found


def result_of(function: Any, *arguments: Any) -> Any:
    """Call the learner's function with copies, so that it may change what it is given.

    Raises:
        NotAnswered: it is still the stub: it returns `...`.
        Hint: it is no function, it returns nothing, or it stops with an error, which is named.
    """
    if not callable(answered(function)):
        raise Hint(f"The answer must be a function. This is of type {type(function).__name__}.")
    try:
        found = function(*copy.deepcopy(arguments))
    except Exception as error:  # whatever the learner wrote may fail in any way
        raise Hint(f"The function stopped with {type(error).__name__}: {error}") from error
    if found is None:
        raise Hint("The function returns nothing (None). Is there a `return`?")
    return answered(found)


def judge(number: str, answer: Any) -> Verdict:
    """Return what is to be said of an answer. Raises KeyError for an exercise that is not there."""
    exercises_of(int(number.split(".")[0]))
    one = EXERCISES[number]
    try:
        one.examine(answer)
    except NotAnswered:
        return Verdict("not answered yet")
    except Hint as hint:
        return Verdict("not yet", str(hint))
    except Exception as error:  # an answer of a kind that nobody thought of
        problem = f"The check could not use this answer ({type(error).__name__}: {error})."
        return Verdict("not yet", f"{problem} Compare its type and shape with the stub's.")
    return Verdict("right", one.shows)


def check(number: str, answer: Any) -> None:
    """Print what is to be said of an answer; remember that the exercise is solved."""
    verdict = judge(number, answer)
    print(f"Exercise {number}: {verdict}")
    if verdict.state == "right":
        kept.keep(number)


def looking_up() -> None:
    """Say that solutions are being read: what is right from here on does not count as solved."""
    kept.counting = False
