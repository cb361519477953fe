"""The NTK of real architectures by `module_ntk`, beside torch.func's Jacobian of all parameters, in one run.

    python benchmarks/modules.py [--sizes vit-preln,gpt2-small] [--n 64] [--few 8] [--threads 2]

At the paper's size torch.func's Jacobian of n images takes 4 n times the parameters in bytes and more, so that both are
compared on a few inputs, where it fits; `module_ntk` alone then takes all n. Every figure is from a process of its own,
which builds the model, runs once and ends: seconds of that one call, and the peak memory of the whole process. The last
column is what verifying costs: the processor's seconds over those of the same call without the tests of its batches.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import time
from pathlib import Path

import torch

from glutheory.architectures import ARCHITECTURES, build, example_inputs
from glutheory.sampling import module_ntk
from glutheory.sampling.modules import assembly
from glutheory.sampling.modules.verify import Probe

SIZES = ("mixer-narrow", "vit-preln", "gpt2-small")


def ours(name: str, n: int, threads: int) -> tuple[float, float, float]:
    """Seconds of the wall and of the processor, and gigabytes."""
    torch.set_num_threads(threads)
    model, x = build(name, "swiglu", seed=0), example_inputs(name, n, 0)
    return timed(lambda: module_ntk(model, x, output=last))


def untested(name: str, n: int, threads: int) -> tuple[float, float, float]:
    """The same, with every batch taken on trust."""
    assembly.independent = lambda *_: None
    Probe.of = lambda *_, **__: Trust()
    return ours(name, n, threads)


class Trust:
    """In the place of a test."""

    def wrong(self, *_: object) -> set[str]:
        return set()


def theirs(name: str, n: int, threads: int) -> tuple[float, float, float]:
    """The Gram matrix of per-sample gradients by torch.func (vmap of grad), all of them in memory at once."""
    torch.set_num_threads(threads)
    model, x = build(name, "swiglu", seed=0), example_inputs(name, n, 0)
    parameters = {key: value.detach() for key, value in model.named_parameters()}

    def output(chosen: dict[str, torch.Tensor], one: torch.Tensor) -> torch.Tensor:
        return last(torch.func.functional_call(model, chosen, (one[None],))).squeeze()

    def gram() -> torch.Tensor:
        gradients = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))(parameters, x)
        return sum((g.flatten(1) @ g.flatten(1).T for g in gradients.values()), torch.zeros(n, n))

    return timed(gram)


def last(returned: torch.Tensor) -> torch.Tensor:
    """The outputs at the last position, of models that have positions."""
    return returned[:, -1] if returned.ndim == 3 else returned


def timed(function: object) -> tuple[float, float, float]:
    assert callable(function)
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor, high_water()


def high_water() -> float:
    """Peak gigabytes of this process; NaN where that cannot be known (not Linux)."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmHWM")), float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(SIZES), help=f"of {', '.join(ARCHITECTURES)}")
    parser.add_argument("--n", type=int, default=64, help="inputs (default 64)")
    parser.add_argument(
        "--few", type=int, default=8, help="inputs where torch.func is compared; 0: nowhere (default 8)"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    options = parser.parse_args()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load}, {options.threads} threads")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, float32, SwiGLU\n")
    print("architecture     n            s    cpu s     GB  tested/untested  torch.func / (s, cpu s, GB)")
    for name in options.sizes.split(","):
        for n in dict.fromkeys((options.few, options.n)):
            if n:
                mine = alone(ours, name, n, options.threads)
                share = mine[1] / alone(untested, name, n, options.threads)[1]
                ratios = ""
                if n == options.few:
                    ratios = "".join(
                        f"{b / a:7.2f}" for a, b in zip(mine, alone(theirs, name, n, options.threads), strict=True)
                    )
                print(
                    f"{name:12} {n:5} {mine[0]:12.1f} {mine[1]:8.1f} {mine[2]:6.2f} {share:16.2f} {ratios}", flush=True
                )


def alone(function: object, *arguments: object) -> tuple[float, float, float]:
    """The function in a process of its own, as the peak of a process never falls."""
    assert callable(function)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: tuple[float, float, float] = pool.apply(function, arguments)
    return found


if __name__ == "__main__":
    main()
