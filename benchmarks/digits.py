"""Many digits: processor time of `evaluate` and `enclose`, and over that of the ways they had before.

    python benchmarks/digits.py [--quick]

The logistic family by power series in c over the double sum of its kernels, each forced; powers with a kink at 0 by an
angle over the line integral of a conditional mean. (S, T) each time; everything is warm but the nodes of the rule.
`--quick` takes few digits and one point: whether it runs, not how fast.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from fractions import Fraction
from unittest.mock import patch

import glutheory as glu
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose, rules
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.model import model
from glutheory.symbolic import kolmogorov, powers_of_c
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls

POINTS = [(1, "3/10"), (1, "99/100"), (1, "1"), (9, "999/1000"), (100, "1")]


def seconds(run: Callable[..., object], *arguments: object, **options: object) -> float:
    """Processor time of one call."""
    start = time.process_time()
    run(*arguments, **options)
    return time.process_time() - start


def averages(names: list[str], numbers: list[int], points: list[tuple[int, str]]) -> None:
    """The logistic family: as chosen, and the double sum over the series."""
    print("evaluate, a = b: seconds as chosen, (double sum / power series)")
    print(f"{'':24}" + "".join(f"{number:>20}" for number in numbers))
    for name in names:
        own = dual(glu.activation(name))
        for a, rho in points:
            point = Point(Fraction(a), Fraction(a), Fraction(rho) * a)
            evaluate_balls(own, point, 10)
            row = ""
            for number in numbers:
                times = []
                for start in (powers_of_c._START, -math.inf, math.inf):
                    kolmogorov.rule.cache_clear()
                    with patch.object(powers_of_c, "_START", start):
                        times.append(seconds(evaluate_balls, own, point, number))
                row += f"{times[0]:11.3f} ({times[2] / times[1]:6.2f})"
            print(f"{name:9} a = {a:<3} {rho:8}{row}", flush=True)


def angles(names: list[str], number: int) -> None:
    """Powers with a kink at 0 at (1, 2, 3/10)."""
    print(f"enclose, {number} digits: seconds by the angle (line / angle)")
    point = Point(Fraction(1), Fraction(2), Fraction(3, 10))
    log = -number * math.log(10) - 2
    for name in names:
        part = model(glu.activation(name).expr).whole
        enclose(name, 1, 2, "0.3", digits=10)
        ours = seconds(enclose, name, 1, 2, "0.3", digits=number)

        with precision(rules._bits(point, part, (log, log))):
            line = seconds(rules._closed, Frame.of(point), part, (log, log))
        print(f"{name:20}{ours:8.3f} ({line / ours:6.1f})", flush=True)


def smooth(names: list[str], number: int) -> None:
    """Functions that take the trapezoidal rule, at (1, 2, 3/10)."""
    print(f"enclose, {number} digits: seconds")
    for name in names:
        enclose(name, 1, 2, "0.3", digits=10)
        print(f"{name:20}{seconds(enclose, name, 1, 2, '0.3', digits=number):8.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one point, few digits")
    if parser.parse_args().quick:
        averages(["silu"], [20], POINTS[:1])
        angles(["relu"], 50)
        smooth(["gelu"], 50)
        return
    averages(["sigmoid", "silu"], [20, 50, 100, 200], POINTS)
    angles(["relu", "step", "abs", "leaky_relu", "relu2"], 1000)
    for number in (300, 1000):
        smooth(["gelu", "erf", "sigmoid", "silu"], number)


if __name__ == "__main__":
    main()
