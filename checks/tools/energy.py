"""The energy distance of two clouds of points, and its flattened form in the code of arXiv 2605.20749.

For independent X, X' of one distribution and Y, Y' of another, with finite means,

    2 E|X − Y| − E|X − X'| − E|Y − Y'|  ≥  0,        and it is 0 only if the two distributions are the same,

|·| the Euclidean norm of R^d.

Source: G. J. Székely & M. L. Rizzo, InterStat 5 (2004) 1, and J. Stat. Plann. Inference 143 (2013) 1249.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.spatial.distance import cdist

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

#: The matrix of distances of so many pooled points takes 0.8 GB.
LARGEST = 10_000
#: Distances that are held at once where only their mean is wanted.
_PART = 10_000_000


def energy_distance(x: Any, y: Any) -> float:
    """The energy distance of two samples, 2 mean|x−y| − mean|x−x'| − mean|y−y'| with all pairs (the V-statistic).

    In one dimension it is the square of ``scipy.stats.energy_distance``, which takes the root and is used there; SciPy
    has no other dimension. The coordinates enter as they are: whoever compares quantities of different units scales
    them first.

    Args:
        x: shape (n, d), or (n,) for points of the line.
        y: shape (m, d), or (m,).

    Raises:
        DomainError: other shapes, or numbers that are not finite.
    """
    x, y = samples(x, y, (1, 2))
    if x.shape[1] == 1:
        return float(stats.energy_distance(x[:, 0], y[:, 0])) ** 2
    return max(0.0, 2 * _mean_distance(x, y) - _mean_distance(x, x) - _mean_distance(y, y))


def flattened(points: Any) -> Array:
    """Points of shape (n, d) or (runs, n, d) as one list of numbers; coordinates of a point no longer belong together.

    The code released with arXiv 2605.20749 flattens its points (training loss, gap) so before its energy test. It is
    here to reproduce that; see `flattened_energy_distance`.

    Raises:
        DomainError: another shape, or numbers that are not finite.
    """
    return _sample("points", points, (1, 2, 3)).reshape(-1)


def flattened_energy_distance(x: Any, y: Any) -> float:
    """The energy distance of the coordinates of all points, pooled, as in the code released with arXiv 2605.20749.

    This is no distance of distributions in R^d: x = {(0, 1)} and y = {(1, 0)} have flattened distance 0, since both are
    the numbers 0 and 1. Any two clouds that differ by an exchange of coordinates look equal, and a large coordinate
    hides a small one. `energy_distance` of the same two is 2√2.

    Args:
        x: shape (n, d).
        y: shape (m, d).

    Raises:
        DomainError: other shapes, or numbers that are not finite.
    """
    x, y = samples(x, y, (2,))
    return energy_distance(flattened(x), flattened(y))


def _mean_distance(x: Array, y: Array) -> float:
    """The mean distance of all pairs; rows in parts, so that no large matrix is held."""
    rows = max(1, _PART // len(y))
    return math.fsum(float(cdist(x[i : i + rows], y).sum()) for i in range(0, len(x), rows)) / (len(x) * len(y))


def distances(points: Array, flatten: bool) -> Array:
    """The distances of all points, shape (N, N); flattened: the mean distance of their coordinates.

    Args:
        points: shape (N, d), checked.
        flatten: whether the coordinates are taken for points of the line.

    Raises:
        DomainError: more than `LARGEST` points.
    """
    count, d = points.shape
    size = count * d if flatten else count
    if size > LARGEST:
        raise DomainError(f"the samples have {size} points together: give at most {LARGEST}, for instance every k-th.")
    if not flatten:
        return np.asarray(cdist(points, points))
    numbers = points.reshape(-1, 1)
    return np.asarray(cdist(numbers, numbers).reshape(count, d, count, d).mean(axis=(1, 3)))


def samples(x: Any, y: Any, dimensions: tuple[int, ...]) -> tuple[Array, Array]:
    """Both samples as float64 with a last axis of coordinates.

    Args:
        x: the first sample.
        y: the second.
        dimensions: the numbers of axes that are allowed; one axis means points of the line.

    Raises:
        DomainError: other shapes, points of different dimensions, or numbers that are not real, finite and < 1e150.
    """
    first, second = (_sample(name, value, dimensions) for name, value in (("x", x), ("y", y)))
    if first.ndim != second.ndim or first.shape[-1] != second.shape[-1]:
        raise DomainError(f"x has the shape {first.shape} and y {second.shape}: give points of one dimension.")
    # squares of differences must neither overflow nor vanish
    size = max(float(np.abs(first).max()), float(np.abs(second).max()))
    if size > 1e150:
        raise DomainError(f"x and y have numbers up to {size:.3g}: scale the points to less than 1e150.")
    return first, second


def _sample(name: str, value: Any, dimensions: tuple[int, ...]) -> Array:
    shapes = {1: "(n,)", 2: "(n, d)", 3: "(runs, points, d)"}
    wanted = " or ".join(shapes[dimension] for dimension in reversed(dimensions))
    try:
        array = np.asarray(value)
    except ValueError:
        raise DomainError(f"{name} is no rectangular array: give numbers of shape {wanted}.") from None
    if array.dtype.kind not in "biuf":
        raise DomainError(f"{name} has the dtype {array.dtype}: give real numbers of shape {wanted}.")
    if array.ndim not in dimensions or 0 in array.shape:
        raise DomainError(f"{name} has the shape {array.shape}: give {wanted}, nothing empty.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DomainError(f"{name} has the value {array[index]} at {index}: remove or correct that point.")
    return array[:, None] if array.ndim == 1 else array
