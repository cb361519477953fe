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
from glutheory.ground.growth import Growth, growth
from glutheory.quadrature.frame import Frame

#: An entire function is treated as if it ended here; variances up to 1e6 gain nothing from wider strips.
_WIDEST = 8192.0
_NARROWEST = 1 / 64
#: Where the strip ends at a singularity, its edge is searched more finely.
_NEAR_EDGE = (0.995, 0.98, 0.95, 0.9, 0.82)
_RATIO = 0.7


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

    def envelopes(self, frame: Frame, i: int) -> tuple[Envelope, Envelope]:
        """The i-th function's envelopes in u and in v."""
        one = Envelope.of(self.growths[i], frame.root_a)
        return one, one if frame.same else Envelope.of(self.growths[i], frame.root_b)


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
    widths = [low * fraction for fraction in _NEAR_EDGE] if high < _WIDEST else [low]
    while widths[-1] > _NARROWEST:
        widths.append(_RATIO * widths[-1])
    found = (_bounds(functions, width) for width in widths)
    return (*(strip for strip in found if strip is not None), axis)


def mean_bound(one: Envelope, two: Envelope, rho: arb) -> arb:
    """A bound of E[A₁e^{q₁|x|}·A₂e^{q₂|y|}] for standard normal x, y of correlation ±rho."""
    return 4 * one.A * two.A * ((one.q**2 + two.q**2) / 2 + rho * one.q * two.q).exp()


def beyond(t: arb) -> arb:
    """P(x > t) for a standard normal x."""
    return (t / arb(2).sqrt()).erfc() / 2


def natural_log(x: arb) -> float:
    """Log x for planning, in floating point; −800 for what may be 0."""
    return float(x.log()) if x > 0 else -800.0


def aliases(x: arb) -> arb:
    """Σ_{m≥1} e^{−mx} for x > 0."""
    decay = (-x).exp()
    return decay / (1 - decay)
