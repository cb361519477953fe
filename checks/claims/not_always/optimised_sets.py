"""Sets on the circle pushed to the largest cond(K̃)/cond(K) by an optimiser; Gaussian sets before and after RMSNorm."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from checks.claims.not_always.subset_search import both, ratio
from checks.tools.extremal_sets import gaussian

Array = npt.NDArray[np.float64]


def circle(angles: Array) -> Array:
    """Points of norm √2: one at angle 0, the others at these."""
    turned = np.concatenate([[0.0], angles])
    return np.asarray(np.sqrt(2) * np.stack([np.cos(turned), np.sin(turned)], axis=1))


@lru_cache(maxsize=64)
def pushed(gate: str, n: int, width: int | None, rounds: int, seed: int) -> tuple[float, tuple[float, ...]]:
    """The largest ratio that differential evolution finds for n points of the circle, and their angles."""
    from scipy.optimize import differential_evolution

    def loss(angles: Array) -> float:
        # sets that are singular to rounding have the ratio 0
        return -math.log(max(ratio(*both(gate, circle(angles), width)), 1e-3))

    bounds = [(-np.pi, np.pi)] * (n - 1)
    found = differential_evolution(loss, bounds, seed=seed, maxiter=rounds, popsize=10, tol=1e-9, polish=False)
    return math.exp(-found.fun), tuple(float(angle) for angle in found.x)


@lru_cache(maxsize=8)
def normalising(gate: str, n: int, d: int, width: int, seeds: int) -> tuple[tuple[float, float], ...]:
    """The ratio on Gaussian sets as they are, and with every input scaled to norm √d."""
    rows = []
    for seed in range(seeds):
        X = np.array([[float(value) for value in row] for row in gaussian(n, d, seed)])
        scaled = X * (np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True))
        rows.append((ratio(*both(gate, X, width)), ratio(*both(gate, scaled, width))))
    return tuple(rows)
