"""One-dimensional Gaussian integrals over smooth pieces, by adaptive ball quadrature with bounded tails.

x is a standard normal variable; each piece between two kinks is integrated in t ∈ [0, 1], so that a kink which is only
known as a ball enters as a parameter and no ball is ever asked on which side of it a point lies.

`mean` is E[f(u)]; `on_diagonal` is E[f(u)f(v)] at ρ = ±1 exactly, where v is a multiple of u: one integral over the
line, cut at the kinks of both factors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import pairwise

import sympy as sp
from flint import acb, arb, ctx

from glutheory.ground.exact import Point, ball
from glutheory.ground.growth import Growth, growth
from glutheory.ground.integral import integral as ball_integral
from glutheory.ground.pieces import Pieces
from glutheory.quadrature.compiled import ball_functions
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.strips import Envelope, beyond

Integrand = Callable[[acb, bool], acb]
#: Evaluations of one integrand on one piece before the adaptive rule gives up and returns a wide ball.
MAX_EVALUATIONS = 400_000
_Cut = tuple[sp.Expr, int | None, int | None]


@dataclass(frozen=True)
class Function:
    """A function with kinks, and possibly delta functions at them.

    Attributes:
        kinks: exact positions, ascending.
        branches: one expression in `Z` per interval.
        masses: the weight of the delta function at each kink.
    """

    kinks: tuple[sp.Expr, ...]
    branches: tuple[sp.Expr, ...]
    masses: tuple[sp.Expr, ...]

    @classmethod
    def of(cls, found: Pieces) -> Function:
        """φ itself."""
        return cls(found.kinks, found.branches, tuple(sp.S.Zero for _ in found.kinks))

    @classmethod
    def derivative(cls, found: Pieces) -> Function:
        """φ' in the sense of distributions."""
        return cls(found.kinks, found.derivative(), found.jumps)

    @property
    def singular(self) -> bool:
        """Whether there is a delta function."""
        return any(mass != 0 for mass in self.masses)

    def growth(self) -> Growth:
        """One bound for all branches, each on its own interval."""
        ends: list[sp.Expr | None] = [None, *self.kinks, None]
        bounds = [
            growth(branch, low=low, high=high)
            for branch, (low, high) in zip(self.branches, pairwise(ends), strict=True)
        ]
        largest = bounds[0]
        for bound in bounds[1:]:
            n = max(largest.n, bound.n)
            largest = Growth(arb.max(largest.C, bound.C), n, arb.max(largest.p, bound.p))
        return largest

    def programs(self) -> list[Callable[[acb, bool], acb]]:
        """The branches as complex functions at the current precision."""
        return [_complex(branch) for branch in self.branches]


def _complex(branch: sp.Expr) -> Callable[[acb, bool], acb]:
    run = ball_functions((branch,))
    return lambda z, analytic: acb(run([z], analytic)[0])


def mean(function: Function, root: arb, log: float, shift: arb | None = None) -> arb:
    """E[f(shift + root·x)], deltas included, with an absolute error of about e^log; root > 0."""
    start = arb(0) if shift is None else shift
    bound = function.growth()
    envelope = Envelope.of(bound, root)
    height = envelope.A * (1 + abs(start)) ** bound.n * (bound.p * abs(start)).exp()
    radius = radius_for(float(height.log()) if height > 0 else 0.0, float(envelope.q), log)
    kinks = [(ball(kink) - start) / root for kink in function.kinks]
    ends, branches = split(kinks, radius)
    programs = function.programs()

    def part(branch: int) -> Integrand:
        run = programs[branch]
        return lambda x, analytic: run(start + root * x, analytic)

    total = integral(
        [
            (low, high, part(k))
            for (low, high), k in zip(pairwise(ends), branches, strict=True)
            if function.branches[k] != 0
        ],
        log,
    )
    total += arb(0, tail(height, envelope.q, radius).upper())
    for kink, mass in zip(kinks, function.masses, strict=True):
        if mass != 0:
            total += ball(mass) * density(kink) / root
    return total


