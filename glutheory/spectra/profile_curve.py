"""The curve along which the deterministic equivalent of `glutheory.spectra.profiles` is followed to its edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
#: In u: the longest and the shortest step along the solution, and the most of them.
_STEP, _LEAST, _MOST = 0.25, 1e-6, 1000
#: A step of Newton's method in ln e.
_LONGEST = 5.0
#: Relative: of the equations; what is left of z where it tends to an atom, of itself and of the place far outside.
_RESIDUAL, _STILL, _NOTHING = 1e-12, 1e-9, 1e-16
#: How far a step in z may be from the mean of the slopes at its ends, over the sum of their sizes.
_CURVED = 0.25


class _LostError(DomainError):
    """No solution was found from here."""

    def __init__(self) -> None:
        super().__init__("floor and weights span too many orders of magnitude: no edge was found; give fewer levels.")


@dataclass(frozen=True, eq=False)
class Point:
    """A solution: u, e, z, q, and the derivatives of ln e and z by u."""

    u: float
    e: Array
    z: float
    q: Array
    rates: Array
    slope: float


@dataclass(frozen=True, eq=False)
class Curve:
    """Solutions by u, below (sign 1) and above (sign −1) the spectrum.

    Attributes:
        floor, weights: as in `Profile`, without levels that are rounding.
        sizes: multiplicities, shape (levels,).
        far: a z far outside of the spectrum.
    """

    floor: Array
    weights: Array
    sizes: Array
    far: float

    def _solve(self, u: float, e: Array, z: float, sign: int) -> Point:
        """By Newton's method from (e, z), in ln e and z, shortened where it would leave the domain."""
        W, sizes = self.weights, self.sizes
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
            allowed = _RESIDUAL + 4 * np.finfo(float).eps * (1 + 2 * abs(z) * float(q.max()))
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
                    return Point(u, e, z, q, tangent[:last], float(unit * tangent[last]))
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

    def _from(self, point: Point, u: float, sign: int) -> Point:
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

    def _path(self, sign: int) -> list[Point]:
        """From far outside to the first point beyond the edge, or to the atom that z tends to."""
        q = np.full(len(self.floor), 1 / self.far)
        points = [self._solve(math.log(q.sum()), self.weights @ q, -sign * self.far, sign)]
        step = _STEP
        while len(points) < _MOST:
            point = points[-1]
            still = max(_STILL * abs(point.z), _NOTHING * self.far)
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

    def where(self, low: Point, high: Point, beyond: Callable[[Point], bool], sign: int) -> Point:
        """The point between two at which `beyond` becomes true."""
        while high.u - low.u > 1e-9:
            middle = self._from(low, (low.u + high.u) / 2, sign)
            low, high = (low, middle) if beyond(middle) else (middle, high)
        return low

    def edge(self, sign: int) -> list[Point]:
        """The path up to the edge."""
        points = self._path(sign)
        if sign * points[-1].slope > 0:
            return points
        return [*points[:-1], self.where(points[-2], points[-1], lambda point: sign * point.slope <= 0, sign)]
