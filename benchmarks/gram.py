"""Gram matrices: time as a ratio to what no method can avoid, peak memory, and errors on hard cases.

    python benchmarks/gram.py [--n 1000 4000] [--repeats 7] [--quick]

The floor is one product X Xᵀ and the writing of two new n×n arrays, measured in turn with the kernels in the same run:
machines are noisy, so compare the ratios of one run, not seconds of different runs. CPU seconds are summed over
threads. The errors are those of `gram`, and of neural-tangents where it imports, against 40-digit values.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import mpmath
import numpy as np
import peers

#: NNGP and NTK of a network by name, at two sets of rows.
Kernels = Callable[[str, np.ndarray, np.ndarray], peers.Pair]
NETWORKS = ("reglu", "geglu", "swiglu")
FEATURES = 64
_MB = 1024 * 1024


def floor(X: np.ndarray) -> None:
    """One product of the data with itself, and two new arrays of that size filled."""
    _ = X @ X.T
    for _ in range(2):
        np.empty((len(X), len(X))).fill(1.0)


def interleaved(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, tuple[float, float]]:
    """(wall, CPU) seconds of the fastest run of each task, the tasks taking turns."""
    best = dict.fromkeys(tasks, (math.inf, math.inf))
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            cpu, wall = time.process_time(), time.perf_counter()
            task()
            taken = (time.perf_counter() - wall, time.process_time() - cpu)
            if turn:
                best[name] = (min(best[name][0], taken[0]), min(best[name][1], taken[1]))
    return best


def _high_water() -> float:
    """The peak memory of this process in MB; Linux's own count, since getrusage's includes that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _peak(name: str, n: int) -> dict[str, float]:
    """In a fresh process: the first call's seconds, and the rise of the peak memory during a call, in MB."""
    start = time.perf_counter()
    from glutheory.numeric import gram

    imported = time.perf_counter() - start
    X = np.random.default_rng(0).standard_normal((n, FEATURES))
    start = time.perf_counter()
    gram(name, X[:50], kind="both")
    first = time.perf_counter() - start
    before = _high_water()
    results = gram(name, X, kind="both")
    return {"import": imported, "first": first, "peak": _high_water() - before, "results": 2 * results[0].nbytes / _MB}


def peak(name: str, n: int) -> dict[str, float]:
    """`_peak` in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--peak", name, str(n)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def times(sizes: list[int], repeats: int) -> None:
    """The table of times and memory."""
    from glutheory.numeric import gram

    print(f"NNGP and NTK together, d = {FEATURES}, float64, fastest of {repeats}")
    print(f"{'':8} {'n':>6} {'wall s':>8} {'cpu s':>8} {'wall/floor':>11} {'cpu/floor':>10} {'peak/results':>13}")
    for n in sizes:
        X = np.random.default_rng(0).standard_normal((n, FEATURES))
        tasks: dict[str, Callable[[], object]] = {"floor": partial(floor, X)}
        for name in NETWORKS:
            tasks[name] = partial(gram, name, X, kind="both")
        found = interleaved(tasks, repeats)
        base = found["floor"]
        for name, (wall, cpu) in found.items():
            ratio = ""
            if name != "floor":
                memory = peak(name, n)
                ratio = f"{memory['peak'] / memory['results']:13.2f}"
            print(f"{name:8} {n:6} {wall:8.3f} {cpu:8.3f} {wall / base[0]:11.1f} {cpu / base[1]:10.1f} {ratio}")
    memory = peak("swiglu", sizes[0])
    print(f"\na fresh process: import {memory['import']:.2f} s, first call (50 rows) {memory['first']:.3f} s\n")


def _spread(values: list[float]) -> str:
    return "/".join(f"{1000 * part:.1f}" for part in (min(values), statistics.median(values), max(values)))


def compare(label: str, tasks: dict[str, Callable[[], object]], repeats: int) -> None:
    """Processor time of tasks that take turns, in ms (least/median/most), and the ratio of medians to the first one."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            if turn:
                found[name].append(time.process_time() - start)
    first = statistics.median(next(iter(found.values())))
    for name, values in found.items():
        print(f"{label:20} {name:22} {_spread(values):>24} {statistics.median(values) / first:7.2f}")


