"""Certified evaluation of the derived formulas: S and T as balls, to any number of digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import Any

import mpmath
import sympy as sp
from flint import acb, arb

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.balls import Tape, bits_of, precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.grid import GridTape
from glutheory.ground.middle import rounded
from glutheory.ground.normal_form import KAPPA, as_expression
from glutheory.symbolic.assemble import assemble
from glutheory.symbolic.duals import Dual, Expectation
from glutheory.symbolic.duals import dual as derive_dual
from glutheory.symbolic.gaussian import DELTA, a, b, c
from glutheory.symbolic.kolmogorov import Rule, product_error, rule
from glutheory.symbolic.line import Line, infinity, singular
from glutheory.symbolic.pairs import KAPPA_PRIME, Part
from glutheory.symbolic.powers_of_c import PowerSeries

#: Working precision (bits) at which the evaluation gives up.
MAX_BITS = 60_000


@lru_cache(maxsize=256)
def _programs(expectations: tuple[Expectation, ...], line: bool) -> tuple[Tape, GridTape | None]:
    """The pairs without mixing variables, as a program of (a, b, c, δ), and the others, of (a, b, c, δ, κ, κ').

    Without the parts that have no value at δ = 0 where `line` says that this is the place.
    """
    kept = [[part for part in e.parts if not (line and singular(part))] for e in expectations]
    inputs = [a, b, c, DELTA]
    fixed, mixed = (
        [assemble([part for part in parts if _is_mixed(part) is kind], for_balls=True) for parts in kept]
        for kind in (False, True)
    )
    if not any(_is_mixed(part) for parts in kept for part in parts):
        return Tape(fixed, inputs), None
    return Tape(fixed, inputs), GridTape(mixed, [*inputs, KAPPA, KAPPA_PRIME])


def _is_mixed(part: Part) -> bool:
    """Whether κ or κ' is in it; all of such a part is averaged: the bound of the rule's error is one for the whole."""
    kappas = (KAPPA, KAPPA_PRIME)
    return part.coefficient.has(*kappas) or any(as_expression(factor).has(*kappas) for factor in part.factors)


def _average(
    expectations: tuple[Expectation, ...], tape: GridTape, values: Sequence[arb], quadrature: Rule, same: bool
) -> list[arb]:
    """The kernels averaged over the nodes for κ, κ'; `same` says that κ, κ' can be exchanged."""
    grid = [kappa for kappa, _ in quadrature.nodes]
    weights = [weight for _, weight in quadrature.nodes]
    twice = [2 * weight for weight in weights]
    totals = [arb(0)] * len(expectations)
    for weight, (first, columns) in zip(weights, tape.rows(values, grid, same), strict=True):
        # a pair κ < κ' counts for its mirror image too
        own = [weights[first], *twice[first + 1 :]] if same else weights
        totals = [total + weight * sum(map(mul, own, column)) for total, column in zip(totals, columns, strict=True)]
    return totals


def balls(expectations: tuple[Expectation, ...], point: Point, bits: int) -> list[arb]:
    """The expectations at a point with a, b > 0, as balls that contain them, computed with this working precision."""
    at_end = bool(point.delta == 0)
    fixed, mixture = _programs(expectations, at_end)
    with precision(bits):
        values = point.balls()
        added: list[arb] = [arb(0)] * len(expectations)
        if mixture is not None:
            quadrature = rule(-(-bits // 8) * 8)
            # κ ↔ κ' is a symmetry when u and v have the same variance and f = g
            alike = bool(point.a == point.b)
            same = alike and all(e.first == e.second for e in expectations)
            series = PowerSeries.plan(expectations, values, quadrature, bits, alike)
            if series is None or series.cost > len(quadrature.nodes) ** 2 / (2 if same else 1):
                added = _average(expectations, mixture, values, quadrature, same)
            else:
                added = series.sums(values[2])
            errors = [product_error(e.first, e.second, (values[0], values[1]), quadrature) for e in expectations]
            added = [x + arb(0, error) for x, error in zip(added, errors, strict=True)]
        if at_end:
            added = [x + _on_line(e, point) for x, e in zip(added, expectations, strict=True)]
        result = [x + y for x, y in zip(fixed.bind()(values), added, strict=True)]
        return [value.real if isinstance(value, acb) else value for value in result]


def _on_line(expectation: Expectation, point: Point) -> arb:
    """The sum of the parts that `_programs` leaves out at ρ = ±1."""
    line, own = Line.of(point), filter(singular, expectation.parts)
    return sum((ball(part.coefficient) * line.mean(*part.factors) for part in own), arb(0))


def _missing(value: arb, wanted: int, bits: int) -> int:
    """How many bits of relative accuracy the ball lacks (0: enough)."""
    if not value.is_finite():
        return bits
    return 0 if value.is_exact() else max(0, wanted - max(value.rel_accuracy_bits(), -bits))


def _converge(
    expectations: tuple[Expectation, ...], point: Point, digits: int, scales: Callable[[], Sequence[arb]]
) -> list[arb]:
    """Raise the working precision until every value has `digits` digits.

    The digits are those of the value itself; of one that the 2·digits decimals after its scale do not tell from 0 (an
    exact zero such as E[tanh u]², say) no more is asked.
    """
    wanted, bits = bits_of(digits), bits_of(digits) + 32
    for attempt in range(64):
        result = balls(expectations, point, bits)
        missing = [_missing(value, wanted, bits) for value in result]
        if any(missing) and attempt >= 2:
            # what is told from 0 comes to its digits however small it is
            small = [
                v.rel_accuracy_bits() <= 0 and abs(v).upper() <= s * arb(10) ** (-2 * digits)
                for v, s in zip(result, scales(), strict=True)
            ]
            missing = [0 if tiny else m for tiny, m in zip(small, missing, strict=True)]
        if not any(missing):
            return result
        if bits > MAX_BITS:
            break
        bits += min(max(missing) + 32, bits)
    raise PrecisionError(
        f"digits is {digits}: not reached with {bits} bits of working precision; ask for fewer digits.",
        reached=tuple(result),
    )


def _scales(expectations: tuple[Expectation, ...], point: Point) -> Callable[[], Sequence[arb]]:
    """√(S(a,a,a) S(b,b,b)) for each expectation, computed when first asked for."""

    @lru_cache(maxsize=1)
    def compute() -> Sequence[arb]:
        ends = [balls(expectations, Point(v, v, v), 128) for v in (point.a, point.b)]
        return [(abs(x) * abs(y)).sqrt() for x, y in zip(*ends, strict=True)]

    return compute


def _at_zero(expr: sp.Expr) -> arb:
    """φ(0) or φ'(0), the mean of the one-sided values at a kink; +∞ where φ jumps."""
    value = sp.sympify(expr.subs(Z, 0))
    return arb.pos_inf() if value.has(sp.DiracDelta) else Tape([value], []).bind()([])[0]


def _degenerate(dual: Dual, point: Point, digits: int) -> tuple[arb, arb]:
    """A = 0 or b = 0: u or v is the constant 0, and the expectations factor."""
    factors = []
    with precision(bits_of(digits) + 32):
        for expectation, expr in (
            (dual.mean, dual.activation.expr),
            (dual.derivative_mean, sp.diff(dual.activation.expr, Z)),
        ):
            values = []
            for variance in (point.a, point.b):
                if variance == 0:
                    values.append(_at_zero(expr))
                else:
                    one = Point(variance, variance, Fraction(0))
                    values.append(_converge((expectation,), one, digits + 1, lambda: [arb(1)])[0])
            factors.append(_product(*values))
    return factors[0], factors[1]


def _product(x: arb, y: arb) -> arb:
    """x·y with 0·∞ = 0: the mean of an odd jump's derivative times an infinite density does not occur twice."""
    return arb(0) if x == 0 or y == 0 else x * y


def evaluate_balls(dual: Dual, point: Point, digits: int) -> tuple[arb, arb]:
    """(S, T) as balls with `digits` correct digits; T = ±∞ where jumps of φ(u) and φ(v) coincide at ρ = ±1.

    Raises:
        DomainError: the activation has symbolic parameters.
        PrecisionError: the digits were not reached within `MAX_BITS`.
    """
    if dual.activation.symbols:
        names = ", ".join(map(str, dual.activation.symbols))
        raise DomainError(f"activation {dual.activation.label!r} has the symbolic parameter {names}: give it a number.")
    if not dual.terms:
        from glutheory.symbolic.mehler import series_balls

        return series_balls(dual.activation, point, digits)
    if point.degenerate:
        return _degenerate(dual, point, digits)
    both = (dual.s, dual.t)
    limit = infinity(dual.derivative, point) if point.delta == 0 else None
    if limit is not None:
        return _converge((dual.s,), point, digits, _scales((dual.s,), point))[0], limit
    S, T = _converge(both, point, digits, _scales(both, point))
    return S, T


def evaluate(act: Activation | str, a: Any, b: Any, c: Any, *, digits: int = 50) -> tuple[mpmath.mpf, mpmath.mpf]:
    """S(a,b,c) = E[φ(u)φ(v)] and T(a,b,c) = E[φ'(u)φ'(v)] from the derived formulas (road 1).

    Args:
        act: an activation, or its name in the zoo.
        a: the variance of u, ≥ 0; int, float, str, Fraction, mpf or SymPy number (a string keeps all its
            digits).
        b: the variance of v, likewise.
        c: their covariance, |c| ≤ √(ab).
        digits: correct decimal digits of both results. Of a value that vanishes against its scale
            √(S(a,a,a) S(b,b,b)), as S of an odd function does at c = 0: that many digits after the scale, twice, and 0
            where these do not tell it from 0.

    Returns:
        (S, T) as mpmath numbers that carry `digits` digits whatever ``mpmath.mp.dps`` is; T is ±inf where jumps
        of φ(u) and φ(v) coincide at ρ = ±1 (the derivative of a step is a delta function), or where a or b is 0 and φ
        jumps at 0.

    Raises:
        DomainError: an argument outside its domain; the message names it, its value and the remedy.
        PrecisionError: the digits could not be reached; the exception carries the balls that were.
    """
    number = as_digits(digits)
    S, T = evaluate_balls(derive_dual(activation(act)), Point.of(a, b, c), number)
    return rounded(S, number), rounded(T, number)
