"""A smooth function on [0, 1] as Chebyshev polynomials on panels that are as short as it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.samples import transform

#: Nodes of a panel.
_NODES = 24
#: What a resolved panel leaves out, of the largest value: the rounding of the transform.
_RESOLVED = 2e-15
#: Coefficients below this fraction of the largest value are rounding.
_ROUNDED = 5e-17
#: Halvings; and what counts as resolved where halving does not help, for the values themselves are rounded.
_DEPTH, _ROUGH = 17, 3e-13


@dataclass(frozen=True, eq=False)
class Panels:
    """The polynomials: of panel j from edges[j] to edges[j + 1] the coefficients [:, j]."""

    edges: Array
    coefficients: Array

    def __call__(self, t: Array) -> Array:
        """The values at t, shape (n,)."""
        place = np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, len(self.edges) - 2)
        low, high = self.edges[place], self.edges[place + 1]
        x = (2.0 * t - low - high) / (high - low)
        now, before = self.coefficients[-1][place], np.zeros_like(x)
        for row in self.coefficients[-2:0:-1]:
            now, before = row[place] + 2.0 * x * now - before, now
        return self.coefficients[0][place] + x * now - before

    def averaged(self, order: int) -> Panels:
        """Q with t^order q(t) = ∫_0^t f(τ) 2 τ^(order−1) dτ, on the same panels.

        On the first panel by a Gauss rule from 0 to t, which is exact; further out the integrals of panels are added,
        which are no smaller than what they are added to.
        """
        nodes, matrix = transform(_NODES)
        points, weights = _gauss()
        columns, total = [], 0.0
        for j, (low, high) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True)):
            t = (low + high) / 2 + (high - low) / 2 * nodes
            if j == 0:
                sigma = points[:, None]
                values = np.sum(weights[:, None] * self(t * sigma) * 2.0 * sigma ** (order - 1), axis=0)
            else:
                place = low + (t - low) * points[:, None]
                inside = self(place) * 2.0 * place ** (order - 1)
                values = (total + (t - low) * np.sum(weights[:, None] * inside, axis=0)) / t**order
            columns.append(_fitted(matrix, values))
            place = low + (high - low) * points
            total += float((high - low) * np.sum(weights * self(place) * 2.0 * place ** (order - 1)))
        return Panels(self.edges, np.array(columns).T)


def resolve(function: Callable[[Array], Array], name: str, *, rough: float = _ROUGH, least: float = 0.0) -> Panels:
    """The function on panels, each halved until its polynomial is exact to rounding, or to `rough` if that is more.

    Both are of the largest value, or of `least` if that is larger.

    Raises:
        DomainError: a function that is not finite, or that changes too fast.
    """
    nodes, matrix = transform(_NODES)
    scale = least
    done: list[tuple[float, Array]] = []
    waiting = [(0.0, 1.0, 0, np.inf)]
    while waiting:
        low, high, depth, before = waiting.pop()
        values = function((low + high) / 2 + (high - low) / 2 * nodes)
        if not np.isfinite(values).all():
            raise DomainError(f"the kernel of {name} is not finite at the variances of this stack: scale its layers.")
        scale = max(scale, float(np.abs(values).max()))
        found = _fitted(matrix, values)
        rest = float(np.abs(found[-3:]).max())
        if rest <= _RESOLVED * scale or before / 4 < rest <= rough * scale:
            done.append((low, found))
        elif depth == _DEPTH:
            raise DomainError(
                f"the kernel of {name} changes too fast for the tables of a stack at these variances: scale its layers "
                "down if it has many waves there, or use evaluate."
            )
        else:
            middle = (low + high) / 2
            waiting += [(middle, high, depth + 1, rest), (low, middle, depth + 1, rest)]
    return Panels(np.array([low for low, _ in done] + [1.0]), np.array([found for _, found in done]).T)


def _fitted(matrix: Array, values: Array) -> Array:
    """The coefficients of the polynomial with these values at the nodes, without what is only rounding."""
    found: Array = matrix @ values
    found[np.abs(found) < _ROUNDED * np.abs(values).max()] = 0.0
    return found


@lru_cache(maxsize=1)
def _gauss() -> tuple[Array, Array]:
    """Nodes and weights on [0, 1], exact to degree 2·32 − 1."""
    x, w = np.polynomial.legendre.leggauss(32)
    return (x + 1.0) / 2.0, w / 2.0


def local(function: Callable[[Array], Array], cells: int, degree: int) -> Array:
    """The function on equal cells of [0, 1], as polynomials in the distance from a cell's left end over its width.

    Shape (degree + 1, cells + 1), the highest power first; the last cell is the single point 1.
    """
    nodes, _ = transform(degree + 1)
    inside = (nodes + 1.0) / 2.0
    t = (np.arange(cells)[:, None] + inside) / cells
    values = np.reshape(function(np.reshape(t, -1)), t.shape)
    series = np.linalg.solve(chebyshev.chebvander(nodes, degree), values.T)
    powers = np.linalg.solve(np.vander(inside, degree + 1), chebyshev.chebvander(nodes, degree))
    last = np.zeros((degree + 1, 1))
    last[-1] = function(np.ones(1))
    return np.concatenate([powers @ series, last], axis=1)
