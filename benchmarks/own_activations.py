"""Gram matrices of activations that are not of the zoo: processor time over that of SwiGLU, in one run.

    python benchmarks/own_activations.py [--n 1000] [--repeats 7] [--quick]

Far rows are Gaussian; shifted ones are these + 4, nearly all pairs at 0.92 < ρ < 0.96, where series are long; near ones
lie around one direction, where the series of a function with a kink is too slow and pairs are integrated one by one,
unless all rows have the same norm.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp
from turns import fastest

import glutheory as glu
from glutheory.activations import Z
from glutheory.networks import Network
from glutheory.numeric import gram

FEATURES = 64
#: What is added to all entries of the shifted rows.
SHIFT = 4.0
#: Rows that are nearly parallel.
NEAR = 100
SMOOTH = {
    "mish": Z * sp.tanh(sp.log(1 + sp.exp(Z))),
    "snake": Z + sp.sin(Z) ** 2,
    "log cosh": sp.log(sp.cosh(Z)),
    "z arctan z": Z * sp.atan(Z),
}
KINKED = {
    "elu": sp.Max(0, Z) + sp.exp(sp.Min(0, Z)) - 1,
    "hard swish": Z * sp.Min(6, sp.Max(0, Z + 3)) / 6,
    "hard tanh": sp.Max(-1, sp.Min(1, Z)),
    "shifted relu": sp.Max(0, Z - sp.Rational(1, 2)),
    "softsign": Z / (1 + sp.Abs(Z)),
    "hard tanh σ": sp.Max(-1, sp.Min(1, Z)) / (1 + sp.exp(-Z)),
    "root": sp.Max(0, Z) ** sp.Rational(3, 2),
    "shifted root": sp.Max(0, Z - 1) ** sp.Rational(3, 2),
}


def once(task: Callable[[], object]) -> float:
    """Its processor time."""
    start = time.process_time()
    task()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="rows (default 1000)")
    parser.add_argument("--repeats", type=int, default=7, help="runs per figure, the fastest is shown (default 7)")
    parser.add_argument("--quick", action="store_true", help="n = 300, 2 repeats: whether it runs, not how fast")
    arguments = parser.parse_args()
    n, repeats = (300, 2) if arguments.quick else (arguments.n, arguments.repeats)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, FEATURES))
    count = 10 if arguments.quick else NEAR
    near = rng.standard_normal(FEATURES) + 0.2 * rng.standard_normal((count, FEATURES))
    sphere = near * (FEATURES**0.5 / np.linalg.norm(near, axis=1))[:, None]
    pairs = count * (count + 1) / 2
    networks = {name: Network(name, (glu.Activation(name, expr),)) for name, expr in (SMOOTH | KINKED).items()}
    rows = {}
    for name, net in networks.items():
        first = once(partial(gram, net, X))
        slow = [once(partial(gram, net, Y)) for Y in (near, sphere)]
        rows[name] = [first, *(1e3 * seconds / pairs for seconds in slow)]
    tasks: dict[str, Callable[[], object]] = {}
    for kind in ("ntk", "both"):
        for name, net in {"swiglu": glu.network("swiglu"), **networks}.items():
            tasks[f"{name} {kind}"] = partial(gram, net, X, kind=kind)
            tasks[f"{name} shifted {kind}"] = partial(gram, net, X + SHIFT, kind=kind)
    found = fastest(tasks, repeats)
    print(f"processor time over SwiGLU, n = {n}, d = {FEATURES}, fastest of {repeats}")
    columns = "ntk", "both", "shifted ntk", "shifted both"
    print(f"{'':13} {'first s':>8} {' '.join(f'{name:>12}' for name in columns)} {'near ms':>8} {'of one norm ms':>15}")
    for name in networks:
        ratios = " ".join(f"{found[f'{name} {kind}'] / found[f'swiglu {kind}']:12.1f}" for kind in columns)
        first, *slow = rows[name]
        figures = " ".join(f"{value:8.3f}" for value in slow)
        print(f"{name:13} {first:8.2f} {ratios} {figures}")


if __name__ == "__main__":
    main()
