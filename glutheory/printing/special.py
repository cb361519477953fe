"""Special values: ρ = 1, c = 0 and ρ = −1, obtained by substitution into the derived formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from flint import arb

from glutheory.exact import Point
from glutheory.printing.digits import exact_decimal
from glutheory.printing.groups import THETA, Group, a, b, c
from glutheory.printing.notation import Notation
from glutheory.printing.readable import MEAN

#: (name, the arguments of S and T, the substitution)
CASES: tuple[tuple[str, str, dict[sp.Symbol, sp.Expr]], ...] = (
    ("ρ = 1", "a,a,a", {b: a, c: a}),
    ("c = 0", "a,b,0", {c: sp.S.Zero}),
    ("ρ = −1", "a,a,−a", {b: a, c: -a}),
)
_UNIT = (Fraction(1), Fraction(0), Fraction(-1))


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


def special_values(
    notation: Notation | None, values: Callable[[Point], tuple[arb, arb]], show: Callable[[arb], str]
) -> tuple[SpecialValue, ...]:
    """The six special values.

    Args:
        notation: S and T in short form; None for a series.
        values: (S, T) at a point as balls.
        show: a ball's certified digits.
    """
    found = []
    for (case, arguments, change), unit in zip(CASES, _UNIT, strict=True):
        numbers = values(Point(Fraction(1), Fraction(1), unit))
        formulas = (
            (None, None) if notation is None else tuple(_substituted(notation, f, change) for f in notation.formulas)
        )
        for name, formula, number in zip("ST", formulas, numbers, strict=True):
            exact = _exact_at_one(formula)
            found.append(SpecialValue(case, name, arguments, formula, exact or show(number)))
    return tuple(found)


def _exact_at_one(formula: sp.Expr | None) -> str | None:
    """A value that is plainly rational at a = b = 1."""
    if formula is None or formula.has(MEAN):
        return None
    value = formula.subs({a: 1, b: 1})
    if not value.is_Rational:
        return None
    plain = exact_decimal(Fraction(int(value.p), int(value.q)), 12)
    return plain if sp.Rational(plain) == value else str(value)


def _substituted(notation: Notation, formula: sp.Expr, change: dict[sp.Symbol, sp.Expr]) -> sp.Expr | None:
    """The formula in the special case, tidied; an expectation stays one, shown only where it got shorter."""
    for group in notation.groups:
        formula = formula.subs(_meanings(group, change), simultaneous=True)
    value = _tidy(formula.subs(change))
    mixing = [symbol for symbol in value.free_symbols if symbol.name.startswith("kappa")]
    if not mixing:
        return value
    if change.get(c) != 0:
        return None
    fixed = sp.Add(*(s for s in sp.Add.make_args(value) if not s.has(*mixing)))
    outside, inside = sp.factor(value - fixed).as_independent(*mixing, as_Add=False)
    return fixed + outside * MEAN(inside, *sorted(mixing, key=str))


def _meanings(group: Group, change: dict[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    square = sp.factor(group.square.subs(change))
    angle = sp.acos(sp.sign(change[c])) if group.plain else THETA  # c = 0 or c = ±a = ±b
    return {group.A: sp.factor(group.product.subs(change)), group.D: square, THETA: angle}


def _tidy(expr: sp.Expr) -> sp.Expr:
    """Cancel common factors inside every product; infinities are left alone."""
    if expr.has(sp.zoo, sp.oo, sp.nan):
        return sp.oo
    return expr.replace(lambda node: node.is_Mul and node.has(sp.Add) and not node.has(sp.asin), sp.factor)
