"""Thirty digits of every activation of the zoo and of own ones: the most processor time at any place, by both roads.

    python benchmarks/evaluate.py [--quick] [--only "NAME;FORMULA"]

Places are pairs of variances from 0.01 to 100, unlike, equal and nearly equal, at correlations from −1 to 1. Each row
has the slowest place of a road, in seconds, reading and derivation of the definition not counted (a place elsewhere
comes first), and where digits were refused. `evaluate` is road 1, `enclose` road 2. Beside it, how many times what SiLU
by `evaluate` (a normal scale mixture: the same work everywhere) took right after it, which depends less on the machine
and on what else it does.
`--quick` takes four activations at one place.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import sympy as sp

import glutheory as glu
from glutheory.activations import Activation, activation_names
from glutheory.errors import GlutheoryError
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls

DIGITS, TARGET = 30, 2.0
Road = Callable[[Activation, Point], None]
OWN = ("silu(z)**2", "max(0,z)**1.5", "max(-1,min(1,z))*sigmoid(z)", "z*heaviside(z-1)", "max(tanh(z),z/2)")
QUICK = ("relu", "hard_tanh", "mish", "silu(z)**2")
#: Pairs of variances with a rational root of their product.
VARIANCES = [("1/100", "1/100"), ("1/100", "100"), ("1", "1"), ("1", "1002001/1000000"), ("4", "25"), ("100", "100")]
CORRELATIONS = ["0", "3/10", "-7/10", "99/100", "-9999/10000", "99999/100000", "999999/1000000", "1", "-1"]


def by_evaluate(act: Activation, point: Point) -> None:
    evaluate_balls(dual(act), point, DIGITS)


def by_enclose(act: Activation, point: Point) -> None:
    enclose(act, point.a, point.b, point.c, digits=DIGITS)


ROADS: dict[str, Road] = {"evaluate": by_evaluate, "enclose": by_enclose}


@dataclass(frozen=True)
class Slowest:
    """Seconds, how many times what SiLU took right after it, where, and what was refused."""

    seconds: float = 0.0
    times: float = 0.0
    place: str = ""
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = f"  refused at {', '.join(self.refused)}" if self.refused else ""
        return f"{self.seconds:8.3f} s  {self.times:5.0f} × SiLU  {self.place:34}{more}"


def places(quick: bool) -> Iterator[tuple[str, Point]]:
    for a, b in VARIANCES[2:3] if quick else VARIANCES:
        root = Fraction(sp.sqrt(sp.Rational(a) * sp.Rational(b)))
        for rho in CORRELATIONS[1:2] if quick else CORRELATIONS:
            yield f"a = {a}, b = {b}, ρ = {rho}", Point.of(Fraction(a), Fraction(b), Fraction(rho) * root)


def silu() -> float:
    """Processor time of SiLU by `evaluate` at a = b = 1, ρ = 3/10: the median of five."""
    taken = []
    for _ in range(5):
        start = time.process_time()
        by_evaluate(glu.activation("silu"), Point.of(1, 1, Fraction(3, 10)))
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def slowest(road: Road, act: Activation, quick: bool) -> Slowest:
    found = Slowest()
    road(act, Point.of(2, 3, 1))
    for place, point in places(quick):
        start = time.process_time()
        try:
            road(act, point)
        except GlutheoryError:
            found = replace(found, refused=(*found.refused, place))
        seconds = time.process_time() - start
        if seconds > found.seconds:
            found = replace(found, seconds=seconds, times=seconds / silu(), place=place)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four activations at one place: whether it runs")
    parser.add_argument("--only", help="these names or formulas, separated by semicolons")
    options = parser.parse_args()
    names = options.only.split(";") if options.only else QUICK if options.quick else (*activation_names(), *OWN)
    silu()
    print(f"{DIGITS} digits, processor time; SiLU by evaluate at a = b = 1, ρ = 3/10: {silu():.4f} s", flush=True)
    late: list[str] = []
    for name in names:
        act = glu.activation(name) if name in activation_names() else Activation(name)
        for label, road in ROADS.items():
            found = slowest(road, act, options.quick)
            print(f"{name:28}{label:9}{found}", flush=True)
            late += [f"{name} by {label}"] * (found.seconds > TARGET or bool(found.refused))
    print(f"over {TARGET:g} s, or refused: {', '.join(late) or 'none'}")


if __name__ == "__main__":
    main()