def plain_reglu(X: np.ndarray) -> np.ndarray:
    """The NTK of ReGLU by its formula as one would write it, without a thought for nearly parallel rows."""
    G = X @ X.T / X.shape[1]
    norms = np.sqrt(np.diag(G))
    rho = np.clip(G / np.outer(norms, norms), -1, 1)
    rest = np.pi - np.arccos(rho)
    S = np.outer(norms, norms) * (np.sqrt(1 - rho * rho) + rho * rest) / (2 * np.pi)
    return 2 * S * G + G * G * rest / (2 * np.pi)


def cliffs(n: int, repeats: int) -> None:
    """Rows that are hard for the logistic family, small matrices, and many features, each against an easy case."""
    from glutheory.numeric import gram

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, FEATURES))
    print("processor time, ms (least/median/most), and the ratio of medians to the first of its kind; NTK")
    for name in ("swiglu", "glu"):
        rows = {"Gaussian rows": X, "+ 4": X + 4, "+ 10": X + 10, "(+ 4)·50": 50 * (X + 4)}
        compare(f"{name} n={n}", {k: partial(gram, name, Y) for k, Y in rows.items()}, repeats)
    from sklearn.datasets import load_digits

    digits = load_digits().data[: 2 * n]
    compare(
        f"swiglu, digits, n={len(digits)}",
        {k: partial(gram, "swiglu", Y) for k, Y in {"over 16": digits / 16, "raw (0 to 16)": digits}.items()},
        repeats,
    )
    for few in (100, 200, 500):
        small = rng.standard_normal((few, FEATURES))
        compare(
            f"reglu n={few}",
            {"numpy, plain formula": partial(plain_reglu, small), "gram": partial(gram, "reglu", small)},
            5 * repeats,
        )
    wide = rng.standard_normal((n, 1024))
    compare(
        f"reglu n={n} d=1024",
        {"floor": lambda: floor(wide), "plain": lambda: plain_reglu(wide), "gram": lambda: gram("reglu", wide)},
        repeats,
    )
    print()


def _exact(network: str, x: np.ndarray, y: np.ndarray) -> tuple[mpmath.mpf, mpmath.mpf]:
    """NNGP and NTK of a gated or plain network at two rows, to 40 digits."""
    import glutheory as glu

    rows = [[Fraction(float(v)) for v in row] for row in (x, y)]
    a, b, c = (
        sum((p * q for p, q in zip(rows[i], rows[j], strict=True)), Fraction(0)) / len(x)
        for i, j in ((0, 0), (1, 1), (0, 1))
    )
    product, total = mpmath.mpf(1), mpmath.mpf(0)
    for act in glu.network(network).branches:
        S, T = glu.evaluate(act, a, b, c, digits=40)
        covariance = mpmath.mpf(c.numerator) / c.denominator
        product, total = product * S, total * S + product * (covariance * T if c else 0)
    return product, product + total


@dataclass(frozen=True)
class Hard:
    """A case that is hard in floating point: the error is the largest over its pairs of rows.

    Attributes:
        label: what is printed.
        network: its name.
        kind: 0 for NNGP, 1 for NTK.
        pairs: of rows.
        over: of the entry itself ("relative"), of √(K(x,x) K(y,y)) ("the scale"), or of nothing ("absolute").
    """

    label: str
    network: str
    kind: int
    pairs: Sequence[tuple[np.ndarray, np.ndarray]]
    over: str

    def error(self, kernels: Kernels) -> float:
        """Of the kernels, against 40 digits; NaN where an entry is none."""
        X, Y = (np.stack(rows) for rows in zip(*self.pairs, strict=True))
        entries = np.diagonal(np.asarray(kernels(self.network, X, Y)[self.kind])).astype(float)
        return (
            max(map(self._error, entries, X.astype(float), Y.astype(float))) if np.isfinite(entries).all() else math.nan
        )

    def _error(self, found: float, x: np.ndarray, y: np.ndarray) -> float:
        wanted, size = _exact(self.network, x, y)[self.kind], mpmath.mpf(1)
        if self.over == "relative":
            size = abs(wanted)
        elif self.over == "the scale":
            size = mpmath.sqrt(_exact(self.network, x, x)[self.kind] * _exact(self.network, y, y)[self.kind])
        return float(abs(found - wanted) / size)


