"""What to do about a function that float64 does not hold: how it grows says whether there is a kernel at all."""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp

from glutheory.activations import Z

#: Where the growth is read off, |z|.
_FAR = (10**3, 10**6)
#: Growth e^(κz²) slower than this κ is none, and what grows by this factor between the two places is faster than any.
_NONE, _FASTER = 1e-2, 10.0
_SCALE = "scale the rows down, or behind a norm the layer before it by glutheory.layers.scale"


def remedy(expr: sp.Expr) -> str:
    """The end of a sentence about a function that is too large: what is true of its second moment, and what helps."""
    ends = moment_ends(expr)
    if ends is None:
        return f"{_SCALE}, or use `evaluate` pair by pair."
    if ends == 0:
        return "its mean square is infinite at every variance, so there is no kernel: use one that grows more slowly."
    own = Fraction(ends).limit_denominator(1000)
    shown = str(own) if math.isclose(own, ends, rel_tol=1e-6) else f"{ends:.3g}"
    norm = ", so there is no kernel behind a norm" if ends <= 1 + 1e-6 else ""
    return f"its mean square is infinite at variances of {shown} and more{norm}: {_SCALE}."


def moment_ends(expr: sp.Expr) -> float | None:
    """The variance from which on E[f(u)²] is infinite: 1/(4κ) for f ~ e^(κz²), read off far out; None for none."""
    near, far = (max(_rate(expr, place), _rate(expr, -place)) for place in _FAR)
    if math.isnan(far) or far < _NONE:
        return None
    return 0.0 if far > _FASTER * near else 1 / (4 * far)


def _rate(expr: sp.Expr, place: int) -> float:
    """log|f(z)|/z²."""
    try:
        value = sp.log(sp.Abs(expr.subs(Z, place))).evalf(20)
        return float(value / place**2)
    except (TypeError, OverflowError, ValueError, ArithmeticError):
        return math.nan
