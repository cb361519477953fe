"""The sum of the Hermite series of powers z₊^α: Gauss's hypergeometric function.

For standard normal x, y of correlation ρ, with n = α + β,

    E|x|^α|y|^β             = 2^{n/2} Γ((1+α)/2) Γ((1+β)/2)/π · F(−α/2, −β/2; 1/2; ρ²)
    E sgn(x)|x|^α sgn(y)|y|^β = 2^{n/2} 2ρ Γ(1+α/2) Γ(1+β/2)/π · F((1−α)/2, (1−β)/2; 3/2; ρ²)

the even and the odd terms of Mehler's series; z₊^α is half the sum of |z|^α and sgn(z)|z|^α.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import acb, arb

from glutheory.ground.exact import ball
from glutheory.ground.powers import Power
from glutheory.symbolic.piecewise import Frame


def mean_of_powers(terms: Sequence[Power], frame: Frame, *, end: bool) -> arb:
    """E[f(u) f(v)] of the sum f of these powers, with finite moments; `end` says that |ρ| = 1 exactly."""
    sign = -1 if frame.mirrored else 1
    total = arb(0)
    for one in terms:
        for two in terms:
            alpha, beta = _arb(one), _arb(two)
            size = frame.root_a**alpha * abs(frame.root_b) ** beta
            even, odd = _moments(alpha + beta) if end else _halves(alpha, beta, frame.rho)
            total += ball(one.coefficient * two.coefficient) * size * (even + sign * one.side * two.side * odd) / 4
    return total


def _arb(power: Power) -> arb:
    return arb(int(power.exponent.p)) / int(power.exponent.q)


def _moments(n: arb) -> tuple[arb, arb]:
    """Both means at ρ = 1: E|x|^n, where Gauss's function ends at its radius of convergence."""
    value = arb(2) ** (n / 2) * ((n + 1) / 2).gamma() / arb.pi().sqrt()
    return value, value


def _halves(alpha: arb, beta: arb, rho: arb) -> tuple[arb, arb]:
    """The even and the odd mean."""
    front = arb(2) ** ((alpha + beta) / 2) / arb.pi()
    z = acb(rho * rho)
    even = z.hypgeom_2f1(-alpha / 2, -beta / 2, arb(1) / 2).real
    odd = z.hypgeom_2f1((1 - alpha) / 2, (1 - beta) / 2, arb(3) / 2).real
    return (
        front * ((1 + alpha) / 2).gamma() * ((1 + beta) / 2).gamma() * even,
        front * 2 * rho * (1 + alpha / 2).gamma() * (1 + beta / 2).gamma() * odd,
    )
