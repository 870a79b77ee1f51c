"""Questions to think about: choose an answer, and read why it is right or what is wrong with it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets

from . import kept

FOLDER = Path(__file__).parent / "questions"


@dataclass(frozen=True)
class Choice:
    """One answer to choose, and what is said to whoever chooses it."""

    text: str
    reply: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its choices, of which exactly one is right."""

    number: str  # "1.b": the second question of notebook 01
    text: str
    choices: list[Choice]


def questions_of(lesson: int) -> list[Question]:
    """Return the questions of a lesson, in order; none where it has no file."""
    path = FOLDER / f"{lesson:02d}.toml"
    if not path.exists():
        return []
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
    found = []
    for letter, entry in zip("abcdefgh", entries, strict=False):
        choices = [Choice(**choice) for choice in entry["choices"]]
        found.append(Question(f"{lesson}.{letter}", entry["text"], choices))
    return found


def _asked(question: Question) -> ipywidgets.VBox:
    heading = ipywidgets.HTML(f"<b>Question {question.number}</b> {question.text}")
    choices = ipywidgets.RadioButtons(
        options=[choice.text for choice in question.choices],
        value=None,
        layout={"width": "auto"},
    )
    reply = ipywidgets.HTML()

    def chosen(_: Any) -> None:
        choice = question.choices[choices.index]
        word = "Right." if choice.right else "Not quite."
        reply.value = f"<b>{word}</b> {choice.reply}"
        if choice.right:
            kept.keep(question.number)

    choices.observe(chosen, names="index")
    return ipywidgets.VBox([heading, choices, reply])


class Questions(ipywidgets.VBox):
    """The questions of a lesson, to be answered by mouse or keyboard.

    Where no kernel runs, questions and choices stay as text, without the answers.
    """

    def __init__(self, questions: list[Question]) -> None:
        """Show each question, its choices and a place for the reply."""
        self.questions = questions
        super().__init__([_asked(question) for question in questions])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        lines = []
        for question in self.questions:
            lines.append(f"**Question {question.number}** {question.text}\n")
            lines += [f"- {choice.text}" for choice in question.choices]
            lines.append("")
        text = "\n".join(lines)
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        return bundle | {"text/markdown": text, "text/plain": text}


def ask(lesson: int) -> Questions:
    """Return the questions of a lesson, as controls that answer what is chosen."""
    return Questions(questions_of(lesson))
