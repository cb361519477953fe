"""Whole-process times of the command line, as ratios to importing SymPy alone, and of `evaluate` and `enclose` calls.

    python benchmarks/command_line.py [--repeats 5]

Machines are noisy: compare the ratios of one run, not seconds of different runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

NETWORKS = ("relu", "reglu", "gelu", "geglu", "swiglu")
CLOSED = ("relu", "gelu", "erf", "relu2", "sin")
LOGISTIC = ("sigmoid", "tanh", "silu", "softplus")


def process_seconds(arguments: list[str], repeats: int) -> float:
    """Median seconds of a whole Python process."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def call_seconds(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one to warm up."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs per figure, the median is shown (default 5)")
    repeats = parser.parse_args().repeats
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, median of {repeats}\n")
    base = process_seconds(["-c", "import sympy"], repeats)
    print(f"{'whole process':34} {'seconds':>8} {'/ import sympy':>15}")
    print(f"{'import sympy':34} {base:8.2f} {1:15.1f}")
    for name in NETWORKS:
        seconds = process_seconds(["-m", "glutheory.derive", name], repeats)
        print(f"{'python -m glutheory.derive ' + name:34} {seconds:8.2f} {seconds / base:15.1f}")

    from glutheory import enclose, evaluate

    print(f"\n{'call (a = 2, b = 0.5, c = 0.3)':32} {'ms':>8}")
    point = ("2", "0.5", "0.3")
    for name in (*CLOSED, *LOGISTIC):
        seconds = call_seconds(lambda name=name: evaluate(name, *point, digits=50), repeats)
        print(f"{f'evaluate {name}, 50 digits':32} {1e3 * seconds:8.1f}")
    # the hardest corner of [0.01, 100] is the widest Gaussian over the sharpest function
    for where in (point, ("100", "100", "30"), ("100", "0.01", "-0.9")):
        print(f"\n{'call (a, b, c = ' + ', '.join(where) + ')':32} {'ms':>8}")
        for name in (*CLOSED, *LOGISTIC):
            seconds = call_seconds(lambda name=name, where=where: enclose(name, *where, digits=30), repeats)
            print(f"{f'enclose {name}, 30 digits':32} {1e3 * seconds:8.1f}")


if __name__ == "__main__":
    main()
