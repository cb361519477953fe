"""What is given in an executor's place, or is one that takes no work: a sentence, wherever one is taken."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glutheory import stack as stack_of
from glutheory.errors import DomainError
from glutheory.integrations.chunked import fill_gram
from glutheory.integrations.operator import GramOperator
from glutheory.studies.phase import phase_study


def _closed() -> Executor:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    return executor


def _fill(executor: Any) -> None:
    fill_gram(np.empty((2, 2)), "relu", np.eye(2), executor=executor)


def _multiply(executor: Any) -> None:
    _ = GramOperator("relu", np.eye(2), executor=executor) @ np.ones(2)


def _draw(executor: Any) -> None:
    pytest.importorskip("torch")
    from glutheory.sampling import monte_carlo

    monte_carlo("relu", np.eye(2), width=4, draws=2, seed=0, executor=executor)


def _bias(executor: Any) -> None:
    pytest.importorskip("torch")
    from glutheory.sampling import width_bias

    stack = stack_of("relu", 2)
    width_bias(stack, np.eye(2), np.eye(2), widths=[4, 8], draws=2, seed=0, executor=executor)


def _map(executor: Any) -> None:
    phase_study("reglu", sizes=[8], dimensions=[2], draws=1, processes=executor)


#: Everything that takes an executor, and the argument's name.
TAKE = {"fill": (_fill, "executor"), "multiply": (_multiply, "executor"), "draw": (_draw, "executor")}
TAKE |= {"bias": (_bias, "executor"), "map": (_map, "processes")}


@pytest.mark.parametrize("name", TAKE)
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("dask", "'dask'"),
        (0.5, "0.5"),
        (ThreadPoolExecutor, "the class ThreadPoolExecutor"),
        (SimpleNamespace(), "an object of type SimpleNamespace"),
    ],
)
def test_what_is_no_executor_is_said_so(name: str, given: Any, shown: str) -> None:
    function, argument = TAKE[name]
    with pytest.raises(
        DomainError, match=rf"^{argument} is {shown}: give .*concurrent\.futures\.Executor, as of a Dask"
    ):
        function(given)


@pytest.mark.parametrize("name", TAKE)
def test_an_executor_that_is_shut_down_is_said_so(name: str) -> None:
    with pytest.raises(
        DomainError, match=r"^the ThreadPoolExecutor takes no work .*give an executor that was not shut"
    ):
        TAKE[name][0](_closed())


class _Dropping(Executor):
    """It is shut down, by somebody else, while it has work."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ARG002
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


@pytest.mark.parametrize("name", TAKE)
def test_work_that_an_executor_drops_is_said_so(name: str) -> None:
    with pytest.raises(DomainError, match=r"^the _Dropping dropped work before it was done"):
        TAKE[name][0](_Dropping())
