"""Error-free sums and products, exact scaling by powers of two, and inner products, for any array library.

Everything here takes the array namespace `xp` (numpy or torch through array-api-compat) as its first argument.
Sources: Dekker 1971 (the product), Knuth (the sum), Kahan (scaling before squaring).
"""

from __future__ import annotations

import math
import sys
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from glutheory.numeric.blas import multiplies_whole

#: An array of the caller's library; the array API standard ships no type for it.
Array: TypeAlias = Any
Namespace: TypeAlias = Any

_SPLIT = 134217729.0  # 2^27 + 1
_LARGEST = 600  # exponents beyond ±1000 are applied in two halves
_ONCE = 1000  # others at once where rows share them
_SIDE = 64
#: Features whose products a BLAS adds up at once.
_DEPTH = 512
#: Loading scipy.linalg takes 0.3 s of processor time, and saves about 1.5 ns an entry.
_WORTH = 1 << 27


def namespace(*arrays: Array | None) -> Namespace:
    """The namespace of these arrays, None being none.

    Raises:
        TypeError: they are of different libraries, or of none.
    """
    given = [array for array in arrays if array is not None]
    if given and all(isinstance(array, np.ndarray) for array in given):
        return numpy_namespace()
    return array_api_compat.array_namespace(*given)


def numpy_namespace() -> Namespace:
    """Numpy itself, which follows the standard since 2.1; before, what makes it do so.

    That is loaded only then: its `from numpy import *` brings all that numpy has and takes twice as long as numpy.
    """
    if hasattr(np, "__array_api_version__"):
        return np
    return import_module("array_api_compat.numpy")


def constant(xp: Namespace, like: Array, values: Any) -> Array:
    """Numbers as a float64 array on the device of `like`."""
    return xp.asarray(values, dtype=xp.float64, device=array_api_compat.device(like))


def piece(index: Array, start: int, length: int) -> Array:
    """So many entries of an index from `start` on, as many as there are: the standard has no slice beyond an end."""
    return index[start : min(start + length, index.shape[0])]


def host(array: Array) -> np.ndarray:
    """A few numbers, never a matrix, as float64 of numpy: the one way from a device to the CPU."""
    if isinstance(array, np.ndarray):
        return np.asarray(array, dtype=float)
    moved = array_api_compat.to_device(array.detach() if array_api_compat.is_torch_array(array) else array, "cpu")
    return np.asarray(moved, dtype=float)


@cache
def _powers() -> np.ndarray:
    """2^k for k = −600 … 600 (a library's own power may be off by an ulp)."""
    return np.ldexp(1.0, np.arange(-_LARGEST, _LARGEST + 1))


def power_of_two(xp: Namespace, array: Array, exponent: Array) -> Array:
    """The array times 2^exponent, exact unless the result leaves float64; the exponents are integers within ±1200."""
    table = constant(xp, array, _powers())
    half = exponent // 2
    first, second = table[half + _LARGEST], table[exponent - half + _LARGEST]
    if math.prod(exponent.shape) < math.prod(array.shape) and bool(xp.all(xp.abs(exponent) < _ONCE)):
        return array * (first * second)
    return array * first * second


def two_product(xp: Namespace, x: Array, y: Array) -> tuple[Array, Array]:  # noqa: ARG001 (one signature for all)
    """(p, e) with p + e = x·y exactly and p the rounded product; |x|, |y| below 2^996."""
    p = x * y
    big = _SPLIT * x
    x1 = big - (big - x)
    x2 = x - x1
    big = _SPLIT * y
    y1 = big - (big - y)
    y2 = y - y1
    return p, ((x1 * y1 - p) + x1 * y2 + x2 * y1) + x2 * y2


def two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    """(s, e) with s + e = x + y exactly and s the rounded sum."""
    s = x + y
    z = s - x
    return s, (x - (s - z)) + (y - z)


