"""Thirty digits of functions without a closed form: processor time of both roads, in seconds and over that of SiLU.

    python benchmarks/evaluate.py [--quick]

SiLU, a normal scale mixture, takes the same work at every point. Each figure is the slowest of the points at its
correlation, variances from 0.01 to 100; `--quick` takes one pair of variances and one correlation. `evaluate` is
road 1, `enclose` road 2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from fractions import Fraction

import sympy as sp

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls

DIGITS = 30
NAMES = ("mish", "log_cosh", "gelu_tanh", "softsign")
Road = Callable[[Activation, Point], None]
LOGISTIC = 1 / (1 + sp.exp(-Z))
OWN = {
    "silu(z)**2": (Z * LOGISTIC) ** 2,
    "max(0,z)**1.5": sp.Max(0, Z) ** sp.Rational(3, 2),
    "hard_tanh * sigmoid": sp.Max(-1, sp.Min(1, Z)) * LOGISTIC,
}
#: Pairs of variances with a rational root of their product.
VARIANCES = [("1/100", "1/100"), ("1/100", "100"), ("1", "1"), ("100", "100")]
CORRELATIONS = ["3/10", "-7/10", "99/100", "-9999/10000", "99999/100000", "999999/1000000", "1"]


def by_evaluate(act: Activation, point: Point) -> None:
    evaluate_balls(dual(act), point, DIGITS)


def by_enclose(act: Activation, point: Point) -> None:
    enclose(act, point.a, point.b, point.c, digits=DIGITS)


def slowest(road: Road, act: Activation, rho: str, variances: list[tuple[str, str]]) -> float:
    """The most seconds that any of the points takes, everything fresh but the reading of the definition."""
    worst = 0.0
    for a, b in variances:
        root = Fraction(sp.sqrt(sp.Rational(a) * sp.Rational(b)))
        point = Point.of(Fraction(a), Fraction(b), Fraction(rho) * root)
        start = time.process_time()
        road(act, point)
        worst = max(worst, time.process_time() - start)
    return worst


ROADS = {"evaluate": by_evaluate, "enclose": by_enclose}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one point: whether it runs, not how fast")
    quick = parser.parse_args().quick
    variances, correlations = (VARIANCES[2:3], CORRELATIONS[:1]) if quick else (VARIANCES, CORRELATIONS)
    activations = [*map(glu.activation, NAMES), *(Activation(name, expr) for name, expr in OWN.items())]
    print(f"{DIGITS} digits, seconds of processor time (over SiLU), the slowest of {len(variances)} pairs of variances")
    for name, road in ROADS.items():
        silu = [slowest(road, glu.activation("silu"), rho, variances) for rho in correlations]
        print(f"{name:20}" + "".join(f"{rho:>16}" for rho in correlations))
        for act in activations:
            found = [slowest(road, act, rho, variances) for rho in correlations]
            print(f"{act.name:20}" + "".join(f"{s:9.2f} ({s / one:4.1f})" for s, one in zip(found, silu, strict=True)))


if __name__ == "__main__":
    main()
