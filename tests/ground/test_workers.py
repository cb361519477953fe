"""Processes that compute side by side: results, errors, and an end whatever they are doing."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from threadpoolctl import threadpool_info

from glutheory.errors import DomainError
from glutheory.ground import executors, workers
from glutheory.ground.executors import one_thread
from glutheory.ground.workers import completed
from tests.processes import PATIENCE


def test_every_result_comes_once_and_no_process_stays() -> None:
    assert sorted(completed(abs, [-3, 1, 2], 2)) == [1, 2, 3]
    assert not multiprocessing.active_children()
    # what is pending or blocked for this thread is as it was
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_error_is_that_of_the_function() -> None:
    with pytest.raises(ValueError, match="math domain error"):
        list(completed(math.sqrt, [-1.0, 4.0], 1))
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_a_sentence() -> None:
    with pytest.raises(DomainError, match="ended from outside"):
        list(completed(os._exit, [3], 1))


def test_closing_ends_processes_that_are_busy() -> None:
    start = time.monotonic()
    with closing(completed(time.sleep, [0, 100 * PATIENCE], 1)) as results:
        next(results)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
    assert time.monotonic() - start < PATIENCE


def test_a_result_may_be_long_in_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_LISTEN", 0.01)
    assert list(completed(time.sleep, [0.1], 1)) == [None]


def test_a_process_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called in a process of the pool, called here; the slow tests of the map kill a real parent."""
    end, left = threading.Event(), threading.Event()
    seen: list[int] = []
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(join=end.wait))

    def leave(status: int) -> None:
        seen.append(status)
        left.set()

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(workers, "one_thread", lambda: None)
    workers._start(seen.append, 7)
    assert seen == [7]
    end.set()
    assert left.wait(60)
    assert seen == [7, 1]


def test_one_thread() -> None:
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} <= {1}
