"""Numbers in definitions: a float stands for the decimal number that it is written as, and is shown as that."""

from __future__ import annotations

import numbers
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sympy as sp

#: Fractions of a larger denominator are shown as decimals where these end after so many digits.
_PLAIN, _DIGITS = 100, 20
_DOUBLE = 53  #: bits of a float


def decimal(number: float) -> Fraction:
    """The decimal number that a finite float is written as: 1.702 is 1702/1000, as it is in the text of a formula."""
    return Fraction(repr(float(number)))


def without_floats(expr: sp.Expr) -> sp.Expr:
    """The expression with each SymPy float as a rational number; those beyond double precision by their own value."""
    import sympy as sp  # here, for the numbers of the zoo are no expressions

    found = {
        number: sp.Rational(decimal(float(number)) if number._prec <= _DOUBLE and float(number) == number else number)
        for number in expr.atoms(sp.Float)
    }
    return expr.xreplace(found) if found else expr


def shown(value: Fraction | sp.Expr) -> str:
    """The number for people: 1/3, 1/100, and 1.702 rather than 851/500."""
    # of SymPy's numbers the rational ones are such
    if not isinstance(value, numbers.Rational) or int(value.denominator) <= _PLAIN:
        return str(value)
    twos, rest = 0, int(value.denominator)
    while rest % 2 == 0:
        twos, rest = twos + 1, rest // 2
    fives = 0
    while rest % 5 == 0:
        fives, rest = fives + 1, rest // 5
    digits = max(twos, fives)
    if rest != 1 or digits > _DIGITS:
        return str(value)
    whole = abs(int(value.numerator)) * 10**digits // int(value.denominator)
    text = str(whole).rjust(digits + 1, "0")
    return f"{'-' if value < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def text(expr: sp.Expr) -> str:
    """The expression on one line, with its long fractions as decimals where these end."""
    import sympy as sp  # as above

    found = {number: sp.Float(shown(number)) for number in expr.atoms(sp.Rational) if "." in shown(number)}
    return str(sp.sstr(expr.xreplace(found), full_prec=False)) if found else str(expr)
