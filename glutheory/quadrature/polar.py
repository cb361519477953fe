"""E[f(u)f(v)] for sums of powers z₊^α and z₋^α in polar coordinates: one integral over an angle.

With x, y standard normal of correlation ρ = −cos ψ, 0 < ψ < π, the density is rotation invariant in the right
coordinates, and

    E[x₊^α y₊^β] = 2^{n/2} Γ(1 + n/2)/(2π) · ∫_0^ψ sin(s)^α sin(ψ − s)^β ds,   n = α + β.

Both halves of the integral are of the form ∫_0^{ψ/2} sin(s)^α sin(θ + s)^β ds, θ = π − ψ: the second is the first
with α and β exchanged and s counted from ψ. With s = ψ τ²/2 and
sin(s) = s·sinc(s) a square root at 0 becomes an analytic function of τ.

For integers α and β the integrand is a trigonometric polynomial of degree n whose coefficients have moduli that add up
to at most 1, as those of sin do. So its k-th derivative is at most n^k, and the integral over [0, w] of its Taylor
polynomial of degree < K at 0 errs by at most n^K w^{K+1}/(K+1)!.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import acb, arb, arb_series, ctx

from glutheory.ground.exact import ball
from glutheory.ground.integral import integral
from glutheory.ground.powers import Power
from glutheory.quadrature.frame import Frame

#: Evaluations of one integrand before the adaptive rule gives up and returns a wide ball.
_MAX_EVALUATIONS = 200_000


def polar_mean(frame: Frame, terms: Sequence[Power], log: float) -> arb:
    """E[f(u)f(v)] of the sum f of these powers, with an absolute error of about e^log."""
    total = arb(0)
    goal = arb(log).exp() / max(1, len(terms)) ** 2
    for one in terms:
        for two in terms:
            alpha, beta = (arb(int(t.exponent.p)) / int(t.exponent.q) for t in (one, two))
            n = alpha + beta
            front = ball(one.coefficient * two.coefficient) * frame.root_a**alpha * frame.root_b**beta
            front *= arb(2) ** (n / 2)
            equal = frame.sign * one.side * two.side > 0
            if frame.far == 0:
                if equal:
                    total += front * ((n + 1) / 2).gamma() / (2 * arb.pi().sqrt())
                continue
            front *= (1 + n / 2).gamma() / (2 * arb.pi())
            # arccos ρ without cancellation
            small = 2 * (frame.far / 2).sqrt().asin()
            theta = small if equal else arb.pi() - small
            width = (arb.pi() - small if equal else small) / 2
            own = goal / (2 * abs(front).upper())
            p, q = int(2 * one.exponent), int(2 * two.exponent)
            total += front * (_angle(p, q, theta, width, own) + _angle(q, p, theta, width, own))
    return total


def jump_mean(frame: Frame, mass: arb, terms: Sequence[Power]) -> arb:
    """What mass·δ adds to E[f(u)f(v)] for the sum f of these powers, |ρ| < 1: at u = 0 v is N(0, b(1−ρ²))."""
    spread, flat = frame.gap.sqrt(), (2 * arb.pi()).sqrt()
    total = mass / (frame.root_a * frame.root_b * spread * flat)
    for term in terms:
        q = ball(term.exponent)
        half = ball(term.coefficient) * arb(2) ** (q / 2) * ((q + 1) / 2).gamma() / (2 * arb.pi().sqrt())
        total += half * ((frame.root_b * spread) ** q / frame.root_a + (frame.root_a * spread) ** q / frame.root_b)
    return mass * total / flat


def _angle(p: int, q: int, theta: arb, width: arb, goal: arb) -> arb:
    """∫_0^width sin(s)^{p/2} sin(θ + s)^{q/2} ds."""
    if p % 2 == 0 and q % 2 == 0:
        return _trigonometric(p // 2, q // 2, theta, width, goal)

    def integrand(tau: acb, analytic: bool) -> acb:
        square = tau * tau
        s = width * square
        value = 2 * width * tau * tau**p * _half_power(p, width * s.sinc(), analytic)
        return acb(value * _half_power(q, (theta + s).sin(), analytic))

    return integral(
        integrand,
        0,
        1,
        abs_tol=goal,
        rel_tol=arb(2) ** -ctx.prec,
        eval_limit=_MAX_EVALUATIONS,
        depth_limit=4 * ctx.prec,
    ).real


def _trigonometric(p: int, q: int, theta: arb, width: arb, goal: arb) -> arb:
    """∫_0^width sin(s)^p sin(θ + s)^q ds by the Taylor polynomial in s/width."""
    n, length, rest = p + q, 1, (p + q) * width * width / 2
    while not rest < goal:
        length += 1
        rest *= n * width / (length + 1)
    before = ctx.cap
    try:
        ctx.cap = length
        s = arb_series([0, width], length)
        value = arb_series([1], length)
        for exponent, sine in ((p, s.sin()), (q, (theta + s).sin())):
            for _ in range(exponent):
                value *= sine
        coefficients = value.coeffs()
    finally:
        ctx.cap = before
    total = sum((x / (k + 1) for k, x in enumerate(coefficients)), arb(0))
    return width * total + arb(0, rest.upper())


def _half_power(p: int, x: acb, analytic: bool) -> acb:
    """x^{p/2}, without a root where p is even."""
    value = x ** (p // 2)
    return value * x.sqrt(analytic=analytic) if p % 2 else value
