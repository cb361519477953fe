"""A variance is zero: that variable is the constant 0, and S and T are products of one-dimensional means."""

from __future__ import annotations

import math

import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.balls import bits_of, precision
from glutheory.errors import PrecisionError
from glutheory.exact import Exact, Point, ball
from glutheory.quadrature.line import Function, mean
from glutheory.quadrature.model import Model
from glutheory.quadrature.scale import scale

#: How often a mean is computed anew with a smaller tolerance.
_ATTEMPTS = 5


def degenerate(point: Point, found: Model, digits: int) -> tuple[arb, arb]:
    """(S, T) for a = 0 or b = 0.

    S = φ(0)·E[φ(v)] with H(0) = 1/2. T = E[φ'(u)]·E[φ'(v)], where the factor of the constant is the limit a → 0+: the
    mean of the one-sided derivatives, infinite at a jump (infinite times 0 is 0 only for an exact 0).
    """
    results = []
    for function, constant in ((found.whole.value, found.at_zero), (found.whole.slope, slope_at_zero(found))):
        factors = []
        with precision(bits_of(digits) + 32):
            for variance in (point.a, point.b):
                if variance != 0:
                    factors.append(_mean(function, variance, digits))
                else:
                    factors.append(arb.pos_inf() * int(sp.sign(constant)) if constant.is_infinite else ball(constant))
            zero = any(factor == 0 for factor in factors)
            results.append(arb(0) if zero else factors[0] * factors[1])
    return results[0], results[1]


def slope_at_zero(found: Model) -> sp.Expr:
    """lim_{a→0+} E[φ'(u)]: the mean of the one-sided derivatives at 0, ±oo at a jump."""
    slope = found.whole.slope
    for index, kink in enumerate(slope.kinks):
        if kink == 0:
            if slope.masses[index] != 0:
                return sp.oo * sp.sign(slope.masses[index])
            return (slope.branches[index].subs(Z, 0) + slope.branches[index + 1].subs(Z, 0)) / 2
    return slope.branches[sum(1 for kink in slope.kinks if kink < 0)].subs(Z, 0)


def _mean(function: Function, variance: Exact, digits: int) -> arb:
    """E[f(v)] to the given digits of √E[f(v)²], or of itself where that is infinite."""
    size = scale({variance}, function)
    value, extra = arb(0), 2.0
    for _ in range(_ATTEMPTS):
        log = float(size.log()) - digits * math.log(10) - extra
        with precision(max(64, bits_of(digits) + 64 + int(-log / math.log(2)))):
            value = mean(function, ball(variance).sqrt(), log)
        if value.rad() <= size * arb(10) ** -digits:
            return value
        if function.singular and value != 0:
            size = abs(value).lower()
        extra *= 2
    raise PrecisionError(f"{digits} digits of a mean are beyond the work limit: ask for fewer digits.", (value, value))
