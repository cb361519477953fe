"""Sample values with the agreement of two roads: the derived formula and the defining integral."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from flint import arb

from glutheory.balls import Tape, bits_of, precision
from glutheory.errors import DerivationError, ExpressionError, PrecisionError
from glutheory.exact import Point
from glutheory.printing.digits import GUARD, ball_text, common_digits, exact_decimal, shown
from glutheory.symbolic.derived import Derivation
from glutheory.symbolic.duals import Dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.terms import KAPPA

#: Generic points: equal variances, unequal ones with a negative covariance, ρ = 3/4.
POINTS = (
    (Fraction(1), Fraction(1), Fraction(1, 2)),
    (Fraction(2), Fraction(1, 2), Fraction(-3, 10)),
    (Fraction(4), Fraction(1), Fraction(3, 2)),
)
_ARGUMENTS = (*sp.symbols("a b", positive=True), sp.Symbol("c", real=True))

#: Digits of a Hermite series in a sample.
SERIES_DIGITS = 10


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


def formula_balls(found: Derivation, point: Point, digits: int) -> tuple[arb, arb]:
    """(S, T) by the derived formula; wider balls where the digits are out of reach."""
    try:
        return evaluate_balls(found.dual, point, digits)
    except PrecisionError as error:
        return _handed_over(error)


def _handed_over(error: PrecisionError) -> tuple[arb, arb]:
    """The balls that were reached; the whole line where there are not two."""
    reached = error.reached
    return (reached[0], reached[1]) if isinstance(reached, tuple) and len(reached) == 2 else (arb.nan(), arb.nan())


def integral_balls(found: Derivation, point: Point, digits: int) -> tuple[tuple[arb, arb] | None, str]:
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
    return integral_balls(found, point, digits)[0] or formula_balls(found, point, digits)


def sample(found: Derivation, point: Point, digits: int) -> Sample:
    """Both roads at one point, with this many digits."""
    # a series is slow: no more of its digits than are compared
    formula = formula_balls(found, point, digits + GUARD if found.dual.terms else min(digits, SERIES_DIGITS))
    integral, note = integral_balls(found, point, digits)
    quantities = []
    for name, first, second in zip("ST", formula, integral or (None, None), strict=True):
        agree = None if second is None or first.is_nan() else bool(first.overlaps(second))
        common = 0 if second is None else common_digits(first, second, digits)
        ball = None if second is None else ball_text(second, digits + 2)
        value = plain_value(found.dual, name, point, digits) or shown(first, digits)
        quantities.append(Quantity(name, value, ball, agree, common))
    nngp, ntk = (shown(value, digits) for value in _kernel_balls(found, point, formula, digits))
    a, b, c = (Fraction(value) for value in (point.a, point.b, point.c))
    return Sample(a, b, c, tuple(quantities), nngp, ntk, note)


def _kernel_balls(found: Derivation, point: Point, values: tuple[arb, arb], digits: int) -> list[arb]:
    last = found.kernels.branches[-1]
    symbols = [last.S, last.T, *_ARGUMENTS]
    with precision(bits_of(digits + GUARD) + 32):
        program = Tape([found.formulas["nngp"], found.formulas["ntk"]], symbols).bind()
        return [arb(value) for value in program([*values, *point.balls()[:3]])]


def samples(found: Derivation, digits: int) -> tuple[Sample, ...]:
    """Both roads at the three points of `POINTS`."""
    return tuple(sample(found, Point(*numbers), digits) for numbers in POINTS)
