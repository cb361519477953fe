"""The normalised kernels of a pair of inputs on the sphere, as balls, and the number that decides their order.

At variance q, with S, T, U = E[φφ], E[φ'φ'], E[φ''φ''] at covariance c = qρ and r = d/m:

    K ∝ αS + βcT,   K̃ ∝ c(α̃S + β̃cT),   (α, β) = (1, r),   (α̃, β̃) = (1 + r, r)

K̃/K increases at ρ where the margin αα̃S² + 2αβ̃S·cT + (ββ̃ + k)(cT)² − k S·c²U is positive, k = βα̃ − αβ̃ = r².
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb

from checks.tools import roads
from checks.tools.branch_and_bound import Interval, Zeros, hull, refine, zeros
from glutheory.activations import Activation, Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.symbolic.hermite import norm

Coefficients = tuple[Fraction, Fraction, Fraction]
#: (f, n, (j, …)): f qⁿ times the moments of φ^(j), …
Term = tuple[Fraction, int, tuple[int, ...]]
_BITS = 96
_ONE = Fraction(1)


@dataclass(frozen=True)
class Law:
    """What is claimed; every field can be made wrong.

    Attributes:
        plain, gated: r ↦ (α, β) and (α̃, β̃).
        criterion: r ↦ (p_0, p_1, p_2): smooth gates obey the inequality where W ≤ p_0 + p_1 M + p_2 M².
        angle: r ↦ θ*/t to leading order, t the kink's share; inputs closer than θ* come closer.
        stretch: the claimed q* over the one of the criterion.
        sense: 1 for K̃/K̃(1) ≤ K/K(1), −1 for the reverse.
        anchor: the ρ at which both kernels are scaled to 1.
    """

    plain: Callable[[Fraction], tuple[Fraction, Fraction]] = lambda r: (_ONE, r)
    gated: Callable[[Fraction], tuple[Fraction, Fraction]] = lambda r: (1 + r, r)
    criterion: Callable[[Fraction], Coefficients] = lambda r: ((1 + r) / r**2, 2 / r, Fraction(2))
    angle: Callable[[Fraction], Fraction] = lambda r: 2 * r**2 / ((1 + r) * (1 + 2 * r))
    stretch: Fraction = _ONE
    sense: int = 1
    anchor: Fraction = _ONE

    def margin(self, r: Fraction) -> Coefficients | None:
        """The margin's coefficients over k; None where k ≤ 0: then K̃/K increases whatever φ is."""
        (alpha, beta), (first, second) = self.plain(r), self.gated(r)
        k = beta * first - alpha * second
        return (alpha * first / k, 2 * alpha * second / k, beta * second / k + 1) if k > 0 else None

    def excess(self, act: Activation, q: Fraction, rho: Fraction) -> arb:
        """K̃(ρ)/K̃(anchor) − K(ρ)/K(anchor) at d = m from enclosed integrals; what the claim says is not positive."""
        pairs = []
        for x in (rho, self.anchor):
            S, T = roads.quadrature(act, Point(q, q, q * x))
            with precision(160):
                first, second = S, ball(q * x) * T
                (alpha, beta), (up, down) = self.plain(_ONE), self.gated(_ONE)
                plain = ball(alpha) * first + ball(beta) * second
                pairs.append((plain, ball(x) * (ball(up) * first + ball(down) * second)))
        with precision(160):
            return self.sense * (pairs[0][1] / pairs[1][1] - pairs[0][0] / pairs[1][0])


@lru_cache(maxsize=256)
def _derivative(act: Activation, order: int, times_z: bool) -> Activation:
    expr = _logistic(sp.diff(act.expr, Z, order))
    return Activation(f"{act.name}, derivative {order}", Z * expr if times_z else expr)


def _logistic(expr: sp.Expr) -> sp.Expr:
    """A rational function of z and e^z as one of z and the logistic function g, in factors: fast to integrate."""
    powers = {node: node.exp.coeff(Z) for node in expr.atoms(sp.exp)}
    if not powers or expr.has(sp.log) or any(node.exp != k * Z or not k.is_Integer for node, k in powers.items()):
        return expr
    g = sp.Symbol("g")
    found = sp.factor(expr.xreplace({node: (g / (1 - g)) ** k for node, k in powers.items()}))
    return found.subs(g, 1 / (1 + sp.exp(-Z)))


