"""The deterministic equivalent of a sum of Marchenko–Pastur levels with a common floor and rows of different norms.

    B = W^(1/2) [ floor·I + Σ_j λ_j Z_j Z_jᵀ ] W^(1/2),   Z_j n×N_j independent standard, W = diag(w)

For z off the spectrum, with δ = (1/n) Σ_i w_i Q_ii of the resolvent Q = (B − z)⁻¹ and g(δ) = Σ_j N_j λ_j/(1 + n λ_j δ),

    δ = (1/n) Σ_i w_i / (w_i (floor + g(δ)) − z)

in the limit of large n, N_j (Silverstein & Bai 1995; with w: Couillet & Debbah 2011, Theorem 6.1). z is thus a function
of δ; it increases in δ off the spectrum, and the edges are its first critical points from δ = 0 on either side
(Silverstein & Choi 1995). An inner-product kernel on random directions is such a sum, one level for each degree of
spherical harmonics (Lu & Yau 2022; Dubova, Lu, McKenna & Yau 2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

_POINTS = 400


@dataclass(frozen=True)
class Levels:
    """The limiting spectrum of B (see the module).

    Attributes:
        n: the order of the matrix.
        eigenvalues: λ_j ≥ 0, one for each level.
        multiplicities: N_j.
        floor: ≥ 0; the sum of all that is not resolved.
        weights: w_i > 0, shape (n,); None: all 1.

    Raises:
        DomainError: an argument outside its domain.
    """

    n: int
    eigenvalues: tuple[float, ...]
    multiplicities: tuple[int, ...]
    floor: float
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.eigenvalues) != len(self.multiplicities) or not self.eigenvalues:
            raise DomainError(
                f"eigenvalues and multiplicities have lengths {len(self.eigenvalues)} and {len(self.multiplicities)}: "
                "give one multiplicity for each of at least one level."
            )
        if min(*self.eigenvalues, self.floor) < 0 or self.floor + max(self.eigenvalues) <= 0:
            raise DomainError("eigenvalues and floor must be ≥ 0 and not all 0.")
        if self.weights is not None and (len(self.weights) != self.n or min(self.weights) <= 0):
            raise DomainError(f"weights must be {self.n} positive numbers, one for each row.")

    @cached_property
    def _weights(self) -> Array:
        return np.ones(1) if self.weights is None else np.asarray(self.weights, dtype=np.float64)

    @cached_property
    def _steepest(self) -> float:
        """The product n λ_max: δ lies above −1/(n λ_max)."""
        return self.n * max(self.eigenvalues)

    def _height(self, delta: float) -> float:
        """The sum floor + g(δ)."""
        return self.floor + sum(
            N * x / (1 + self.n * x * delta) for N, x in zip(self.multiplicities, self.eigenvalues, strict=True)
        )

    def position(self, delta: float) -> float:
        """The point z as a function of δ, for δ > −1/(n λ_max) other than 0."""
        h, w = self._height(delta), self._weights
        if self.weights is None:
            return h - 1 / delta
        # the distance x of z from the nearer end of h·w: Σ w/(h·gap + x) = n|δ|
        end = float(np.min(w) if delta > 0 else np.max(w))
        gaps, size = h * np.abs(w - end), abs(delta)

        def excess(u: float) -> float:
            return math.log(float(np.mean(w / (gaps + math.exp(u)))) / size)

        low, high = math.log(end / len(w) / size), math.log(float(np.mean(w)) / size)
        x = math.exp(high) if high - low < 1e-12 else math.exp(brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-13))
        return h * end - x if delta > 0 else h * end + x

    def _first_turn(self, grid: Array, delta: Callable[[float], float], sign: float) -> tuple[float, float]:
        """(u, z) at the first local maximum of sign·z(delta(u)) along the grid; its end if there is none."""
        values = np.array([sign * self.position(delta(float(u))) for u in grid])
        turns = np.flatnonzero(np.diff(values) < 0)
        if not len(turns):
            return float(grid[-1]), sign * float(values[-1])
        i = int(turns[0])
        low, high = float(grid[max(i - 1, 0)]), float(grid[i + 1])
        found = minimize_scalar(
            lambda u: -sign * self.position(delta(u)), bounds=(low, high), method="bounded", options={"xatol": 1e-10}
        )
        return float(found.x), self.position(delta(float(found.x)))

    @cached_property
    def _lower(self) -> float:
        scale = self.floor + sum(N * x for N, x in zip(self.multiplicities, self.eigenvalues, strict=True))
        scale *= float(np.max(self._weights))
        smallest = max(self.floor, 1e-12 * scale) * float(np.min(self._weights))
        grid = np.linspace(-math.log(scale * 1e3), -math.log(smallest * 1e-9), _POINTS)
        value = self._first_turn(grid, math.exp, 1.0)[1]
        return max(value, self.floor * float(np.min(self._weights)))

    @cached_property
    def _upper(self) -> tuple[float, float]:
        """(δ, z) at the upper edge."""

        def delta(u: float) -> float:
            # −1/(nλ) times the logistic function
            return -1 / (self._steepest * (1 + math.exp(-u)))

        if self._steepest == 0:
            return -math.inf, self.floor * float(np.max(self._weights))
        u, z = self._first_turn(np.linspace(-20, 20, _POINTS), delta, -1.0)
        return delta(u), z

    @property
    def edges(self) -> tuple[float, float]:
        """The lowest and the highest point of the spectrum."""
        return self._lower, self._upper[1]

    @property
    def support(self) -> tuple[float, float]:
        """The same: an atom at the floor is the lower edge."""
        return self.edges

    def threshold(self) -> float:
        """The strength from which on a perturbation strength·vvᵀ, v_i = √(w_i/n), pulls out an eigenvalue."""
        return -1 / self._upper[0]

    def outlier(self, strength: float) -> float | None:
        """Where the perturbation strength·vvᵀ, v_i = √(w_i/n), puts the largest eigenvalue; None below `threshold`.

        Raises:
            DomainError: a negative strength.
        """
        if not strength >= 0:
            raise DomainError(f"strength is {strength}: give a number ≥ 0.")
        return self.position(-1 / strength) if strength > self.threshold() else None
