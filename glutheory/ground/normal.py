"""The normal distribution functions Φ and Φ₂ as SymPy functions, with values by `glutheory.ground.bivariate`.

``expr.evalf(30)`` has certified digits, ``sympy.lambdify((a, b, c), expr)`` works for numpy, scipy and mpmath.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import sympy as sp
from flint import arb, ctx

from glutheory.ground.bivariate import phi, phi2

#: Bits beyond those asked for, one after the other, until the value has these: far from the origin it is small.
_GUARDS = (64, 256, 1024)
_DOUBLE = 53


def _phi_number(x: Any) -> Any:
    """Φ at an array of floats, or at mpmath's precision at its numbers."""
    if isinstance(x, mpmath.mpf):
        return _mpf(phi, x)
    from scipy.special import ndtr

    return ndtr(x)


def _phi2_number(x: Any, y: Any, c: Any, d: Any) -> Any:
    """Φ₂ at arrays of floats, number by number, or at mpmath's precision at its numbers."""
    arguments = (x, y, c, d)
    if any(isinstance(argument, mpmath.mpf) for argument in arguments):
        return _mpf(phi2, *arguments)
    import numpy as np

    def value(*numbers: float) -> float:
        ball = _ball(phi2, numbers, _DOUBLE)
        return float("nan") if ball is None else float(ball.mid())

    return np.vectorize(value, otypes=[float])(*arguments)[()]


class Phi(sp.Function):
    """Φ(x), the standard normal distribution function; not written by erf, which would lose its digits on the left."""

    nargs = 1
    #: what `sympy.lambdify` puts for the name
    _imp_ = staticmethod(_phi_number)

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        """Φ(0) = 1/2, and the limits."""
        return {sp.S.Zero: sp.S.Half, sp.oo: sp.S.One, -sp.oo: sp.S.Zero, sp.nan: sp.nan, sp.zoo: sp.nan}.get(x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: ARG002 (there is one argument)
        """The density."""
        return density(self.args[0])

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        return _numeric(phi, self.args, prec)

    def _eval_rewrite_as_erfc(self, x: sp.Expr, **_hints: object) -> sp.Expr:
        return sp.erfc(-x / sp.sqrt(2)) / 2


class Phi2(sp.Function):
    """Φ₂(x, y; c, d), the distribution function at (x, y) of correlation c/√(c² + d²), d ≥ 0."""

    nargs = 4
    _imp_ = staticmethod(_phi2_number)

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr, c: sp.Expr, d: sp.Expr) -> sp.Expr | None:
        """Symmetric in x and y; the limits at infinite x or y; not a number where an argument is none."""
        if any(argument in (sp.nan, sp.zoo) for argument in (x, y, c, d)):
            return sp.nan
        if -sp.oo in (x, y):
            return sp.S.Zero
        if sp.oo in (x, y):
            return Phi(y if x == sp.oo else x)
        return None if sp.default_sort_key(x) <= sp.default_sort_key(y) else cls(y, x, c, d)

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        return _numeric(phi2, self.args, prec)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """In x: φ(x)·P(Y ≤ y | x), likewise in y; in the direction by Plackett's identity ∂Φ₂/∂ρ = density."""
        x, y, c, d = self.args
        if argindex > 2:
            r2 = c**2 + d**2
            slope = (d**2 if argindex == 3 else -c * d) / r2 ** sp.Rational(3, 2)
            # x² − 2ρxy + y² over 2(1−ρ²)
            form = (r2 * (x**2 + y**2) - 2 * c * sp.sqrt(r2) * x * y) / (2 * d**2)
            return slope * sp.exp(-form) * sp.sqrt(r2) / (2 * sp.pi * d)
        own, other = (x, y) if argindex == 1 else (y, x)
        return density(own) * Phi((sp.sqrt(c**2 + d**2) * other - c * own) / d)


class Phi2Rho(sp.Function):
    """Φ₂(x, y; ρ) with the correlation itself, as formulas for people have it."""

    nargs = 3

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr, rho: sp.Expr) -> sp.Expr | None:
        """Without correlation the product Φ(x)·Φ(y)."""
        return Phi(x) * Phi(y) if rho == 0 else None

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        x, y, rho = self.args
        return Phi2(x, y, rho, sp.sqrt(1 - rho**2))._eval_evalf(prec)


def density(x: sp.Expr) -> sp.Expr:
    """The standard normal density."""
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def _numeric(function: Any, numbers: tuple[sp.Expr, ...], prec: int) -> sp.Expr | None:
    """The value at numbers to this many bits; nothing where they are none, or it cannot be told to so many."""
    digits = int(prec / 3.3) + 20
    arguments = [number.evalf(digits) for number in numbers]
    if not all(argument.is_Float or argument.is_Integer for argument in arguments):
        return None
    ball = _ball(function, [str(argument) for argument in arguments], prec)
    return None if ball is None else sp.Float(ball.str(int(prec / 3.3) + 5, radius=False), precision=prec)


def _mpf(function: Any, *numbers: Any) -> Any:
    """The value at mpmath's precision, of numbers of which some may be Python's."""
    ball = _ball(function, [mpmath.mpf(number) for number in numbers], mpmath.mp.prec)
    if ball is None:
        return mpmath.nan
    mantissa, exponent = ball.mid().man_exp()
    return +mpmath.mpf((int(mantissa), int(exponent)))


def _arb(number: Any) -> arb:
    """A ball of a number: a decimal text, a float or mpmath's."""
    if isinstance(number, mpmath.mpf) and mpmath.isfinite(number):
        mantissa, exponent = number.man_exp  # without the sign
        return arb(int(mantissa) * (-1 if number < 0 else 1)) * arb(2) ** int(exponent)
    return arb(number if isinstance(number, str) else float(number))


def _ball(function: Any, numbers: Sequence[Any], bits: int) -> arb | None:
    """The value to this many bits by as much precision as that takes, 0 for what is far below 2^−bits; or None."""
    before = ctx.prec
    try:
        for guard in _GUARDS:
            ctx.prec = bits + guard
            value: arb = function(*map(_arb, numbers))
            if value.is_zero() or value.rel_accuracy_bits() >= bits:
                return value
        return arb(0) if abs(value) < arb(2) ** -(bits + _GUARDS[-1] // 2) else None
    finally:
        ctx.prec = before
