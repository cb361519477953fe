"""A proved bound |φ(x + iy)| ≤ C·(1+|x|)^n·e^{p|x|} on a strip |y| ≤ tau, by structural rules on the expression.

With tau = 0 it bounds tails of Gaussian integrals on the real line; with tau > 0 it also proves that φ is analytic
in the strip, which is what makes the trapezoidal rule converge geometrically. What the rules cannot bound is refused:
1/z, log(z), tan(z) are not finite everywhere, exp(z²) has no Gaussian expectation for large variances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.balls import Tape, precision
from glutheory.errors import DerivationError, ExpressionError

_BITS = 64
Line = tuple[arb, arb]  # (h0, h1) stands for h0 + h1·|x|, h1 ≥ 0


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


@dataclass(frozen=True)
class _Facts:
    """What is known of a subexpression f on the strip; every entry is a bound, None where there is none."""

    size: arb  # |f| ≤ size·(1+|x|)^power·e^{rate|x|}
    power: int = 0
    rate: arb = arb(0)
    above: Line | None = None  # Re f ≤ above
    below: Line | None = None  # Re f ≥ −below
    imag: Line | None = None  # |Im f| ≤ imag
    floor: arb = arb(0)  # |f| ≥ floor
    angle: arb | None = None  # |arg f| ≤ angle < π

    def filled(self) -> _Facts:
        """The same with the entries that follow from others."""
        line = None
        if self.power <= 1 and self.rate == 0:
            line = (self.size, self.size if self.power else arb(0))
        above, below, imag = self.above or line, self.below or line, self.imag or line
        floor, angle = self.floor, self.angle
        for side in (above, below):
            if side is not None and side[1] == 0 and side[0] < 0:
                floor = arb.max(floor, -side[0])
        if angle is None and below is not None and below[1] == 0 and below[0] < 0:
            angle = arb(0) if _flat(imag) == 0 else arb.pi() / 2
        return replace(self, above=above, below=below, imag=imag, floor=floor, angle=angle)


class _Refusal(Exception):
    """Why no bound was found."""


def _flat(line: Line | None) -> arb | None:
    """The bound where it does not depend on x."""
    return line[0] if line is not None and line[1] == 0 else None


def _need(line: Line | None, limit: arb | None, why: str) -> arb:
    """The constant bound, below the limit, or a refusal."""
    value = _flat(line)
    if value is None or (limit is not None and not value < limit):
        raise _Refusal(why)
    return value


def _add(parts: list[_Facts]) -> _Facts:
    def lines(name: str) -> Line | None:
        found = [getattr(part, name) for part in parts]
        if any(line is None for line in found):
            return None
        return sum((line[0] for line in found), arb(0)), sum((line[1] for line in found), arb(0))

    right = arb.pi() / 2
    wide = [part for part in parts if part.angle is None or not part.angle <= right]
    floor, angle = arb(0), None
    if not wide:
        # all summands in one convex cone: moduli project on the real axis with the cosine of the widest angle
        angle = parts[0].angle
        for part in parts[1:]:
            angle = arb.max(angle, part.angle)
        for part in parts:
            floor = arb.max(floor, part.floor if part.angle == 0 else arb(0))
    elif len(wide) == 1 and wide[0].angle is not None and all(p.angle == 0 for p in parts if p is not wide[0]):
        # a positive number c plus w with |arg w| ≤ θ < π: |c + w| ≥ c·sin θ, and the sum stays within the sector
        angle = wide[0].angle
        floor = sum((p.floor for p in parts if p is not wide[0]), arb(0)) * angle.sin()
    size = sum((part.size for part in parts), arb(0))
    rate = parts[0].rate
    for part in parts[1:]:
        rate = arb.max(rate, part.rate)
    power = max(part.power for part in parts)
    return _Facts(size, power, rate, lines("above"), lines("below"), lines("imag"), floor, angle).filled()


def _scale(c: arb, f: _Facts) -> _Facts:
    """c·f for a real constant c of known sign."""
    size = abs(c)

    def times(line: Line | None) -> Line | None:
        return None if line is None else (size * line[0], size * line[1])

    above, below, angle = times(f.above), times(f.below), f.angle
    if not c > 0:
        above, below, angle = below, above, None
    return _Facts(size * f.size, f.power, f.rate, above, below, times(f.imag), size * f.floor, angle).filled()


def _multiply(f: _Facts, g: _Facts) -> _Facts:
    angle = None
    if f.angle is not None and g.angle is not None and f.angle + g.angle < arb.pi():
        angle = f.angle + g.angle
    imag = (arb(0), arb(0)) if f.imag == g.imag == (0, 0) else None
    below = (arb(0), arb(0)) if angle is not None and angle <= arb.pi() / 2 else None
    floor, size = f.floor * g.floor, f.size * g.size
    return _Facts(size, f.power + g.power, f.rate + g.rate, None, below, imag, floor, angle).filled()


def _power(f: _Facts, exponent: sp.Rational, base: sp.Expr) -> _Facts:
    whole = exponent.q == 1
    if not whole and f.angle is None:
        raise _Refusal(f"the base {base} of a power may be negative or zero")
    if exponent < 0 and not f.floor > 0:
        raise _Refusal(f"the denominator {base} may vanish")
    q = arb(int(exponent.p)) / int(exponent.q)
    angle = None if f.angle is None or not abs(q) * f.angle < arb.pi() else abs(q) * f.angle
    imag = f.imag if f.imag == (0, 0) else None
    below = None
    if angle is not None and angle <= arb.pi() / 2:
        below = (arb(0), arb(0))
    elif whole and exponent.p % 2 == 0 and imag is not None:
        below = (arb(0), arb(0))
    elif exponent == 2 and _flat(f.imag) is not None:
        below = (f.imag[0] ** 2, arb(0))  # Re f² = (Re f)² − (Im f)²
    if exponent < 0:
        return _Facts(f.floor**q, below=below, imag=imag, angle=angle).filled()
    power = int(sp.ceiling(f.power * exponent))
    floor = f.floor**q if f.floor > 0 else arb(0)
    return _Facts(f.size**q, power, q * f.rate, None, below, imag, floor, angle).filled()


def _polynomial_above(f: sp.Expr, tau: arb, half_line: int) -> Line | None:
    """A constant bound of Re f for a polynomial of degree ≥ 2 that falls to −∞ where it is used."""
    if not f.is_polynomial(Z):
        return None
    ascending = sp.Poly(f, Z).all_coeffs()[::-1]
    degree = len(ascending) - 1
    if degree < 2:
        return None
    coefficients = [_number(c) for c in ascending]
    k = -coefficients[-1] if degree % 2 == 0 or half_line > 0 else coefficients[-1]
    if not k > 0 or (degree % 2 and not half_line):
        return None
    if degree == 2:  # −k(x² − y²) + αx + γ
        return coefficients[0] + k * tau**2 + coefficients[1] ** 2 / (4 * k), arb(0)
    # Re f ≤ −k|x|^d + Σ b_j |x|^j, from |z^j| ≤ (|x|+τ)^j and |z^d − x^d| ≤ (|x|+τ)^d − |x|^d
    size = [abs(c) for c in coefficients]
    b = [
        sum((size[i] * int(sp.binomial(i, j)) * tau ** (i - j) for i in range(j, degree + 1)), arb(0))
        for j in range(degree)
    ]
    start = arb.max(arb(1), sum(b, arb(0)) / k)  # beyond this |x| the leading term wins
    return sum((b[j] * start**j for j in range(degree)), arb(0)), arb(0)


def _number(value: sp.Expr) -> arb:
    """A real constant as a ball."""
    ball = Tape([value], []).bind()([])[0]
    if not isinstance(ball, arb) or not ball.is_finite():
        raise _Refusal(f"the constant {value} is not a finite real number")
    return ball


class _Rules:
    """The facts of every subexpression on one strip over one interval."""

    def __init__(self, tau: float, low: sp.Expr | None, high: sp.Expr | None) -> None:
        self.tau = arb(tau)
        self.low = None if low is None else _number(low)
        self.high = None if high is None else _number(high)
        self.memo: dict[sp.Expr, _Facts] = {}

    def of(self, node: sp.Expr) -> _Facts:
        """The facts of this node, computed once."""
        found = self.memo.get(node)
        if found is None:
            found = self.memo[node] = self.fresh(node)
        return found

    def fresh(self, node: sp.Expr) -> _Facts:
        if node == Z:
            return self.variable()
        if not node.has(Z):
            return self.constant(_number(node))
        if isinstance(node, sp.Add):
            return _add([self.of(arg) for arg in node.args])
        if isinstance(node, sp.Mul):
            return self.product(list(node.args))
        if isinstance(node, sp.exp):
            return self.exponential(node.args[0])
        if isinstance(node, sp.Pow) and node.exp.is_Rational:
            return _power(self.of(node.base), node.exp, node.base)
        if node.func in _FUNCTIONS:
            facts = [self.of(arg) for arg in node.args[: 1 if isinstance(node, sp.Heaviside) else None]]
            return _FUNCTIONS[node.func](node, *facts).filled()
        raise _Refusal(f"no bound is known for {node.func.__name__}({', '.join(map(str, node.args))})")

    def constant(self, c: arb) -> _Facts:
        line = (c, arb(0)), (-c, arb(0))
        angle = arb(0) if c > 0 else None
        floor = abs(c) if c != 0 else arb(0)
        return _Facts(abs(c), 0, arb(0), *line, (arb(0), arb(0)), floor, angle)

    def variable(self) -> _Facts:
        above, below = (arb(0), arb(1)), (arb(0), arb(1))
        if self.high is not None:
            above = (self.high, arb(0))
        if self.low is not None:
            below = (-self.low, arb(0))
        return _Facts(arb.max(arb(1), self.tau), 1, arb(0), above, below, (self.tau, arb(0))).filled()

    def exponential(self, exponent: sp.Expr) -> _Facts:
        half_line = 1 if self.low is not None and self.low >= 0 else 0
        half_line = -1 if self.high is not None and self.high <= 0 else half_line
        f = self.of(exponent)
        above = _polynomial_above(exponent, self.tau, half_line) or f.above
        if above is None:
            raise _Refusal(f"exp({exponent}) may grow faster than exp(p|z|) for every p")
        angle = _flat(f.imag)
        angle = angle if angle is not None and angle < arb.pi() else None
        imag = (arb(0), arb(0)) if f.imag == (0, 0) else None
        below = (arb(0), arb(0)) if angle is not None and angle <= arb.pi() / 2 else None
        low = _flat(f.below)
        floor = arb(0) if low is None else (-low).exp()
        return _Facts(above[0].exp(), 0, above[1], None, below, imag, floor, angle).filled()

    def product(self, factors: list[sp.Expr]) -> _Facts:
        """A product; w^j/(c + d·w)^k with w = exp(g), 0 < j ≤ k is bounded as a whole, else e^{|z|} would stay."""
        c = sp.Mul(*(factor for factor in factors if not factor.has(Z)))
        rest = [factor for factor in factors if factor.has(Z)]
        facts: list[_Facts] = []
        for numerator in [factor for factor in rest if isinstance(factor, sp.exp)]:
            for denominator in [factor for factor in rest if isinstance(factor, sp.Pow)]:
                joint = self.logistic(numerator, denominator)
                if joint is not None:
                    rest = [factor for factor in rest if factor not in (numerator, denominator)]
                    facts.append(joint)
                    break
        facts += [self.of(factor) for factor in rest]
        result = facts[0]
        for other in facts[1:]:
            result = _multiply(result, other)
        return result if c == 1 else _scale(_number(c), result)

    def logistic(self, numerator: sp.Expr, denominator: sp.Expr) -> _Facts | None:
        base, exponent = denominator.base, denominator.exp
        if not (exponent.is_Integer and exponent < 0 and isinstance(base, sp.Add)):
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
        size = _number(shift) ** (j - k) * _number(scale) ** (-j) * bend ** (-k)
        positive = (arb(0), arb(0)) if angle == 0 else None
        return _Facts(size, below=positive, imag=positive, angle=arb(0) if positive else None).filled()


def _bounded(low: float, high: float) -> Callable[..., _Facts]:
    """A switch or a function with real values in [low, high] for real arguments."""

    def rule(node: sp.Expr, f: _Facts) -> _Facts:
        _real(node, f)
        return _Facts(arb(max(-low, high)), 0, arb(0), (arb(high), arb(0)), (arb(-low), arb(0)), f.imag)

    return rule


def _real(node: sp.Expr, *facts: _Facts) -> None:
    if any(f.imag != (0, 0) for f in facts):
        raise _Refusal(f"{node} is not analytic")


def _extremum(node: sp.Expr, *facts: _Facts) -> _Facts:
    _real(node, *facts)
    total = _add([replace(f, below=(arb(0), arb(0))) for f in facts])  # max and min are below Σ|f_i|
    below = None
    if all(_flat(f.below) is not None and f.below[0] <= 0 for f in facts):
        below = (arb(0), arb(0))
    above = None
    if isinstance(node, sp.Min):
        above = next((f.above for f in facts if _flat(f.above) is not None), None)
    return _Facts(total.size, total.power, total.rate, above, below, (arb(0), arb(0)))


def _absolute(node: sp.Expr, f: _Facts) -> _Facts:
    _real(node, f)
    angle = arb(0) if f.floor > 0 else None
    return _Facts(f.size, f.power, f.rate, None, (arb(0), arb(0)), f.imag, f.floor, angle)


def _error(node: sp.Expr, f: _Facts) -> _Facts:
    # erf(x + iy) = erf(x) + (2i/√π) ∫_0^y exp(−(x + it)²) dt
    y = _need(f.imag, None, f"the argument of {node} leaves every strip")
    size = 1 + 2 / arb.pi().sqrt() * y * (y * y).exp()
    shifted = 1 + size if isinstance(node, sp.erfc) else size
    imag = (arb(0), arb(0)) if y == 0 else None
    below = (arb(0), arb(0)) if y == 0 and isinstance(node, sp.erfc) else None
    return _Facts(shifted, 0, arb(0), None, below, imag)


def _tanh(node: sp.Expr, f: _Facts) -> _Facts:
    # |tanh(x + iy)|² = (sinh²x + sin²y)/(sinh²x + cos²y) ≤ max(1, tan²y), |Im| ≤ tan y
    y = _need(f.imag, arb.pi() / 2, f"the argument of {node} reaches a pole")
    return _Facts(arb.max(arb(1), y.tan()), imag=(y.tan(), arb(0)))


def _arctangent(node: sp.Expr, f: _Facts) -> _Facts:
    y = _need(f.imag, arb(1), f"the argument of {node} reaches a branch point")
    imag = ((1 + y) / (1 - y)).log() / 2
    side = (arb.pi() / 2, arb(0))
    return _Facts(side[0] + imag, 0, arb(0), side, side, (imag, arb(0)))


def _arsinh(node: sp.Expr, f: _Facts) -> _Facts:
    # |asinh w| ≤ |w| for real w; in the strip |asinh w| ≤ |w|/√(1 − y²), as |1 + w²| ≥ 1 − y² on the segment to 0
    y = _need(f.imag, arb(1), f"the argument of {node} reaches a branch point")
    return _Facts(f.size / (1 - y * y).sqrt(), f.power, f.rate, imag=(arb.pi() / 2 if y > 0 else y, arb(0)))


def _wave(node: sp.Expr, f: _Facts) -> _Facts:
    # |sin|, |cos| ≤ cosh(Im f) ≤ e^{|Im f|}
    if f.imag is None:
        raise _Refusal(f"the argument of {node} leaves every strip")
    flat = _flat(f.imag)
    size = f.imag[0].exp() if flat is None else flat.cosh()
    return _Facts(size, 0, f.imag[1], imag=(arb(0), arb(0)) if flat == 0 else None)


def _hyperbolic(node: sp.Expr, f: _Facts) -> _Facts:
    # |cosh|, |sinh| ≤ cosh(Re f); |cosh(x + iy)|² = sinh²x + cos²y
    if f.above is None or f.below is None:
        raise _Refusal(f"{node} may grow faster than exp(p|z|) for every p")
    size = arb.max(f.above[0], f.below[0]).exp()
    rate = arb.max(f.above[1], f.below[1])
    y = _flat(f.imag)
    imag = (arb(0), arb(0)) if y == 0 else None
    if isinstance(node, sp.cosh) and y is not None and y < arb.pi() / 2:
        below = (-y.cos(), arb(0))  # Re cosh = cosh x · cos y
        return _Facts(size, 0, rate, None, below, imag, y.cos(), y)
    return _Facts(size, 0, rate, imag=imag)


def _logarithm(node: sp.Expr, f: _Facts) -> _Facts:
    if f.angle is None or not f.floor > 0:
        raise _Refusal(f"the argument of {node} is not bounded away from 0 and the negative numbers")
    slope = f.power + f.rate
    above = (arb.max(f.size.log(), arb(0)), slope)
    low = -f.floor.log()
    size = above[0] + arb.max(low, arb(0)) + f.angle
    power = 0 if slope == 0 else 1
    return _Facts(size + slope, power, arb(0), above, (low, arb(0)), (f.angle, arb(0)))


_FUNCTIONS: dict[type[sp.Expr], Callable[..., _Facts]] = {
    sp.Heaviside: _bounded(0, 1),
    sp.sign: _bounded(-1, 1),
    sp.Abs: _absolute,
    sp.Max: _extremum,
    sp.Min: _extremum,
    sp.erf: _error,
    sp.erfc: _error,
    sp.tanh: _tanh,
    sp.atan: _arctangent,
    sp.asinh: _arsinh,
    sp.sin: _wave,
    sp.cos: _wave,
    sp.sinh: _hyperbolic,
    sp.cosh: _hyperbolic,
    sp.log: _logarithm,
}


@lru_cache(maxsize=4096)
def growth(
    expr: sp.Expr, *, tau: float = 0.0, low: sp.Expr | None = None, high: sp.Expr | None = None
) -> Growth:
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
        except (_Refusal, DerivationError) as error:
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
