"""Work on the workers of a real cluster of this machine: the same numbers, whatever happens to a worker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from checks.__main__ import main as check
from checks.claims.architectures.cells import cells
from checks.settings import Settings
from glutheory.commands.phase import phase_command
from glutheory.errors import DomainError
from glutheory.ground.workers import completed, in_order
from glutheory.integrations.chunked import fill_gram
from glutheory.integrations.operator import GramOperator
from glutheory.sampling import monte_carlo
from glutheory.studies.phase.study import phase_study
from tests.checks.claims.architecture_cells import SMALL

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("glutheory.integrations.cluster")

X = np.random.default_rng(0).standard_normal((90, 6))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
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


WORK = {"tiles": _fill, "operator": _product, "draws": _draws, "map": _map}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
def test_the_same_numbers_for_any_number_of_workers(name: str, executor: Executor) -> None:
    """Bit for bit: every item is computed on one thread, and sums are formed in a fixed order."""
    with ThreadPoolExecutor(3) as threads, ThreadPoolExecutor(1) as one:
        found = [WORK[name](workers) for workers in (executor, threads, one)]
    assert np.all(np.isfinite(found[0]))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def _fatal(item: int, marker: str) -> int:
    """The square; the first that comes to 5 is killed."""
    if item == 5 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item**2


def _marker(path: str) -> str:
    return path


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(executor: Executor, tmp_path: Path) -> None:
    marker = tmp_path / "killed"
    found = list(in_order(_fatal, range(12), executor, _marker, (str(marker),)))
    assert marker.exists()
    assert found == [item**2 for item in range(12)]


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
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty,
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
