"""S and c T of an activation on a patch of radii and angles, as Chebyshev polynomials in all three.

Of unit rows at the angle θ the chord is 2 sin(θ/2). Where either radius varies by a factor of 2 at most, and the chord
by one of 2,

    S/(f f')  and  c T/(g g'),   f² = E[φ(u)²],   g² = f² + r² E[φ'(u)²],

are analytic in log r, log r' and the chord: kinks show at angle 0 alone, an octave's width away. Of homogeneous
functions they do not depend on the radii at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.numeric.arrays import Array
from glutheory.numeric.own.spectrum import WIDTH

#: Steps of log r between the ends of intervals, and how many of them an interval may have.
_STEP, _STEPS = WIDTH / 4, (4, 8)
#: Coefficients below this one, and singular values of the largest, are rounding.
_ROUNDED = 1e-15
_RANK = 1e-16


def cells(logs: Array) -> Array:
    """Which interval each of these log r is in, by number, shape (n,): one for all where they are near enough."""
    if not len(logs):
        return np.zeros(0)
    low, high = (int(np.floor(end / _STEP)) for end in (logs.min(), logs.max()))
    for steps in _STEPS:
        for coarse in (4, 2, 1):
            start = low // coarse * coarse
            if start + steps > high:
                return np.full(len(logs), float(_number(start, steps)))
    (wide,) = _STEPS[-1:]
    starts = np.floor(logs / (wide * _STEP)) * wide
    return np.asarray(len(_STEPS) * starts + len(_STEPS) - 1)


def _number(start: int, steps: int) -> int:
    return len(_STEPS) * start + _STEPS.index(steps)


def interval(number: int) -> tuple[float, float]:
    """The middle and the half width of the interval of this number."""
    start, place = divmod(number, len(_STEPS))
    half = _STEP * _STEPS[place] / 2
    return start * _STEP + half, half


@dataclass(frozen=True, eq=False)
class Patch:
    """The functions on a patch.

    Attributes:
        sides: the middle and the half width of log r and of log r'.
        chord: those of the chord.
        coefficients: of T_m(chord) T_i(log r) times the `basis` of log r', shape (2, M, I, R).
        basis: the few combinations of T_j(log r') that occur, shape (J, R).
    """

    sides: tuple[tuple[float, float], tuple[float, float]]
    chord: tuple[float, float]
    coefficients: Array
    basis: Array

    @classmethod
    def of(
        cls, sides: tuple[tuple[float, float], tuple[float, float]], chord: tuple[float, float], tensor: Array
    ) -> Patch:
        """From the coefficients of T_i(log r) T_j(log r') T_m(chord), shape (2, I, J, M)."""
        size = np.abs(tensor)
        for axis in (1, 2, 3):
            others = tuple(k for k in range(4) if k != axis)
            used = np.nonzero(size.max(axis=others) > _ROUNDED * size.max())[0]
            tensor = np.take(tensor, np.arange(int(used.max(initial=0)) + 1), axis)
        turned = tensor.transpose(0, 3, 1, 2)
        _, sizes, basis = np.linalg.svd(turned.reshape(-1, turned.shape[3]), full_matrices=False)
        basis = basis[sizes > _RANK * sizes[0]].T
        return cls(sides, chord, np.asarray(turned @ basis), basis)

    def left(self, logs: Array) -> Array:
        """What is needed of rows with these log r, shape (n, I)."""
        return _polynomials(logs, self.sides[0], self.coefficients.shape[2])

    def right(self, logs: Array) -> Array:
        """The same of the other side, shape (n, R)."""
        return np.asarray(_polynomials(logs, self.sides[1], self.basis.shape[0]) @ self.basis)

    def place(self, chord: Array) -> Array:
        """The coordinate of chords."""
        return np.clip((chord - self.chord[0]) / self.chord[1], -1.0, 1.0)


def _polynomials(x: Array, ends: tuple[float, float], count: int) -> Array:
    return np.asarray(chebyshev.chebvander(np.clip((x - ends[0]) / ends[1], -1.0, 1.0), count - 1))
