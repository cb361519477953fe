"""Work on the workers of a real cluster of this machine: the same numbers, whatever happens to a worker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from checks.__main__ import main as check
from checks.claims.architectures.cells import cells
from checks.claims.training.kernels import predictions
from checks.settings import Settings
from checks.tools.training_task import Task, trained
from glutheory import gram, stack
from glutheory.commands.phase import phase_command
from glutheory.errors import DomainError
from glutheory.ground.workers import completed
from glutheory.integrations.chunked import fill_gram, gram_array
from glutheory.integrations.extremes import extremes
from glutheory.integrations.operator import GramOperator
from glutheory.sampling import monte_carlo, width_bias
from glutheory.studies.phase.study import phase_study
from tests.checks.claims.architecture_cells import SMALL

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("glutheory.integrations.cluster")

X = np.random.default_rng(0).standard_normal((90, 6))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local:
        yield local.scheduler_address


@pytest.fixture
def executor(address: str) -> Iterator[Executor]:
    with cluster.connected(address, ("glutheory", "checks")) as found:
        yield found


def _fill(executor: Any) -> np.ndarray:
    out = np.full((90, 90), np.nan)
    fill_gram(out, "swiglu", X, executor=executor, block=20)
    return out


def _product(executor: Executor) -> np.ndarray:
    return np.asarray(GramOperator("reglu", X, block=8, executor=executor) @ np.eye(90, 3))


def _draws(executor: Executor) -> np.ndarray:
    found = monte_carlo("geglu", X[:8], width=64, draws=70, seed=3, executor=executor)
    return np.stack([found.mean, found.standard_error])


def _map(executor: Any) -> np.ndarray:
    found = phase_study("reglu", sizes=[8, 12], dimensions=[2, 3], draws=2, processes=executor)
    return np.array([[cell.gated.value for cell in spot.draws] for spot in found.spots])


def _ends(executor: Executor) -> np.ndarray:
    found = extremes(GramOperator("reglu", X, block=8, executor=executor), top=2, bottom=1)
    return np.array([*found.largest, *found.largest_bounds, *found.smallest, *found.smallest_bounds])


def _bias(executor: Executor) -> np.ndarray:
    rows = X[:4]
    found = width_bias(STACK, rows, gram(STACK, rows), widths=[4, 8, 16], draws=20, seed=1, executor=executor)
    return np.array([found.slope, *found.interval, *found.bias, *found.coefficient.ravel()])


def _cells(executor: Executor) -> np.ndarray:
    found = cells(SMALL, Settings(executor=executor), PAIRS)
    return np.concatenate([np.ravel(K) for pair in PAIRS for K in found[pair].grams.values()])


def _trained(executor: Executor) -> np.ndarray:
    # the executor is no part of what the cache knows settings by
    trained.cache_clear()
    found = trained(TASK, Settings(executor=executor))
    trained.cache_clear()
    return np.stack([run.loss for run in found.values()])


def _predicted(executor: Executor) -> np.ndarray:
    predictions.cache_clear()
    found = predictions(TASK, Settings(executor=executor))
    predictions.cache_clear()
    return np.concatenate([np.ravel(pair.curves) for pair in found.values()])


PAIRS = [("relu", 0), ("reglu", 0), ("relu", 1)]
STACK = stack("swiglu", 2)
TASK = Task(24, 5, 12, 10, 4, (0.02, 0.04), early=2, seeds=2, together=1, linearised=1, probe=8)
#: Everything that takes an executor.
WORK: dict[str, Callable[[Any], np.ndarray]] = {
    "tiles": _fill,
    "operator": _product,
    "eigenvalues": _ends,
    "draws": _draws,
    "bias": _bias,
    "map": _map,
    "cells": _cells,
    "training": _trained,
    "predictions": _predicted,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
def test_the_same_numbers_for_any_number_of_workers(name: str, executor: Executor) -> None:
    """Bit for bit: every item is computed on one thread, and sums are formed in a fixed order."""
    with ThreadPoolExecutor(3) as threads, ThreadPoolExecutor(1) as one:
        found = [WORK[name](workers) for workers in (executor, threads, one)]
    assert np.all(np.isfinite(found[0]))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def _fatal(marker: str, function: Any, *args: Any) -> Any:
    """The function's value; the worker that comes here first is killed."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*args)


