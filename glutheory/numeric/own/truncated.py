"""Gauss rules of the normal density on intervals, many at once.

The recursion of the orthonormal polynomials comes from Stieltjes' procedure on a fine Gauss–Legendre rule, the nodes
and weights from the eigenvectors of Jacobi's matrix (Golub and Welsch, Math. Comp. 23 (1969), 221–230). These hold the
values of the polynomials at the nodes as well, which is what turns values into coefficients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array
from glutheory.numeric.own.rule import density, panels

#: Panels of the fine rule and their nodes: on panels of 5 it integrates degree 39 with the density to rounding.
_PANELS, _FINE = 5, 28


class Rules(NamedTuple):
    """Rules on M intervals.

    Attributes:
        nodes: shape (M, count).
        weights: those of ∫ f p dy, shape (M, count).
        tails: what turns values, shape (M, count), into their last coefficients by the orthonormal polynomials, times
            the interval's mass: of the size of their part of the integral; shape (M, count, last).
    """

    nodes: Array
    weights: Array
    tails: Array


def rules(low: Array, high: Array, count: int, last: int) -> Rules:
    """The rules of so many nodes on the intervals from `low` to `high`, shape (M,) each, of the same sort as `low`."""
    ends, place = np.unique(np.stack([low, high]), axis=1, return_inverse=True)
    x, w = panels(np.linspace(ends[0], ends[1], _PANELS + 1, axis=1), _FINE)
    w = w * density(x)
    mass = w.sum(axis=1)
    w = w / mass[:, None]
    diagonal, beside = np.empty((len(x), count)), np.empty((len(x), count))
    before, now = np.zeros_like(x), np.ones_like(x)
    for k in range(count):
        weighted = now * w
        diagonal[:, k] = np.einsum("ij,ij,ij->i", weighted, now, x)
        after = (x - diagonal[:, k, None]) * now
        if k:
            after -= beside[:, k - 1, None] * before
        beside[:, k] = np.sqrt(np.einsum("ij,ij,ij->i", after, after, w))
        before, now = now, after / beside[:, k, None]
    jacobi = np.zeros((len(x), count, count))
    every = np.arange(count)
    jacobi[:, every, every] = diagonal
    jacobi[:, every[1:], every[:-1]] = beside[:, :-1]
    nodes, vectors = np.linalg.eigh(jacobi)
    roots = vectors[:, 0, :]
    tails = (vectors[:, count - last :, :] * (roots * mass[:, None])[:, None, :]).transpose(0, 2, 1)
    weights = roots**2 * mass[:, None]
    place = place.ravel()
    return Rules(nodes[place], weights[place], tails[place])
