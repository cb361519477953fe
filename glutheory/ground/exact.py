"""Exact numbers in: what a caller passes for a, b, c becomes a rational or an exact constant, never a rounded float.

int, float, str, Fraction, numpy and mpmath numbers are rationals (a float stands for its own binary value, a string
keeps all its digits); a SymPy constant such as ``sqrt(2)`` stays symbolic.
"""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import mpmath
import sympy as sp
from flint import arb, ctx, fmpq

from glutheory.errors import DomainError
from glutheory.ground.balls import Tape

Exact: TypeAlias = Fraction | sp.Expr

#: No two ways to read the same text, so that a long hostile one is refused in linear time.
_DECIMAL = re.compile(r"\s*[+-]?(?:\d+/\d+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?)\s*")
_MAX_DIGITS = 10_000
#: Python refuses to read or print longer integers.
_MAX_LENGTH = 4_000


def as_exact(name: str, value: Any) -> Exact:
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
    if isinstance(value, sp.Expr):
        if value.is_Rational:
            return Fraction(int(value.p), int(value.q))
        if isinstance(value, sp.Float):
            return Fraction(*map(int, sp.Rational(value).as_numer_denom()))
        if value.free_symbols or not value.is_finite or not value.is_real:
            raise DomainError(f"{name} is {shown}: {remedy}.")
        return value
    if isinstance(value, mpmath.mpf) or type(value).__name__ == "mpf":
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


def ball(value: Exact) -> arb:
    """The number as a ball at the current precision (``flint.ctx.prec``)."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    constant: arb = Tape([value], []).bind()([])[0]
    return constant


def _minus(value: sp.Expr) -> Exact:
    """Rational if SymPy can see it, exactly zero if SymPy can prove it."""
    value = sp.nsimplify(value) if value.is_Rational else value
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    return Fraction(0) if value.equals(0) else value


@dataclass(frozen=True)
class Point:
    """An admissible covariance of (u, v): variances a, b ≥ 0 and a covariance |c| ≤ √(ab), all exact.

    Raises:
        DomainError: naming the argument, its value and the remedy.
    """

    a: Exact
    b: Exact
    c: Exact

    @classmethod
    def of(cls, a: Any, b: Any, c: Any) -> Point:
        """The point of these numbers (see `as_exact` for what is accepted)."""
        return cls(as_exact("a", a), as_exact("b", b), as_exact("c", c))

    def __post_init__(self) -> None:
        for name, value in (("a", self.a), ("b", self.b)):
            if value < 0:
                raise DomainError(f"{name} is {_show(value)}: it is a variance, give a number ≥ 0.")
        if not self.degenerate and self.delta < 0:
            limit = mpmath.nstr(mpmath.sqrt(_real(self.a * self.b)), 17)
            raise DomainError(
                f"c is {_show(self.c)}: a covariance obeys |c| ≤ √(ab) = {limit} for a = {_show(self.a)}, "
                f"b = {_show(self.b)}; give a smaller |c| (|ρ| = 1 exactly needs strings, fractions or SymPy numbers)."
            )
        if self.degenerate and self.c != 0:
            raise DomainError(f"c is {_show(self.c)}: it must be 0 when a or b is 0.")

    @property
    def degenerate(self) -> bool:
        """Whether a variance is zero, so that u or v is the constant 0."""
        return bool(self.a == 0 or self.b == 0)

    @cached_property
    def delta(self) -> Exact:
        """The determinant ab − c², exactly; 0 says ρ = ±1."""
        value = self.a * self.b - self.c * self.c
        return value if isinstance(value, Fraction) else _minus(sp.sympify(value))

    def balls(self) -> tuple[arb, arb, arb, arb]:
        """(a, b, c, ab − c²) as balls at the current precision; the determinant without cancellation for rationals."""
        if isinstance(self.delta, Fraction):
            return ball(self.a), ball(self.b), ball(self.c), ball(self.delta)
        prec = ctx.prec
        try:
            ctx.prec = 2 * prec + 64
            delta = ball(self.delta)
        finally:
            ctx.prec = prec
        return ball(self.a), ball(self.b), ball(self.c), delta


def _real(value: Exact) -> mpmath.mpf:
    """The number rounded for a message, whatever its size."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(sp.N(value, 17))


def _show(value: Exact) -> str:
    """A number for a message: exact where that is short, else 17 digits."""
    short = not isinstance(value, Fraction) or value.numerator.bit_length() + value.denominator.bit_length() < 40
    text = str(value) if short else ""
    return text if 0 < len(text) <= 40 else str(mpmath.nstr(_real(value), 17))
