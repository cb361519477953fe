"""A function as Chebyshev polynomials on panels of the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.numeric.arrays import Array
from glutheory.numeric.own.samples import NODES, Samples, transform


class Table:
    """Chebyshev polynomials on panels."""

    def __init__(self, samples: Sequence[Samples], kinks: Array, edges: Array) -> None:
        nodes, matrix = transform(NODES)
        self.edges = edges
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        columns = []
        for m, h in zip(middle, half, strict=True):
            columns.append(matrix @ samples[int(np.searchsorted(kinks, m))](m, h, nodes))
        self._middle, self._half, self._coefficients = middle, half, np.array(columns).T

    def __call__(self, z: Array) -> Array:
        """The values."""
        return self._clenshaw(self._coefficients, z)

    def slope(self, z: Array) -> Array:
        """The derivative, to some digits."""
        return self._clenshaw(chebyshev.chebder(self._coefficients) / self._half, z)

    def _clenshaw(self, rows: Array, z: Array) -> Array:
        place = np.clip(np.searchsorted(self.edges, z) - 1, 0, len(self._half) - 1)
        t = (z - self._middle[place]) / self._half[place]
        now, before = rows[-1][place], np.zeros_like(t)
        for row in rows[-2:0:-1]:
            now, before = row[place] + 2.0 * t * now - before, now
        return rows[0][place] + t * now - before


def mixed(formula: Callable[..., Array], table: Table, bad: Array) -> Callable[..., Array]:
    """The formula, but on the bad panels the table."""
    changes = np.nonzero(np.diff(np.concatenate([[False], bad, [False]])))[0]
    ends = table.edges[changes]

    def values(z: Array, *parts: Any) -> Array:
        found = formula(z, *parts)
        some = np.searchsorted(ends, z) % 2 == 1
        if some.any():
            found[some] = table(z[some])
        return found

    return values
