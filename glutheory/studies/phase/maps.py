"""Computing the map of cond(K)/cond(K̃): one task per cell, spread over processes, resumable after a kill.

A cell is computed by one thread from seeds of its own, so that the figures do not depend on the number of processes, on
the order, or on where a run was interrupted. With a folder every finished cell becomes one file, written in one step. A
file made by other sources or other versions of the libraries is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import glutheory
from glutheory.datasets.tabular import Standardised
from glutheory.errors import DomainError
from glutheory.ground import store
from glutheory.ground.executors import check_workers, one_thread
from glutheory.ground.files import plain
from glutheory.ground.workers import completed
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.spectra import ConditionNumber
from glutheory.studies.phase.cells import Cell, Task, evaluate


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Of everything that the figures come from: these sources and the libraries' versions."""
    package = Path(glutheory.__file__).parent
    own = [
        package / "studies" / "phase" / "cells.py",
        package / "datasets" / "tabular.py",
        package / "spectra" / "dense.py",
        package / "ground" / "matrices.py",
    ]
    digest = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    for path in sorted([*own, *(package / "numeric").rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """A folder that cannot be made or written to is the user's mistake."""
    try:
        yield
    except OSError as error:
        raise DomainError(
            f"the folder {str(folder)[:200]!r} cannot be used ({error.strerror}): give another."
        ) from None


def _key(task: Task) -> dict[str, Any]:
    return {"fingerprint": fingerprint(), "task": plain(task)}


def _write(folder: Path, cell: Cell) -> None:
    content = plain(cell)
    del content["task"]
    store.save(folder / cell.task.file, _key(cell.task), content, store.RECORD)


def _known(content: dict[str, Any]) -> ConditionNumber:
    value, low, high = (float(content[key]) for key in ("value", "low", "high"))
    return ConditionNumber(value, low, high, bool(content["is_bound"]), str(content["reason"]))


def _read(folder: Path, task: Task) -> Cell | None:
    """The cell of an earlier run; None if there is none, or it is not of these sources."""
    content = store.found(folder / task.file, _key(task), store.RECORD)
    if content is None:
        return None
    try:
        numbers = (float(content[key]) for key in ("tops", "least", "mean", "most"))
        return Cell(task, _known(content["plain"]), _known(content["gated"]), *numbers)
    except (ValueError, KeyError, TypeError):
        return None


Given = tuple[Standardised | None, Network | Stack | None]


def _given(data: Standardised | None, gate: Network | Stack | None) -> Given:
    """The user's own data and gate, sent to each process once and not with every task."""
    return data, gate


def _evaluate(task: Task, given: Given) -> Cell:
    return evaluate(task, *given)


def _computed(
    tasks: Sequence[Task], data: Standardised | None, gate: Network | Stack | None, workers: int | Executor
) -> Generator[Cell, None, None]:
    if isinstance(workers, Executor) or (workers > 1 and len(tasks) > 1):
        most = workers if isinstance(workers, Executor) else min(workers, len(tasks))
        yield from completed(_evaluate, tasks, most, _given, (data, gate))
        return
    with one_thread():
        for task in tasks:
            yield evaluate(task, data, gate)


def compute(
    tasks: Sequence[Task],
    folder: Path | None = None,
    processes: int | Executor = 1,
    done: Callable[[int, int], None] | None = None,
    *,
    data: Standardised | None = None,
    gate: Network | Stack | None = None,
) -> tuple[Cell, ...]:
    """All cells, in the order of the tasks.

    Args:
        tasks: which; a task that occurs twice is computed once.
        folder: where finished cells are kept and looked for; made if absent. None: nowhere.
        processes: how many compute at a time; 1 is this process. Or any `concurrent.futures.Executor`.
        done: called with the numbers of finished and of all cells after each.
        data: the user's own data, which tasks of the name `own` are about.
        gate: the user's own gated network, which tasks of the name `own_gate` are about.

    Raises:
        DomainError: no processes; a task asks for more than its data set has; or the folder cannot be used.
    """
    processes = check_workers("processes", processes)
    wanted = dict.fromkeys(tasks)
    found: dict[Task, Cell] = {}
    if folder is not None:
        with _usable(folder):
            folder.mkdir(parents=True, exist_ok=True)
        found = {task: cell for task in wanted if (cell := _read(folder, task)) is not None}
    # the large ones first: no process is left alone with one at the end
    left = sorted((task for task in wanted if task not in found), key=lambda task: -task.n)
    # closed at once when something goes wrong here: else the other processes would compute to the end
    with closing(_computed(left, data, gate, processes)) as cells:
        for cell in cells:
            if folder is not None:
                with _usable(folder):
                    _write(folder, cell)
            found[cell.task] = cell
            if done is not None:
                done(len(found), len(wanted))
    return tuple(found[task] for task in tasks)
