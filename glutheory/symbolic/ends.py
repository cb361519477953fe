"""E[φ(u) φ(v)] and E[φ'(u) φ'(v)] by one-dimensional integrals: where c = 0, where a or b is 0, and where ρ = ±1.

At c = 0 and for a constant u both factor into means, E[φ'(u)] = E[φ(u) x]/√a by Stein's lemma, also where φ jumps. At
ρ = ±1 v is a multiple of u: one integral, cut at the kinks of both factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp
from flint import acb, arb

from glutheory.activations import Activation, Z
from glutheory.ground.balls import Ball, Tape
from glutheory.ground.exact import Exact, Point, ball
from glutheory.ground.growth import Growth
from glutheory.ground.integral import integral
from glutheory.ground.order import apart
from glutheory.symbolic.deltas import density, infinite
from glutheory.symbolic.piecewise import Piecewise, piecewise

Pair = tuple[arb, arb]


def at_zero(expr: sp.Expr) -> arb:
    """φ(0) or φ'(0), the mean of the one-sided values at a kink; +∞ where φ jumps."""
    value = sp.sympify(expr.subs(Z, 0))
    return arb.pos_inf() if value.has(sp.DiracDelta) else Tape([value], []).bind()([])[0]


def product(act: Activation, point: Point, goals: Sequence[arb]) -> Pair:
    """Where u and v are independent."""
    S, T = arb(1), arb(1)
    for variance in (point.a, point.b):
        if variance == 0:
            value, slope = at_zero(act.expr), at_zero(sp.diff(act.expr, Z))
        else:
            value, slope = _means(piecewise(act.expr), variance, goals)
        S, T = _times(S, value), _times(T, slope)
    return S, T


def _times(x: arb, y: arb) -> arb:
    """x·y with 0·∞ = 0."""
    return arb(0) if x == 0 or y == 0 else x * y


def _means(found: Piecewise, variance: Exact, goals: Sequence[arb]) -> Pair:
    root = ball(variance).sqrt()
    value = _integral(found, [root], found.bounds[0], goals[0], 0)
    slope = _integral(found, [root], found.bounds[0], goals[1] * root, 1) / root
    return value, slope


def on_line(act: Activation, point: Point, goals: Sequence[arb]) -> Pair:
    """At ρ = ±1; T is ±∞ where delta functions of φ' coincide."""
    found = piecewise(act.expr)
    roots = [ball(point.a).sqrt(), ball(point.b).sqrt() * (-1 if point.c < 0 else 1)]
    S = _integral(found, roots, found.bounds[0], goals[0], 0)
    limit = infinite(found, sp.sympify(point.a), sp.sympify(point.b), bool(point.c < 0))
    if limit is not None:
        return S, limit
    T = _integral(found, roots, found.bounds[1], goals[1], 0, slopes=True)
    sign = -1 if point.c < 0 else 1
    ratio = sign * sp.sqrt(sp.sympify(point.b) / sp.sympify(point.a))
    for own, factor in ((roots[0], ratio), (roots[1], 1 / ratio)):
        for kink, jump in zip(found.kinks, found.jumps, strict=True):
            if jump != 0:
                place = ball(kink) / own
                T += ball(jump) * density(place) / abs(own) * _between(found, kink * factor)
    return S, T


def _between(found: Piecewise, place: sp.Expr) -> arb:
    """φ' at a place, the mean of its one-sided limits at a kink."""
    at = ball(place)
    values = []
    for side in (False, True):
        index = sum(1 for kink in found.kinks if _before(kink, place, at, side))
        values.append(acb(Tape([found.slopes[index]], [Z]).bind()([at])[0]).real)
    return (values[0] + values[1]) / 2


def _before(kink: sp.Expr, place: sp.Expr, at: arb, there: bool) -> bool:
    """Whether the kink lies before the place; `there` is the answer if it lies at the place."""
    own = ball(kink)
    if own < at or own > at:
        return bool(own < at)
    return there if (place - kink).equals(0) else bool((kink - place).is_negative)


def _integral(
    found: Piecewise, roots: Sequence[arb], bound: Growth, goal: arb, power: int, *, slopes: bool = False
) -> arb:
    """E[x^power Π f(root·x)] over a standard normal x, f = φ or φ' without delta functions."""
    R, tail = _cutoff(bound, roots, power, goal)
    branches = found.slopes if slopes else found.branches
    cuts = [(place, side) for side, root in enumerate(roots) for place in found.places(root)]
    while any(abs(place).overlaps(R) for place, _ in cuts):
        R += arb("0.25")
    intervals, left_out = apart([-R, *(place for place, _ in cuts), R])
    height = arb(R) ** power
    for root in roots:
        height *= bound.C * (1 + abs(root) * R) ** bound.n * (bound.p * abs(root) * R).exp()
    total, norm = arb(0, (tail + left_out * height).upper()), (2 * arb.pi()).rsqrt()
    for interval in intervals:
        if interval.low < -R or interval.high > R:
            continue
        passed = [cuts[index - 1][1] for index in interval.after if 0 < index <= len(cuts)]
        runs: list[tuple[arb, Callable[..., list[Ball]]]] = []
        for side, root in enumerate(roots):
            index = passed.count(side) if root > 0 else len(found.kinks) - passed.count(side)
            runs.append((root, Tape([branches[index]], [Z]).bind()))

        def integrand(x: acb, analytic: bool, runs: list[tuple[arb, Callable[..., list[Ball]]]] = runs) -> acb:
            value = (-x * x / 2).exp()
            for root, run in runs:
                value *= run([x * root], analytic)[0]
            return value * x if power else value

        share = goal / (8 * len(intervals))
        total += integral(integrand, interval.low, interval.high, abs_tol=share, rel_tol=share).real * norm
    return total


def _cutoff(bound: Growth, roots: Sequence[arb], power: int, goal: arb) -> Pair:
    """(R, what lies beyond): the integrand is at most e^{g(x)}, and ∫_R^∞ e^g ≤ e^{g(R)} where g' ≤ −1 from R on."""
    R = arb(4)
    while True:
        log, slope = -R * R / 2 + power * R.log(), -R + power / R
        for root in roots:
            size = abs(root)
            log += bound.C.log() + bound.n * (1 + size * R).log() + bound.p * size * R
            slope += bound.n * size / (1 + size * R) + bound.p * size
        tail = 2 * log.exp()
        if slope < -1 and tail < goal / 8:
            return R, tail
        R = arb((R * arb("1.06")).mid())
