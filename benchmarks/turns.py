"""Timing that the benchmarks share: tasks that take turns, so that a noisy minute hits them all."""

from __future__ import annotations

import time
from collections.abc import Callable


def fastest(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The processor time of the fastest run of each task, the tasks taking turns."""
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            best[name] = min(best[name], time.process_time() - start)
    return best
