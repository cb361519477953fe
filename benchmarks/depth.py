"""Gram matrices of deep stacks: processor time against depth, over that of the two-layer network, in one run.

    python benchmarks/depth.py [--n 1000] [--repeats 5] [--quick]

One column is the stack of one block over two layers; the next what each further block costs, over two layers. Rows of
different norms are Gaussian; rows of one norm share the angle between the stream and the block. Without norms every
pair of rows reaches an activation with its own two variances, for which there is no table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from turns import fastest

import glutheory as glu

FEATURES = 64
#: Blocks of the deep stack; the difference to one block is shared by the others.
DEEP = 17
#: And without norms, with branches of this scale, so that variances stay of order 1.
SHALLOW, SCALE = 3, "1/8"
NETWORKS = ("relu", "reglu", "silu", "swiglu", "gelu", "geglu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="rows (default 1000)")
    parser.add_argument("--repeats", type=int, default=5, help="runs per figure, the fastest is shown (default 5)")
    parser.add_argument("--quick", action="store_true", help="n = 200, 1 repeat: whether it runs, not how fast")
    arguments = parser.parse_args()
    n, repeats = (200, 1) if arguments.quick else (arguments.n, arguments.repeats)
    gaussian = np.random.default_rng(0).standard_normal((n, FEATURES))
    sphere = gaussian / np.linalg.norm(gaussian, axis=1)[:, None] * FEATURES**0.5
    print(f"processor time of the NTK over that of two layers, n = {n}, d = {FEATURES}, fastest of {repeats}")
    columns = ("one block", "each further", "each further, one norm", "each further, no norms")
    print(" ".join([f"{'':8} {'two layers s':>13}", *(f"{words:>12}" for words in columns)]))
    for name in NETWORKS:
        tasks: dict[str, Callable[[], object]] = {"two": partial(glu.gram, name, gaussian)}
        for depth in (1, DEEP):
            stack = glu.stack(name, depth)
            for rows, X in (("gaussian", gaussian), ("sphere", sphere)):
                glu.gram(stack, X[:2])  # the tables are made once
                tasks[f"{rows} {depth}"] = partial(glu.gram, stack, X)
        for depth in (1, SHALLOW):
            tasks[f"free {depth}"] = partial(glu.gram, glu.stack(name, depth, norm=None, scale=SCALE), gaussian)
            tasks[f"free {depth}"]()
        found = fastest(tasks, repeats)
        each = {rows: (found[f"{rows} {DEEP}"] - found[f"{rows} 1"]) / (DEEP - 1) for rows in ("gaussian", "sphere")}
        each["free"] = (found[f"free {SHALLOW}"] - found["free 1"]) / (SHALLOW - 1)
        two = found["two"]
        ratios = [found["gaussian 1"] / two, *(each[rows] / two for rows in ("gaussian", "sphere", "free"))]
        shown = (f"{ratio:{max(12, len(words))}.2f}" for ratio, words in zip(ratios, columns, strict=True))
        print(" ".join([f"{name:8} {two:13.3f}", *shown]))


if __name__ == "__main__":
    main()
