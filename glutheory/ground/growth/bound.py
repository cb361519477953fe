"""A proved bound |φ(x + iy)| ≤ C·(1+|x|)^n·e^{p|x|} on a strip |y| ≤ tau, by structural rules on the expression.

With tau = 0 it bounds tails of Gaussian integrals on the real line; with tau > 0 it also proves that φ is analytic
in the strip, which is what makes the trapezoidal rule converge geometrically. What the rules cannot bound is refused:
1/z, log(z), tan(z) are not finite everywhere, exp(z²) has no Gaussian expectation for large variances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.errors import DerivationError, ExpressionError
from glutheory.ground.balls import precision
from glutheory.ground.growth.facts import (
    Facts,
    RefusalError,
    add,
    flat,
    multiply,
    number,
    polynomial_above,
    power,
    scale,
)
from glutheory.ground.growth.functions import FUNCTIONS

_BITS = 64


@dataclass(frozen=True)
class Growth:
    """|φ(x + iy)| ≤ C·(1+|x|)^n·e^{p|x|} for all x of the interval and |y| ≤ tau, and φ is analytic there.

    Attributes:
        C: exact ball (radius 0), rounded upwards.
        n: a non-negative integer.
        p: exact ball, rounded upwards.
        tau: half-width of the strip.
    """

    C: arb
    n: int
    p: arb
    tau: float = 0.0

    def at(self, x: arb) -> arb:
        """The bound at this x (a ball), at the current precision."""
        size = abs(x)
        return self.C * (1 + size) ** self.n * (self.p * size).exp()


@lru_cache(maxsize=1024)
def _positive(node: sp.Expr, low: sp.Expr | None, high: sp.Expr | None) -> bool:
    """Whether a polynomial is positive inside the interval, decided by its exact roots."""
    if not node.is_polynomial(Z):
        return False
    start, stop = -sp.oo if low is None else low, sp.oo if high is None else high
    inside = start + 1 if high is None else stop - 1 if low is None else (start + stop) / 2
    try:
        roots = sp.Poly(node, Z).real_roots(multiple=False)
        return all(not (start < root < stop) for root, _ in roots) and bool(node.subs(Z, inside) > 0)
    except (NotImplementedError, sp.PolynomialError, TypeError):
        return False


class _Rules:
    """The facts of every subexpression on one strip over one interval."""

    def __init__(self, tau: float, low: sp.Expr | None, high: sp.Expr | None) -> None:
        self.tau = arb(tau)
        self.low = None if low is None else number(low)
        self.high = None if high is None else number(high)
        self.ends = low, high
        self.memo: dict[sp.Expr, Facts] = {}

    def of(self, node: sp.Expr) -> Facts:
        """The facts of this node, computed once."""
        found = self.memo.get(node)
        if found is None:
            found = self.memo[node] = self.fresh(node)
        return found

    def fresh(self, node: sp.Expr) -> Facts:
        if node == Z:
            return self.variable()
        if not node.has(Z):
            return self.constant(number(node))
        if isinstance(node, sp.Add | sp.Mul):
            made = add([self.of(arg) for arg in node.args]) if node.is_Add else self.product(list(node.args))
            return self.lifted(made, node)
        if isinstance(node, sp.exp):
            return self.exponential(node.args[0])
        if isinstance(node, sp.Pow) and node.exp.is_Rational:
            return power(self.of(node.base), node.exp, node.base)
        if node.func in FUNCTIONS:
            facts = [self.of(arg) for arg in node.args[: 1 if isinstance(node, sp.Heaviside) else None]]
            return FUNCTIONS[node.func](node, *facts).filled()
        raise RefusalError(f"no bound is known for {node.func.__name__}({', '.join(map(str, node.args))})")

    def lifted(self, made: Facts, node: sp.Expr) -> Facts:
        """The same facts, knowing where a polynomial is never negative on the interval, as z − 1 is for z ≥ 1."""
        if self.tau != 0 or made.angle is not None or self.ends == (None, None) or not _positive(node, *self.ends):
            return made
        return replace(made, below=(arb(0), arb(0)), angle=arb(0))

    def constant(self, c: arb) -> Facts:
        line = (c, arb(0)), (-c, arb(0))
        angle = arb(0) if c > 0 else None
        floor = abs(c) if c != 0 else arb(0)
        return Facts(abs(c), 0, arb(0), *line, (arb(0), arb(0)), floor, angle)

    def variable(self) -> Facts:
        above, below, angle = (arb(0), arb(1)), (arb(0), arb(1)), None
        if self.high is not None:
            above = (self.high, arb(0))
        if self.low is not None:
            below = (-self.low, arb(0))
            if self.low >= 0 and self.tau == 0:
                angle = arb(0)
        size = arb.max(arb(1), self.tau)
        return Facts(size, 1, arb(0), above, below, (self.tau, arb(0)), angle=angle).filled()

    def exponential(self, exponent: sp.Expr) -> Facts:
        half_line = 1 if self.low is not None and self.low >= 0 else 0
        half_line = -1 if self.high is not None and self.high <= 0 else half_line
        f = self.of(exponent)
        above = polynomial_above(exponent, self.tau, half_line) or f.above
        if above is None:
            raise RefusalError(f"exp({exponent}) may grow faster than exp(p|z|) for every p")
        angle = flat(f.imag)
        angle = angle if angle is not None and angle < arb.pi() else None
        imag = (arb(0), arb(0)) if f.real else None
        below = (arb(0), arb(0)) if angle is not None and angle <= arb.pi() / 2 else None
        low = flat(f.below)
        floor = arb(0) if low is None else (-low).exp()
        return Facts(above[0].exp(), 0, above[1], None, below, imag, floor, angle).filled()

    def product(self, factors: list[sp.Expr]) -> Facts:
        """A product; w^j/(c + d·w)^k with w = exp(g), 0 < j ≤ k is bounded as a whole, else e^{|z|} would stay."""
        c = sp.Mul(*(factor for factor in factors if not factor.has(Z)))
        rest = [factor for factor in factors if factor.has(Z)]
        facts: list[Facts] = []
        for numerator in [factor for factor in rest if isinstance(factor, sp.exp) or factor.has(sp.sinh)]:
            for denominator in [factor for factor in rest if isinstance(factor, sp.Pow)]:
                joint = self.logistic(numerator, denominator) or self.slope(numerator, denominator)
                if joint is not None:
                    rest = [factor for factor in rest if factor not in (numerator, denominator)]
                    facts.append(joint)
                    break
        facts += [self.of(factor) for factor in rest]
        result = facts[0]
        for other in facts[1:]:
            result = multiply(result, other)
        return result if c == 1 else scale(number(c), result)

    def slope(self, numerator: sp.Expr, denominator: sp.Expr) -> Facts | None:
        """sinh(g)^j/cosh(g)^k with 0 < j ≤ k, as tanh(g)^j·cosh(g)^(j−k)."""
        (sinh, j), (cosh, k) = numerator.as_base_exp(), denominator.as_base_exp()
        if not (isinstance(sinh, sp.sinh) and cosh == sp.cosh(sinh.args[0]) and j.is_Integer and k.is_Integer):
            return None
        return self.of(sp.tanh(sinh.args[0]) ** j * cosh ** (j + k)) if 0 < j <= -k else None

    def logistic(self, numerator: sp.Expr, denominator: sp.Expr) -> Facts | None:
        base, exponent = denominator.base, denominator.exp
        if not (isinstance(numerator, sp.exp) and exponent.is_Integer and exponent < 0 and isinstance(base, sp.Add)):
            return None
        shift, wave = base.as_independent(Z)
        scale, power = wave.as_independent(Z, as_Add=False)
        if not (isinstance(power, sp.exp) and shift.is_positive and scale.is_positive):
            return None
        k, g = -int(exponent), power.args[0]
        j = next((j for j in range(1, k + 1) if sp.expand(numerator.args[0] - j * g) == 0), None)
        angle = self.of(power).angle
        if j is None or angle is None:
            return None
        # |c + dw| ≥ max(c, d|w|), times sin θ where |arg w| ≤ θ is wider than a right angle
        bend = arb(1) if angle <= arb.pi() / 2 else angle.sin()
        size = number(shift) ** (j - k) * number(scale) ** (-j) * bend ** (-k)
        positive = (arb(0), arb(0)) if angle == 0 else None
        return Facts(size, below=positive, imag=positive, angle=arb(0) if positive else None).filled()


@lru_cache(maxsize=4096)
def growth(expr: sp.Expr, *, tau: float = 0.0, low: sp.Expr | None = None, high: sp.Expr | None = None) -> Growth:
    """A proved growth bound of φ(z) = `expr`.

    Args:
        expr: a numeric SymPy expression in `Z`.
        tau: half-width of the strip |Im z| ≤ tau; for tau > 0 the bound proves analyticity there.
        low: left end of the interval of real parts, None for −∞ (only with tau = 0).
        high: right end, None for +∞ (only with tau = 0).

    Raises:
        ExpressionError: no bound of this form could be proved.
    """
    with precision(_BITS):
        try:
            facts = _Rules(tau, low, high).of(expr)
        except (RefusalError, DerivationError) as error:
            reason = str(error)
        else:
            bounds = facts.size.upper(), facts.rate.upper()
            if all(bound.is_finite() for bound in bounds):
                return Growth(bounds[0], facts.power, bounds[1], tau)
            reason = "its bound overflows"
    raise ExpressionError(
        f"cannot bound {expr} by C(1+|z|)^n exp(p|z|): {reason}; "
        "write a function that is finite for every real z and grows at most exponentially."
    )
