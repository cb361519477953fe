"""The normal distribution functions Φ and Φ₂ in ball arithmetic; as SymPy functions: `glutheory.ground.normal`.

Φ₂(x, y; ρ) = P(X ≤ x, Y ≤ y) for standard normal X, Y of correlation ρ. The correlation is given by a direction,
ρ = c/√(c² + d²) and √(1−ρ²) = d/√(c² + d²) with d ≥ 0, so that nothing is lost as ρ → ±1. With Owen's T in the form
W(h, g) = T(h, g/h) (Owen 1956, Ann. Math. Statist. 27, 1075–1090),

    Φ₂ = (Φ(x) + Φ(y))/2 − W(x, (y − ρx)/√(1−ρ²)) − W(y, (x − ρy)/√(1−ρ²)) − (1/2 if x and y have opposite signs)

and W(h, g) + W(g, h) = (Φ(h) + Φ(g))/2 − Φ(h)Φ(g) − (1/2 if h and g have opposite signs) brings |g/h| below 1, where

    T(h, t) = 1/2π ∫_0^t e^{−h²(1+x²)/2}/(1+x²) dx

is integrated with a proved error. Everything is arithmetic; no kernel is in it.
"""

from __future__ import annotations

import math
from typing import Any

from flint import acb, arb, ctx

from glutheory.ground.integral import integral

Ball = Any  # arb or acb: python-flint ships no types for mixed arithmetic
#: From this E on, Φ₂ ≈ e^{−E} is integrated by itself: differences of larger numbers cost E·log₂e bits. Beyond the
#: second one double precision no longer places the integral.
_FAR, _FARTHEST = 8.0, 1e14


def phi2(x: arb, y: arb, c: arb, d: arb) -> arb:
    """Φ₂(x, y; c, d) as a ball at the current precision; where d may be 0 but is not known to be, all of [0, 1]."""
    if d.is_zero() and (c > 0 or c < 0):
        return _on_a_line(x, y, c > 0)
    if not d > 0:
        return arb("0.5") + arb(0, 0.5)
    if _FAR < _energy(x, y, c, d) < _FARTHEST:
        return _far_quadrant(x, y, c, d)
    # |∂Φ₂/∂x|, |∂Φ₂/∂y| < 2/5; and the signs of exact numbers are known
    spread, x, y = 2 * (x.rad() + y.rad()) / 5, x.mid(), y.mid()
    if x == 0 and y == 0:
        return arb("0.25") + arb.atan2(c, d) / (2 * arb.pi()) + arb(0, spread)
    size = (c * c + d * d).sqrt()
    total = (phi(x) + phi(y)) / 2 + arb(0, spread)
    whole: arb = total - _wedge(x, (size * y - c * x) / d) - _wedge(y, (size * x - c * y) / d) - _opposite(x, y)
    return whole


def _on_a_line(x: arb, y: arb, same: bool) -> arb:
    """P(X ≤ x, Y ≤ y) for Y = X or Y = −X: Φ(min(x, y)), or Φ(x) − Φ(−y) where that is positive."""
    value: arb
    if same:
        value = phi(x.min(y))
    elif x <= -y:
        value = arb(0)
    else:
        low, high = phi(-y), phi(x)
        value = high - (low if x > -y else low.min(high))
    return value


def _energy(x: arb, y: arb, c: arb, d: arb) -> float:
    """Roughly the E of Φ₂ ≈ e^{−E}: half the squared distance of the quadrant from the origin, 0 for a ball of ∞."""
    low, high, rho = min(x, y, key=lambda z: float(z.mid())), max(x, y, key=lambda z: float(z.mid())), c / d
    if not (low.is_finite() and high.is_finite() and low < 0):
        return 0.0
    u, v, t = float(low.mid()), float(high.mid()), float(rho.mid())  # t = ρ/√(1−ρ²)
    size = math.hypot(1.0, t)
    # given X = low, Y has the mean ρ·low and the deviation 1/size
    gap = min(0.0, (v - t / size * u) * size)
    return (u * u + gap * gap) / 2


