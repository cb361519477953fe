"""Chebyshev polynomials: points, coefficients, values without the roundings that recurrences magnify, and numbers."""

from __future__ import annotations

import math

import numpy as np

from glutheory.numeric.arrays import Array, Namespace, constant, two_product

#: −log of the terms left out, of the largest: a little beyond float64.
_DIGITS = 37.0


def points(count: int) -> np.ndarray:
    """The roots of T_count, shape (count,), from the largest on."""
    return _cosines(2 * np.arange(count) + 1, 2 * count)


def transform(count: int) -> np.ndarray:
    """The matrix that takes values at the points to the coefficients of T_0, T_1, …, shape (count, count)."""
    j = np.arange(count)
    matrix = _cosines(np.outer(j, 2 * j + 1), 2 * count) * (2 / count)
    matrix[0] /= 2
    return matrix


def odd_transform(count: int) -> np.ndarray:
    """The same for an odd function: its values at the positive of 2·count points, with the odd T_1, T_3, … for all."""
    j = 2 * np.arange(count) + 1
    return _cosines(np.outer(j, j), 4 * count) * (2 / count)


def _cosines(multiple: np.ndarray, parts: int) -> np.ndarray:
    """The cosine of integer multiples of π/parts, from angles up to π/4: a rounding of π would tilt all alike."""
    folded = np.abs((multiple + parts) % (2 * parts) - parts)
    sign = np.where(2 * folded > parts, -1.0, 1.0)
    folded = np.minimum(folded, parts - folded)
    near = np.cos(np.pi * folded / parts)
    found: np.ndarray = sign * np.where(4 * folded <= parts, near, np.sin(np.pi * (parts - 2 * folded) / (2 * parts)))
    return found


def polynomials(xp: Namespace, x: Array, count: int) -> Array:
    """T_a(x) for a < count and x of shape (k,), which is clipped to [−1, 1]: shape (count, k).

    The cosines of exact multiples of one angle, so that all are those of the same point.
    """
    degrees = constant(xp, x, np.arange(count))[:, None]
    angle = xp.acos(xp.clip(x, -1.0, 1.0))[None, :] + 0.0 * degrees
    multiple, error = two_product(xp, degrees + 0.0 * angle, angle)
    return xp.cos(multiple) - error * xp.sin(multiple)


def enough(half: float, distance: float) -> int:
    """How many polynomials an interval needs for float64, whose nearest singularity is so far from the real axis.

    They converge at the rate h/w + √(1 + (h/w)²) for half-width w and distance h: Bernstein's ellipse, Trefethen,
    Approximation Theory and Approximation Practice, theorem 8.2.
    """
    ratio = distance / half
    return 1 + math.ceil(_DIGITS / math.log(ratio + math.hypot(1.0, ratio)))
