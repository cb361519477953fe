"""A function between its kinks with what bounds it: the input of the rules that sum a Hermite series.

Every bound has the form |φ(√a x)| ≤ A·e^{q|x|}, because Gaussian means of e^{q|x|} have simple bounds; on a strip
around the real axis, where φ is analytic, |φ(√a x + iy)| ≤ A·e^{q|x|} for |y| ≤ τ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.errors import ExpressionError
from glutheory.ground.balls import Tape
from glutheory.ground.exact import Point, ball
from glutheory.ground.growth import Growth, growth
from glutheory.ground.pieces import pieces
from glutheory.ground.powers import Power, fractional_powers

#: An entire function is treated as if its strip ended here, a narrower one than this as if there were none.
_WIDEST, _NARROWEST = 4096.0, 1 / 64
#: The strips between the widest and the axis, each this much narrower; near a singularity bounds are large.
_RATIO, _EDGE = 0.75, (0.99, 0.95, 0.88)


@dataclass(frozen=True)
class Envelope:
    """|φ(√a·x + iy)| ≤ A·e^{q|x|} for |y| ≤ tau."""

    A: arb
    q: arb

    @classmethod
    def of(cls, bound: Growth, root: arb) -> Envelope:
        """From C(1+|z|)^n e^{p|z|}, by 1 + t ≤ e^{kt}/k for 0 < k ≤ 1."""
        k = arb.min(arb(1), 1 / root)
        return cls(bound.C * k**-bound.n, (bound.p + bound.n * k) * root)


@dataclass(frozen=True)
class Piecewise:
    """φ and φ' between the kinks.

    Attributes:
        kinks: exact, ascending.
        branches: φ on each interval.
        slopes: φ' on each interval.
        jumps: of φ at each kink.
        bounds: one on the real line for φ, one for φ' (without its delta functions).
        powers: φ as a sum of powers on both sides of 0, where some exponent is no integer; None for others.
    """

    kinks: tuple[sp.Expr, ...]
    branches: tuple[sp.Expr, ...]
    slopes: tuple[sp.Expr, ...]
    jumps: tuple[sp.Expr, ...]
    bounds: tuple[Growth, Growth]
    powers: tuple[Power, ...] | None

    def envelope(self, root: arb, i: int = 0) -> Envelope:
        """Of φ (0) or φ' (1) on the real line."""
        return Envelope.of(self.bounds[i], root)

    def places(self, root: arb) -> list[arb]:
        """The kinks of φ(root·x) in x, ascending; root may be negative."""
        places = [ball(kink) / root for kink in self.kinks]
        return places if root > 0 else places[::-1]

    def branch(self, index: int, root: arb) -> tuple[sp.Expr, sp.Expr]:
        """(φ, φ') on the interval of that index in x."""
        own = index if root > 0 else len(self.kinks) - index
        return self.branches[own], self.slopes[own]


@lru_cache(maxsize=64)
def piecewise(expr: sp.Expr) -> Piecewise:
    """The pieces of φ.

    Raises:
        ExpressionError: kinks that are not found, or no bound on the line.
    """
    found = pieces(expr)
    ends = [None, *found.kinks, None]
    bounds = []
    for branches in (found.branches, found.derivative()):
        own = [growth(branch, low=low, high=high) for branch, low, high in zip(branches, ends, ends[1:], strict=False)]
        C, p = own[0].C, own[0].p
        for bound in own[1:]:
            C, p = arb.max(C, bound.C), arb.max(p, bound.p)
        bounds.append(Growth(C, max(bound.n for bound in own), p))
    return Piecewise(
        found.kinks, found.branches, found.derivative(), found.jumps, (bounds[0], bounds[1]), fractional_powers(found)
    )


@dataclass(frozen=True)
class Strip:
    """|Im z| ≤ tau, where φ and φ' are analytic and bounded."""

    tau: float
    bounds: tuple[Growth, Growth]


def _strip(expr: sp.Expr, slope: sp.Expr, tau: float) -> Strip | None:
    try:
        return Strip(tau, (growth(expr, tau=tau), growth(slope, tau=tau)))
    except ExpressionError:
        return None


@lru_cache(maxsize=64)
def strips(expr: sp.Expr, slope: sp.Expr) -> tuple[Strip, ...]:
    """Strips around the real axis on which φ and φ' are analytic, widest first; none for a function with kinks."""
    low, high = 0.0, _NARROWEST
    while high <= _WIDEST and _strip(expr, slope, high) is not None:
        low, high = high, 2 * high
    if low == 0:
        return ()
    widths = [low]
    if high <= _WIDEST:
        for _ in range(9):
            middle = (low + high) / 2
            low, high = (middle, high) if _strip(expr, slope, middle) is not None else (low, middle)
        widths = [low * fraction for fraction in _EDGE]
    while widths[-1] > _NARROWEST:
        widths.append(_RATIO * widths[-1])
    found = (_strip(expr, slope, width) for width in widths)
    return tuple(strip for strip in found if strip is not None)


@dataclass(frozen=True)
class Frame:
    """u = root_a·x and v = root_b·y with x, y standard normal of correlation rho > 0; root_b has the sign of c.

    Attributes:
        root_a, root_b: √a and ±√b.
        rho: |ρ|.
        gap: 1 − |ρ| without cancellation.
        same: whether a = b.
    """

    root_a: arb
    root_b: arb
    rho: arb
    gap: arb
    same: bool

    @classmethod
    def of(cls, point: Point) -> Frame:
        """Of a point with a, b > 0, at the current precision."""
        a, b, c, delta = point.balls()
        rho = abs(c) / (a * b).sqrt()
        sign = -1 if point.c < 0 else 1
        return cls(a.sqrt(), sign * b.sqrt(), rho, delta / (a * b) / (1 + rho), bool(point.a == point.b))

    @property
    def mirrored(self) -> bool:
        """Whether c < 0."""
        return bool(self.root_b < 0)


def normal_tail(t: arb) -> arb:
    """P(x > t) for a standard normal x."""
    return (t / arb(2).sqrt()).erfc() / 2


def program(expressions: tuple[sp.Expr, ...]) -> Tape:
    """The expressions as programs of z."""
    return _program(expressions)


@lru_cache(maxsize=256)
def _program(expressions: tuple[sp.Expr, ...]) -> Tape:
    return Tape(expressions, [Z])
