"""The sum of a Hermite series by Mehler's formula: Σ h_k(a) h_k(b) ρ^k = E[φ(u) φ(v)], integrated by certified panels.

With u = √a x, v = √b y the sum is the double integral of φ(√a x) φ(√b y) p(x, y), p the normal density of correlation
ρ (Mehler 1866). Both axes are cut at the kinks into panels with rules of Gauss and Legendre, whose errors follow from
bounds on Bernstein ellipses (`glutheory.symbolic.hermite_rule`): of φ by evaluation on complex boxes, and of p by

    |p(x + iη, y)| = p(x, y) e^{η²/(2r²)},   p(x, y) ≤ n(x)/(√(2π) r),   r = √(1−ρ²),

so that a panel is as wide as a few r. For v the rule acts on ∫ φ(√a x) p(x, y) dx, bounded by Cauchy and Schwarz as the
tails are, from |φ(√a x)| ≤ A e^{q|x|}. At ρ = ±1 there is one integral.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import acb, arb, ctx

from glutheory.activations import Z
from glutheory.ground.balls import Ball, Tape, precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.growth import growth
from glutheory.ground.pieces import pieces

#: Ellipses that are tried on a panel, the most nodes it gets before it is halved, and how often that is done.
_ELLIPSES = (2.0, 3.5, 6.0)
_MOST, _DEPTH = 40, 60
#: The first panels are no wider.
_WIDEST = 3.0
#: Nodes on an axis beyond which the work is refused.
MAX_NODES = 20_000
Run = Callable[..., list[Ball]]
Sizes = Callable[[acb], list[arb]]
Pair = tuple[arb, arb]


@dataclass(frozen=True)
class Piecewise:
    """φ and φ' between the kinks, as programs, with a common bound of each on the line.

    Attributes:
        kinks: exact, ascending.
        branches: (φ, φ') on each interval.
        jumps: of φ at each kink.
        growths: (C, n, p) of φ and of φ'.
    """

    kinks: tuple[sp.Expr, ...]
    branches: tuple[tuple[sp.Expr, sp.Expr], ...]
    jumps: tuple[sp.Expr, ...]
    growths: tuple[tuple[arb, int, arb], ...]

    def envelope(self, i: int, root: arb) -> Pair:
        """(A, q) with |φ(root·x)| ≤ A·e^{q|x|}, from 1 + t ≤ e^{kt}/k for 0 < k ≤ 1."""
        C, n, p = self.growths[i]
        k = arb.min(arb(1), 1 / root)
        return C * k**-n, (p + n * k) * root


@lru_cache(maxsize=64)
def piecewise(expr: sp.Expr) -> Piecewise:
    """The pieces of φ.

    Raises:
        ExpressionError: kinks that are no roots of straight lines, or no bound on the line.
    """
    found = pieces(expr)
    ends = [None, *found.kinks, None]
    growths = []
    for branches in (found.branches, found.derivative()):
        own = [growth(branch, low=low, high=high) for branch, low, high in zip(branches, ends, ends[1:], strict=False)]
        C, p = own[0].C, own[0].p
        for bound in own[1:]:
            C, p = arb.max(C, bound.C), arb.max(p, bound.p)
        growths.append((C, max(bound.n for bound in own), p))
    return Piecewise(
        found.kinks, tuple(zip(found.branches, found.derivative(), strict=True)), found.jumps, tuple(growths)
    )


@lru_cache(maxsize=256)
def _rule(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:  # noqa: ARG001 (the precision in force)
    return tuple(arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes))


def _panels(low: arb, high: arb, sizes: Sizes, goals: Sequence[arb]) -> Iterator[tuple[arb, arb, int, list[arb]]]:
    """(middle, half width, nodes, errors) of panels over an interval; `sizes` bounds the integrands on a box."""
    count = max(1, math.ceil(float((high - low).upper()) / _WIDEST))
    step = (high - low) / count
    queue = [(low + step * k, low + step * (k + 1), 0) for k in range(count)]
    while queue:
        left, right, depth = queue.pop()
        middle, half = (left + right) / 2, (right - left) / 2
        best: tuple[int, float, list[arb]] | None = None
        for rho in _ELLIPSES:
            wide, high_ = half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2
            bounds = sizes(acb(middle + wide * arb(0, 1), high_ * arb(0, 1)))
            if not all(bound.is_finite() for bound in bounds):
                break
            bounds = [half.upper() * 8 * bound * rho / (rho - 1) for bound in bounds]
            excess = max(
                (float((b / g).log().upper()) for b, g in zip(bounds, goals, strict=True) if b > 0), default=0.0
            )
            nodes = max(2, math.ceil(excess / (2 * math.log(rho))) + 1)
            if best is None or nodes < best[0]:
                best = nodes, rho, bounds
        if best is not None and (best[0] <= _MOST or depth == _DEPTH):
            nodes, rho, bounds = best
            yield middle, half, nodes, [bound * arb(rho) ** (-2 * nodes) for bound in bounds]
        elif depth == _DEPTH:
            yield middle, half, 2, [arb("inf") for _ in goals]
        else:
            queue += [(left, middle, depth + 1), (middle, right, depth + 1)]


def _density(x: Ball) -> Ball:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _sizes(values: Sequence[Ball]) -> list[arb]:
    return [abs(acb(value)).upper() for value in values]


def _axis(
    found: Piecewise, root: arb, reach: arb, weights: Callable[[acb], list[arb]], goals: Sequence[arb]
) -> tuple[list[tuple[arb, list[arb]]], list[arb]]:
    """(x, weight·(φ, φ')(root·x)) at the nodes of panels over |x| ≤ reach, and the sums of the panels' error bounds.

    `weights` bounds what φ and φ' are multiplied with on a box.
    """
    nodes: list[tuple[arb, list[arb]]] = []
    errors = [arb(0), arb(0)]
    cuts = [-reach, *(x for x in (ball(kink) / root for kink in found.kinks) if abs(x) < reach), reach]
    skipped = sum(1 for kink in found.kinks if not ball(kink) / root > -reach)
    for k, (low, high) in enumerate(pairwise(cuts)):
        run = Tape(found.branches[skipped + k], [Z]).bind()

        def sizes(box: acb, run: Run = run) -> list[arb]:
            return [w * size for w, size in zip(weights(box), _sizes(run([root * box], True)), strict=True)]

        for middle, half, count, own in _panels(low, high, sizes, goals):
            errors = [total + error.upper() for total, error in zip(errors, own, strict=True)]
            for node, weight in _rule(count, ctx.prec):
                x = middle + half * node
                nodes.append((x, [half * weight * acb(value).real for value in run([root * x])]))
            if len(nodes) > MAX_NODES:
                return nodes, [arb("inf"), arb("inf")]
    return sorted(nodes, key=lambda item: float(item[0])), errors


def _regular(found: Piecewise, point: Point, goals: Sequence[arb]) -> list[arb]:
    """(S, T) without the delta functions of φ', |ρ| < 1."""
    a, b, c, delta = point.balls()
    roots = a.sqrt(), b.sqrt()
    rho, r = c / (a * b).sqrt(), (delta / (a * b)).sqrt()
    envelopes = [[found.envelope(i, root) for i in range(2)] for root in roots]
    reach = arb(6)
    while not all(_beyond(envelopes[0][i], envelopes[1][i], reach) < goals[i] / 8 for i in range(2)):
        reach = arb((reach + 1).mid())
    edge = reach.upper()
    # ∫|φ(√b y)| p(x, y) dy ≤ B·2e^{p|ρx| + p²r²/2}·n(x)
    margin = float(r) / 64
    sides: list[tuple[list[tuple[arb, list[arb]]], list[arb]]] = []
    for own, other in ((0, 1), (1, 0)):

        def weights(box: acb, other: int = other) -> list[arb]:
            y, x = abs(box.imag).upper(), abs(box.real)
            decay = (-(x.lower() ** 2) / 2 + y * y / (2 * r * r)).exp() / (2 * arb.pi()).sqrt()
            return [2 * B * decay * (p * abs(rho) * x.upper() + p * p * r * r / 2).exp() for B, p in envelopes[other]]

        sides.append(_axis(found, roots[own], edge, weights, [goal * margin for goal in goals]))
        if point.a == point.b:
            sides.append(sides[0])
            break
    (left, first), (right, second) = sides
    # the second rule acts at the nodes of the first: |Σ_i W_i φ(√a x_i) p(x_i, y)| in place of the integral that
    # `weights` bounds; p(x_i, y) ≤ n(y)/(√(2π) r)
    totals = _double_sum(left, right, rho, r, min(float(goal) for goal in goals))
    results = []
    for i in range(2):
        mass = sum((abs(values[i]) for _, values in left), arb(0)) / ((2 * arb.pi()).sqrt() * r)
        least = 2 * envelopes[0][i][0]  # what `weights` holds at least in its place
        bound = first[i] + second[i] * arb.max(arb(1), mass / least) + _beyond(envelopes[0][i], envelopes[1][i], reach)
        results.append(totals[i] + arb(0, bound.upper()))
    return results


def _double_sum(
    left: list[tuple[arb, list[arb]]], right: list[tuple[arb, list[arb]]], rho: arb, r: arb, goal: float
) -> list[arb]:
    """Σ_ij W_i V_j p(x_i, y_j) for φ and for φ', and in the radius what lies beyond |y − ρx| > cut."""
    rate = -1 / (2 * r * r)
    sizes = [
        sum((abs(values[i]) for _, values in left), arb(0)) * sum((abs(values[i]) for _, values in right), arb(0))
        for i in range(2)
    ]
    largest = max(float((1 + size).log()) for size in sizes) - float(r.log())
    cut = float(r) * math.sqrt(2 * (largest - math.log(goal) + 3))
    places, slope = [float(y) for y, _ in right], float(rho)
    totals = [arb(0), arb(0)]
    for x, values in left:
        mean, centre = rho * x, slope * float(x)
        low, high = bisect_left(places, centre - cut), bisect_right(places, centre + cut)
        one, two = arb(0), arb(0)
        for y, (value, slope_value) in right[low:high]:
            distance = y - mean
            kernel = (rate * distance * distance).exp()
            one += value * kernel
            two += slope_value * kernel
        density = _density(x)
        totals = [totals[0] + density * values[0] * one, totals[1] + density * values[1] * two]
    front = 1 / ((2 * arb.pi()).sqrt() * r)
    short = arb(cut) * (1 - arb(2) ** -30)  # places are rounded to doubles
    fade = (rate * short * short).exp()
    return [front * (total + arb(0, (fade * size).upper())) for total, size in zip(totals, sizes, strict=True)]


def _beyond(first: Pair, second: Pair, reach: arb) -> arb:
    """A bound of E|φ(u) φ(v)| where |x| or |y| is beyond reach, by Cauchy and Schwarz."""
    (A, q), (B, p) = first, second

    def tail(rate: arb) -> arb:
        return 2 * (2 * rate * rate).exp() * ((reach - 2 * rate) / arb(2).sqrt()).erfc()

    sizes = 2 * (2 * q * q).exp(), 2 * (2 * p * p).exp()
    return A * B * ((tail(q) * sizes[1]).sqrt() + (tail(p) * sizes[0]).sqrt())


def mehler_balls(expr: sp.Expr, point: Point, goals: Sequence[arb], bits: int) -> Pair:
    """(S, T) with errors of about the goals, with this working precision; a, b > 0 and |ρ| < 1, φ without jumps."""
    with precision(bits):
        S, T = _regular(piecewise(expr), point, goals)
        return S, T
