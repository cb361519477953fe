"""The Hermite series of a dual activation, with rigorous coefficients and Parseval's tail bound.

    S(a,b,c) = Σ_k h_k(a) h_k(b) ρ^k,   h_k(a) = E[φ(√a x) He_k(x)]/√k!,   x ~ N(0, 1)
    |Σ_{k>K}| ≤ |ρ|^(K+1) √(E[φ(u)²] − Σ_{k≤K} h_k(a)²) √(the same for b)

The second representation of the logistic family, and the only one for an activation on which Price's theorem does not
end. T is the same series of φ', which must then have no jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from flint import acb, arb

from glutheory.activations import Activation, Z
from glutheory.errors import DerivationError
from glutheory.ground.balls import Ball, Tape, bits_of, precision
from glutheory.ground.exact import Exact, Point, ball
from glutheory.ground.growth import Growth, growth
from glutheory.ground.integral import integral
from glutheory.ground.pieces import pieces
from glutheory.symbolic.hermite_rule import CRAMER, hermite_integrals

#: The largest number of coefficients that `partial_sum` takes.
MAX_TERMS = 96


def _cutoff(bound: Growth, root: arb, bits: int) -> tuple[arb, arb]:
    """(R, tail): ∫_{|x|>R} |φ(√a x)| |He_k(x)|/√k! · N(x) dx ≤ tail, about 2^−bits.

    Cramér's inequality |He_k(x)| ≤ 1.0866 √k! e^{x²/4}: the integrand is at most
    e^{g(x)}, g = log C + n log(1+√a x) + p√a x − x²/4, and where g' ≤ −1 its integral from R on is at most e^{g(R)}.
    """
    R = arb(4)
    while True:
        slope = bound.n * root / (1 + root * R) + bound.p * root - R / 2
        tail = 2 * arb(CRAMER) * bound.C * (1 + root * R) ** bound.n * (bound.p * root * R - R**2 / 4).exp()
        if slope < -1 and tail < arb(2) ** (-bits) * (1 + bound.C):
            return R, tail
        R = arb((R * arb("1.1")).mid())


@dataclass(frozen=True)
class _Function:
    """A piecewise analytic function ready for integration: programs of its branches between its kinks."""

    kinks: tuple[sp.Expr, ...]
    branches: tuple[sp.Expr, ...]
    bound: Growth

    def pieces(self, root: arb, R: arb) -> Iterator[tuple[arb, arb, Callable[..., list[Ball]]]]:
        """(from, to, program of f) for the variable x = z/root within [−R, R]."""
        cuts = [-R, *(ball_of(kink) / root for kink in self.kinks), R]
        for left, right, branch in zip(cuts, cuts[1:], self.branches, strict=False):
            low, high = arb.max(arb.min(left, R), -R), arb.max(arb.min(right, R), -R)
            if low < high:
                yield low, high, Tape([branch], [Z]).bind()

    def branch(self, at: arb) -> sp.Expr:
        """The branch at a point that is no kink."""
        return self.branches[sum(1 for kink in self.kinks if ball_of(kink) < at)]

    def integrate(self, root: arb, weight: Callable[[Ball], Ball], power: int, bits: int) -> arb:
        """E[f(√a x)^power · weight(x)] over x ~ N(0,1), tails included; weight = He_k/√k!, or 1 for power 2."""
        bound = self.bound if power == 1 else Growth(self.bound.C**2, 2 * self.bound.n, 2 * self.bound.p)
        R, tail = _cutoff(bound, root, bits)
        norm = (2 * arb.pi()).rsqrt()
        total = arb(0, tail.upper())
        for low, high, run in self.pieces(root, R):

            def integrand(x: acb, analytic: bool, run: Callable[..., list[Ball]] = run) -> acb:
                value = run([x * root], analytic)[0]
                result: acb = acb(value) ** power * weight(x) * (-x * x / 2).exp() * norm
                return result

            goal = arb(2) ** (-bits)
            total += integral(integrand, low, high, abs_tol=goal, rel_tol=goal).real
        return total


def ball_of(value: sp.Expr) -> arb:
    """An exact SymPy constant as a ball at the current precision."""
    return arb(Tape([value], []).bind()([])[0])


@lru_cache(maxsize=64)
def _function(expr: sp.Expr, derivative: bool) -> _Function:
    found = pieces(expr)
    if derivative and any(jump != 0 for jump in found.jumps):
        raise DerivationError(
            f"{expr} jumps at z = {', '.join(map(str, found.kinks))}, so φ' has infinite norm and no Hermite "
            "coefficients with a tail bound: take those of φ."
        )
    branches = found.derivative() if derivative else found.branches
    ends = [None, *found.kinks, None]
    bounds = [growth(branch, low=low, high=high) for branch, low, high in zip(branches, ends, ends[1:], strict=False)]
    C = bounds[0].C
    for bound in bounds[1:]:
        C = arb.max(C, bound.C)
    rates = bounds[0].p
    for bound in bounds[1:]:
        rates = arb.max(rates, bound.p)
    return _Function(found.kinks, branches, Growth(C, max(bound.n for bound in bounds), rates))


def _hermite(k: int) -> Callable[[Ball], Ball]:
    """He_k/√k! by its three-term recurrence."""
    roots = [arb(j).sqrt() for j in range(k + 1)]

    def evaluate(x: Ball) -> Ball:
        previous, current = acb(0), acb(1)
        for j in range(k):
            previous, current = current, (x * current - roots[j] * previous) / roots[j + 1]
        return current

    return evaluate


@lru_cache(maxsize=4096)
def coefficient(act: Activation, k: int, variance: Exact, digits: int = 30, *, derivative: bool = False) -> arb:
    """h_k(a) = E[φ(√a x) He_k(x)]/√k! as a ball, or the coefficient of φ'.

    Args:
        act: the activation (no symbolic parameters).
        k: the degree, ≥ 0.
        variance: a > 0, exact.
        digits: decimals to aim for, absolute with respect to the growth bound of φ.
        derivative: take φ' in place of φ.

    Raises:
        ExpressionError: φ is not a finite function of z with at most exponential growth.
        DerivationError: φ' is asked for and φ jumps.
    """
    function = _function(act.expr, derivative)
    bits = bits_of(digits)
    with precision(bits + 32 + 4 * k):
        return function.integrate(ball(variance).sqrt(), _hermite(k), 1, bits)


def coefficients(
    act: Activation, variance: Exact, terms: int, digits: int = 30, *, derivative: bool = False
) -> tuple[arb, ...]:
    """h_0(a) … h_{terms−1}(a) by one rule for all of them. Arguments and errors as in `coefficient`."""
    function = _function(act.expr, derivative)
    bits = bits_of(digits)
    with precision(bits + 32 + 2 * terms):
        root = ball(variance).sqrt()
        R, tail = _cutoff(function.bound, root, bits)
        values = hermite_integrals(tuple(function.pieces(root, R)), root, terms, bits)
        return tuple(value + arb(0, tail.upper()) for value in values)


@lru_cache(maxsize=256)
def norm(act: Activation, variance: Exact, digits: int = 30, *, derivative: bool = False) -> arb:
    """E[φ(u)²], u ~ N(0, a), as a ball: the sum of all h_k(a)². Arguments and errors as in `coefficient`."""
    function = _function(act.expr, derivative)
    bits = bits_of(digits)
    with precision(bits + 32):
        return function.integrate(ball(variance).sqrt(), lambda x: acb(1), 2, bits)  # noqa: ARG005


@dataclass(frozen=True)
class HermiteSeries:
    """The first coefficients at one variance.

    Attributes:
        coefficients: h_0(a), h_1(a), … as balls.
        norm: E[φ(u)²].
    """

    coefficients: tuple[arb, ...]
    norm: arb

    @property
    def rest(self) -> arb:
        """An upper bound of Σ_{k>K} h_k(a)², by Parseval."""
        left = self.norm - sum((h * h for h in self.coefficients), arb(0))
        return arb(arb.max(arb(0), left).upper())


@lru_cache(maxsize=64)
def hermite_series(
    act: Activation, variance: Exact, terms: int = 12, digits: int = 30, *, derivative: bool = False
) -> HermiteSeries:
    """The coefficients h_0 … h_{terms−1} of φ (or φ') at this variance, with E[φ²]; see `coefficient`."""
    values = coefficients(act, variance, terms, digits, derivative=derivative)
    return HermiteSeries(values, norm(act, variance, digits, derivative=derivative))


def _sum(first: Sequence[arb], second: Sequence[arb], rho: arb) -> arb:
    total = arb(0)
    for h, g in zip(reversed(first), reversed(second), strict=True):
        total = total * rho + h * g
    return total


def _series(act: Activation, point: Point, digits: int, derivative: bool) -> arb:
    """The sum with its tail in the radius."""
    with precision(bits_of(digits) + 64):
        rho = ball(point.c) / (ball(point.a) * ball(point.b)).sqrt()
        terms = 16
        while True:
            pair = [hermite_series(act, v, terms, digits + 5, derivative=derivative) for v in (point.a, point.b)]
            tail = abs(rho) ** terms * (pair[0].rest * pair[1].rest).sqrt()
            total = _sum(pair[0].coefficients, pair[1].coefficients, rho) + arb(0, tail.upper())
            scale = (pair[0].norm * pair[1].norm).sqrt()
            if arb(total.rad()) < scale * arb(10) ** (-digits) or terms >= MAX_TERMS:
                return total
            terms = min(2 * terms, MAX_TERMS)


def partial_sum(act: Activation, point: Point, digits: int) -> tuple[arb, arb]:
    """(S, T) by the first terms, with Parseval's bound of the rest in the radius; T is unknown where φ jumps."""
    results = []
    for derivative in (False, True):
        try:
            results.append(_series(act, point, digits, derivative))
        except DerivationError:
            results.append(arb(0, "inf"))
    return results[0], results[1]


def odd_part_is_linear(act: Activation) -> bool:
    """Whether φ(z) = z/2 + an even function, decided symbolically; then h_1(a) = √a/2 and all other odd h_k vanish.

    True of every gate z·G(z) with G(z) + G(−z) = 1: ReLU, GELU, SiLU.
    """
    expr = act.expr.rewrite(sp.Heaviside) if act.expr.has(sp.Max, sp.Min, sp.Abs) else act.expr
    odd = sp.simplify(expr - expr.subs(Z, -Z) - Z)
    if odd == 0:
        return True
    half = [sp.simplify(branch - mirrored.subs(Z, -Z) - Z) for branch, mirrored in _halves(act.expr)]
    return all(part == 0 for part in half)


def _halves(expr: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """(branch on z > 0, branch on z < 0) for a function whose only kink is at 0."""
    found = pieces(expr)
    if found.kinks in ((), (sp.S.Zero,)):
        return [(found.branches[-1], found.branches[0])]
    return [(sp.S.One, sp.S.Zero)]


__all__ = [
    "HermiteSeries",
    "coefficient",
    "coefficients",
    "hermite_series",
    "norm",
    "odd_part_is_linear",
    "partial_sum",
]
