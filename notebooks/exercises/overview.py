"""What is solved and what is open, as a table for notebook 00."""

import pandas as pd

from .checking import exercises_of, lessons
from .kept import solved
from .questions import questions_of


def progress() -> pd.DataFrame:
    """Return a table of the lessons: exercises and questions solved, of how many."""
    done = solved()
    rows = {}
    for lesson in lessons():
        exercises = [one.number for one in exercises_of(lesson)]
        questions = [one.number for one in questions_of(lesson)]
        rows[f"{lesson:02d}"] = {
            "exercises solved": f"{len(done.intersection(exercises))} of {len(exercises)}",
            "questions answered": f"{len(done.intersection(questions))} of {len(questions)}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")
