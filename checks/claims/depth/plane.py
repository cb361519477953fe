"""The recursion without norms for a pair of rows of any two variances, whatever the gate: moments by Gauss's rule.

Σ and K = Θ + Σ of a pair with variances q, q′ pass through a plain block as

    Σ₊ = S(q, q′, Σ),     K₊ = K·T(q, q′, Σ) + 2S,

a gate makes Σ·S of S and S + Σ·T of T, and a residual adds what was before. S = E φ(u)φ(v) and T = E φ′(u)φ′(v) are
sums over panels here, u = √q x and v = √q′(ρx + √(1 − ρ²) y): nothing of the three roads to a kernel is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from checks.tools.deep_kernels import Array, Block
from glutheory.activations import Z, activation

#: Beyond it the weight e^(−x²/2) is below 1e-17.
_FAR = 9.0
#: Nodes of a panel, which is at most 2/√q wide. The poles nearest to the axis are tanh's in √q·x = ±iπ/2: the ellipse
#: through them whose foci are the panel's ends has the sum of half-axes 3.4, and 3.4^(−2·16) is below 1e-17.
_NODES = 16


def recursion(x: Array, y: Array, block: Block, depths: Sequence[int], residual: bool) -> Iterator[tuple[int, float]]:
    """K of two rows at these depths, ascending; two equal rows give the diagonal."""
    d = len(x)
    left, right, c = float(x @ x) / d, float(y @ y) / d, float(x @ y) / d
    kernel, same = 2 * c, bool(np.array_equal(x, y))
    for number in range(1, max(depths) + 1):
        # of equal rows the sine is 0, whatever the roundings of c say
        made, slope = _through(block, left, right, left if same else c)
        sides = [_through(block, q, q, q)[0] for q in (left, right)]
        keep = 1 if residual else 0
        kernel = keep * kernel + kernel * slope + 2 * made
        c, left, right = keep * c + made, keep * left + sides[0], keep * right + sides[1]
        if number in depths:
            yield number, kernel


def _through(block: Block, left: float, right: float, c: float) -> tuple[float, float]:
    """The block's covariance and its derivative by c."""
    s, t = (mean(function, left, right, c) for function in _functions(block.plain))
    return (c * s, s + c * t) if block.gated else (s, t)


def mean(function: Callable[[Any], Any], left: float, right: float, c: float) -> float:
    """E f(u) f(v)."""
    rho = c / math.sqrt(left * right)
    sine = math.sqrt(max((1 - rho) * (1 + rho), 0.0))
    x, weights = _rule(math.sqrt(max(left, right)))
    first, across = function(math.sqrt(left) * x), math.sqrt(right)
    if left == right == c:
        return float(np.sum(weights * first * first))
    y, others = _rule(across * sine)
    inner = np.array([float(np.sum(others * function(across * (rho * point + sine * y)))) for point in x])
    return float(np.sum(weights * first * inner))


@lru_cache(maxsize=256)
def _rule(scale: float) -> tuple[Array, Array]:
    """Nodes and weights for the standard normal law and a function of scale·x; 0 is the end of a panel."""
    count = 2 * math.ceil(_FAR * max(1.0, scale) / 2)
    ends = np.linspace(-_FAR, _FAR, count + 1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = _FAR / count
    x = ((ends[:-1] + half)[:, None] + half * nodes).ravel()
    return x, np.tile(half * weights, count) * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@lru_cache(maxsize=32)
def _functions(plain: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """φ and φ′ of arrays."""
    expr = activation(plain).expr
    value, slope = (sp.lambdify(Z, part, ["scipy", "numpy"]) for part in (expr, sp.diff(expr, Z)))
    return value, slope
