"""The Hermite series of a dual activation as a SymPy function that is written as its sum and has values.

SymPy knows the coefficients as mere names; the sum is known to any number of digits (`glutheory.symbolic.mehler`):
``expr.evalf(30)``, ``sympy.lambdify((a, b, c), expr)`` for numpy (entry by entry: use `glutheory.gram` for matrices) or
mpmath.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp
from sympy.printing.printer import Printer

from glutheory.activations import Activation
from glutheory.errors import DomainError, GlutheoryError
from glutheory.ground.exact import Point
from glutheory.ground.middle import rounded
from glutheory.symbolic.mehler import series_balls

_DOUBLE = 17  #: digits of a float64
_GUARD = 3


class DualSeries(sp.Function):
    """S(a, b, c) = Σ_k h_k(a) h_k(b) ρ^k with ρ = c/√(ab), or T, the same of φ'; a subclass for each function.

    At numbers that are no variances and covariance (|c| > √(ab), a < 0) it stays as it is.
    """

    nargs = 3
    activation: Activation
    which: int  #: 0 for S, 1 for T

    def as_sum(self) -> sp.Expr:
        """The sum, whose coefficients h(k, a), or h_deriv(k, a) of φ', are names."""
        a, b, c = self.args
        k = sp.Symbol("k", integer=True, nonnegative=True)
        h = sp.Function("h_deriv" if self.which else "h")
        return sp.Sum(h(k, a) * h(k, b) * (c / sp.sqrt(a * b)) ** k, (k, 0, sp.oo))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """∂S/∂c = T (Price's theorem); other derivatives are left as they are."""
        if argindex == 3 and not self.which:
            return series(self.activation, 1)(*self.args)
        return super().fdiff(argindex)

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if not all(argument.is_number for argument in self.args):
            return None
        digits = mpmath.libmp.prec_to_dps(prec)
        numbers = [argument if argument.is_Rational else argument.evalf(digits + _GUARD) for argument in self.args]
        try:
            value = _value(self.activation, self.which, numbers, digits + _GUARD)
        except DomainError:
            return None
        return sp.Float(value, precision=prec) if mpmath.isfinite(value) else sp.sympify(value)

    def _written(self, printer: Printer) -> Any:
        return printer._print(self.as_sum())

    _sympystr = _sympyrepr = _latex = _pretty = _written


def _value(act: Activation, which: int, numbers: Any, digits: int) -> mpmath.mpf:
    return rounded(series_balls(act, Point.of(*numbers), digits)[which], digits)


@lru_cache(maxsize=256)
def series(act: Activation, which: int) -> type[DualSeries]:
    """The function S (0) or T (1) of an activation."""

    def number(*numbers: Any) -> Any:
        """For `sympy.lambdify`: at mpmath's precision, or at arrays of floats; nan beyond the domain."""
        if any(isinstance(value, mpmath.mpf) for value in numbers):
            return +_value(act, which, numbers, mpmath.mp.dps + _GUARD)
        import numpy as np

        def one(*point: float) -> float:
            try:
                return float(_value(act, which, point, _DOUBLE))
            except GlutheoryError:
                return float("nan")

        return np.vectorize(one, otypes=[float])(*numbers)[()]

    # a product of branches has several in one formula, which lambdify tells apart by their names
    name = f"{'ST'[which]}_{hashlib.sha256(sp.srepr(act.expr).encode()).hexdigest()[:12]}"
    return type(name, (DualSeries,), {"activation": act, "which": which, "_imp_": staticmethod(number)})
