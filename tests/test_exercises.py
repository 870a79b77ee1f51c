"""Exercises: a solution each that its check accepts, a hint for each typical mistake."""

import ast
import functools
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from fundus_utils import storage
from fundus_utils.data import load_set
from fundus_utils.prediction import predict_map
from fundus_utils.trained_model import load_model
from fundus_utils.workbook import notebook_paths

NOTEBOOKS = storage.PROJECT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

from exercises import ask, check, judge, kept, progress  # noqa: E402
from exercises.checking import EXERCISES as EXERCISES_BY_NUMBER  # noqa: E402
from exercises.checking import Hint, exercises_of, lessons, number, result_of  # noqa: E402
from exercises.making import (  # noqa: E402
    SOLUTIONS,
    answers_of,
    parts_of,
    solutions_of,
    tagged,
    without_solutions,
)
from exercises.questions import questions_of  # noqa: E402

LESSONS = {int(path.stem[:2]): path for path in notebook_paths()}
HANDOUT = not SOLUTIONS.exists()  # a lecturer's copy for the class
EXERCISES = [one for lesson in lessons() for one in exercises_of(lesson)]
ANSWERS = {} if HANDOUT else {a["number"]: a for one in lessons() for a in answers_of(one)}


def committed_stubs() -> set[str]:
    """Return the stubs of the last commit; none outside a clone."""
    if not (storage.PROJECT / ".git").exists():
        return set()
    found = set()
    for path in LESSONS.values():
        command = ["git", "-C", str(storage.PROJECT), "show", f"HEAD:notebooks/{path.name}"]
        shown = subprocess.run(command, capture_output=True, check=False)
        if shown.returncode == 0:
            notebook = nbformat.reads(shown.stdout.decode("utf-8"), as_version=4)
            found |= {cell.source for cell in tagged(notebook, "exercise")}
    return found


STUBS_AS_COMMITTED = committed_stubs()
each_exercise = pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.number)
each_lesson = pytest.mark.parametrize("lesson", lessons())
needs_solutions = pytest.mark.skipif(HANDOUT, reason="a handout has no solutions")


def is_stub(source: str) -> bool:
    """Say whether a stub is as it was committed; a learner's answer is nobody's mistake."""
    return not STUBS_AS_COMMITTED or source in STUBS_AS_COMMITTED


def read(lesson: int) -> Any:
    return nbformat.read(LESSONS[lesson], as_version=4)


def executed(codes: Iterable[str], names: dict[str, Any]) -> dict[str, Any]:
    """Run cells one after the other as a notebook does, and return all names that are there then.

    The names that are given stay as they are.
    """
    names = dict(names)
    before = Path.cwd()
    os.chdir(NOTEBOOKS)
    try:
        for code in codes:
            exec(code, names)
    finally:
        os.chdir(before)
    return names


@functools.cache
def names_of_setup(lesson: int) -> dict[str, Any]:
    """Run the setup of a lesson's exercises, once: that of 07 predicts three photographs."""
    return executed([cell.source for cell in tagged(read(lesson), "exercise-setup")], {})


def verdict_of(number: str, code: str) -> Any:
    """Run the setup of a lesson's exercises, then an answer; return what the check says of it."""
    lesson = int(number.split(".")[0])
    _, _, call = parts_of(read(lesson), number)
    names = executed([code], names_of_setup(lesson))
    answer = ast.parse(call.source).body[0].value.args[1]
    return judge(number, eval(ast.unparse(answer), names))


@each_lesson
def test_a_lesson_has_three_exercises_and_three_questions(lesson):
    assert [one.number for one in exercises_of(lesson)] == [f"{lesson}.{n}" for n in (1, 2, 3)]
    assert len(questions_of(lesson)) == 3
    text = "\n".join(cell.source for cell in read(lesson).cells)
    assert f"ask({lesson})" in text
    assert HANDOUT or f"(solutions/{LESSONS[lesson].name})" in text


