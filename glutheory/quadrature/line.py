"""One-dimensional Gaussian integrals over smooth pieces, by adaptive ball quadrature with bounded tails.

x is a standard normal variable; each piece between two kinks is integrated in t ∈ [0, 1], so that a kink which is only
known as a ball enters as a parameter and no ball is ever asked on which side of it a point lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp
from flint import acb, arb, ctx

from glutheory.exact import ball
from glutheory.growth import Growth, growth
from glutheory.pieces import Pieces
from glutheory.quadrature.program import ball_functions
from glutheory.quadrature.strips import Envelope, beyond

Integrand = Callable[[acb, bool], acb]
#: Evaluations of one integrand on one piece before the adaptive rule gives up and returns a wide ball.
MAX_EVALUATIONS = 400_000


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


def density(x: arb) -> arb:
    """The standard normal density."""
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def radius_for(height: float, rate: float, log: float) -> float:
    """R with 2e^{height}·e^{rate²/2}·P(x > R − rate) below e^{log}, about."""
    return rate + math.sqrt(2 * max(height + rate * rate / 2 - log + 1, 1.0))


def tail(height: arb, rate: arb, radius: float) -> arb:
    """A bound of ∫_{|x|>R} height·e^{rate|x|}·density."""
    edge = arb(radius) - rate
    return 2 * height * (rate * rate / 2).exp() * beyond(edge) if edge > 0 else arb.pos_inf()


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

    value = acb.integral(
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
