"""The values that a report shows: at sample points by two roads, and at ρ = 1, c = 0 and ρ = −1.

A sample compares the derived formula with a rigorous enclosure of the defining integral, on as many digits as both
certify; the special values come by substitution into the derived formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from flint import arb

from glutheory.errors import DerivationError, ExpressionError, PrecisionError
from glutheory.ground import rational
from glutheory.ground.balls import Tape, bits_of, precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.normal import Phi, Phi2Rho
from glutheory.ground.normal_form import KAPPA
from glutheory.printing.constants import long
from glutheory.printing.digits import GUARD, ball_text, common_digits, exact_decimal, shown
from glutheory.printing.groups import MEAN, THETA, Group, a, b, c
from glutheory.printing.ways import Notation
from glutheory.symbolic.derived import Derivation
from glutheory.symbolic.duals import Dual
from glutheory.symbolic.evaluation import evaluate_balls

#: Generic points: equal variances, unequal ones with a negative covariance, ρ = 3/4.
_POINTS = (
    (Fraction(1), Fraction(1), Fraction(1, 2)),
    (Fraction(2), Fraction(1, 2), Fraction(-3, 10)),
    (Fraction(4), Fraction(1), Fraction(3, 2)),
)
#: Digits of a Hermite series in a sample.
_SERIES_DIGITS = 10
#: (name, the arguments of S and T, the substitution)
_CASES: tuple[tuple[str, str, dict[sp.Symbol, sp.Expr]], ...] = (
    ("ρ = 1", "a,a,a", {b: a, c: a}),
    ("c = 0", "a,b,0", {c: sp.S.Zero}),
    ("ρ = −1", "a,a,−a", {b: a, c: -a}),
)
_UNIT = (Fraction(1), Fraction(0), Fraction(-1))
_ARGUMENTS = (*sp.symbols("a b", positive=True), sp.Symbol("c", real=True))


@dataclass(frozen=True)
class Quantity:
    """One value found twice.

    Attributes:
        name: "S" or "T".
        formula: the derived formula's certified digits, as `glutheory.printing.digits.shown` writes them.
        integral: the ball of the defining integral as text, or None if it was not available.
        agree: whether the formula's ball meets the integral's (None: nothing to compare).
        digits: on how many digits they are known to agree.
    """

    name: str
    formula: str
    integral: str | None
    agree: bool | None
    digits: int


@dataclass(frozen=True)
class Sample:
    """The values at one point.

    Attributes:
        a, b, c: the point.
        quantities: S and T.
        nngp, ntk: the certified digits of the kernels in the NTK parametrisation.
        note: why the integral is missing or short, for people; usually empty.
    """

    a: Fraction
    b: Fraction
    c: Fraction
    quantities: tuple[Quantity, ...]
    nngp: str
    ntk: str
    note: str = ""


@dataclass(frozen=True)
class SpecialValue:
    """S or T in a special case.

    Attributes:
        case: "ρ = 1", "c = 0" or "ρ = −1".
        name: "S" or "T".
        arguments: what stands in the brackets, e.g. "a,a,a".
        formula: the expression in a and b; None where substitution gives nothing shorter (a mixture, a series).
        at_one: the certified value at a = b = 1.
    """

    case: str
    name: str
    arguments: str
    formula: sp.Expr | None
    at_one: str


def samples(found: Derivation, digits: int) -> tuple[Sample, ...]:
    """Both roads at the three points of `_POINTS`."""
    return tuple(_sample(found, Point(*numbers), digits) for numbers in _POINTS)


def _sample(found: Derivation, point: Point, digits: int) -> Sample:
    """Both roads at one point, with this many digits."""
    # a series is slow: no more of its digits than are compared
    formula = formula_balls(found, point, digits + GUARD if found.dual.terms else min(digits, _SERIES_DIGITS))
    integral, note = _integral_balls(found, point, digits)
    quantities = []
    for name, first, second in zip("ST", formula, integral or (None, None), strict=True):
        agree = None if second is None or first.is_nan() else bool(first.overlaps(second))
        common = 0 if second is None else common_digits(first, second, digits)
        enclosed = None if second is None else ball_text(second, digits + 2)
        plain = plain_value(found.dual, name, point, digits) if _may_be_plain(first, digits) else None
        value = plain or shown(first, digits)
        quantities.append(Quantity(name, value, enclosed, agree, common))
    nngp, ntk = (shown(value, digits) for value in _kernel_balls(found, point, formula, digits))
    a, b, c = (Fraction(value) for value in (point.a, point.b, point.c))
    return Sample(a, b, c, tuple(quantities), nngp, ntk, note)


def _kernel_balls(found: Derivation, point: Point, values: tuple[arb, arb], digits: int) -> list[arb]:
    last = found.kernels.branches[-1]
    symbols = [last.S, last.T, *_ARGUMENTS]
    with precision(bits_of(digits + GUARD) + 32):
        program = Tape([found.formulas["nngp"], found.formulas["ntk"]], symbols).bind()
        return [arb(value) for value in program([*values, *point.balls()[:3]])]


def formula_balls(found: Derivation, point: Point, digits: int) -> tuple[arb, arb]:
    """(S, T) by the derived formula; wider balls where the digits are out of reach."""
    try:
        return evaluate_balls(found.dual, point, digits)
    except PrecisionError as error:
        return _handed_over(error)


def _integral_balls(found: Derivation, point: Point, digits: int) -> tuple[tuple[arb, arb] | None, str]:
    """(S, T) by the defining integral, or None and the reason."""
    from glutheory.quadrature import enclose

    try:
        S, T = enclose(found.dual.activation, point.a, point.b, point.c, digits=digits)
    except PrecisionError as error:
        return _handed_over(error), "the work limit of the integral allows no more digits here"
    except (ExpressionError, DerivationError) as error:
        return None, str(error)
    return (S, T), ""


def balls_of_a_series(found: Derivation, point: Point, digits: int) -> tuple[arb, arb]:
    """(S, T) where the formula is a series, which may not converge at ρ = ±1: by the integral where possible."""
    return _integral_balls(found, point, digits)[0] or formula_balls(found, point, digits)


def _handed_over(error: PrecisionError) -> tuple[arb, arb]:
    """The balls that were reached; the whole line where there are not two."""
    reached = error.reached
    return (reached[0], reached[1]) if isinstance(reached, tuple) and len(reached) == 2 else (arb.nan(), arb.nan())


def _may_be_plain(value: arb, digits: int) -> bool:
    """Whether a decimal of so many digits lies in the ball: substitution takes longer than to see that none does."""
    if not value.is_finite() or value.contains(0):
        return True
    nearest = Fraction(value.mid().str(digits, radius=False, more=True))
    with precision(bits_of(digits + GUARD) + 32):
        return bool(value.overlaps(ball(nearest)))


def plain_value(found: Dual, name: str, point: Point, digits: int) -> str | None:
    """S or T as a plain decimal where substitution shows that it is a short rational, else None."""
    numbers = (point.a, point.b, point.c)
    if not found.terms or not all(isinstance(v, Fraction) and _bits(v) < 400 for v in numbers):
        return None
    kernel = (found.s if name == "S" else found.t).kernel
    if point.c == 0:
        kernel = kernel.subs(_ARGUMENTS[2], 0)  # only there can the mixing variables drop out
    if kernel.has(KAPPA):
        return None
    value = kernel.subs(dict(zip(_ARGUMENTS, (sp.Rational(v) for v in numbers), strict=True)), simultaneous=True)
    if not value.is_Rational:
        return None
    plain = exact_decimal(Fraction(int(value.p), int(value.q)), digits)
    return plain if sp.Rational(plain) == value else None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def special_values(
    notation: Notation | None, values: Callable[[Point], tuple[arb, arb]], show: Callable[[arb], str]
) -> tuple[SpecialValue, ...]:
    """The six special values.

    Args:
        notation: S and T in short form; None for a series.
        values: (S, T) at a point as balls.
        show: a ball's certified digits.
    """
    formulas = (None,) * 6 if notation is None else special_formulas(notation)
    found = []
    for i, ((case, arguments, _), unit) in enumerate(zip(_CASES, _UNIT, strict=True)):
        numbers = values(Point(Fraction(1), Fraction(1), unit))
        for name, formula, number in zip("ST", formulas[2 * i : 2 * i + 2], numbers, strict=True):
            exact = _exact_at_one(formula)
            found.append(SpecialValue(case, name, arguments, formula, exact or show(number)))
    return tuple(found)


def special_formulas(notation: Notation) -> tuple[sp.Expr | None, ...]:
    """The formulas of the six special values, S before T; None where substitution gives nothing shorter."""
    return tuple(_substituted(notation, formula, change) for *_, change in _CASES for formula in notation.formulas)


def _exact_at_one(formula: sp.Expr | None) -> str | None:
    """A value that is plainly rational at a = b = 1, unless its fraction would be hard to read."""
    if formula is None or formula.has(MEAN):
        return None
    value = formula.subs({a: 1, b: 1})
    if not value.is_Rational:
        return None
    plain = exact_decimal(Fraction(int(value.p), int(value.q)), 12)
    if sp.Rational(plain) == value:
        return plain
    return None if long(value) else str(value)


def _substituted(notation: Notation, formula: sp.Expr, change: dict[sp.Symbol, sp.Expr]) -> sp.Expr | None:
    """The formula in the special case, tidied; an expectation stays one, shown only where it got shorter."""
    if change.get(c) != 0 and (formula.has(Phi, Phi2Rho) or _stays_mixed(notation, formula.xreplace(change))):
        return None
    for group in notation.groups:
        formula = formula.subs(_meanings(group, change), simultaneous=True)
    value = _tidy(formula.subs(change))
    mixing = [symbol for symbol in value.free_symbols if symbol.name.startswith("kappa")]
    if not mixing:
        return value
    if change.get(c) != 0:
        return None
    fixed = sp.Add(*(s for s in sp.Add.make_args(value) if not s.has(*mixing)))
    outside, inside = rational.factor(value - fixed).as_independent(*mixing, as_Add=False)
    return fixed + outside * MEAN(inside, *sorted(mixing, key=str))


def _stays_mixed(notation: Notation, formula: sp.Expr) -> bool:
    """Whether an arcsine depends on the mixing variables, which no tidying can remove."""
    mixed = [group.A for group in notation.groups if group.product.has(KAPPA)]
    return bool(mixed) and any(node.has(*mixed) for node in formula.atoms(sp.asin))


def _meanings(group: Group, change: dict[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    square = rational.factor(group.square.subs(change))
    angle = sp.acos(sp.sign(change[c])) if group.plain else THETA  # c = 0 or c = ±a = ±b
    return {group.A: rational.factor(group.product.subs(change)), group.D: square, THETA: angle}


def _tidy(expr: sp.Expr) -> sp.Expr:
    """Cancel common factors inside every product; infinities are left alone."""
    if expr.has(sp.zoo, sp.oo, sp.nan):
        return sp.oo
    return expr.replace(lambda node: node.is_Mul and node.has(sp.Add) and not node.has(sp.asin), rational.factor)
