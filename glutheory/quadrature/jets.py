"""E[f(u)f(v)] for f analytic in a strip and |ρ| near 1: a trapezoidal rule along the diagonal, Taylor across it.

In independent standard coordinates u = √a(k₁x + l₁y), v = ±√b(k₂x + l₂y); either k = √((1+ρ)/2), l = ±√((1−ρ)/2),
or, where one variance is much larger, x along that variable (`_Legs`). Across the diagonal the integrand hardly bends,
so E_y is taken of its Taylor polynomial of degree < K, found by power series arithmetic; at ρ = ±1 exactly l = 0 and
K = 1. Along it the trapezoidal rule in x has its alias and tail bounds. The remainder of the Taylor polynomial follows
from Cauchy's estimate on the disc |y| ≤ δ, where the imaginary parts of u and v stay in the strip, and from a Gaussian
tail bound outside |y| ≤ δ/2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from flint import arb

from glutheory.quadrature.compiled import Compiled, Value
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.strips import Envelope, Strip, aliases, beyond, mean_bound, natural_log

#: Beyond this ratio of standard deviations x follows the larger one.
_LOPSIDED = 2.0
#: Taylor polynomials longer than this never pay against the lattice.
_LONGEST = 96
#: The least reach across the diagonal that a float holds: a smaller disc than could be had proves as much as is needed.
_NARROW = 1e-250


@dataclass(frozen=True)
class Plan:
    """A lattice along the diagonal and a Taylor length across it, with what proves their accuracy.

    Attributes:
        h: step in x; the lattice is −half·h … half·h.
        half: see h.
        length: Taylor terms K in y (even, or 1 where s = 0).
        along: which strip and which shift d prove the aliases in x.
        across: which strip and which radius δ prove the Taylor remainder.
    """

    h: float
    half: int
    length: int
    along: tuple[int, float]
    across: tuple[int, float]


def plan(frame: Frame, strips: Sequence[Strip], logs: Sequence[float]) -> Plan | None:
    """The cheapest rule whose proved error is about e^{logs[i]} for the i-th function; None if there is none.

    Floating point throughout: nothing is proved here, `error` proves.
    """
    legs = _Legs.of(frame)
    top = float(legs.reach(frame, legs.along))
    h, along = 0.0, (0, 0.0)
    for index, strip in enumerate(strips[:-1]):
        if h > 2 * math.pi * strip.tau / top:
            break  # narrower strips allow no larger step
        need = max(natural_log(mean_bound(*strip.envelopes(frame, i), frame.rho)) - log for i, log in enumerate(logs))
        need = max(need + 3, 1.0)
        d = min(strip.tau / top, math.sqrt(2 * need))
        step = 2 * math.pi * d / (need + d * d / 2)
        if step > h:
            h, along = step, (index, d)
    if h == 0:
        return None
    length, across = 1, (0, math.inf)
    if frame.far != 0:
        found = _length(frame, strips, logs, h)
        if found is None:
            return None
        length, across = found
    radius = 0.0
    for i, log in enumerate(logs):
        one, two = strips[-1].envelopes(frame, i)
        rate, side = (float(q) for q in legs.rates(one, two))
        excess = natural_log(8 * one.A * two.A) + side**2 / 2 + rate**2 / 2 - log
        radius = max(radius, rate + math.sqrt(2 * max(excess, 1.0)))
    return Plan(h, math.ceil(radius / h) + 1, length, along, across)


def _length(
    frame: Frame, strips: Sequence[Strip], logs: Sequence[float], h: float
) -> tuple[int, tuple[int, float]] | None:
    """The shortest Taylor polynomial, with strip and disc; None if it would be too long."""
    legs = _Legs.of(frame)
    across = max(float(legs.reach(frame, legs.across)), _NARROW)
    best: tuple[int, tuple[int, float]] | None = None
    for index, strip in enumerate(strips[:-1]):
        own = [_Across(frame, strips, i, index, strip.tau / across, h) for i in range(len(logs))]
        for length in range(2, _LONGEST + 1, 2):
            if best is not None and length >= best[0]:
                break
            if all(natural_log(one.bound(length)) < log - 1 for one, log in zip(own, logs, strict=True)):
                best = (length, (index, strip.tau / across))
                break
    return best


def error(frame: Frame, strips: Sequence[Strip], made: Plan, i: int) -> arb:
    """A proved bound of |rule − E[f_i(u)f_i(v)]|."""
    legs = _Legs.of(frame)
    index, shift = made.along
    h, d, tau = arb(made.h), arb(shift), arb(strips[index].tau)
    d = d / arb.max(arb(1), d * legs.reach(frame, legs.along) / tau).upper()
    bound = 2 * mean_bound(*strips[index].envelopes(frame, i), frame.rho) * (d * d / 2).exp()
    bound *= aliases(2 * arb.pi() * d / h)
    one, two = strips[-1].envelopes(frame, i)
    (rate, side), edge = legs.rates(one, two), h * made.half
    if not edge > rate:
        return arb.pos_inf()
    # E_y|F| ≤ A₁A₂ e^{rate|x|}·2e^{side²/2}; beyond the edge the summand falls: lattice sum ≤ integral
    height = 4 * one.A * two.A * (side * side / 2).exp()
    bound += height * (rate * rate / 2).exp() * beyond(edge - rate)
    if made.length > 1:
        bound += _Across(frame, strips, i, *made.across, made.h).bound(made.length)
    return bound


class _Across:
    """A bound of h Σ_j w(x_j) E|F(x_j, y) − Taylor polynomial in y|, by the polynomial's even length.

    Args:
        frame: of the two variables.
        strips: where the functions are analytic.
        i: the function.
        index: of the strip.
        radius: δ, of the disc in y.
        step: h.
    """

    def __init__(self, frame: Frame, strips: Sequence[Strip], i: int, index: int, radius: float, step: float) -> None:
        legs = _Legs.of(frame)
        one, two = strips[index].envelopes(frame, i)
        rate, side = legs.rates(one, two)
        tau, h, delta = arb(strips[index].tau), arb(step), arb(radius)
        self._delta = delta / arb.max(arb(1), delta * legs.reach(frame, legs.across) / tau).upper()
        # on |y| ≤ δ: |F| ≤ peak·e^{rate|x|}; coefficients ≤ peak/δ^k
        self._peak = 2 * one.A * two.A * (side * self._delta).exp()
        # |y| > δ/2: Cauchy–Schwarz with P(|y| > δ/2) ≤ e^{−δ²/8}
        self._seldom = (-(self._delta**2) / 16).exp()
        self._outside = one.A * two.A * arb(2).sqrt() * (side * side).exp()
        self._sum = 2 * (rate * rate / 2).exp() * (1 + h / (2 * arb.pi()).sqrt())

    def bound(self, length: int) -> arb:
        """The bound."""
        inside = self._peak * _moment(length) / self._delta**length
        polynomial = self._peak * (2 / self._delta) ** length * arb(_moment(2 * length)).sqrt()
        return (inside + self._seldom * (self._outside + polynomial)) * self._sum


@cache
def _moment(k: int) -> int:
    """E[y^k] for a standard normal y and even k."""
    return math.prod(range(1, k, 2))


def double_sum(frame: Frame, functions: Compiled, made: Plan, count: int) -> list[arb]:
    """The rule's values, one per function."""
    legs = _Legs.of(frame)
    h, length = arb(made.h), made.length
    moments = [arb(_moment(k)) if k % 2 == 0 else arb(0) for k in range(length)]
    starts = frame.root_a * legs.along[0], frame.sign * frame.root_b * legs.along[1]
    steps = frame.root_a * legs.across[0], frame.sign * frame.root_b * legs.across[1]
    totals = [arb(0)] * count
    with functions.at(length) as run:
        for j in range(-made.half, made.half + 1):
            x = h * j
            left = run(starts[0] * x, steps[0])
            right = run(starts[1] * x, steps[1])
            weight = (-x * x / 2).exp()
            for i in range(count):
                totals[i] += weight * _mean(left[i], right[i], moments)
    front = h / (2 * arb.pi()).sqrt()
    return [front * total for total in totals]


