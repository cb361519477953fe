"""One step of learning variances in scikit-learn: the kernel and its gradient, processor time over that of SwiGLU.

    python benchmarks/learning.py [--n 30] [--repeats 7] [--quick]

Every step has variances of its own, so that nothing that depends on them is left from the step before.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import sympy as sp
from turns import fastest

import glutheory as glu
from glutheory.activations import Z
from glutheory.integrations.scikit_learn import NTKKernel
from glutheory.networks import Network

OWN = {
    "mish": Z * sp.tanh(sp.log(1 + sp.exp(Z))),
    "relu tanh": sp.Max(0, Z) * sp.tanh(Z),
    "hard tanh": sp.Max(-1, sp.Min(1, Z)),
    "hard tanh·tanh": sp.Max(-1, sp.Min(1, Z)) * sp.tanh(Z),
    "softsign": Z / (1 + sp.Abs(Z)),
}
FEATURES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=30, help="rows (default 30)")
    parser.add_argument("--repeats", type=int, default=7, help="steps per figure, the fastest is shown (default 7)")
    parser.add_argument("--quick", action="store_true", help="n = 8, 2 repeats: whether it runs, not how fast")
    arguments = parser.parse_args()
    n, repeats = (8, 2) if arguments.quick else (arguments.n, arguments.repeats)
    X = np.random.default_rng(0).standard_normal((n, FEATURES))
    networks: dict[str, Network] = {"swiglu": glu.network("swiglu")}
    networks |= {name: glu.gated(glu.Activation(name, expr)) for name, expr in OWN.items()}
    steps = itertools.count()

    def step(net: Network) -> None:
        number = next(steps)
        NTKKernel(net, gate_variance=1 + 0.013 * number, value_variance=1 + 0.1 * number)(X, eval_gradient=True)

    tasks: dict[str, Callable[[], object]] = {name: partial(step, net) for name, net in networks.items()}
    first = {}
    for name, task in tasks.items():
        start = time.process_time()
        task()
        first[name] = time.process_time() - start
    found = fastest(tasks, repeats)
    print(f"processor time of a step over that of SwiGLU, n = {n}, d = {FEATURES}, fastest of {repeats}")
    print(f"{'':15} {'first s':>8} {'ms':>8} {'ratio':>6}")
    for name in networks:
        print(f"{name:15} {first[name]:8.2f} {1e3 * found[name]:8.1f} {found[name] / found['swiglu']:6.1f}")


if __name__ == "__main__":
    main()