@each_exercise
def test_text_stub_and_check_stand_in_the_lesson(one):
    notebook = read(int(one.number.split(".")[0]))
    text, _, _ = parts_of(notebook, one.number)
    assert text.source.splitlines()[0] == f"### Exercise {one.number} · {one.title}"


@each_exercise
def test_a_stub_runs_and_is_not_taken_for_an_answer(one):
    notebook = read(int(one.number.split(".")[0]))
    _, stub, _ = parts_of(notebook, one.number)
    if not is_stub(stub.source):
        pytest.skip("it has been answered here")
    assert verdict_of(one.number, stub.source).state != "right"


@needs_solutions
@each_exercise
def test_the_solution_is_accepted(one):
    verdict = verdict_of(one.number, ANSWERS[one.number]["solution"])
    assert verdict.state == "right", verdict.text
    assert verdict.text == one.shows


@needs_solutions
@each_exercise
def test_a_typical_mistake_gets_its_own_hint(one):
    wrong = ANSWERS[one.number]["wrong"]
    assert len(wrong) >= 2
    said = set()
    for mistake in wrong:
        verdict = verdict_of(one.number, mistake["answer"])
        assert verdict.state == "not yet", mistake["answer"]
        assert mistake["hint"] in verdict.text, verdict.text
        said.add(verdict.text)
    assert len(said) == len(wrong)


@each_exercise
@pytest.mark.parametrize("answer", ["a word", 17.5, [1, 2], lambda *_: "nothing", object()])
def test_an_answer_of_any_kind_is_judged_and_never_stops(one, answer):
    assert judge(one.number, answer).state == "not yet"


@each_exercise
@pytest.mark.parametrize("answer", [None, ...])
def test_an_empty_answer_is_not_answered_yet(one, answer):
    assert str(judge(one.number, answer)) == "not answered yet."


@needs_solutions
@each_lesson
def test_the_solutions_notebook_is_what_its_sources_say(lesson):
    made = solutions_of(LESSONS[lesson])
    stored = nbformat.read(SOLUTIONS / LESSONS[lesson].name, as_version=4)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in made.cells]
    printed = "".join(
        output.get("text", "") for cell in stored.cells for output in cell.get("outputs", [])
    )
    right = re.findall(r"^Exercise (\S+): right", printed, flags=re.M)
    assert right == [one.number for one in exercises_of(lesson)]
    assert not re.search(r"/(root|home|work|tmp)/", printed)


@needs_solutions
@each_lesson
def test_links_in_solutions_lead_somewhere(lesson):
    for cell in nbformat.read(SOLUTIONS / LESSONS[lesson].name, as_version=4).cells:
        for target in re.findall(r"\]\(([^)#]+)", cell.source):
            assert target.startswith("http") or (SOLUTIONS / target).exists(), target


@each_lesson
def test_a_question_has_one_right_choice_and_a_reply_to_each(lesson):
    for question in questions_of(lesson):
        assert sum(choice.right for choice in question.choices) == 1, question.number
        assert len(question.choices) >= 3
        assert len({choice.text for choice in question.choices}) == len(question.choices)
        assert all(len(choice.reply.split()) >= 5 for choice in question.choices)


@each_lesson
def test_the_right_choice_does_not_stand_at_the_same_place_each_time(lesson):
    places = [[c.right for c in question.choices].index(True) for question in questions_of(lesson)]
    assert len(set(places)) > 1


@pytest.fixture
def learner(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_DERIVED", str(tmp_path))
    monkeypatch.setenv("FUNDUS_LIVE", "1")
    monkeypatch.setattr(kept, "counting", True)


def must_be_two(answer: Any) -> None:
    if number(answer) != 2:
        raise Hint("Two is asked for.")


def test_what_was_solved_is_kept_and_shown(learner, monkeypatch, capsys):
    easy = exercises_of(1)[0]
    monkeypatch.setitem(EXERCISES_BY_NUMBER, "1.1", replace(easy, examine=must_be_two))
    check("1.1", 0.5)
    assert progress().loc["01", "exercises solved"] == "0 of 3"
    check("1.1", 2)
    check("1.1", 0.5)  # a later mistake takes nothing away
    assert progress().loc["01", "exercises solved"] == "1 of 3"
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(". ")[0] for line in lines] == [
        "Exercise 1.1: not yet",
        "Exercise 1.1: right",
        "Exercise 1.1: not yet",
    ]


