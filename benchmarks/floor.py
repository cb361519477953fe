"""Gram matrices over the floor: processor time as a ratio to one product of the data and two new n×n arrays.

    python benchmarks/floor.py [--n 4000] [--d 64] [--networks relu reglu gelu geglu swiglu] [--dtype float32]
                               [--cross] [--ways arrays compiled numpy] [--repeats 5] [--quick] [--first]

NNGP and NTK together, by arrays and, where numba is installed, by compiled loops, and by those of the peers (see
peers.py) that are installed. All take turns in one run; each figure is the least, the median and the greatest ratio of
the turns, each to the floor of the same turn. `off by` is the greatest difference from the arrays' result among the
first 200 rows, over √(K(x,x) K(y,y)): peers that compute something else would show there.

--first: the first and the second call of new processes instead, in seconds; loops are read from numba's cache.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import peers
from turns import in_turns

from glutheory.numeric import gram

NETWORKS = ("relu", "reglu", "gelu", "geglu", "swiglu")
WAYS = {"arrays": False, "compiled": True}
#: Rows whose results are compared.
_COMPARED = 200
#: Shorter calls are repeated within a turn until they take this long, in seconds; up to so many times.
_LEAST, _CALLS = 0.02, 50


def floor(X: np.ndarray, Y: np.ndarray | None) -> None:
    """One product of the data, and two new arrays of that size filled; of X alone numpy takes half of the product."""
    _ = X @ (X if Y is None else Y).T
    for _ in range(2):
        np.empty((len(X), len(X if Y is None else Y)), dtype=X.dtype).fill(1.0)


def ways_here(wanted: list[str]) -> list[str]:
    """Those of these that can run; of the others the reason is printed."""
    reasons = peers.missing()
    if find_spec("numba") is None:
        reasons["compiled"] = "numba is not installed"
    for way in wanted:
        if way in reasons:
            print(f"without {way}: {reasons[way]}")
    return [way for way in wanted if way not in reasons]


def tasks_of(
    X: np.ndarray, Y: np.ndarray | None, networks: list[str], ways: list[str]
) -> dict[str, Callable[[], object]]:
    """What is timed, network after network."""
    found: dict[str, Callable[[], object] | None] = {}
    for name in networks:
        for way in ways:
            own = partial(gram, name, X, Y, kind="both", fast=WAYS[way]) if way in WAYS else None
            found[f"{name:7} {way}"] = own or peers.task(way, name, X, Y)
    return {label: task for label, task in found.items() if task is not None}


def off_by(found: object, name: str, X: np.ndarray, Y: np.ndarray | None) -> float:
    """Of a pair of kernels, the greatest difference from the arrays' among the first rows."""
    left, right = X[:_COMPARED], (X if Y is None else Y)[:_COMPARED]
    worst = 0.0
    for kind, matrix in zip(("nngp", "ntk"), found, strict=True):  # type: ignore[call-overload]
        own, other = (np.sqrt(np.diag(gram(name, side, kind=kind))) for side in (left, right))
        wanted = gram(name, left, right, kind=kind, fast=False)
        worst = max(
            worst, float(np.max(np.abs(np.asarray(matrix)[:_COMPARED, :_COMPARED] - wanted) / np.outer(own, other)))
        )
    return worst


def table(X: np.ndarray, Y: np.ndarray | None, networks: list[str], ways: list[str], repeats: int) -> None:
    """One line for each network and way."""
    tasks = tasks_of(X, Y, networks, ways)
    off = {label: off_by(task(), label.split()[0], X, Y) for label, task in tasks.items()}
    found = in_turns({"floor": lambda: floor(X, Y), **tasks}, repeats, least=_LEAST, most=_CALLS)
    base = found.pop("floor")
    print(f"floor {1000 * statistics.median(base):.3g} ms; least, median and greatest ratio to it, off by")
    for label, values in found.items():
        ratios = [value / below for value, below in zip(values, base, strict=True)]
        spread = f"{min(ratios):6.2f} {statistics.median(ratios):6.2f} {max(ratios):6.2f}"
        print(f"{label:23} {spread} {off[label]:8.0e}", flush=True)


def calls(name: str, X: np.ndarray, fast: bool) -> tuple[float, ...]:
    """Processor and wall seconds of two calls of this process, one after the other; what arrays import is there."""
    gram(name, X[:50], fast=False)
    found: list[float] = []
    for _ in range(2):
        start = time.process_time(), time.perf_counter()
        gram(name, X, kind="both", fast=fast)
        found += time.process_time() - start[0], time.perf_counter() - start[1]
    return tuple(found)


def first_calls(X: np.ndarray, networks: list[str], ways: list[str], repeats: int) -> None:
    """One line for each network, way and process, after one that compiles."""
    print("first call cpu s, wall s; second call cpu s, wall s")
    spawn = multiprocessing.get_context("spawn")
    for turn in range(-1, repeats):
        for name in networks:
            for way in ways:
                with spawn.Pool(1) as pool:
                    found = pool.apply(calls, (name, X, WAYS[way]))
                if turn >= 0:
                    print(f"{name:7} {way:9}", *(f"{value:7.3f}" for value in found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=4000, help="rows (default 4000)")
    parser.add_argument("--d", type=int, default=64, help="features (default 64)")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help="names (default relu reglu gelu geglu swiglu)")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="of the data and results")
    parser.add_argument("--cross", action="store_true", help="X against Y, n rows each, in place of X alone")
    parser.add_argument(
        "--ways", nargs="+", choices=(*WAYS, *peers.PEERS), help="left out: all, quick: arrays compiled numpy"
    )
    parser.add_argument("--repeats", type=int, default=5, help="turns, after one that does not count (default 5)")
    parser.add_argument("--quick", action="store_true", help="n = 200, 2 turns, no compiled peers: whether it runs")
    parser.add_argument("--first", action="store_true", help="first and second calls of new processes, X alone")
    arguments = parser.parse_args()
    ways = arguments.ways or ([*WAYS, "numpy"] if arguments.quick else [*WAYS, *peers.PEERS])
    n, repeats = (200, 2) if arguments.quick else (arguments.n, arguments.repeats)
    X, Y = np.random.default_rng(0).standard_normal((2, n, arguments.d)).astype(arguments.dtype)
    print(f"n = {n}, d = {arguments.d}, {arguments.dtype}, {'X against Y' if arguments.cross else 'X alone'}")
    if arguments.first:
        first_calls(X, list(arguments.networks), ways_here([way for way in ways if way in WAYS]), repeats)
        return
    table(X, Y if arguments.cross else None, list(arguments.networks), ways_here(ways), repeats)


if __name__ == "__main__":
    main()
