"""E[f(u) g(v)] at ρ = ±1, where v is a multiple of u, for kernels with steps and delta functions: truncated moments.

With u = √a x and v = ±√b x two steps leave an interval of x, and with γ = ±… the coefficient of x in the exponent,

    J_n = ∫ x^n φ(x−γ) dx over it,   J_{n+1} = γ J_n + n J_{n−1} − [x^n φ(x−γ)]   (Stein's lemma with boundary terms).

The formulas for |ρ| < 1 contain 0/0 there. Which of two steps comes first is decided exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from flint import arb

from glutheory.ground.balls import Ball, bits_of, precision
from glutheory.ground.bivariate import phi
from glutheory.ground.exact import Point, ball
from glutheory.ground.normal_form import ExpQuad, NormalCdf, NormalPdf, Term
from glutheory.symbolic.pairs import Part

_DECIDE = bits_of(60)


def singular(part: Part) -> bool:
    """Whether the part's formula for |ρ| < 1 has no value at ρ = ±1: neither kernel is smooth."""
    kernels = [term.kernel for term in part.factors]
    return part.stable is not None and not any(isinstance(k, ExpQuad) or k.s != 0 for k in kernels)


@dataclass(frozen=True)
class Line:
    """The line of a point with ab = c²: u = root_a·x, v = root_b·x; root_b < 0 where c < 0."""

    point: Point
    root_a: arb
    root_b: arb

    @classmethod
    def of(cls, point: Point) -> Line:
        """At the current precision."""
        sign = -1 if point.c < 0 else 1
        return cls(point, ball(point.a).sqrt(), sign * ball(point.b).sqrt())

    def order(self, k: sp.Expr, m: sp.Expr) -> int:
        """The sign of (the x where u = k) − (the x where v = m), exactly."""
        sign = -1 if self.point.c < 0 else 1
        first, second = sp.sympify(self.point.a), sp.sympify(self.point.b)
        gap = k * sp.sqrt(second) - sign * m * sp.sqrt(first)
        with precision(_DECIDE):
            value = ball(gap) if gap != 0 else arb(0)
        if value > 0 or value < 0:
            return 1 if value > 0 else -1
        return 0 if gap.equals(0) else int(sp.sign(gap))

    def mean(self, f: Term, g: Term) -> arb:
        """E[f(u) g(v)] for two terms with steps or delta functions; zero for two delta functions, see `infinity`."""
        k, m = f.kernel, g.kernel
        assert not isinstance(k, ExpQuad)
        assert not isinstance(m, ExpQuad)
        order = self.order(k.shift, m.shift)
        if isinstance(k, NormalPdf):
            return arb(0) if isinstance(m, NormalPdf) else self._delta(k, self.root_a, g, self.root_b, order)
        if isinstance(m, NormalPdf):
            return self._delta(m, self.root_b, f, self.root_a, -order)
        return self._interval(f, g, order)

    def _delta(self, delta: NormalPdf, root: arb, other: Term, root_other: arb, order: int) -> arb:
        """E[δ(u−k)·other(v)]: the density at k times other(v) there, at its step the mean of both sides."""
        kernel = other.kernel
        assert isinstance(kernel, NormalCdf)
        x = ball(delta.shift) / root
        # v − m has the sign of x − m/root_other on a line that rises, the other one on a line that falls
        side = kernel.side * order * (1 if root_other > 0 else -1)
        value = root_other * x
        height = arb(1 + side) / 2 * value**other.power * (ball(kernel.alpha) * value).exp()
        return _density(x) / abs(root) * height

    def _interval(self, f: Term, g: Term, order: int) -> arb:
        """∫ over the x where both steps are 1."""
        k, m = f.kernel, g.kernel
        assert isinstance(k, NormalCdf)
        assert isinstance(m, NormalCdf)
        sides = k.side, m.side * (1 if self.root_b > 0 else -1)
        places = ball(k.shift) / self.root_a, ball(m.shift) / self.root_b
        if sides[0] == sides[1]:
            first = order * sides[0] >= 0  # whichever is stricter
            ends = (places[0] if first else places[1],)
            low, high = (ends[0], None) if sides[0] > 0 else (None, ends[0])
        elif order * sides[0] >= 0:
            return arb(0)
        else:
            low, high = (places[0], places[1]) if sides[0] > 0 else (places[1], places[0])
        gamma = ball(k.alpha) * self.root_a + ball(m.alpha) * self.root_b
        moment = _moment(f.power + g.power, gamma, low, high)
        return self.root_a**f.power * self.root_b**g.power * (gamma * gamma / 2).exp() * moment


def infinity(terms: Sequence[Term], point: Point) -> arb | None:
    """What the delta functions of φ' that coincide on the line make of T: ±∞; None where none do."""
    kernels = [(term.coefficient, term.kernel) for term in terms if isinstance(term.kernel, NormalPdf)]
    deltas = [(weight, kernel.shift) for weight, kernel in kernels if kernel.s == 0]
    line = Line.of(point)
    return infinite_sum(
        [(weight * other, k) for weight, k in deltas for other, m in deltas if line.order(k, m) == 0],
        sp.sympify(point.a),
    )


def infinite_sum(pairs: Sequence[tuple[sp.Expr, sp.Expr]], a: sp.Expr) -> arb | None:
    """T where jumps meet, as (product of the two, place in u): ±∞, None where none do.

    Near the line each pair adds its product times the density of u at the place, times the same large number, so their
    sum has the sign of T; NaN where it cannot be told from 0.
    """
    if not pairs:
        return None
    with precision(_DECIDE):
        total = sum((ball(product) * (-(ball(place) ** 2) / (2 * ball(a))).exp() for product, place in pairs), arb(0))
    if total.contains(0):
        return arb.nan()
    return arb.pos_inf() if total > 0 else arb.neg_inf()


def _moment(n: int, gamma: arb, low: arb | None, high: arb | None) -> arb:
    """∫ x^n φ(x−γ) dx from low to high, None for no end."""
    ends = [(sign, end) for sign, end in ((1, low), (-1, high)) if end is not None]
    below: Ball = arb(0) if low is None else phi(low - gamma)
    # from the side on which the interval is open, where nothing cancels
    whole: Ball = arb(1) if high is None else phi(high - gamma)
    current = phi(gamma - low) if high is None and low is not None else whole - below
    previous = arb(0)
    for j in range(n):
        edge = sum((sign * end**j * _density(end - gamma) for sign, end in ends), arb(0))
        previous, current = current, gamma * current + j * previous + edge
    return arb(current)


def _density(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
