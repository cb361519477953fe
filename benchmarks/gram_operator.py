"""Gram matrices that are never formed: the rate of a product, and both ends of a large spectrum.

    python benchmarks/gram_operator.py [--n 4000] [--vectors 1 32] [--repeats 5] [--quick]
    python benchmarks/gram_operator.py --extremes 30000 --networks swiglu [--features 64] [--bottom 2] [--dense]

Rates are given in two ways, both per second of processor time (all threads together, so per core): "covered" counts
the n² entries that one product goes through, "computed" the n(n+1)/2 that are computed, each to serve both sides. The
floor is what no method can avoid that goes through the entries: X Xᵀ, and a matrix of that size times the vectors. It
is measured in turn with the kernels: machines are noisy, so compare the ratios of one run.

With --extremes: the six largest eigenvalues (and the smallest, with --bottom), their bounds, the passes through the
matrix, and the peak memory of the whole process; with --dense the distance to the eigenvalues of the formed matrix.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

NETWORKS = ("relu", "reglu", "geglu", "swiglu")


def floor(X: np.ndarray, V: np.ndarray) -> np.ndarray:
    """The product of the data with itself, times the vectors."""
    return np.asarray((X @ X.T) @ V)


def interleaved(tasks: dict[tuple[str, str], Callable[[], object]], repeats: int) -> dict[tuple[str, str], list[float]]:
    """[wall, CPU] seconds of the fastest run of each task, the tasks taking turns."""
    best = {name: [math.inf, math.inf] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            cpu, wall = time.process_time(), time.perf_counter()
            task()
            taken = (time.perf_counter() - wall, time.process_time() - cpu)
            if turn:
                best[name] = [min(pair) for pair in zip(best[name], taken, strict=True)]
    return best


def rates(networks: list[str], n: int, features: int, vectors: list[int], repeats: int) -> None:
    """The table of rates."""
    from glutheory.integrations.operator import GramOperator

    X = np.random.default_rng(0).standard_normal((n, features))
    for k in vectors:
        V = np.random.default_rng(1).standard_normal((n, k))
        tasks: dict[tuple[str, str], Callable[[], object]] = {("floor", ""): partial(floor, X, V)}
        for name in networks:
            for kind in ("ntk", "nngp"):
                tasks[name, kind] = partial(GramOperator(name, X, kind=kind).matmat, V)
        found = interleaved(tasks, repeats)
        base = found["floor", ""]
        print(f"times {k} vectors, n = {n}, d = {features}, float64, fastest of {repeats}; M entries per core second")
        print(f"{'':8} {'':5} {'wall s':>8} {'cpu s':>8} {'covered':>8} {'computed':>9} {'cpu/floor':>10}")
        for (name, kind), (wall, cpu) in found.items():
            counts = f"{n * n / cpu / 1e6:8.1f} {n * (n + 1) / 2 / cpu / 1e6:9.1f}" if kind else f"{'':18}"
            print(f"{name:8} {kind:5} {wall:8.3f} {cpu:8.3f} {counts} {cpu / base[1]:10.1f}")
        print()


def ends(name: str, n: int, features: int, bottom: int, tolerance: float, dense: bool) -> None:
    """Both ends of one spectrum."""
    from glutheory.integrations.extremes import extremes
    from glutheory.integrations.operator import GramOperator

    X = np.random.default_rng(0).standard_normal((n, features))
    wall, cpu = time.perf_counter(), time.process_time()
    operator = GramOperator(name, X)
    found = extremes(operator, top=6, bottom=bottom, tolerance=tolerance, passes=100)
    taken = (time.perf_counter() - wall, time.process_time() - cpu)
    print(
        f"{name}, NTK, n = {n}, d = {features}: {found.passes} passes, basis {found.basis}, {taken[0]:.0f} s "
        f"({taken[1]:.0f} s of processor time), peak memory {high_water():.2f} GB, converged: {found.converged}"
    )
    values, bounds = (*found.largest, *found.smallest), (*found.largest_bounds, *found.smallest_bounds)
    wanted = np.full(len(values), np.nan)
    if dense:
        from glutheory.numeric import gram

        every = np.linalg.eigvalsh(gram(name, X))
        wanted = np.concatenate([every[::-1][:6], every[:bottom]])
    print(
        f"{'eigenvalue':>16} {'bound/value':>12} {'error/value':>12}"
        if dense
        else f"{'eigenvalue':>16} {'bound/value':>12}"
    )
    for value, bound, true in zip(values, bounds, wanted, strict=True):
        print(f"{value:16.9g} {bound / value:12.1e}" + (f" {abs(value - true) / true:12.1e}" if dense else ""))
    print()


def high_water() -> float:
    """Peak gigabytes of this process; NaN where that cannot be known (not Linux)."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmHWM")), float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=4000, help="number of rows (default 4000)")
    parser.add_argument("--features", type=int, default=64, help="numbers in a row (default 64)")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), help=f"default {' '.join(NETWORKS)}")
    parser.add_argument("--vectors", type=int, nargs="+", default=[1, 32], help="of a product (default 1 32)")
    parser.add_argument("--repeats", type=int, default=5, help="runs per figure, the fastest is shown (default 5)")
    parser.add_argument("--quick", action="store_true", help="n = 500, 1 repeat: whether it runs, not how fast")
    parser.add_argument("--extremes", type=int, metavar="N", help="the ends of the spectrum of N rows")
    parser.add_argument("--bottom", type=int, default=0, help="how many of the smallest eigenvalues (default 0)")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="of the bounds, relative (default 1e-6)")
    parser.add_argument("--dense", action="store_true", help="compare with the eigenvalues of the formed matrix")
    options = parser.parse_args()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load} before the run\n"
    )
    if options.extremes is not None:
        for name in options.networks:
            ends(name, options.extremes, options.features, options.bottom, options.tolerance, options.dense)
        return
    n, repeats = (500, 1) if options.quick else (options.n, options.repeats)
    rates(options.networks, n, options.features, options.vectors, repeats)


if __name__ == "__main__":
    main()
