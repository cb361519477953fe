"""Exact numbers: their balls, and points (a, b, c) of them; `arguments` reads what a caller passes for one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import mpmath
import sympy as sp
from flint import arb, ctx, fmpq

from glutheory.errors import DomainError
from glutheory.ground.arguments import as_exact
from glutheory.ground.balls import Tape

Exact: TypeAlias = Fraction | sp.Expr

#: How far beyond ab rounding may have brought a c² that was meant to be equal, over ab.
_ROUNDED = Fraction(1, 10**12)


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
            # what floats make of |ρ| = 1 is beyond it by a rounding or two
            rounded = -self.delta < _ROUNDED * self.a * self.b
            exactly = " (|ρ| = 1 exactly needs strings, fractions or SymPy numbers)" if rounded else ""
            raise DomainError(
                f"c is {_show(self.c)}: a covariance obeys |c| ≤ √(ab) = {limit} for a = {_show(self.a)}, "
                f"b = {_show(self.b)}; give a smaller |c|{exactly}."
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
