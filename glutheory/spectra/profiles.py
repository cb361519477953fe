"""The deterministic equivalent of a sum of Marchenko–Pastur levels, each with row weights of its own.

    B = diag(f) + Σ_j W_j^(1/2) Z_j Z_jᵀ W_j^(1/2) + VᵀV,   Z_j n×N_j independent standard, W_j = diag(w_j)

The kernel of an activation that is not homogeneous is such a sum on rows of different norms: each degree of ρ has its
own function of the norm. For z below the spectrum (σ = 1) or above it (σ = −1) and the resolvent Q = (B − VᵀV − z)⁻¹,

    q_i = σ Q_ii = 1 / σ(f_i + Σ_j N_j w_ji/(1 + σ e_j) − z),   e_j = Σ_i w_ji q_i

in the limit of large n, N_j (Couillet & Debbah 2011, Theorem 6.1). From z = ∓∞ the solution is followed by its
parameter u = ln Σ q_i, in which z turns back at the edge; V, of few rows, puts an eigenvalue where V diag(q) Vᵀ has the
eigenvalue 1 above the spectrum. With one function of the norm this is `glutheory.spectra.levels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.spectra.profile_curve import Curve, Point

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """The limiting spectrum of B (see the module).

    Attributes:
        floor: f_i ≥ 0, shape (n,).
        weights: w_ji ≥ 0, shape (levels, n).
        multiplicities: N_j.
        spikes: V, shape (few, n); it may have no rows.

    Raises:
        DomainError: shapes that do not go together, a negative entry, or nothing but zeros; from the properties, if no
            edge is found.
    """

    floor: Array
    weights: Array
    multiplicities: tuple[int, ...]
    spikes: Array

    def __post_init__(self) -> None:
        n = len(self.floor)
        if self.weights.shape != (len(self.multiplicities), n) or self.spikes.shape[1:] != (n,):
            raise DomainError(
                f"weights have shape {self.weights.shape} and spikes {self.spikes.shape}: give a row of {n} for each "
                f"of the {len(self.multiplicities)} multiplicities, and spikes of {n} columns."
            )
        if min(np.min(self.floor), np.min(self.weights, initial=0.0)) < 0:
            raise DomainError("floor and weights must be ≥ 0.")
        if not self._mean.max() > 0:
            raise DomainError("floor and weights are all 0: give a matrix that is not.")

    @cached_property
    def _mean(self) -> Array:
        return np.asarray(self.floor + np.array(self.multiplicities, dtype=np.float64) @ self.weights)

    @cached_property
    def _curve(self) -> Curve:
        """Without the levels that are rounding."""
        sizes = np.array(self.multiplicities, dtype=np.float64)
        keep = sizes * self.weights.max(axis=1, initial=0.0) > 1e-15 * self._mean.max()
        far = 100 * float(self._mean.max() + np.sum(self.spikes**2))
        return Curve(self.floor, self.weights[keep], sizes[keep], far)

    @cached_property
    def _above(self) -> list[Point]:
        return self._curve.edge(-1)

    @cached_property
    def smallest(self) -> float:
        """λ_n: the lower edge, or the atom there."""
        return max(self._curve.edge(1)[-1].z, float(self.floor.min()))

    @property
    def second(self) -> float:
        """λ_2 where there is an outlier: the upper edge of all but the spikes."""
        return self._above[-1].z

    @cached_property
    def outlier(self) -> float | None:
        """Where the largest eigenvalue stands apart from the rest; None if it does not."""

        def beyond(point: Point) -> bool:
            return bool(np.linalg.eigvalsh((self.spikes * point.q) @ self.spikes.T)[-1] > 1)

        path = self._above
        if not len(self.spikes) or not beyond(path[-1]):
            return None
        k = next(k for k, point in enumerate(path) if beyond(point))
        return self._curve.where(path[k - 1], path[k], beyond, -1).z

    @property
    def largest(self) -> float:
        """λ_1: the outlier, or the upper edge."""
        return self.second if self.outlier is None else self.outlier

    @property
    def condition(self) -> float:
        """λ_1/λ_n."""
        return self.largest / self.smallest if self.smallest > 0 else math.inf