def test_reading_solutions_solves_nothing(learner, monkeypatch):
    easy = exercises_of(1)[0]
    monkeypatch.setitem(EXERCISES_BY_NUMBER, "1.1", replace(easy, examine=must_be_two))
    monkeypatch.setattr(kept, "counting", False)
    check("1.1", 2)
    assert kept.solved() == set()


@pytest.mark.parametrize("text", ["{", "null", "5", "[[1]]", '"abc"'])
def test_a_spoilt_file_of_progress_is_begun_anew(learner, tmp_path, text):
    (tmp_path / "progress.json").write_text(text, encoding="utf-8")
    assert kept.solved() == set()
    kept.keep("1.1")
    assert kept.solved() == {"1.1"}


def test_a_question_answers_what_is_chosen(learner):
    first = ask(1).children[0]
    heading, choices, reply = first.children
    assert heading.value.startswith("<b>Question 1.a</b>")
    question = questions_of(1)[0]
    for place, choice in enumerate(question.choices):
        choices.index = place
        assert choice.reply in reply.value
        assert reply.value.startswith("<b>Right.</b>") == choice.right
    assert kept.solved() == {"1.a"}


def test_questions_stay_readable_without_a_kernel():
    text = ask(1)._repr_mimebundle_()["text/markdown"]
    for question in questions_of(1):
        assert question.text in text
        assert all(choice.text in text for choice in question.choices)
        assert not any(choice.reply in text for choice in question.choices)


ENDS = (".ipynb", "workbook/README.md")


def test_links_to_solutions_are_taken_out_and_no_other():
    text = (
        "a [b](../c.md), the [solutions](solutions/01_x.ipynb), [01](notebooks/solutions/01.ipynb)"
    )
    assert without_solutions(text) == "a [b](../c.md), the solutions, 01"


def test_a_learners_function_may_change_what_it_is_given():
    kept_as_it_was = np.arange(3)

    def changing(numbers: np.ndarray) -> int:
        numbers[:] = 0
        return 1

    assert result_of(changing, kept_as_it_was) == 1
    assert kept_as_it_was.tolist() == [0, 1, 2]


@pytest.mark.parametrize("flips", [False, True])
def test_the_map_of_drawn_is_never_taken_for_that_of_shipped(flips):
    from exercises import lesson_06

    sample = load_set("chase_db1", "train")[lesson_06.JUDGED][0]
    shipped, drawn = (
        predict_map(load_model(name), sample.photograph, sample.fov, flips=flips)
        for name in ("shipped", "drawn")
    )
    for cut in np.arange(0.1, 0.95, 0.1):
        assert not lesson_06._is_shipped((drawn >= cut) & sample.fov, sample.fov)
    assert lesson_06._is_shipped((shipped >= 0.48) & sample.fov, sample.fov)


def test_a_forgotten_return_is_named():
    with pytest.raises(Hint, match="return"):
        result_of(lambda: None)


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), "a word", [1]])
def test_what_is_no_number_gets_a_hint(answer):
    with pytest.raises(Hint):
        number(answer)


@needs_solutions
@pytest.mark.skipif(not (storage.PROJECT / ".git").exists(), reason="no clone, but an archive")
def test_a_handout_holds_the_lessons_and_no_solution(learner):
    from exercises.making import make_handout

    with zipfile.ZipFile(make_handout()) as handout:
        names = handout.namelist()
        texts = [handout.read(name).decode("utf-8") for name in names if name.endswith(ENDS)]
    for text in texts:
        if not text.startswith("#"):
            nbformat.validate(nbformat.reads(text, as_version=4))
    assert not any("](solutions/" in text or "](notebooks/solutions/" in text for text in texts)
    assert "fundus-workbook/notebooks/01_data_exploration.ipynb" in names
    assert "fundus-workbook/Makefile" in names
    assert not any("solutions" in name for name in names)