def ours(network: str, X: np.ndarray, Y: np.ndarray) -> peers.Pair:
    """NNGP and NTK by `gram`."""
    from glutheory.numeric import gram

    NNGP, NTK = gram(network, X, Y, kind="both")
    return NNGP, NTK


def theirs(network: str, X: np.ndarray, Y: np.ndarray) -> peers.Pair:
    """NNGP and NTK by neural-tangents."""
    run = peers.task("neural-tangents", network, X, Y)
    assert run is not None
    return run()


def _opposite(gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows at ρ = −1 + gap."""
    return np.array([1.0, 0.0]), np.array([gap - 1, math.sqrt(gap * (2 - gap))])


def cases() -> list[Hard]:
    """The hard cases."""
    X = np.random.default_rng(0).standard_normal((20, FEATURES))
    same, pairs = [(x, x) for x in X], [(X[i], X[(i + 1) % 20]) for i in range(20)]
    far = [(1e8 * x, 1e8 * y) for x, y in pairs]
    hot = [(5.0 * x, 5.0 * y) for x, y in [(X[0], X[0]), (X[0], X[1]), (X[0], -X[0]), (X[0], X[0] + 0.1 * X[2])]]
    single = [(x.astype(np.float32), y.astype(np.float32)) for x, y in pairs]
    zero = [(np.zeros(FEATURES), x) for x in X]
    return [
        Hard("ReGLU NTK, diagonal", "reglu", 1, same, "relative"),
        Hard("ReGLU NNGP, ρ = −1 + 1e-10", "reglu", 0, [_opposite(1e-10)], "relative"),
        Hard("ReGLU NNGP, ρ = −1 + 1e-14", "reglu", 0, [_opposite(1e-14)], "relative"),
        Hard("ReGLU NTK, ρ = −1 + 1e-14", "reglu", 1, [_opposite(1e-14)], "relative"),
        Hard("GEGLU NTK, norms 8e8, 20 pairs", "geglu", 1, far, "the scale"),
        Hard("SwiGLU NTK, a zero row", "swiglu", 1, zero, "absolute"),
        Hard("SiLU NNGP, variance 25", "silu", 0, hot, "the scale"),
        Hard("SiLU NTK, variance 25", "silu", 1, hot, "the scale"),
        Hard("ReGLU NTK, float32, 20 pairs", "reglu", 1, single, "the scale"),
    ]


def errors() -> None:
    """The table of errors on hard cases, with neural-tangents where it imports."""
    mpmath.mp.dps = 40
    columns: dict[str, Kernels] = {"glutheory": ours}
    if "neural-tangents" not in peers.missing():
        columns["neural-tangents"] = theirs
    print(f"{'largest error':36} {'of':10} {'  '.join(f'{name:>15}' for name in columns)}")
    for case in cases():
        found = "  ".join(f"{case.error(kernels):15.1e}" for kernels in columns.values())
        print(f"{case.label:36} {case.over:10} {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 4000], help="numbers of rows (default 1000 4000)")
    parser.add_argument("--repeats", type=int, default=7, help="runs per figure, the fastest is shown (default 7)")
    parser.add_argument("--quick", action="store_true", help="n = 500, 2 repeats: whether it runs, not how fast")
    parser.add_argument("--peak", nargs=2, metavar=("NETWORK", "N"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(json.dumps(_peak(arguments.peak[0], int(arguments.peak[1]))))
        return
    sizes, repeats = ([500], 2) if arguments.quick else (arguments.n, arguments.repeats)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load:.1f} before the run\n"
    )
    times(sizes, repeats)
    cliffs(500 if arguments.quick else 1000, repeats)
    errors()


if __name__ == "__main__":
    main()
