"""How fast a smooth activation grows in strips around the real axis: what the trapezoidal error bounds need.

Everything is brought to the form |φ(√a·x + iy)| ≤ A·e^{q|x|} for |y| ≤ tau, because Gaussian means of e^{q|x|} have
simple bounds; tail and alias bounds below are stated for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.errors import ExpressionError
from glutheory.growth import Growth, growth

#: Strips wider than this never pay; an entire function is treated as if it ended here.
_WIDEST = 32.0
_NARROWEST = 1 / 64
_FRACTIONS = (0.995, 0.98, 0.95, 0.9, 0.82, 0.72, 0.6, 0.48, 0.36, 0.26, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.012)


@dataclass(frozen=True)
class Envelope:
    """|φ(√a·x + iy)| ≤ A·e^{q|x|} for |y| ≤ tau."""

    A: arb
    q: arb

    @classmethod
    def of(cls, bound: Growth, root: arb) -> Envelope:
        """From C(1+|√a x|)^n e^{p|√a x|}, with (1+st)^n ≤ max(1, sn/k)^n·e^{kt} for any 0 < k ≤ n."""
        n = bound.n
        if n == 0:
            return cls(bound.C, bound.p * root)
        k = arb.min(arb(1), n * root)
        return cls(bound.C * arb.max(arb(1), n * root / k) ** n, bound.p * root + k)


@dataclass(frozen=True)
class Strip:
    """One strip on which all functions of a family are analytic and bounded."""

    tau: float
    growths: tuple[Growth, ...]


def _bounds(functions: tuple[sp.Expr, ...], tau: float) -> Strip | None:
    try:
        return Strip(tau, tuple(growth(function, tau=tau) for function in functions))
    except ExpressionError:
        return None


@lru_cache(maxsize=256)
def strips(functions: tuple[sp.Expr, ...]) -> tuple[Strip, ...]:
    """Strips around the real axis, widest first, ending with the axis itself (tau = 0); the last one always exists.

    A family that is analytic in no strip yields the axis alone.

    Raises:
        ExpressionError: no bound on the real line.
    """
    axis = Strip(0.0, tuple(growth(function) for function in functions))
    low, high = 0.0, _NARROWEST
    while high < _WIDEST and _bounds(functions, high) is not None:
        low, high = high, 2 * high
    if low == 0:
        return (axis,)
    for _ in range(0 if high >= _WIDEST else 10):
        middle = (low + high) / 2
        low, high = (middle, high) if _bounds(functions, middle) is not None else (low, middle)
    found = (_bounds(functions, fraction * low) for fraction in _FRACTIONS)
    return (*(strip for strip in found if strip is not None), axis)


def mean_bound(one: Envelope, two: Envelope, rho: arb) -> arb:
    """A bound of E[A₁e^{q₁|x|}·A₂e^{q₂|y|}] for standard normal x, y of correlation ±rho."""
    return 4 * one.A * two.A * ((one.q**2 + two.q**2) / 2 + rho * one.q * two.q).exp()


def beyond(t: arb) -> arb:
    """P(x > t) for a standard normal x."""
    return (t / arb(2).sqrt()).erfc() / 2


def aliases(x: arb) -> arb:
    """Σ_{m≥1} e^{−mx} for x > 0."""
    decay = (-x).exp()
    return decay / (1 - decay)
