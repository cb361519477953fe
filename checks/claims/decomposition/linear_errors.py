"""What the linear approximation of the ReLU and ReGLU kernels leaves: claimed and computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

from checks.tools.spectral_grid import Cell, inputs, kernels
from derivations.proofs.relu_expansion import FLOOR

Array = npt.NDArray[np.float64]
#: Up to this n matrices are kept.
_SMALL = 600


@dataclass(frozen=True)
class Law:
    """What is claimed, for K/m and K̃/m.

    Attributes:
        alpha, beta, gamma: α d, β d to leading order, γ.
        correction: β d = beta · (1 + correction/d).
        quadratic: c_2 of the kernel, with ‖E‖ = c_2 (2t + t²), t = √(2n)/d.
        linear: ‖Ẽ‖ = c_2 κ/d with this multiple of (UUᵀ − I) in what is left of ρ³ − ρ/d.
        power: −1, of d in ‖Ẽ‖.
    """

    alpha: float = 1 / 4
    beta: float = 1 / (2 * math.pi)
    gamma: float = float(FLOOR)
    correction: float = 1 / 2
    quadratic: float = 1 / (4 * math.pi)
    linear: float = 2.0
    power: float = -1.0

    def error(self, gated: bool, n: float, d: float) -> float:
        """The operator norm of E or Ẽ."""
        if gated:
            return float(self.quadratic * kappa(n / d, self.linear) * d**self.power)
        t = math.sqrt(2 * n) / d
        return float(self.quadratic * (2 * t + t * t))


@lru_cache(maxsize=1024)
def kappa(y: float, linear: float) -> float:
    """The norm of linear·(MP_y − 1) + √(6y)·semicircle − 1, a free sum: of dẼ/c_2 for n/d = y.

    Off the diagonal Ẽ is c_2 (ρ³ − ρ/d) to leading order. ρ³ has the level 1 part 3ρ/(d+2), which leaves 2ρ/d, and a
    level 3 part of N_3 ≈ d³/6 features, a semicircle of variance n/N_3; −1 is what 1/(2d) in β takes from the diagonal.
    """
    pole = 1 / (linear * y)

    def position(g: float) -> float:
        return 1 / g + linear / (1 - linear * y * g) - linear + 6 * y * g - 1

    right = minimize_scalar(lambda u: position(pole * u), bounds=(1e-6, 1 - 1e-6), method="bounded").fun
    left = minimize_scalar(lambda u: -position(-math.exp(u)), bounds=(-12, 12), method="bounded").fun
    return float(max(right, left))


@dataclass(frozen=True)
class Errors:
    """Operator norms on one data set: of the two errors, and what they are compared with."""

    plain: float
    gated: float
    least: tuple[float, float]
    longest: float


def matrices(n: int, d: int, seed: int, sphere: bool) -> tuple[Array, Array, Array]:
    """(X, K/m, K̃/m); small ones are kept, since the controls ask for them again."""
    return _kept(n, d, seed, sphere) if n <= _SMALL else _computed(n, d, seed, sphere)


def _computed(n: int, d: int, seed: int, sphere: bool) -> tuple[Array, Array, Array]:
    X = inputs(n, d, seed, sphere=sphere)
    return X, *kernels(X)


_kept = lru_cache(maxsize=48)(_computed)


def norms(X: Array, K: Array, gated: Array, law: Law) -> tuple[float, float]:
    """The operator norms of both errors on the rows of X, shape (n, d), with the kernels K/m and K̃/m there."""
    n, d = X.shape
    C = X @ X.T / d
    weights = np.diag(C).copy()
    r = np.sqrt(weights)
    claimed = law.alpha * C + law.beta * (1 + law.correction / d) * np.outer(r, r)
    claimed[np.diag_indices(n)] += law.gamma * weights
    with threadpool_limits(1):
        found = [float(np.max(np.abs(np.linalg.eigvalsh(E)[[0, -1]]))) for E in (K - claimed, gated - claimed * C)]
    return found[0], found[1]


@lru_cache(maxsize=4096)
def errors(n: int, d: int, seed: int, sphere: bool, law: Law) -> Errors:
    """The norms for the claimed approximation."""
    X, K, gated = matrices(n, d, seed, sphere)
    plain, product = norms(X, K, gated, law)
    draw = Cell(n, d, (seed,), sphere).draws[0]
    least = draw.ends(gated=False).smallest, draw.ends(gated=True).smallest
    return Errors(plain, product, least, float(np.max(np.sum(X * X, axis=1)) / d))
