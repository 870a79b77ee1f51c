"""The one error that readers see: one sentence of two parts, also from another process."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from fundus_utils.errors import FundusError


def refuse() -> None:
    raise FundusError("a.png is empty", "copy it again")


def test_text_is_problem_and_advice() -> None:
    error = FundusError("a.png is empty", "copy it again")
    assert str(error) == "a.png is empty: copy it again."
    assert error.problem == "a.png is empty"
    assert error.advice == "copy it again"
    assert isinstance(error, ValueError)


def test_both_parts_are_needed() -> None:
    with pytest.raises(TypeError):
        FundusError("a.png is empty")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_error_survives_pickle(protocol: int) -> None:
    error = FundusError("ä.png is empty", "copy it again")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is FundusError
    assert (str(again), again.problem, again.advice) == (str(error), error.problem, error.advice)
    assert str(copy.copy(error)) == str(error)


def test_error_of_a_worker_arrives_whole() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers,
        pytest.raises(FundusError) as caught,
    ):
        workers.submit(refuse).result()
    assert str(caught.value) == "a.png is empty: copy it again."
