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
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
#: In u: the longest and the shortest step along the solution, and the most of them.
_STEP, _LEAST, _MOST = 0.25, 1e-6, 1000
#: A step of Newton's method in ln e.
_LONGEST = 5.0
#: Relative: of the equations; what is left of z where it tends to an atom, of itself and of the matrix.
_RESIDUAL, _STILL, _NOTHING = 1e-12, 1e-9, 1e-14
#: How far a step in z may be from the mean of the slopes at its ends, over the sum of their sizes.
_CURVED = 0.25


class _LostError(DomainError):
    """No solution was found from here."""

    def __init__(self) -> None:
        super().__init__("floor and weights span too many orders of magnitude: no edge was found; give fewer levels.")


@dataclass(frozen=True, eq=False)
class _Point:
    """A solution: u, e, z, q, and the derivatives of ln e and z by u."""

    u: float
    e: Array
    z: float
    q: Array
    rates: Array
    slope: float


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
    def _kept(self) -> tuple[Array, Array]:
        """The levels that are more than rounding, and their multiplicities."""
        sizes = np.array(self.multiplicities, dtype=np.float64)
        keep = sizes * self.weights.max(axis=1, initial=0.0) > 1e-15 * self._mean.max()
        return self.weights[keep], sizes[keep]

    def _solve(self, u: float, e: Array, z: float, sign: int) -> _Point:
        """By Newton's method from (e, z), in ln e and z, shortened where it would leave the domain."""
        W, sizes = self._kept
        tau, last = math.exp(u), len(e)

        def gap(e: Array, z: float) -> Array:
            return np.asarray(sign * (self.floor + (sizes / (1 + sign * e)) @ W - z))

        def inside(e: Array, z: float) -> bool:
            return bool(np.all(e < 1) if sign < 0 else True) and bool(np.all(gap(e, z) > 0))

        if not inside(e, z):
            raise _LostError
        for _ in range(60):
            q = 1 / gap(e, z)
            square = q * q
            # near an atom the gap is a small difference
            allowed = _RESIDUAL + 4 * np.finfo(float).eps * float(np.max(q * (1 / q + 2 * abs(z))))
            # ∂q_i/∂ln e_m, and the unit of z in which its column is of order 1
            moved = (sizes * e / (1 + sign * e) ** 2)[:, None] * W * square
            unit = tau / float(square.sum())
            J = np.empty((last + 1, last + 1))
            J[:last, :last] = W @ moved.T / e[:, None] - np.eye(last)
            J[:last, last] = sign * unit * (W @ square) / e
            J[last] = np.append(moved.sum(axis=1) / tau, sign)
            left = np.append(W @ q / e - 1, q.sum() / tau - 1)
            try:
                if np.all(np.abs(left) <= allowed):
                    tangent = np.linalg.solve(J, np.append(np.zeros(last), 1.0))
                    return _Point(u, e, z, q, tangent[:last], float(unit * tangent[last]))
                step = np.linalg.solve(J, -left)
            except np.linalg.LinAlgError:
                break
            share = min(1.0, _LONGEST / float(np.max(np.abs(step[:last]), initial=_LONGEST)))
            while not inside(e * np.exp(share * step[:last]), z + share * unit * step[last]):
                share /= 2
                if share < _LEAST:
                    raise _LostError
            e, z = e * np.exp(share * step[:last]), z + share * unit * float(step[last])
        raise _LostError

    def _from(self, point: _Point, u: float, sign: int) -> _Point:
        """The solution at u from one nearby, along its tangent or from where that is."""
        ahead = u - point.u
        for share in (ahead, 0.0):
            start = point.e * np.exp(share * point.rates), point.z + share * point.slope
            try:
                found = self._solve(u, *start, sign)
            except _LostError:
                continue
            # the trapezoidal rule: other solutions, behind the edge, are not on this curve
            slopes = ahead * point.slope, ahead * found.slope
            allowed = _CURVED * sum(map(abs, slopes)) + _STILL * abs(point.z)
            if abs(found.z - point.z - sum(slopes) / 2) <= allowed:
                return found
        raise _LostError

    def _path(self, sign: int) -> list[_Point]:
        """From far outside to the first point beyond the edge, or to the atom that z tends to."""
        W, _ = self._kept
        far = 100 * float(self._mean.max() + np.sum(self.spikes**2))
        q = np.full(len(self.floor), 1 / far)
        points = [self._solve(math.log(q.sum()), W @ q, -sign * far, sign)]
        step = _STEP
        while len(points) < _MOST:
            point = points[-1]
            still = max(_STILL * abs(point.z), _NOTHING * float(self._mean.max()))
            if sign * point.slope <= 0 or abs(point.slope) < still:
                return points
            try:
                points.append(self._from(point, point.u + step, sign))
            except _LostError:
                step /= 2
                if step < _LEAST:
                    break
            else:
                step = min(_STEP, 1.5 * step)
        raise _LostError

    def _where(self, low: _Point, high: _Point, beyond: Callable[[_Point], bool], sign: int) -> _Point:
        """The point between two at which `beyond` becomes true."""
        while high.u - low.u > 1e-9:
            middle = self._from(low, (low.u + high.u) / 2, sign)
            low, high = (low, middle) if beyond(middle) else (middle, high)
        return low

    def _edge(self, sign: int) -> list[_Point]:
        """The path up to the edge."""
        points = self._path(sign)
        if sign * points[-1].slope > 0:
            return points
        return [*points[:-1], self._where(points[-2], points[-1], lambda point: sign * point.slope <= 0, sign)]

    @cached_property
    def _above(self) -> list[_Point]:
        return self._edge(-1)

    @cached_property
    def smallest(self) -> float:
        """λ_n: the lower edge, or the atom there."""
        return max(self._edge(1)[-1].z, float(self.floor.min()))

    @property
    def second(self) -> float:
        """λ_2 where there is an outlier: the upper edge of all but the spikes."""
        return self._above[-1].z

    @cached_property
    def outlier(self) -> float | None:
        """Where the largest eigenvalue stands apart from the rest; None if it does not."""

        def beyond(point: _Point) -> bool:
            return bool(np.linalg.eigvalsh((self.spikes * point.q) @ self.spikes.T)[-1] > 1)

        path = self._above
        if not len(self.spikes) or not beyond(path[-1]):
            return None
        k = next(k for k, point in enumerate(path) if beyond(point))
        return self._where(path[k - 1], path[k], beyond, -1).z

    @property
    def largest(self) -> float:
        """λ_1: the outlier, or the upper edge."""
        return self.second if self.outlier is None else self.outlier

    @property
    def condition(self) -> float:
        """λ_1/λ_n."""
        return self.largest / self.smallest if self.smallest > 0 else math.inf