def on_diagonal(point: Point, frame: Frame, function: Function, log: float) -> arb:
    """E[f(u)f(v)] with an absolute error of about e^log; an infinite ball where two delta functions coincide."""
    root_u, root_v = frame.root_a, frame.sign * frame.root_b
    bound = function.growth()
    one, two = Envelope.of(bound, frame.root_a), Envelope.of(bound, frame.root_b)
    height, rate = one.A * two.A, one.q + two.q
    radius = radius_for(float(height.log()) if height > 0 else 0.0, float(rate), log)
    cuts = _cuts(point, function.kinks, frame.sign)
    places = [ball(x) for x, _, _ in cuts]
    ends, skipped = split(places, radius)
    programs = function.programs()

    def branches(before: int) -> tuple[int, int]:
        """Which branches hold behind so many cuts."""
        left = sum(1 for _, i, _ in cuts[:before] if i is not None)
        right = sum(1 for _, _, j in cuts[:before] if j is not None)
        return left, right if frame.sign > 0 else len(function.kinks) - right

    def part(before: int) -> Integrand:
        i, j = branches(before)
        first, second = programs[i], programs[j]
        return lambda x, analytic: first(root_u * x, analytic) * second(root_v * x, analytic)

    total = integral([(low, high, part(k)) for (low, high), k in zip(pairwise(ends), skipped, strict=True)], log)
    total += arb(0, tail(height, rate, radius).upper())
    infinite: list[arb] = []
    for before, (place, (_, i, j)) in enumerate(zip(places, cuts, strict=True)):
        mass_u = function.masses[i] if i is not None else sp.S.Zero
        mass_v = function.masses[j] if j is not None else sp.S.Zero
        # on both sides of the cut
        first, second = zip(branches(before), branches(before + 1), strict=True)
        if mass_u != 0 and mass_v != 0:
            infinite.append(ball(mass_u * mass_v) * density(place))
        elif mass_u != 0:
            total += ball(mass_u) * density(place) / frame.root_a * _middle(programs, second, root_v * place)
        elif mass_v != 0:
            total += ball(mass_v) * density(place) / frame.root_b * _middle(programs, first, root_u * place)
    if infinite:
        # near the diagonal each pair adds its part of this sum, times the same large number
        sign = sum(infinite, arb(0))
        return arb(0, math.inf) if sign.contains(0) else (arb.pos_inf() if sign > 0 else arb.neg_inf())
    return total


def _middle(programs: Sequence[Integrand], sides: tuple[int, ...], at: arb) -> arb:
    """The mean of the one-sided limits (what the limit |ρ| → 1 gives): the value, where it is no kink."""
    return sum((programs[k](acb(at), False).real for k in sides), arb(0)) / len(sides)


def _cuts(point: Point, kinks: tuple[sp.Expr, ...], sign: int) -> list[_Cut]:
    """(x, index of u's kink there, index of v's kink there), ascending in x; coincidences are decided exactly."""
    root_a, root_b = sp.sqrt(sp.sympify(point.a)), sign * sp.sqrt(sp.sympify(point.b))
    found: list[_Cut] = [(kink / root_a, i, None) for i, kink in enumerate(kinks)]
    for j, kink in enumerate(kinks):
        x = kink / root_b
        match = next((k for k, (other, _, _) in enumerate(found) if _same(other, x)), None)
        if match is None:
            found.append((x, None, j))
        else:
            found[match] = (found[match][0], found[match][1], j)
    return sorted(found, key=cmp_to_key(_order))


def _order(one: _Cut, two: _Cut) -> int:
    return 1 if one[0] > two[0] else -1


def _same(x: sp.Expr, y: sp.Expr) -> bool:
    difference = sp.simplify(x**2 - y**2) if x * y > 0 else x - y
    return bool(difference == 0 or difference.equals(0))


def integral(pieces: Sequence[tuple[arb, arb, Integrand]], log: float, limit: int = MAX_EVALUATIONS) -> arb:
    """Σ over pieces (low, high, g) of ∫ g(x)·density(x) dx, with an absolute error of about e^log."""
    total = arb(0)
    tolerance = arb(log).exp() / max(1, len(pieces))
    for low, high, g in pieces:
        total += _piece(low, high - low, g, tolerance, limit)
    return total


def _piece(low: arb, width: arb, g: Integrand, tolerance: arb, limit: int) -> arb:
    front = width / (2 * arb.pi()).sqrt()

    def integrand(t: acb, analytic: bool) -> acb:
        x = low + width * t
        return front * g(x, analytic) * (-x * x / 2).exp()

    value = ball_integral(
        integrand,
        0,
        1,
        abs_tol=tolerance,
        rel_tol=arb(2) ** -ctx.prec,
        eval_limit=limit,
        depth_limit=4 * ctx.prec,
    )
    return value.real


def split(kinks: Sequence[arb], radius: float) -> tuple[list[arb], list[int]]:
    """(the ends of the pieces of [−R, R], the index of the branch on each); kinks outside are left out."""
    edge = arb(radius)
    while any(not abs(kink) < edge and not abs(kink) > edge for kink in kinks):
        edge = edge + 1
    inside = [kink for kink in kinks if abs(kink) < edge]
    skipped = sum(1 for kink in kinks if kink < -edge)
    return [-edge, *inside, edge], [skipped + i for i in range(len(inside) + 1)]


def density(x: arb) -> arb:
    """The standard normal density."""
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def radius_for(height: float, rate: float, log: float) -> float:
    """R with 2e^{height}·e^{rate²/2}·P(x > R − rate) below e^{log}, about."""
    return rate + math.sqrt(2 * max(height + rate * rate / 2 - log + 1, 1.0))


def tail(height: arb, rate: arb, radius: float | arb) -> arb:
    """A bound of ∫_{|x|>R} height·e^{rate|x|}·density."""
    edge = arb(radius) - rate
    return 2 * height * (rate * rate / 2).exp() * beyond(edge) if edge > 0 else arb.pos_inf()
