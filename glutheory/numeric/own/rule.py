"""Gauss–Legendre rules on many panels at once, and how far out a Gaussian integral reaches."""

from __future__ import annotations

from functools import cache

import numpy as np

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.curve import Curve
from glutheory.numeric.own.remedy import remedy

#: Standard deviations at which integrals are cut off: the first one beyond which nothing is left.
REACHES = (13.0, 19.0, 27.0, 37.0)
#: The logarithm of what may be left of a squared function at the cut, over its largest value: 1e-33.
_FADED = -76.0


@cache
def legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights on [−1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


def panels(edges: Array, count: int) -> tuple[Array, Array]:
    """Nodes and weights of the panels between ascending edges; shape (…, E) to (…, (E − 1) count)."""
    nodes, weights = legendre(count)
    middle, half = (edges[..., 1:] + edges[..., :-1]) / 2, (edges[..., 1:] - edges[..., :-1]) / 2
    shape = (*edges.shape[:-1], (edges.shape[-1] - 1) * count)
    x = middle[..., None] + half[..., None] * nodes
    return x.reshape(shape), (half[..., None] * weights).reshape(shape)


def density(x: Array) -> Array:
    """The standard normal density."""
    return np.exp(-0.5 * x * x) * (1 / np.sqrt(2 * np.pi))


def reach(curve: Curve, r: float) -> float:
    """The X such that the part of E[f(r x)²] from |x| > X does not matter.

    Raises:
        DomainError: f grows so fast, or begins so far out, that float64 does not hold this expectation.
    """
    for end in REACHES:
        x = np.linspace(-end, end, 16 * int(end) + 1)
        with np.errstate(all="ignore"):
            logs = 2 * np.log(np.abs(curve.at(end * r)(r * x))) - x * x / 2
        most = logs.max()
        if most > -700 and max(logs[0], logs[-1]) < most + _FADED:
            return end
    if most <= -700:
        return REACHES[0]
    raise DomainError(
        f"the mean square of {curve.expr} at a variance of {r * r:.4g} comes from beyond {REACHES[-1]:g} standard "
        f"deviations, where float64 does not hold it; {remedy(curve.expr)}"
    )
