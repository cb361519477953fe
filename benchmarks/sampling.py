"""Times of one finite-width NTK, as ratios to its bare matrix products and to torch.func, in one run.

    python benchmarks/sampling.py [--repeats 9] [--threads 2] [--quick]

The bare matrix products are X Wᵀ once per branch and one full n × m × n product per block (readout, branches), with
ready-made random matrices: what the kernel costs without drawing weights, activations and symmetry. Repetitions are
interleaved, and the ratio is the median of the ratios of neighbours: compare ratios, not seconds. On a busy machine
threads wait for each other at every call: give --threads 1, which measures processor time. Peak memory is that of a
process of its own that draws one kernel, less what it held before (X and one small kernel).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from glutheory import network
from glutheory.sampling import empirical_ntk

D = 64
SIZES = ((500, 4096), (2000, 16384))
NETWORKS = ("relu", "gelu", "reglu", "geglu", "swiglu")
#: torch.func is compared where its Jacobian (n × parameters) fits into memory.
JACOBIAN = {"relu": torch.relu, "swiglu": torch.nn.functional.silu}


def bare(name: str, n: int, m: int) -> Callable[[], object]:
    """The matrix products alone."""
    X, W, H = torch.randn(n, D), torch.randn(m, D), torch.randn(n, m)
    branches = len(network(name).branches)

    def products() -> None:
        for _ in range(branches):
            X @ W.T
        for _ in range(branches + 1):
            H @ H.T

    return products


def sampled(name: str, n: int, m: int) -> Callable[[], object]:
    X = torch.randn(n, D)
    return lambda: empirical_ntk(name, X, width=m, seed=0)


def jacobian(name: str, n: int, m: int) -> Callable[[], object]:
    """The Gram matrix of per-example gradients by torch.func (vmap of grad), weights ready-made."""
    X, phi = torch.randn(n, D), JACOBIAN[name]
    parameters = {"v": torch.randn(m), "W": torch.randn(m, D)}
    if network(name).gated:
        parameters["P"] = torch.randn(m, D)

    def output(weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        hidden = phi(weights["W"] @ x / D**0.5)
        if "P" in weights:
            hidden = hidden * (weights["P"] @ x / D**0.5)
        return weights["v"] @ hidden / m**0.5

    def gram() -> torch.Tensor:
        gradients = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))(parameters, X)
        return sum((g.flatten(1) @ g.flatten(1).T for g in gradients.values()), torch.zeros(n, n))

    return gram


def interleaved(functions: list[Callable[[], object]], repeats: int) -> list[list[float]]:
    """Seconds of each call, all functions in turn, after one round to warm up; of the processor for one thread."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: list[list[float]] = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(repeats):
        for function, found in zip(functions, seconds, strict=True):
            start = clock()
            function()
            found.append(clock() - start)
    return seconds


def ratio(seconds: list[float], reference: list[float]) -> float:
    return statistics.median(s / r for s, r in zip(seconds, reference, strict=True))


def peak(name: str, n: int, m: int, threads: int) -> float:
    """Megabytes by which one kernel raises the peak of this process; NaN where that cannot be known (not Linux)."""
    torch.set_num_threads(threads)
    X = torch.randn(n, D)
    empirical_ntk(name, X[:20], width=64, seed=0)
    before = high_water()
    empirical_ntk(name, X, width=m, seed=0)
    return high_water() - before


def high_water() -> float:
    """Peak megabytes of this process (getrusage would give the parent's where that is larger)."""
    found = proc("self/status", "VmHWM")
    return int(found.split()[0]) * 1024 / 1e6 if found else float("nan")


def proc(file: str, key: str) -> str:
    """The value of a line ``key : value`` of a file in /proc; empty where there is none (not Linux)."""
    path = Path("/proc", file)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="runs per figure at the small size (default 9)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--quick", action="store_true", help="the small size only")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    machine = proc("cpuinfo", "model name") or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, load {load}, {options.threads} threads")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, float32, d = {D}\n")
    print("network      n      m       ms  / products  fastest  torch.func /  peak MB")
    for n, m in SIZES[: 1 if options.quick else None]:
        repeats = options.repeats if (n, m) == SIZES[0] else max(1, options.repeats // 3)
        for name in NETWORKS:
            ours, products = interleaved([sampled(name, n, m), bare(name, n, m)], repeats)
            slower = "-"
            if name in JACOBIAN and (n, m) == SIZES[0]:
                few, theirs = interleaved([sampled(name, n, m), jacobian(name, n, m)], 1)
                slower = f"{ratio(theirs, few):.0f}"
            # a process of its own, as the peak of a process never falls
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                memory = pool.apply(peak, (name, n, m, options.threads))
            print(
                f"{name:8} {n:5} {m:6} {1e3 * statistics.median(ours):8.1f} {ratio(ours, products):11.2f} "
                f"{min(ours) / min(products):8.2f} {slower:>13} {memory:8.0f}",
                flush=True,
            )
    print("\n'/ products': median of the ratios of neighbouring runs; 'fastest': ratio of the shortest times.")


if __name__ == "__main__":
    main()
