"""Computing the map of cond(K)/cond(K̃): one task per cell, spread over processes, resumable after a kill.

A cell is computed by one thread from seeds of its own, so that the figures do not depend on the number of processes, on
the order, or on where a run was interrupted. With a folder every finished cell becomes one file, written in one step by
the process that computed it. A file made by other sources or other versions of the libraries is not read.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import glutheory
from checks.phase_cells import Cell, Task, evaluate
from checks.runner import write_json
from checks.workers import prepare
from glutheory.errors import DomainError
from glutheory.spectra import ConditionNumber


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Of everything that the figures come from: these sources and the libraries' versions."""
    package = Path(glutheory.__file__).parent
    own = [Path(__file__).with_name(name) for name in ("phase_cells.py", "real_data.py")]
    sources = [*own, *(package / "numeric").glob("*.py"), package / "spectra" / "dense.py"]
    digest = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write(folder: Path, cell: Cell) -> None:
    content = asdict(cell)
    for name in ("plain", "gated"):  # JSON has no infinities
        content[name] = {key: str(value) if value == math.inf else value for key, value in content[name].items()}
    write_json(folder / cell.task.file, {"fingerprint": fingerprint(), **content})


def _known(content: dict[str, Any]) -> ConditionNumber:
    value, low, high = (float(content[key]) for key in ("value", "low", "high"))
    return ConditionNumber(value, low, high, bool(content["is_bound"]), str(content["reason"]))


def _read(folder: Path, task: Task) -> Cell | None:
    """The cell of an earlier run; None if there is none, or it is not of these sources."""
    try:
        content = json.loads((folder / task.file).read_text(encoding="utf-8"))
        if content["fingerprint"] != fingerprint() or content["task"] != asdict(task):
            return None
        numbers = (float(content[key]) for key in ("tops", "least", "mean", "most"))
        return Cell(task, _known(content["plain"]), _known(content["gated"]), *numbers)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _finish(task: Task, folder: Path | None) -> Cell:
    cell = evaluate(task)
    if folder is not None:
        _write(folder, cell)
    return cell


def _computed(tasks: Sequence[Task], folder: Path | None, processes: int) -> Iterator[Cell]:
    if processes == 1 or len(tasks) < 2:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            for task in tasks:
                yield _finish(task, folder)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=prepare) as pool:
        waiting = [pool.submit(_finish, task, folder) for task in tasks]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def compute(
    tasks: Sequence[Task],
    folder: Path | None = None,
    processes: int = 1,
    done: Callable[[int, int], None] | None = None,
) -> tuple[Cell, ...]:
    """All cells, in the order of the tasks.

    Args:
        tasks: which; a task that occurs twice is computed once.
        folder: where finished cells are kept and looked for; made if absent. None: nowhere.
        processes: how many compute at a time; 1 is this process.
        done: called with the numbers of finished and of all cells after each.

    Raises:
        DomainError: no processes; or a task asks for more than its data set has.
    """
    if processes < 1:
        raise DomainError(f"processes is {processes}: give at least 1.")
    wanted = dict.fromkeys(tasks)
    found: dict[Task, Cell] = {}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        found = {task: cell for task in wanted if (cell := _read(folder, task)) is not None}
    # the large ones first: no process is left alone with one at the end
    left = sorted((task for task in wanted if task not in found), key=lambda task: -task.n)
    for cell in _computed(left, folder, processes):
        found[cell.task] = cell
        if done is not None:
            done(len(found), len(wanted))
    return tuple(found[task] for task in tasks)
