"""Timing that the benchmarks share: tasks that take turns, so that a noisy minute hits them all."""

from __future__ import annotations

import time
from collections.abc import Callable


def fastest(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The processor time of the fastest run of each task, the tasks taking turns."""
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(repeats):
        for name, task in tasks.items():
            best[name] = min(best[name], _seconds(task, 1))
    return best


def in_turns(
    tasks: dict[str, Callable[[], object]], repeats: int, *, least: float = 0.0, most: int = 1
) -> dict[str, list[float]]:
    """The processor time of a call of each task in each turn, after one turn that does not count.

    Where a task takes less than `least` seconds it is called again in each turn, up to `most` times.
    """
    found: dict[str, list[float]] = {name: [] for name in tasks}
    calls = dict.fromkeys(tasks, 1)
    for turn in range(-1, repeats):
        for name, task in tasks.items():
            if turn < 0:
                task()
                calls[name] = max(1, min(most, int(least / max(_seconds(task, 1), 1e-9))))
            else:
                found[name].append(_seconds(task, calls[name]))
    return found


def _seconds(task: Callable[[], object], calls: int) -> float:
    """The processor time of one call."""
    start = time.process_time()
    for _ in range(calls):
        task()
    return (time.process_time() - start) / calls