def _mean(left: Value, right: Value, moments: list[arb]) -> arb:
    """E_y of the product of two truncated series in y."""
    product = left * right
    if isinstance(product, arb):
        return product
    return sum((c * m for c, m in zip(product.coeffs(), moments, strict=False)), arb(0))


@dataclass(frozen=True)
class _Legs:
    """u = √a(along[0]·x + across[0]·y), v = ±√b(along[1]·x + across[1]·y); along ≥ 0."""

    along: tuple[arb, arb]
    across: tuple[arb, arb]

    @classmethod
    def of(cls, frame: Frame) -> _Legs:
        """The legs that suit the frame."""
        ratio = float(frame.root_a / frame.root_b)
        if ratio > _LOPSIDED:
            return cls((arb(1), frame.rho), (arb(0), frame.gap.sqrt()))
        if ratio < 1 / _LOPSIDED:
            return cls((frame.rho, arb(1)), (frame.gap.sqrt(), arb(0)))
        cosine, sine = ((1 + frame.rho) / 2).sqrt(), (frame.far / 2).sqrt()
        return cls((cosine, cosine), (sine, -sine))

    def rates(self, one: Envelope, two: Envelope) -> tuple[arb, arb]:
        """(p, q) with e^{q₁|u|/√a + q₂|v|/√b} ≤ e^{p|x| + q|y|}."""
        x = one.q * self.along[0] + two.q * self.along[1]
        return x, one.q * abs(self.across[0]) + two.q * abs(self.across[1])

    def reach(self, frame: Frame, legs: tuple[arb, arb]) -> arb:
        """The largest of the two factors by which a shift of x or y moves u or v."""
        return arb.max(frame.root_a * abs(legs[0]), frame.root_b * abs(legs[1]))
