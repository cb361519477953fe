"""What it costs to hand work to a cluster: the overhead of a task, and the efficiency of two workers over one.

    python benchmarks/cluster.py [--tasks 500] [--draws 48] [--n 2000] [--quick]

The cluster is one of this machine (Dask's LocalCluster), so the wire is memory. Efficiency is the time of one worker
over twice that of two, the runs taking turns; the workers compute on one thread each. It means nothing on fewer than
two idle cores.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np


def overhead(executor: Executor, tasks: int) -> float:
    """Seconds a task that does nothing takes."""
    from glutheory.ground.workers import completed

    start = time.perf_counter()
    assert len(list(completed(abs, range(tasks), executor))) == tasks
    return (time.perf_counter() - start) / tasks


def draws(executor: Executor, count: int) -> None:
    """Monte Carlo draws: small results."""
    from glutheory.sampling import monte_carlo

    X = np.random.default_rng(0).standard_normal((200, 64))
    monte_carlo("swiglu", X, width=4096, draws=count, seed=0, executor=executor)


def blocks(executor: Executor, n: int) -> None:
    """Blocks of a Gram matrix: large results, little work."""
    from glutheory.integrations.chunked import fill_gram

    X = np.random.default_rng(0).standard_normal((n, 64))
    fill_gram(np.empty((n, n)), "swiglu", X, executor=executor, block=max(1, n // 8))


def product(executor: Executor, n: int) -> None:
    """A product of the operator with one vector."""
    from glutheory.integrations.operator import GramOperator

    X = np.random.default_rng(0).standard_normal((n, 64))
    GramOperator("swiglu", X, executor=executor).matvec(np.ones(n))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--draws", type=int, default=48)
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.tasks, given.draws, given.n, given.repeats = 50, 4, 400, 1
    from distributed import Client, LocalCluster

    from glutheory.integrations.cluster import ClusterExecutor

    work: dict[str, Callable[[Executor], None]] = {
        f"{given.draws} draws, width 4096, 200 rows": partial(draws, count=given.draws),
        f"blocks of a Gram matrix, n = {given.n}": partial(blocks, n=given.n),
        f"operator times one vector, n = {given.n}": partial(product, n=given.n),
    }
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as small,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as large,
        Client(small, set_as_default=False) as one,
        Client(large, set_as_default=False) as two,
    ):
        executors = [ClusterExecutor(client) for client in (one, two)]
        print(f"{os.cpu_count()} cores; {1e3 * overhead(executors[0], given.tasks):.2f} ms a task that does nothing")
        print(f"{'seconds':40} {'1 worker':>9} {'2 workers':>9} {'efficiency':>10}")
        for name, task in work.items():
            taken: list[list[float]] = [[], []]
            for turn in range(given.repeats + 1):
                for own, executor in zip(taken, executors, strict=True):
                    start = time.perf_counter()
                    task(executor)
                    if turn:  # imports, in the first one
                        own.append(time.perf_counter() - start)
            first, second = (sorted(own)[len(own) // 2] for own in taken)
            print(f"{name:40} {first:9.2f} {second:9.2f} {first / second / 2:10.2f}")


if __name__ == "__main__":
    main()