def sum_of_squares(xp: Namespace, y: Array) -> tuple[Array, Array]:
    """Σ_k y_ik² over the last axis of `y`, shape (n, d), as an unevaluated sum of two numbers, each of shape (n,)."""
    high, low = two_product(xp, y, y)
    while high.shape[1] > 1:
        half = high.shape[1] // 2
        odd = (high[:, 2 * half :], low[:, 2 * half :])
        total, rest = two_sum(high[:, :half], high[:, half : 2 * half])
        low = low[:, :half] + low[:, half : 2 * half] + rest
        high, low = xp.concat([total, odd[0]], axis=1), xp.concat([low, odd[1]], axis=1)
    return high[:, 0], low[:, 0]


def add_outer(xp: Namespace, total: Array, x: Array, y: Array) -> Array:
    """The array plus x·y, which broadcast to its shape; it may be overwritten.

    For a column and a row of numpy the BLAS takes a quarter of the time of broadcasting and adding, once it is loaded;
    of a single product of two numbers both give the same bits.
    """
    p, q = total.shape[0], math.prod(total.shape[1:])
    outer = x.shape == (p, 1) and y.shape == (1, q) and total.shape == (p, q)
    if outer and _blas(xp, total) and _BROADCAST.outweighed(p * q):
        _add_strips(total, x, y)
    else:
        total += x * y
    return total


def add_product(xp: Namespace, total: Array, x: Array, y: Array) -> Array:
    """The array, shape (p, q), plus the matrix product x·y.T of shapes (p, m) and (q, m); it may be overwritten."""
    if _blas(xp, total):
        _add_strips(total, x, y.T)
    else:
        total += xp.matmul(x, y.T)
    return total


class _Broadcast:
    """What was added without the BLAS: as long as that took less than to load it, a small matrix does without."""

    def __init__(self) -> None:
        self._entries = 0

    def outweighed(self, entries: int) -> bool:
        """Whether so many more entries are better added by the BLAS (threads that count at once may lose some)."""
        self._entries += entries
        return self._entries > _WORTH or "scipy.linalg" in sys.modules


_BROADCAST = _Broadcast()


def _blas(xp: Namespace, total: Array) -> bool:
    return bool(array_api_compat.is_numpy_namespace(xp) and total.flags.c_contiguous)


def _add_strips(total: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Add x·y, shapes (p, m) and (m, q), in place, in strips for which no BLAS starts threads (see `inner`)."""
    from scipy.linalg.blas import dgemm

    if not x.shape[1]:
        return
    strip = max(1, _SIDE**3 // max(1, y.size))
    for i in range(0, total.shape[0], strip):
        dgemm(1.0, y.T, x[i : i + strip].T, beta=1.0, c=total[i : i + strip].T, overwrite_c=1)


def inner(xp: Namespace, left: Array, right: Array) -> Array:
    """The inner products left @ right.T of two small sets of rows, shapes (p, d) and (q, d), as (p, q).

    numpy's tiles run in parallel threads. Inside them a BLAS has one thread where it can be told so (see `blas`), and
    multiplies them whole. Elsewhere it would start some, which is several times slower than one core: OpenBLAS does so
    from 2^18 multiplications on, and pieces of 64³ stay just there. Sums over many features are formed in parts, so
    that their rounding errors do not grow with the number of features as those of one sum may.
    """
    if not array_api_compat.is_numpy_namespace(xp):
        return xp.matmul(left, right.T)
    if multiplies_whole():
        # of a matrix and itself numpy asks for a symmetric product, whose entries are rounded by their places
        right = right.copy() if np.may_share_memory(left, right) else right
        return _in_parts(left, right.T, _DEPTH)
    p, q = left.shape[0], right.shape[0]
    result = xp.empty((p, q), dtype=left.dtype)
    for i in range(0, p, _SIDE):
        for j in range(0, q, _SIDE):
            rows, columns = left[i : i + _SIDE], right[j : j + _SIDE].T
            result[i : i + _SIDE, j : j + _SIDE] = _in_parts(rows, columns, _SIDE)
    return result


def _in_parts(left: np.ndarray, right: np.ndarray, depth: int) -> np.ndarray:
    """The product left @ right, shapes (p, d) and (d, q), summed over so many of the d at a time."""
    result: np.ndarray = np.matmul(left[:, :depth], right[:depth])
    for k in range(depth, left.shape[1], depth):
        result += np.matmul(left[:, k : k + depth], right[k : k + depth])
    return result
