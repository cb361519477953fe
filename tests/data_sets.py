"""Symmetric, repeated, collinear and tied data sets: where theorems about "every data set" are tight, or false.

Each family is a table of rows before any scaling; eigenvalues of kernels on them are multiple, and those of two kernels
often equal. `symmetric_sets` draws one, and turns, scales, repeats and embeds it by exact rationals.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product

import numpy as np
from hypothesis import strategies as st

Array = np.ndarray
#: Rational cosines and sines: turns that keep rational rows rational.
_TURNS = (
    (Fraction(3, 5), Fraction(4, 5)),
    (Fraction(5, 13), Fraction(12, 13)),
    (Fraction(-8, 17), Fraction(15, 17)),
    (Fraction(0), Fraction(1)),
    (Fraction(99, 101), Fraction(20, 101)),
)
_LARGEST = 4  # dimension of the families


def polygon(n: int) -> Array:
    """The corners of a regular polygon, n ≥ 2 in two dimensions; n = 2 are antipodes."""
    angles = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def cross_polytope(d: int) -> Array:
    """±e_i: antipodes, and otherwise orthogonal."""
    return np.concatenate([np.eye(d), -np.eye(d)])


def orthants(d: int) -> Array:
    """The vertices {±1}^d of a hypercube."""
    return np.array(list(product([1.0, -1.0], repeat=d)))


def even_parity(d: int) -> Array:
    """The vertices of a hypercube with an even number of minus signs; no two are antipodes for odd d."""
    rows = orthants(d)
    return np.asarray(rows[np.prod(rows, axis=1) > 0])


def simplex(d: int) -> Array:
    """D + 1 rows at equal obtuse angles in d dimensions: the corners of a regular simplex."""
    centred = np.eye(d + 1) - 1 / (d + 1)
    basis = np.linalg.svd(centred)[0][:, :d]
    return np.asarray(centred @ basis)


def orthogonal(d: int) -> Array:
    """e_1, …, e_d."""
    return np.eye(d)


def acute(d: int) -> Array:
    """D rows at equal acute angles: e_i + (1, …, 1)."""
    return np.eye(d) + 1


def roots(d: int) -> Array:
    """±e_i ± e_j, i < j: the roots of D_d, d ≥ 2."""
    rows = []
    for i, j in combinations(range(d), 2):
        for first, second in product([1.0, -1.0], repeat=2):
            row = np.zeros(d)
            row[i], row[j] = first, second
            rows.append(row)
    return np.array(rows)


def cap(rows: Array, width: float) -> Array:
    """The rows as directions in a cap around one more axis, at angles of about `width`."""
    tangents = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([np.ones((len(rows), 1)), width * tangents], axis=1)


def beside(rows: Array, factor: float) -> Array:
    """With one more row, a multiple of the first: parallel to it, or opposite."""
    return np.concatenate([rows, factor * rows[:1]])


#: The families by name, each with the sizes that are drawn.
FAMILIES: dict[str, tuple[Callable[[int], Array], range]] = {
    "polygon": (polygon, range(2, 9)),
    "cross-polytope": (cross_polytope, range(1, _LARGEST + 1)),
    "hypercube": (orthants, range(1, _LARGEST + 1)),
    "even parity": (even_parity, range(2, _LARGEST + 2)),
    "simplex": (simplex, range(1, _LARGEST + 1)),
    "orthogonal": (orthogonal, range(1, _LARGEST + 1)),
    "acute": (acute, range(2, _LARGEST + 1)),
    "roots": (roots, range(2, _LARGEST + 1)),
}


def named(name: str, size: int, *, normalised: bool = True) -> Array:
    """A family as it is, or scaled to ‖x‖² = d."""
    rows = FAMILIES[name][0](size)
    return to_sphere(rows) if normalised else rows


def to_sphere(X: Array) -> Array:
    """Every row scaled to norm √d."""
    return np.asarray(X * np.sqrt(X.shape[1]) / np.linalg.norm(X, axis=1, keepdims=True))


@st.composite
def symmetric_sets(draw: st.DrawFn, *, normalised: bool = False, rows: tuple[int, int] = (1, 24)) -> Array:
    """A family, perhaps in more dimensions, turned, thinned, with repeated, opposite or collinear rows.

    Args:
        draw: Hypothesis'.
        normalised: scale every row to √d; else the whole by a rational, and copies of rows by others.
        rows: least and largest number of rows.
    """
    name = draw(st.sampled_from(sorted(FAMILIES)))
    build, sizes = FAMILIES[name]
    X = build(draw(st.sampled_from(sizes)))
    if draw(st.booleans()):  # two families in orthogonal spaces, or one in more dimensions
        other = (
            build(draw(st.sampled_from(sizes[:3]))) if draw(st.booleans()) else np.zeros((0, draw(st.integers(1, 3))))
        )
        X = np.block([[X, np.zeros((len(X), other.shape[1]))], [np.zeros((len(other), X.shape[1])), other]])
    if len(X) < rows[0] or draw(st.booleans()):
        chosen = draw(st.lists(st.integers(0, len(X) - 1), min_size=max(1, rows[0] - len(X)), max_size=3))
        factors = [Fraction(x) for x in (("1", "-1") if normalised else ("1", "-1", "2", "1/3", "-7/4"))]
        X = np.concatenate([X, [float(draw(st.sampled_from(factors))) * X[i] for i in chosen]])
    while len(X) < rows[0]:
        X = np.concatenate([X, X])
    X = X[: rows[1]]
    d = X.shape[1]
    if d > 1 and draw(st.booleans()):
        i, j = draw(st.permutations(range(d)))[:2]
        cosine, sine = (float(value) for value in draw(st.sampled_from(_TURNS)))
        turn = np.eye(d)
        turn[[i, j], [i, j]], turn[i, j], turn[j, i] = cosine, -sine, sine
        X = X @ turn
    if normalised:
        return to_sphere(X)
    return np.asarray(X * float(draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(7, 3), Fraction(1, 16)]))))
