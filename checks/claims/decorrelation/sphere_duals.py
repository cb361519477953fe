"""S, cT and c²U of an activation on the sphere as balls for whole intervals of variances, from the closed forms.

U = E[φ''(u)φ''(v)] is derived by the engine like S and T. By the Hermite series all three increase with ρ on [0, 1], so
that their values at the ends of an interval in ρ enclose them in between; in q the arithmetic of balls does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from flint import arb

from checks.claims.decorrelation.normalised_kernels import Coefficients
from checks.tools.branch_and_bound import Box, Cover, Interval, hull, positive
from glutheory.activations import Activation
from glutheory.ground.balls import Tape, precision
from glutheory.ground.exact import ball
from glutheory.ground.grid import GridTape
from glutheory.ground.normal_form import KAPPA, differentiate
from glutheory.symbolic.assemble import assemble
from glutheory.symbolic.duals import Expectation, dual, split_mixture
from glutheory.symbolic.gaussian import DELTA, a, b, c
from glutheory.symbolic.kolmogorov import product_error, rule
from glutheory.symbolic.pairs import KAPPA_PRIME

#: Bits of the arithmetic, and of the rule for the mixing variables: the boxes are wider than either.
_BITS, _RULE = 64, 24
_ZERO, _ONE = Fraction(0), Fraction(1)
Triple = tuple[arb, arb, arb]


@lru_cache(maxsize=64)
def _expectations(act: Activation) -> tuple[Expectation, ...]:
    """S, T, U."""
    terms = dual(act).terms
    return tuple(Expectation(t, t) for t in (terms, differentiate(terms), differentiate(terms, 2)))


@lru_cache(maxsize=64)
def _programs(act: Activation) -> tuple[Tape, GridTape | None]:
    parts = [split_mixture(assemble(e.parts, for_balls=True)) for e in _expectations(act)]
    inputs = [a, b, c, DELTA]
    fixed = Tape([part[0] for part in parts], inputs)
    if all(part[1] == 0 for part in parts):
        return fixed, None
    return fixed, GridTape([part[1] for part in parts], [*inputs, KAPPA, KAPPA_PRIME])


def duals(act: Activation, variances: Interval, rho: Fraction) -> Triple:
    """(S, T, U) at a = b = q, c = qρ, for all q of the interval."""
    fixed, mixture = _programs(act)
    with precision(_BITS):
        q = hull(*variances)
        values = [q, q, q * ball(rho), q * q * ball(1 - rho * rho)]
        S, T, U = fixed.bind()(values)
        if mixture is None:
            return S, T, U
        nodes = rule(_RULE).nodes
        totals = [S, T, U]
        for i, j, kernels in mixture.pairs(values, [kappa for kappa, _ in nodes], True):
            weight = nodes[i][1] * nodes[j][1] * (1 if i == j else 2)
            totals = [total + weight * kernel for total, kernel in zip(totals, kernels, strict=True)]
        errors = [product_error(e.first, e.second, (q, q), rule(_RULE)) for e in _expectations(act)]
        S, T, U = (total + arb(0, error) for total, error in zip(totals, errors, strict=True))
        return S, T, U


@dataclass(frozen=True)
class Surface:
    """The margin of an activation as a function of (q, ρ), times a positive one.

    Attributes:
        act: φ.
        coefficients: (p_0, p_1, p_2) of `Law.margin`.
        odd: whether φ is odd; then S, cT and c²U are divided by ρ, which they all contain.
    """

    act: Activation
    coefficients: Coefficients
    odd: bool

    def margin(self, box: Box) -> arb:
        """The hull of p_0 S² + p_1 S·cT + p_2 (cT)² − S·c²U on a box of (q, ρ)."""
        variances, (low, high) = box
        S1, x1, y1 = corner(self.act, variances, low, self.odd)
        S2, x2, y2 = corner(self.act, variances, high, self.odd)
        with precision(_BITS):
            p = [ball(value) for value in self.coefficients]
            least = p[0] * S1 * S1 + p[1] * S1 * x1 + p[2] * x1 * x1 - S2 * y2
            most = p[0] * S2 * S2 + p[1] * S2 * x2 + p[2] * x2 * x2 - S1 * y1
            return least.union(most)


@lru_cache(maxsize=65536)
def corner(act: Activation, variances: Interval, rho: Fraction, odd: bool) -> Triple:
    """(S, cT, c²U) at this ρ, over ρ if φ is odd."""
    S, T, U = duals(act, variances, rho)
    with precision(_BITS):
        q = hull(*variances)
        x, y = q * T, q * q * ball(rho) * U
        if odd:
            # S/ρ tends to qT at ρ = 0
            return (S / ball(rho) if rho else x), x, y
        return S, x * ball(rho), y * ball(rho)


def cover(act: Activation, coefficients: Coefficients, variances: Sequence[Fraction], odd: bool) -> Cover:
    """Whether the margin is positive for all q between the first and the last of these and all ρ in [0, 1]."""
    surface = Surface(act, coefficients, odd)
    boxes: list[Box] = [((low, high), (_ZERO, _ONE)) for low, high in pairwise(variances)]
    return positive(surface.margin, boxes, limit=20_000)
