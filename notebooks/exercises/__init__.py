"""Exercises that check themselves, and questions that answer, for the notebooks beside this folder.

A lesson holds the text and the stub of each exercise; `lesson_NN.py` checks what the learner made
of it; `questions/NN.toml` holds three questions a lesson. Solutions are in `../solutions`.
"""

from .checking import check, judge, looking_up
from .overview import progress
from .questions import ask

__all__ = ["ask", "check", "judge", "looking_up", "progress"]
