"""E[f(u) f(v)] in double precision by a product rule in polar coordinates, with an error estimate.

    u = √a r cos t,   v = √b r cos(t − θ),   ρ = cos θ:    E = (1/2π) ∫ dt ∫ f(u) f(v) r exp(−r²/2) dr

Kinks of f at 0 are rays from the origin, and so are the transitions of a sigmoid of large argument: the angle is cut
there, every sector is smooth whatever ρ is (|ρ| = 1 included), and Gauss–Legendre converges exponentially. This is
the tool for variances and other moments of sampled kernels; kernels themselves have exact roads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import sympy as sp
from flint import arb

from glutheory.activations import Z
from glutheory.errors import DomainError
from glutheory.exact import Point
from glutheory.pieces import pieces

Array = npt.NDArray[np.float64]
#: Nodes (angle per sector, radius) of the two rules whose difference is the error estimate.
_COARSE, _FINE = (40, 96), (64, 144)
#: The radius where the rule ends: r^17 exp(−r²/2), an eighth power of each argument, is 1e-32 of its maximum there.
_RADIUS = 16.0
#: Beyond this relative error the rule refuses.
_WORST = 1e-6


@lru_cache(maxsize=256)
def _function(expr: sp.Expr) -> Callable[[Array], Array]:
    """The piecewise smooth f as a NumPy function; the value at a kink does not matter."""
    found = pieces(expr)
    kinks = [float(kink) for kink in found.kinks]
    branches = [sp.lambdify(Z, branch, modules=["scipy", "numpy"]) for branch in found.branches]

    def evaluate(z: Array) -> Array:
        if not kinks:
            return np.broadcast_to(np.asarray(branches[0](z), dtype=np.float64), z.shape)
        side = np.searchsorted(kinks, z)
        out = np.empty_like(z)
        for index, branch in enumerate(branches):
            chosen = side == index
            out[chosen] = branch(z[chosen])
        return out

    return evaluate


@lru_cache(maxsize=8)
def _nodes(count: int) -> tuple[Array, Array]:
    """Gauss–Legendre on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, w / 2


def _rule(f: Callable[[Array], Array], scales: tuple[float, float], theta: float, sizes: tuple[int, int]) -> float:
    """The product rule, summed over the (at most four) sectors."""
    # cos t = 0 at ±π/2, cos(t − θ) = 0 at θ ± π/2
    cuts = sorted({-math.pi / 2, theta - math.pi / 2, math.pi / 2, theta + math.pi / 2})
    cuts.append(cuts[0] + 2 * math.pi)
    angle, angle_weight = _nodes(sizes[0])
    radius, radius_weight = _nodes(sizes[1])
    r = _RADIUS * radius
    radial = _RADIUS * radius_weight * r * np.exp(-(r**2) / 2)
    total = 0.0
    for low, high in pairwise(cuts):
        if high - low <= 0:
            continue
        t = low + (high - low) * angle
        u = scales[0] * np.outer(np.cos(t), r)
        v = scales[1] * np.outer(np.cos(t - theta), r)
        total += (high - low) * float(angle_weight @ (f(u) * f(v)) @ radial)
    return total / (2 * math.pi)


def mean_of_product(expr: sp.Expr, point: Point) -> arb:
    """E[f(u) f(v)] for f(z) = `expr` of at most polynomial growth; the radius is the estimated error.

    Raises:
        DomainError: the rule does not converge for this function and these variances.
    """
    f = _function(expr)
    a, b, c, delta = (float(value.mid()) for value in point.balls())
    theta = math.atan2(math.sqrt(max(delta, 0.0)), c)
    scales = (math.sqrt(a), math.sqrt(b))
    with np.errstate(all="ignore"):
        coarse, fine = (_rule(f, scales, theta, sizes) for sizes in (_COARSE, _FINE))
        size = math.sqrt(abs(_rule(f, (scales[0],) * 2, 0.0, _COARSE) * _rule(f, (scales[1],) * 2, 0.0, _COARSE)))
    error = abs(fine - coarse) + 1e-13 * size
    if not error <= _WORST * size:
        raise DomainError(
            f"the moment of {expr} at a = {a:g}, b = {b:g} does not converge: use inputs of smaller norm, "
            "or an activation with kinks at 0 only."
        )
    return arb(fine, error)