def _far_quadrant(x: arb, y: arb, c: arb, d: arb) -> arb:
    """Φ₂ of a quadrant far from the origin, to relative accuracy: ∫ φ(s) Φ((y − ρs)/√(1−ρ²)) ds over s ≤ x < 0, x ≤ y.

    At the balls' midpoints, and their radii times the derivatives (see `Phi2.fdiff`).
    """
    if not x.mid() <= y.mid():
        x, y = y, x
    size = (c * c + d * d).sqrt()
    slopes = [_density(p) * phi((size * q - c * p) / d) for p, q in ((x, y), (y, x))]
    turn = (-(size * size * (x * x + y * y) - 2 * c * size * x * y) / (2 * d * d)).exp() / (2 * arb.pi())
    spread = slopes[0] * x.rad() + slopes[1] * y.rad() + turn * (d * c.rad() + abs(c) * d.rad()) / (size * size)
    value = _integrated(x.mid(), y.mid(), c.mid(), d.mid())
    return value + arb(0, abs(spread).upper())


def _integrated(x: arb, y: arb, c: arb, d: arb) -> arb:
    """The integral of `_far_quadrant` in t = x − s, with the density at x taken out."""
    size, bits = (c * c + d * d).sqrt(), ctx.prec
    energy = _energy(x, y, c, d) - float(x) ** 2 / 2
    need = energy + bits * math.log(2) + 16
    edge = arb(2 * need / (math.sqrt(float(x) ** 2 + 2 * need) - float(x)))  # |x|·t + t²/2 = need

    def integrand(t: acb, analytic: bool) -> acb:  # noqa: ARG001 (entire)
        value: acb = (x * t - t * t / 2).exp() * phi((size * y - c * x + c * t) / d)
        return value

    # the value is e^{−energy} times a power of it: below that the relative tolerance is in force
    goal = (arb(-energy - bits * math.log(2)) - 40).exp()
    total = integral(integrand, 0, edge, abs_tol=goal, rel_tol=arb(2) ** -bits).real
    # beyond the edge the integrand is at most e^{xt − t²/2}
    total += arb(0, ((x * edge - edge * edge / 2).exp() / (edge - x)).upper())
    return total * _density(x)


def _density(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _opposite(x: arb, y: arb) -> arb:
    """1/2 for opposite signs (0 counts as positive, from either side of it Φ₂ has the same limit), or both values."""
    if (x >= 0 and y >= 0) or (x < 0 and y < 0):
        return arb(0)
    if (x >= 0 and y < 0) or (x < 0 and y >= 0):
        return arb("0.5")
    return arb("0.25") + arb(0, 0.25)


def phi(x: Ball) -> Ball:
    """Φ(x) of a real or complex ball."""
    return (-x / arb(2).sqrt()).erfc() / 2


def _wedge(h: arb, g: arb) -> arb:
    """T(h, g/h), 0 counting as positive."""
    if g == 0:
        return arb(0)
    if abs(g) <= abs(h) and not h.contains(0):
        return owen_t(h, g / h)
    mirror = owen_t(g, h / g) if h != 0 else arb(0)
    value: arb = (phi(h) + phi(g)) / 2 - phi(h) * phi(g) - _opposite(h, g) - mirror
    return value


def owen_t(h: arb, t: arb) -> arb:
    """Owen's T(h, t) for |t| of about 1 at most."""
    peak = (-h * h / 2).exp()

    def integrand(x: acb, analytic: bool) -> acb:  # noqa: ARG001 (analytic but at ±i, where the quotient is infinite)
        square = x * x * t * t
        return (-h * h * square / 2).exp() / (1 + square)

    goal = arb(2) ** -ctx.prec
    return t * peak * integral(integrand, 0, 1, abs_tol=goal, rel_tol=goal).real / (2 * arb.pi())
