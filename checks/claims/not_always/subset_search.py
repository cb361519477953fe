"""Exhaustive search for the smallest data sets on which gating worsens the condition number.

A menu of points of R^d, both kernels on it computed once by `glutheory.gram`, and then every subset of n points: the
principal submatrices. Deterministic, and it finds the worst subset of the menu, not a local optimum.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glutheory.networks import GATES
from glutheory.numeric import gram

Array = npt.NDArray[np.float64]
#: Condition numbers beyond this are not compared: up to it, their rounding errors are below `MARGIN`.
_LARGEST = 1e6
#: A ratio above 1 + MARGIN is a finding: 1e6 · (1e-14 of the entries and 1e-14 of the eigenvalues, n ≤ 4) stays below.
MARGIN = 1e-7
#: The norms of the free menu: 2^±1 and their neighbours, in units of √d.
_NORMS = (0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Worst:
    """The subset with the largest ratio cond(K̃)/cond(K).

    Attributes:
        ratio: 0 where no subset has two finite condition numbers.
        X: the subset, n rows.
    """

    ratio: float
    X: tuple[tuple[float, ...], ...]

    @property
    def hurts(self) -> bool:
        return self.ratio > 1 + MARGIN


def directions(d: int, count: int) -> Array:
    """Unit vectors: ±1, equally spaced on the circle, a Fibonacci lattice on the sphere S²."""
    if d == 1:
        return np.array([[1.0], [-1.0]])
    if d == 2:
        angle = 2 * np.pi * np.arange(count) / count
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    k = np.arange(count) + 0.5
    height, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)


def menu(d: int, count: int, *, normalised: bool) -> Array:
    """The points to choose from, ‖x‖² = d or one of a few norms."""
    unit = np.sqrt(d) * directions(d, count)
    return unit if normalised else np.concatenate([scale * unit for scale in _NORMS])


def both(gate: str, X: Array, width: int | None) -> tuple[Array, Array]:
    """(K, K̃) on these inputs, LeCun's variances; width None is the wide limit of K/m and K̃/m."""
    if width is None:
        S = gram(GATES[gate], X, kind="nngp", parametrization="standard", width=1, threads=1)
        return S, S * (X @ X.T) / X.shape[1]
    plain, gated = (gram(name, X, parametrization="standard", width=width, threads=1) for name in (GATES[gate], gate))
    return plain, gated


def conditions(K: Array, subsets: npt.NDArray[np.int_]) -> Array:
    """The condition number of each principal submatrix, ∞ beyond what is compared; subsets of shape (count, n)."""
    values = np.linalg.eigvalsh(K[subsets[:, :, None], subsets[:, None, :]])
    low, high = values[:, 0], values[:, -1]
    resolved = low * _LARGEST > high
    return np.where(resolved, high / np.where(resolved, low, 1.0), np.inf)


@lru_cache(maxsize=64)
def _subsets(size: int, n: int, anchored: bool) -> npt.NDArray[np.int_]:
    """All n-subsets of the menu's indices; with `anchored` those with the first point."""
    if anchored:
        rest = list(itertools.combinations(range(1, size), n - 1))
        return np.array([(0, *chosen) for chosen in rest])
    return np.array(list(itertools.combinations(range(size), n)))


def ratio(K: Array, gated: Array) -> float:
    """cond(K̃)/cond(K) of whole matrices; 0 where one is beyond what is compared."""
    whole = np.arange(len(K))[None, :]
    before, after = float(conditions(K, whole)[0]), float(conditions(gated, whole)[0])
    return after / before if np.isfinite(before) and np.isfinite(after) else 0.0


@lru_cache(maxsize=4096)
def worst(gate: str, n: int, d: int, count: int, *, normalised: bool, width: int | None) -> Worst:
    """The worst n points of the menu with `count` directions."""
    points = menu(d, count, normalised=normalised)
    if len(points) < n:
        return Worst(0.0, ())
    plain, gated = both(gate, points, width)
    # on the circle a set may be turned until it holds the first point
    chosen = _subsets(len(plain), n, normalised and d == 2)
    before, after = conditions(plain, chosen), conditions(gated, chosen)
    finite = np.isfinite(before) & np.isfinite(after)
    if not finite.any():
        return Worst(0.0, ())
    ratios = np.where(finite, after / np.where(finite, before, 1.0), 0.0)
    best = int(np.argmax(ratios))
    return Worst(float(ratios[best]), tuple(tuple(map(float, row)) for row in points[chosen[best]]))
