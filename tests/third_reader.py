"""A reading of an activation that shares nothing with the package: SymPy's tree walked node by node, and brute force.

The roads share `glutheory.ground`: the parser, the normal form and the pieces of a definition. A mistake there is a
mistake of both, and they would agree on it. Here every node is evaluated at points, by mpmath's elementary functions,
and no kink is known; expectations are sums over a grid.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import sympy as sp
from mpmath import fp

Vector = npt.NDArray[np.float64]
#: Cells on either side of 0 reach this many standard deviations; what is beyond weighs below 1e-15.
_REACH = 8.5
#: Cells on each axis, and points in each cell: a jump is placed within a 20,000th of the axis.
_CELLS, _FINE = 800, 25

_FUNCTIONS: dict[type[sp.Basic], Callable[..., float]] = {
    sp.Abs: lambda x: x if x >= 0 else -x,
    sp.Max: lambda *xs: functools.reduce(lambda x, y: x if x >= y else y, xs),
    sp.Min: lambda *xs: functools.reduce(lambda x, y: x if x <= y else y, xs),
    sp.sign: lambda x: float((x > 0) - (x < 0)),
    sp.Heaviside: lambda x, middle=0.5: 1.0 if x > 0 else (0.0 if x < 0 else middle),
    sp.exp: fp.exp,
    sp.erf: fp.erf,
    sp.sin: fp.sin,
    sp.cos: fp.cos,
    sp.tanh: fp.tanh,
    sp.cosh: fp.cosh,
    sp.log: fp.ln,
}


def reader(expr: sp.Expr) -> Callable[[float], float]:
    """The definition as a function of a point, node by node."""
    if expr.is_Symbol:
        return lambda z: z
    if not expr.args or expr.is_Rational:
        number = float(expr)
        return lambda _: number
    parts = [reader(part) for part in expr.args]
    if expr.is_Add:
        return lambda z: sum(part(z) for part in parts)
    if expr.is_Mul:
        return lambda z: math.prod(part(z) for part in parts)
    if expr.is_Pow and expr.exp.is_Integer and expr.exp > 0:
        power = int(expr.exp)
        return lambda z: parts[0](z) ** power
    function = fp.power if expr.is_Pow else _FUNCTIONS[type(expr)]
    return lambda z: float(function(*(part(z) for part in parts)))


def _cells(expr: sp.Expr, deviation: float) -> tuple[Vector, Vector, float]:
    """Middles of the cells on an axis, φ averaged over each, and their width."""
    width = 2 * _REACH * deviation / _CELLS
    fine = (np.arange(_CELLS * _FINE) + 0.5) * width / _FINE - _REACH * deviation
    value = reader(expr)
    values = np.array([value(float(z)) for z in fine]).reshape(_CELLS, _FINE)
    return fine.reshape(_CELLS, _FINE).mean(axis=1), values.mean(axis=1), width


def brute_force(expr: sp.Expr, a: float, b: float, c: float) -> tuple[float, float, float]:
    """(S, T, √(S(a,a,a) S(b,b,b))) of φ: S = ∫∫ φφ p, and T = ∂S/∂c = ∫∫ φφ ∂p/∂c, in which φ is never differentiated.

    The density p varies over a cell by its second derivative: the relative error is of order h²/(24(1 − ρ²)), below
    1e-4 for |ρ| ≤ 0.9; a jump is off by half a fine cell, 4e-4 of a standard deviation.
    """
    (u, first, h), (v, second, k) = _cells(expr, math.sqrt(a)), _cells(expr, math.sqrt(b))
    D = a * b - c * c
    x, y = u[:, None], v[None, :]
    form = b * x**2 - 2 * c * x * y + a * y**2
    weights = np.exp(-form / (2 * D)) / (2 * math.pi * math.sqrt(D)) * h * k
    slope = c / D + x * y / D - c * form / D**2  # ∂ log p/∂c
    squares = [
        float(np.sum(f**2 * np.exp(-(w**2) / (2 * s))) * step / math.sqrt(2 * math.pi * s))
        for f, w, s, step in ((first, u, a, h), (second, v, b, k))
    ]
    S, T = (float(first @ matrix @ second) for matrix in (weights, weights * slope))
    return S, T, math.sqrt(squares[0] * squares[1])
