"""What the tests of road 2 compare with: exact points, a grid, a user's expression."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from glutheory.activations import Activation

BITS = 200


def grid_mean(f: Callable[..., np.ndarray], a: float, b: float, rho: float) -> float:
    """E[f(u)f(v)] by a trapezoidal rule in (x, y), u = √a x, v = √b(ρx + √(1−ρ²)y), on [−9, 9]²."""
    step = 0.02
    x = step * np.arange(-450, 451)
    weight = np.exp(-x * x / 2) / math.sqrt(2 * math.pi) * step
    v = math.sqrt(b) * (rho * x[:, None] + math.sqrt((1 - rho) * (1 + rho)) * x[None, :])
    return float(np.sum(weight * f(math.sqrt(a) * x) * (f(v) @ weight)))


def expression(expr: sp.Expr) -> Activation:
    return Activation(str(expr), expr)