class _Killing(Executor):
    """The workers of a cluster, one of which is killed by its second item."""

    def __init__(self, inner: Any, marker: Path) -> None:
        self._inner, self._marker, self._count = inner, str(marker), 0
        self.share = inner.share

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self._count += 1
        if self._count == 2:
            return self._inner.submit(_fatal, self._marker, fn, *args, **kwargs)
        return self._inner.submit(fn, *args, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
def test_a_killed_worker_loses_nothing(name: str, executor: Executor, tmp_path: Path) -> None:
    """In the middle of the work, whatever it is: the numbers are the same bit for bit."""
    marker = tmp_path / "killed"
    found = WORK[name](_Killing(executor, marker))
    assert marker.exists()
    with ThreadPoolExecutor(1) as one:
        assert np.array_equal(found, WORK[name](one))


@pytest.mark.slow
def test_blocks_of_an_array_are_the_same_on_a_cluster(address: str, tmp_path: Path) -> None:
    """Also where the worker that makes the first block is killed."""
    marker = str(tmp_path / "killed")
    lazy: Any = gram_array("swiglu", X, block=20)
    here = lazy.compute(scheduler="threads")
    with distributed.Client(address, set_as_default=False) as client:
        assert np.array_equal(client.compute(lazy).result(), here)
        broken = lazy.map_blocks(partial(_fatal, marker, np.asarray), dtype=float, meta=np.empty((0, 0)))
        assert np.array_equal(client.compute(broken).result(), here)
    assert Path(marker).exists()
    assert np.allclose(here, gram("swiglu", X), rtol=0, atol=1e-13)


def _deadly(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_an_item_that_ends_every_worker_is_a_sentence(address: str) -> None:
    with pytest.raises(DomainError, match=r"ended one worker of .* after another"), cluster.connected(address) as found:
        list(completed(_deadly, [1], found))


@pytest.mark.slow
def test_an_error_of_an_item_is_the_callers(executor: Executor) -> None:
    with pytest.raises(DomainError, match="X has the value inf in row 0"):
        fill_gram(np.empty((3, 3)), "relu", np.full((3, 2), np.inf), executor=executor)


@pytest.mark.slow
def test_networks_of_a_claim(executor: Executor, tmp_path: Path) -> None:
    pairs = [("relu", 0), ("reglu", 0)]
    kept = Settings(executor=executor, checkpoints=tmp_path)
    found, own = cells(SMALL, kept, pairs), cells(SMALL, Settings(), pairs)
    assert len(list(tmp_path.glob("*.npz"))) == 2
    for pair in pairs:
        assert all(np.array_equal(found[pair].grams[key], own[pair].grams[key]) for key in own[pair].grams)


@pytest.mark.slow
def test_the_commands(address: str, tmp_path: Path) -> None:
    options = ["reglu", "--n", "8,12", "--d", "2", "--draws", "1", "--json"]
    answers = [
        CliRunner().invoke(phase_command, [*options, *more]) for more in (["--scheduler", address], ["--jobs", "1"])
    ]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert json.loads(answers[0].stdout) == json.loads(answers[1].stdout)
    file = tmp_path / "run.json"
    answer = CliRunner().invoke(check, ["--only", "angle,hadamard", "--scheduler", address, "--json", str(file)])
    assert answer.exit_code == 0, answer.output
    assert len(json.loads(file.read_text())["outcomes"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["", "nowhere", "tcp://127.0.0.1:9", "/etc/passwd"])
def test_no_scheduler_is_a_sentence(wrong: str) -> None:
    with pytest.raises(DomainError, match="no scheduler answers"), cluster.connected(wrong, patience=0.5):
        pass


@pytest.mark.slow
def test_a_scheduler_without_workers_and_workers_without_the_package(address: str) -> None:
    missing = ("glutheory", "no_such_package")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(DomainError, match="has no workers"),
        cluster.connected(empty.scheduler_address, patience=0.5),
    ):
        pass
    with pytest.raises(DomainError, match="lacks the package no_such_package"), cluster.connected(address, missing):
        pass


def test_jobs_and_a_scheduler_are_two_answers() -> None:
    answer = CliRunner().invoke(phase_command, ["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"])
    assert answer.exit_code == 2
    assert "leave out --jobs" in answer.stderr
