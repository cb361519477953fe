"""Σ_k h_k h_k' ρ^k and its derivatives for arrays of pairs, by Horner's rule; with w = ρ² for series of one parity."""

from __future__ import annotations

import numpy as np

from glutheory.numeric.arrays import Array, Namespace, add_outer

#: Pairs of a list at a time, for the cache.
_LIST = 128


def both(xp: Namespace, rho: Array, left: Array, right: Array, terms: int) -> tuple[Array, Array]:
    """Σ h_k h_k' ρ^k and Σ k h_k h_k' ρ^k over k < terms, which is at least 1."""
    s, t = 0.0 * rho, 0.0 * rho
    for k in range(terms - 1, -1, -1):
        t *= rho
        t += s
        s *= rho
        s = add_outer(xp, s, left[k, ...], right[k, ...])
    t *= rho
    return s, t


def listed(rho: np.ndarray, left: np.ndarray, right: np.ndarray, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of a list of pairs in numpy, shape (N,), a few at a time: with long series the steps outnumber them."""
    s, t, k = np.empty_like(rho), np.empty_like(rho), np.arange(terms)
    for first in range(0, len(rho), _LIST):
        some = slice(first, first + _LIST)
        powers = np.empty((terms, len(rho[some])))
        powers[0], powers[1:] = 1.0, rho[some]
        np.multiply.accumulate(powers, axis=0, out=powers)
        powers *= left[:terms, some]
        powers *= right[:terms, some]
        s[some], t[some] = powers.sum(axis=0), k @ powers
    return s, t


def weighted(xp: Namespace, rho: Array, left: Array, right: Array, terms: int, first: float, second: float) -> Array:
    """Σ (first + second k) h_k h_k' ρ^k over k < terms."""
    total = 0.0 * rho
    for k in range(terms - 1, -1, -1):
        total *= rho
        total = add_outer(xp, total, left[k, ...] * (first + second * k), right[k, ...])
    return total


def slopes(rho: Array, left: tuple[Array, Array], right: tuple[Array, Array], terms: int, second: bool) -> list[Array]:
    """The seven sums of `Partials`; of each side the h_k and the r ∂h_k/∂r."""
    (h, g), (h2, g2) = left, right
    p, p1, p2, e, e1, f, f1 = (0.0 * rho for _ in range(7))
    for k in range(terms - 1, -1, -1):
        if second:
            p2 *= rho
            p2 += p1
            e1 *= rho
            e1 += e
            f1 *= rho
            f1 += f
        p1 *= rho
        p1 += p
        p *= rho
        p += h[k] * h2[k]
        e *= rho
        e += g[k] * h2[k]
        f *= rho
        f += h[k] * g2[k]
    return [p, p1, 2.0 * p2, e, e1, f, f1]
