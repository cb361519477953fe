"""Rigorous integrals for the logistic family: the mixture at a point, and SiLU's dual at ρ = 1 by definition."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import acb, arb, fmpq

from derivations.tools.means import Means
from derivations.tools.proof import Outcome, confirmed
from glutheory.activations import activation
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls

_BITS, _FINE = 128, 80
_POINTS = (fmpq(1, 3), fmpq(1), fmpq(5))
#: The two series of the density are exchanged here; this many terms of each are kept.
_SPLIT, _TERMS = fmpq(4, 5), 12
#: The range of κ and of the normal variable.
_LOW, _HIGH, _REACH = fmpq(1, 10), 8, 16


def _inner(kappa: acb) -> acb:
    """√(2π) Σ_{m odd} (m²π²/(4κ⁴) − 1/κ²) e^{−m²π²/(8κ²)}, for small κ."""
    rate = acb.pi() ** 2 / (8 * kappa**2)
    terms = ((2 * m * m * rate - 1) * (-m * m * rate).exp() for m in range(1, 2 * _TERMS, 2))
    return (2 * acb.pi()).sqrt() / kappa**2 * sum(terms, acb(0))


def _outer(kappa: acb) -> acb:
    """8κ Σ (−1)^(n−1) n² e^{−2n²κ²}, for large κ."""
    terms = ((-1) ** (n - 1) * n * n * (-2 * n * n * kappa**2).exp() for n in range(1, _TERMS + 1))
    return 8 * kappa * sum(terms, acb(0))


def _left_out() -> arb:
    """A bound of what truncating series and range costs, since 0 ≤ Φ ≤ 1: the terms' antiderivatives at the ends.

    Σ_{m>M} of √(2π)/r·e^{−m²π²/(8r²)} at the split r, all m at the lower end, Σ_{n>N} 2e^{−2n²r²} at the split and all
    n at the upper end; each sum is at most twice its first term, which the factor 2 allows for.
    """
    pi, split = arb.pi(), arb(_SPLIT)

    def small(m: int, r: arb) -> arb:
        return (2 * pi).sqrt() / r * (-(m**2) * pi**2 / (8 * r**2)).exp()

    def large(n: int, r: arb) -> arb:
        return 2 * (-2 * n * n * r**2).exp()

    total = small(2 * _TERMS + 1, split) + small(1, arb(_LOW)) + large(_TERMS + 1, split) + large(1, arb(_HIGH))
    return arb((2 * total).upper())


def _mixture(z: arb) -> arb:
    """A ball that contains ∫ Φ(z/(2κ)) F′(κ) dκ."""

    def times_cdf(series: Callable[[acb], acb]) -> Callable[[acb, bool], acb]:
        def integrand(kappa: acb, _analytic: bool) -> acb:
            return series(kappa) * (1 + (z / (2 * kappa * arb(2).sqrt())).erf()) / 2

        return integrand

    inner = acb.integral(times_cdf(_inner), acb(_LOW), acb(_SPLIT)).real
    outer = acb.integral(times_cdf(_outer), acb(_SPLIT), acb(_HIGH)).real
    return inner + outer + arb(0, _left_out())


def enclose_logistic() -> Outcome:
    """Whether σ(z) lies in the ball of the mixture, and the ball is narrow."""
    with precision(_BITS):
        fine = arb(2) ** -_FINE
        passed = True
        for point in _POINTS:
            z = arb(point)
            value, logistic = _mixture(z), 1 / (1 + (-z).exp())
            passed = passed and value.overlaps(logistic) and bool(value.rad() < fine)
    return confirmed(
        passed, Means.POINTS, f"balls of radius below 2^-{_FINE} that overlap, at {len(_POINTS)} exact points"
    )


def _square() -> arb:
    """A ball that contains E[(xσ(x))²]; the tail beyond R is at most E[x²; |x| > R] ≤ 2R·e^{−R²/2}."""

    def integrand(x: acb, _analytic: bool) -> acb:
        return (x / (1 + (-x).exp())) ** 2 * (-x * x / 2).exp()

    middle = acb.integral(integrand, acb(-_REACH), acb(_REACH)).real / (2 * arb.pi()).sqrt()
    tail = 2 * arb(_REACH) * (-(arb(_REACH) ** 2) / 2).exp()
    return middle + arb(0, tail.upper())


def enclose_square() -> Outcome:
    """Whether the engine's double average of SiLU at a = b = c = 1 and the direct integral agree narrowly."""
    one = Fraction(1)
    engine, _ = evaluate_balls(dual(activation("silu")), Point(one, one, one), 30)
    with precision(_BITS):
        direct = _square()
        fine = arb(2) ** -_FINE
        passed = direct.overlaps(engine) and bool(direct.rad() < fine) and bool(engine.rad() < fine)
    return confirmed(bool(passed), Means.POINTS, f"balls of radius below 2^-{_FINE} that overlap")
