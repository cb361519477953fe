"""Rigorous numbers for the Hermite series: Parseval's tail bound tried on SiLU, and SiLU's odd coefficients."""

from __future__ import annotations

from fractions import Fraction

from flint import arb

from derivations.tools.means import Means
from derivations.tools.proof import Outcome, confirmed
from glutheory.activations import activation
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.hermite import coefficient, hermite_series

#: The tail bound is tried on SiLU at these (a, b, c), with this many terms.
_POINTS = ((Fraction(1), Fraction(1), Fraction(1, 2)), (Fraction(1), Fraction(1, 4), Fraction(-2, 5)))
_TERMS = (4, 8, 12)
_VARIANCES = (Fraction(1), Fraction(9, 4))


def tail_bound() -> Outcome:
    """Whether the error of the truncated series is at most the bound, and the bound at most 1000 times the error."""
    act, passed = activation("silu"), True
    for a, b, c in _POINTS:
        exact, _ = evaluate_balls(dual(act), Point(a, b, c), 25)
        for terms in _TERMS:
            first, second = (hermite_series(act, variance, terms, 25) for variance in (a, b))
            with precision(160):
                rho = ball(c) / (ball(a) * ball(b)).sqrt()
                pairs = zip(first.coefficients, second.coefficients, strict=True)
                partial = sum((h * g * rho**k for k, (h, g) in enumerate(pairs)), arb(0))
                bound = abs(rho) ** terms * (first.rest * second.rest).sqrt()
                error = abs(exact - partial)
                passed = passed and bool(error <= bound) and bool(error * 1000 > bound)
    method = f"ball arithmetic at {len(_POINTS)} exact points with {', '.join(map(str, _TERMS))} terms"
    return confirmed(passed, Means.POINTS, f"{method}: error ≤ bound < 1000 · error")


def odd_coefficients() -> Outcome:
    """Whether h_1 = √a/2 and h_3 = h_5 = 0 for SiLU, in narrow balls."""
    act, passed = activation("silu"), True
    for variance in _VARIANCES:
        with precision(160):
            half = ball(variance).sqrt() / 2
            for k in (1, 3, 5):
                value = coefficient(act, k, variance, 25)
                close = (value - (half if k == 1 else 0)).contains(0) and bool(value.rad() < arb(10) ** -20)
                passed = passed and close
    return confirmed(passed, Means.POINTS, "balls of radius below 1e-20 that contain the values, at two variances")
