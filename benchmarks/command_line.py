"""Processor times of the command line, as ratios to importing SymPy alone, and times of `evaluate` and `enclose` calls.

    python benchmarks/command_line.py [--repeats 5]

A process counts with its user and system time, and every round runs `import sympy` beside each command, so that a busy
machine slows both. Still compare the ratios of one run, not seconds of different runs. Python keeps what it compiles,
as it does for its users, whatever the environment says; the run to warm up compiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

_GRAM = """import numpy, glutheory
K = glutheory.gram("swiglu", numpy.random.default_rng(0).standard_normal((50, 8)))"""
#: What is run in a process of its own, by its name in the table; the first is what the others are compared with.
COMMANDS: dict[str, tuple[str, ...]] = {
    "import sympy": ("-c", "import sympy"),
    "a sum of symbols": ("-c", "import sympy; sympy.Symbol('x') + sympy.Symbol('y')"),
    "import numpy": ("-c", "import numpy"),
    "gram": ("-c", _GRAM),
    "gram, condition number": ("-c", f"{_GRAM}\nglutheory.condition_number(K)"),
    "import glutheory": ("-c", "import glutheory"),
    "import glutheory.numeric": ("-c", "import glutheory.numeric"),
    "derive --help": ("-m", "glutheory.derive", "--help"),
    **{
        f"derive {name}": ("-m", "glutheory.derive", name)
        for name in ("relu", "reglu", "gelu", "geglu", "swiglu", "tanh")
    },
    "derive mish (a formula)": ("-m", "glutheory.derive", "--activation", "z*tanh(log(1+exp(z)))"),
}
CLOSED = ("relu", "gelu", "erf", "relu2", "sin")
LOGISTIC = ("sigmoid", "tanh", "silu", "softplus")


def processor_seconds(arguments: Sequence[str]) -> float:
    """User and system seconds of a whole Python process."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=kept)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def interleaved(commands: Mapping[str, Sequence[str]], repeats: int) -> dict[str, list[float]]:
    """The processor seconds of every run of every command: one run of each to warm up, then round by round."""
    for arguments in commands.values():
        processor_seconds(arguments)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, arguments in commands.items():
            found[name].append(processor_seconds(arguments))
    return found


def whole_processes(repeats: int) -> None:
    """The table of the commands: min, median and max of the seconds, and of the ratios round by round."""
    seconds = interleaved(COMMANDS, repeats)
    base = next(iter(seconds.values()))
    print(f"{'':26} {'seconds':>29} {'/ import sympy':>31}")
    print(f"{'processor time':26} {'min':>13} {'median':>7} {'max':>7} {'min':>15} {'median':>7} {'max':>7}")
    for name, own in seconds.items():
        ratios = [one / other for one, other in zip(own, base, strict=True)]
        cells = [f"{min(x):{a}.2f} {statistics.median(x):7.2f} {max(x):7.2f}" for x, a in ((own, 13), (ratios, 15))]
        print(f"{name:26} {' '.join(cells)}")


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
    parser.add_argument("--repeats", type=int, default=5, help="runs per figure (default 5)")
    repeats = parser.parse_args().repeats
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {repeats} runs\n")
    whole_processes(repeats)

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
