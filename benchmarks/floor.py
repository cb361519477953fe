"""Gram matrices over the floor: processor time as a ratio to one product of the data and two new n×n arrays.

    python benchmarks/floor.py [--n 4000] [--d 64] [--networks relu reglu gelu geglu swiglu] [--dtype float32]
                               [--cross] [--repeats 5] [--quick]

NNGP and NTK together, by arrays and, where numba is installed, by compiled loops. All take turns in one run; each
figure is the least, the median and the greatest ratio of the turns, each to the floor of the same turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np

from glutheory.numeric import gram

NETWORKS = ("relu", "reglu", "gelu", "geglu", "swiglu")


def floor(X: np.ndarray, Y: np.ndarray | None) -> None:
    """One product of the data, and two new arrays of that size filled; of X alone numpy takes half of the product."""
    _ = X @ (X if Y is None else Y).T
    for _ in range(2):
        np.empty((len(X), len(X if Y is None else Y)), dtype=X.dtype).fill(1.0)


def table(X: np.ndarray, Y: np.ndarray | None, networks: list[str], repeats: int) -> None:
    """One line for each network and way."""
    tasks: dict[str, Callable[[], object]] = {"floor": lambda: floor(X, Y)}
    for name in networks:
        for way, fast in (("arrays", False), *([("compiled", True)] if find_spec("numba") else [])):
            tasks[f"{name:7} {way}"] = partial(gram, name, X, Y, kind="both", fast=fast)
    found: dict[str, list[float]] = {task: [] for task in tasks}
    for turn in range(repeats + 1):
        for label, task in tasks.items():
            start = time.process_time()
            task()
            if turn:
                found[label].append(time.process_time() - start)
    base = found.pop("floor")
    print(f"floor {1000 * statistics.median(base):.0f} ms; least, median and greatest ratio to it")
    for label, values in found.items():
        ratios = [value / below for value, below in zip(values, base, strict=True)]
        print(f"{label:18} {min(ratios):6.2f} {statistics.median(ratios):6.2f} {max(ratios):6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=4000, help="rows (default 4000)")
    parser.add_argument("--d", type=int, default=64, help="features (default 64)")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help="names (default relu reglu gelu geglu swiglu)")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="of the data and results")
    parser.add_argument("--cross", action="store_true", help="X against Y, n rows each, in place of X alone")
    parser.add_argument("--repeats", type=int, default=5, help="turns, after one that does not count (default 5)")
    parser.add_argument("--quick", action="store_true", help="n = 200, 2 turns: whether it runs, not how fast")
    arguments = parser.parse_args()
    n, repeats = (200, 2) if arguments.quick else (arguments.n, arguments.repeats)
    X, Y = np.random.default_rng(0).standard_normal((2, n, arguments.d)).astype(arguments.dtype)
    print(f"n = {n}, d = {arguments.d}, {arguments.dtype}, {'X against Y' if arguments.cross else 'X alone'}")
    table(X, Y if arguments.cross else None, list(arguments.networks), repeats)


if __name__ == "__main__":
    main()
