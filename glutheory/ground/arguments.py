"""Numbers given as arguments, checked: a bad one is answered by one sentence with its name, value and remedy.

Exact ones become a rational or an exact constant, never a rounded float: int, float, str, Fraction, numpy and mpmath
numbers are rationals (a float stands for its own binary value, a string keeps all its digits); a SymPy constant such as
``sqrt(2)`` stays symbolic. Neither SymPy nor mpmath is loaded for whoever gives no number of theirs.
"""

from __future__ import annotations

import math
import numbers
import operator
import re
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from glutheory.errors import DomainError

if TYPE_CHECKING:
    import sympy as sp

#: No two ways to read the same text, so that a long hostile one is refused in linear time.
_DECIMAL = re.compile(r"\s*[+-]?(?:\d+/\d+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?)\s*")
_MAX_DIGITS = 10_000
#: Python refuses to read or print longer integers.
_MAX_LENGTH = 4_000


def integer(name: str, value: Any, least: int) -> int:
    """An integer of at least `least`; numpy's integers are integers, booleans are not.

    Raises:
        DomainError: anything else.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise DomainError(f"{name} is {value!r}: give an integer >= {least}.")
    return number


def one_fan_in(width: Any) -> int:
    """The width of all layers of a stack; what is meant by several is said.

    Raises:
        DomainError: no positive integer.
    """
    if isinstance(width, Mapping | list | tuple):
        raise DomainError(
            f"width is {repr(width)[:60]}, but it is one fan-in for all layers on units: give an integer, and for "
            "layers of different widths add up the kernels of groups of weights (trained=…), each with its own."
        )
    return integer("width", width, 1)


def real(name: str, value: Any, *, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite number between two bounds, which are not allowed themselves.

    Raises:
        DomainError: anything else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not above < number < below:
        ends = [f"> {above:g}"] * (above > -math.inf) + [f"< {below:g}"] * (below < math.inf)
        raise DomainError(f"{name} is {value!r}: give a finite number {' and '.join(ends)}".rstrip() + ".")
    return number


def as_exact(name: str, value: Any) -> Fraction | sp.Expr:
    """The number `value` exactly, for the argument called `name` in the error message.

    Raises:
        DomainError: not a finite real number, or a string that is not a decimal number or a fraction.
    """
    remedy = "give a finite real number (int, float, Fraction, mpf, SymPy constant) or a string like '0.25' or '1/3'"
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    if isinstance(value, str):
        if len(value) > _MAX_LENGTH or not _DECIMAL.fullmatch(value):
            raise DomainError(f"{name} is {shown}: {remedy}.")
        try:
            return Fraction(value.strip())
        except ZeroDivisionError:
            raise DomainError(f"{name} is {shown}: {remedy}.") from None
    sympy = sys.modules.get("sympy")  # whoever gives a constant of SymPy's has loaded it
    if sympy is not None and isinstance(value, sympy.Expr):
        if value.is_Rational:
            return Fraction(int(value.p), int(value.q))
        if isinstance(value, sympy.Float):
            return Fraction(*map(int, sympy.Rational(value).as_numer_denom()))
        if value.free_symbols or not value.is_finite or not value.is_real:
            raise DomainError(f"{name} is {shown}: {remedy}.")
        return value
    if hasattr(value, "_mpf_"):
        import mpmath  # as loaded as SymPy above

        if not mpmath.isfinite(value):
            raise DomainError(f"{name} is {shown}: {remedy}.")
        sign, man, exp, _ = value._mpf_
        if abs(int(exp)) > 4 * _MAX_DIGITS:
            raise DomainError(f"{name} is {shown}: its exponent is beyond ±{_MAX_DIGITS} digits; {remedy}.")
        return (-1 if sign else 1) * Fraction(int(man)) * Fraction(2) ** int(exp)
    if isinstance(value, numbers.Rational) and not isinstance(value, bool):
        return Fraction(value)
    try:
        number = float(value) if not isinstance(value, bool | complex) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DomainError(f"{name} is {shown}: {remedy}.")
    return Fraction(number)


def as_digits(digits: Any, cap: int = _MAX_DIGITS) -> int:
    """The number of decimal digits asked for, between 1 and `cap`.

    Raises:
        DomainError: not an integer in that range.
    """
    if isinstance(digits, bool) or not isinstance(digits, numbers.Integral) or not 1 <= int(digits) <= cap:
        raise DomainError(f"digits is {str(digits)[:40]!r}: give an integer from 1 to {cap}.")
    return int(digits)
