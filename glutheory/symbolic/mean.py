"""The average over a Kolmogorov-distributed variable as a SymPy integral that evaluates.

SymPy can neither integrate these integrals nor evaluate two of them within each other in reasonable time. The
trapezoidal rule of `glutheory.symbolic.kolmogorov` can: ``expr.evalf(30)``, ``sympy.lambdify((a, b, c), expr)`` for
numpy, scipy or mpmath.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp
from flint import arb
from sympy.printing.printer import Printer

from glutheory.ground.balls import precision
from glutheory.symbolic.kolmogorov import density, rule

#: Bits beyond those asked for; the rule's error is about 2^−bits of what is averaged.
_GUARD = 16
_DOUBLE = 53


@lru_cache(maxsize=8)
def _nodes(bits: int, double: bool) -> tuple[tuple[Any, Any], ...]:
    """The nodes κ and their weights, as floats or mpf."""
    with precision(bits + _GUARD):
        return tuple((_number(node, double), _number(weight, double)) for node, weight in rule(bits + _GUARD).nodes)


def _number(value: arb, double: bool) -> Any:
    if double:
        return float(value.mid())
    mantissa, exponent = value.mid().man_exp()
    return mpmath.mpf((int(mantissa), int(exponent)))


def average(function: Any, precise: bool = False) -> Any:
    """E[function(κ)], or the density at a number.

    Args:
        function: of a positive number; what it gives may be an array.
        precise: at mpmath's precision, else in float64.

    Returns:
        The average, to about the precision of its arithmetic where the function is analytic in κ and of order 1.
    """
    if not callable(function):
        with precision(mpmath.mp.prec + _GUARD):
            return _number(density(arb(str(function))), double=False)
    bits = mpmath.mp.prec if precise else _DOUBLE
    return sum(weight * function(node) for node, weight in _nodes(bits, not precise))


class KolmogorovDensity(sp.Function):
    """k(κ) = 8κ Σ_{n≥1} (−1)^(n−1) n² exp(−2n²κ²), κ > 0: the density of the Kolmogorov distribution."""

    nargs = 1
    #: what `sympy.lambdify` puts for the name: see `KolmogorovMean`
    _imp_ = staticmethod(average)

    def _eval_rewrite_as_Sum(self, kappa: sp.Expr, **_hints: object) -> sp.Expr:  # noqa: N802 (SymPy's hook)
        n = sp.Symbol("n", integer=True, positive=True)
        return sp.Sum(8 * kappa * (-1) ** (n - 1) * n**2 * sp.exp(-2 * n**2 * kappa**2), (n, 1, sp.oo))


class KolmogorovMean(sp.Integral):
    """∫_0^∞ k(κ) F(κ) dκ, with k the `KolmogorovDensity` as a factor of the integrand."""

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if self.free_symbols:
            return None
        with mpmath.workprec(prec + _GUARD):
            value = sp.lambdify((), self, "mpmath")()
        return sp.Float(value, precision=prec)

    def _code(self, printer: Printer, precise: bool) -> str:
        """An average of a lambda, for `sympy.lambdify`."""
        (variable,) = self.variables
        name = sp.Symbol(variable.name.replace("'", "_prime"))
        inside = self.function.xreplace({KolmogorovDensity(variable): sp.S.One}).subs(variable, name)
        return f"KolmogorovDensity(lambda {name}: {printer._print(inside)}{', True' if precise else ''})"

    def _numpycode(self, printer: Printer, **_: object) -> str:
        return self._code(printer, precise=False)

    def _mpmathcode(self, printer: Printer, **_: object) -> str:
        return self._code(printer, precise=True)

    _pythoncode = _lambdacode = _numpycode


def mean(function: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """The average of the function over the variable."""
    return KolmogorovMean(KolmogorovDensity(variable) * function, (variable, 0, sp.oo))
