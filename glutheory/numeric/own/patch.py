"""S and c T of an activation on patches of radii and angles, as Chebyshev polynomials in all three.

Of unit rows at the angle θ the chord is 2 sin(θ/2). On half an octave of either radius and an octave of the chord

    S/(f f')  and  c T/(g g'),   f² = E[φ(u)²],   g² = f² + r² E[φ'(u)²],

are analytic in log r, log r' and the chord: kinks show at angle 0 alone, an octave's width away. Of homogeneous functions
they do not depend on the radii. So a thousand pairs or two that are integrated one by one, or summed as series, tell all
of the patch to rounding, and each further pair costs some twenty multiplications.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.polynomial import chebyshev

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.own.samples import transform

#: Both functions at pairs of radii and chords on one side of a right angle, shape (2, N).
Plain = Callable[[Array, Array, Array], Array]

#: Nodes along one variable at most.
_MOST = 28
#: Coefficients below this one are left out, of the scale.
_RESOLVED = 1e-14
#: What all of them left out may be worth, along one variable.
_TAIL = 5e-14
#: What a patch may differ from other pairs by.
_AGREED = 2e-13
#: Singular values below this one, of the largest, are rounding.
_RANK = 1e-16
#: Where on the other two axes the needs of an axis are looked at: at the smallest angle they are largest.
_LINES = ((-0.95, -1.0), (0.1, -1.0), (0.9, -0.8))
_CORNERS = ((-0.95, -0.9), (-0.95, 0.95), (0.9, -0.1))
#: Pairs that a patch is held against, at these places.
_TRIALS = 2.0 * np.modf(np.outer(np.arange(1, 11), [0.754877666, 0.569840291, 0.430159709]))[0] - 1.0


@dataclass(frozen=True)
class Box:
    """The middle and the half width of log r, of log r' and of the chord."""

    left: tuple[float, float]
    right: tuple[float, float]
    chord: tuple[float, float]

    @property
    def symmetric(self) -> bool:
        """Whether both radii have one interval."""
        return self.left == self.right

    def at(self, plain: Plain, t: Sequence[Array]) -> Array:
        """The functions at coordinates from −1 to 1."""
        (x, a), (y, b), (z, c) = self.left, self.right, self.chord
        one = 0.0 * sum(t)
        return plain(np.exp(x + a * t[0]) + one, np.exp(y + b * t[1]) + one, z + c * t[2] + one)


@dataclass(frozen=True, eq=False)
class Patch:
    """The functions on a box.

    Attributes:
        box: the box.
        coefficients: of T_m(chord) T_i(log r) times the `basis` of log r', shape (2, M, I, R).
        basis: the few combinations of T_j(log r') that occur, shape (J, R).
    """

    box: Box
    coefficients: Array
    basis: Array

    @classmethod
    def of(cls, box: Box, tensor: Array) -> Patch:
        """From the coefficients of T_i T_j T_m, shape (2, I, J, M)."""
        turned = tensor.transpose(0, 3, 1, 2)
        _, sizes, basis = np.linalg.svd(turned.reshape(-1, turned.shape[3]), full_matrices=False)
        basis = basis[sizes > _RANK * sizes[0]].T
        return cls(box, np.asarray(turned @ basis), basis)

    def left(self, logs: Array) -> Array:
        """What is needed of rows with these log r, shape (n,)."""
        return _polynomials(logs, self.box.left, self.coefficients.shape[2])

    def right(self, logs: Array) -> Array:
        """The same of the other side."""
        return np.asarray(_polynomials(logs, self.box.right, self.basis.shape[0]) @ self.basis)

    def place(self, chord: Array) -> Array:
        """The coordinate of chords."""
        middle, half = self.box.chord
        return np.clip((chord - middle) / half, -1.0, 1.0)


def _polynomials(x: Array, interval: tuple[float, float], count: int) -> Array:
    return chebyshev.chebvander(np.clip((x - interval[0]) / interval[1], -1.0, 1.0), count - 1)


def made(plain: Plain, box: Box) -> Array | None:
    """The coefficients of T_i(log r) T_j(log r') T_m(chord), shape (2, I, J, M); None where they cannot be had."""
    try:
        with np.errstate(all="ignore"):
            counts = _counts(plain, box)
            return None if counts is None else _tensor(plain, box, counts)
    except DomainError:
        return None


def _counts(plain: Plain, box: Box) -> list[int] | None:
    """How many nodes each variable needs, by a look along lines."""
    nodes, matrix = transform(_MOST)
    lines = [(0, _LINES), (2, _CORNERS)] if box.symmetric else [(0, _LINES), (1, _LINES), (2, _CORNERS)]
    found = [0, 0, 0]
    for axis, places in lines:
        t = [np.repeat(np.array(value), _MOST) for value in np.array(places).T]
        t.insert(axis, np.tile(nodes, len(places)))
        values = box.at(plain, t).reshape(2, len(places), _MOST)
        if not np.isfinite(values).all():
            return None
        tail = np.abs(values @ matrix.T) / _scale(values)
        needed = np.nonzero((tail > _RESOLVED).any(axis=(0, 1)))[0]
        found[axis] = int(needed.max(initial=0)) + 2 if needed.max(initial=0) else 1
        if found[axis] > _MOST:
            return None
    if box.symmetric:
        found[1] = found[0]
    return found


def _tensor(plain: Plain, box: Box, counts: Sequence[int]) -> Array | None:
    (left, one), (right, two), (chord, three) = (transform(count) for count in counts)
    i, j, m = (index.ravel() for index in np.indices(counts))
    some = i <= j if box.symmetric else np.ones(len(i), dtype=bool)
    values = np.empty((2, *counts))
    found = box.at(plain, [left[i[some]], right[j[some]], chord[m[some]]])
    values[:, i[some], j[some], m[some]] = found
    if box.symmetric:
        values[:, j[some], i[some], m[some]] = found
    if not np.isfinite(values).all():
        return None
    tensor: Array = np.einsum("kijm,ai,bj,cm->kabc", values, one, two, three, optimize=True)
    scale = float(_scale(values).max())
    tails = [np.abs(np.take(tensor, -1, axis)).max() for axis, count in enumerate(counts, 1) if count > 1]
    if not max(tails, default=0.0) <= _TAIL * scale:
        return None
    again = box.at(plain, list(_TRIALS.T))
    there = [chebyshev.chebvander(t, count - 1) for t, count in zip(_TRIALS.T, counts, strict=True)]
    error = np.abs(np.einsum("kabc,na,nb,nc->kn", tensor, *there) - again)
    return tensor if bool((error <= _AGREED * np.maximum(1.0, np.abs(again))).all()) else None


def _scale(values: Array) -> Array:
    """Of both functions, over all but the first axis: 1, and more only where all values are larger (poles of T)."""
    axes = tuple(range(1, values.ndim))
    return np.maximum(1.0, np.abs(values).min(axis=axes, keepdims=True))