@lru_cache(maxsize=65536)
def moment(act: Activation, order: int, q: Fraction, digits: int, *, times_z: bool = False) -> arb:
    """√q · E[φ^(order)(u)²], u ~ N(0, q), or of zφ^(order): ∫ f(z)² e^{−z²/2q} dz/√(2π), which increases with q."""
    value = norm(_derivative(act, order, times_z), q, digits)
    with precision(_BITS):
        return ball(q).sqrt() * value


def deficit(
    plus: Sequence[Term],
    minus: Sequence[Term],
    act: Activation,
    low: Fraction,
    high: Fraction,
    digits: int,
) -> arb:
    """The hull of Σ plus − Σ minus over q in [low, high]; every term increases with q, so its ends enclose it."""

    def at(terms: Sequence[Term], q: Fraction) -> arb:
        total = arb(0)
        for factor, power, orders in terms:
            product = ball(factor) * ball(q) ** power
            for order in orders:
                product *= moment(act, order, q, digits)
            total += product
        return total

    with precision(_BITS):
        bottom = at(plus, low) - at(minus, high)
        return bottom if low == high else bottom.union(at(plus, high) - at(minus, low))


@dataclass(frozen=True)
class Diagonal:
    """p_0 + p_1 M + p_2 M² − W as a function of q, times a positive one; M = qE[φ'²]/E[φ²], W = q²E[φ''²]/E[φ²].

    Attributes:
        act: φ.
        coefficients: (p_0, p_1, p_2).
        digits: of the integrals.
    """

    act: Activation
    coefficients: Coefficients
    digits: int = 8

    def value(self, low: Fraction, high: Fraction) -> arb:
        """Its enclosure for q in [low, high]."""
        p = self.coefficients
        plus: list[Term] = [(p[0], 0, (0, 0)), (p[1], 1, (0, 1)), (p[2], 2, (1, 1))]
        return deficit(plus, [(_ONE, 2, (0, 2))], self.act, low, high, self.digits)

    def slope(self, low: Fraction, high: Fraction) -> arb:
        """The enclosure of its derivative; not finite on long intervals, where it would tell nothing."""
        if high > low * 17 / 16:
            return arb.nan()
        with precision(_BITS):
            q = hull(low, high)
            i0, i1, i2 = (self._moment(j, low, high, False) for j in range(3))
            # d/dq e^{−z²/2q} = z²/(2q²) e^{−z²/2q}
            s0, s1, s2 = (self._moment(j, low, high, True) / (2 * q**2) for j in range(3))
            p0, p1, p2 = map(ball, self.coefficients)
            first = 2 * p0 * i0 * s0 + p1 * (i0 * i1 + q * (s0 * i1 + i0 * s1))
            second = 2 * p2 * q * i1 * (i1 + q * s1)
            return first + second - q * (2 * i0 * i2 + q * (s0 * i2 + i0 * s2))

    def _moment(self, order: int, low: Fraction, high: Fraction, times_z: bool) -> arb:
        ends = [moment(self.act, order, q, self.digits, times_z=times_z) for q in (low, high)]
        return ends[0].union(ends[1])


@lru_cache(maxsize=256)
def crossings(act: Activation, coefficients: Coefficients, points: tuple[Fraction, ...]) -> Zeros:
    """The zeros of `Diagonal` between the first and the last of these variances, all of them."""
    diagonal = Diagonal(act, coefficients)
    return zeros(diagonal.value, diagonal.slope, points)


def octave(act: Activation, coefficients: Coefficients, points: tuple[Fraction, ...]) -> Interval:
    """The first interval between these variances at whose end `Diagonal` is negative.

    Raises:
        ArithmeticError: it is positive at all of them.
    """
    diagonal = Diagonal(act, coefficients)
    for low, high in pairwise(points):
        if diagonal.value(high, high) < 0:
            return low, high
    raise ArithmeticError(f"the criterion holds for {act.name} up to the variance {points[-1]}.")


@lru_cache(maxsize=256)
def enclosed(act: Activation, coefficients: Coefficients, bracket: Interval) -> Interval:
    """The one zero in this bracket, to 11 digits."""
    return refine(Diagonal(act, coefficients, 18).value, bracket, bracket[0] / 10**11)
