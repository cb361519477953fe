"""Hermite coefficients of the logistic family, one set per row, with what the series leaves out.

    E[f(q x) f(q' x')] = Σ_k h_k(q) h_k(q') ρ^k,   h_k(q) = E[f(q x) He_k(x)]/√k!

For q ≤ 20/13 the trapezoidal rule on |x| ≤ 13: the nearest poles are ±iπ/(2q), at least 1.02 from the real axis, so a
step of 13/128 leaves e^{−60}, times at most e^{18} by which He_k grows on the way there. Beyond, the limit |x| or
sign(x) is integrated exactly, and the rest, below e^{−40} from x = 20/q on, by Fejér's rule (Waldvogel 2006): its poles
keep their place relative to the interval, and 192 nodes leave e^{−76}. Both rules have weights accurate to an ulp.
Where many rows have a q in one octave, they are interpolated there in log q by Chebyshev polynomials.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from typing import NamedTuple, TypeAlias

import array_api_compat
import numpy as np

from glutheory.numeric.arrays import Array, Namespace, constant, host, inner, numpy_namespace, piece
from glutheory.numeric.chebyshev import enough, points, polynomials, transform
from glutheory.numeric.duals.bases import TERMS, Base

_TRAPEZOID = 128
_FEJER = 192
_END = 13.0
_CUT = 20.0
#: Parseval's differences below this fraction are rounding errors.
_ROUNDING = 1e-13
_CHUNK = 64
#: Up to so many rows of an octave are integrated one by one; its polynomials take 18.
_FEW = 24
#: Below 2^this so are all.
_LOWEST = -30


#: (xp, f, q) to coefficients (TERMS, n) and the norms of f and f' (n,).
_Rule: TypeAlias = Callable[[Namespace, Base, Array], tuple[Array, Array, Array]]


class Series(NamedTuple):
    """The coefficients of n rows.

    Attributes:
        coefficients: h_k(q_i), shape (TERMS, n), the degrees k those of the base.
        norm: E f(q_i x)², which is Σ h_k² over all degrees; shape (n,).
        slope_norm: E of the squared derivative along x, Σ k h_k².
    """

    coefficients: Array
    norm: Array
    slope_norm: Array

    def missing(self, xp: Namespace, base: Base, scale: Array, slope_scale: Array) -> Array:
        """What the first 0 … TERMS coefficients leave out, shape (TERMS + 1, n).

        A bound, too large by a factor of 2 at most, of both Σ h_k²/scale and Σ k h_k²/slope_scale over the others.
        """
        k = constant(xp, self.norm, base.degrees())[:, None]
        tiny = constant(xp, self.norm, 1e-300)
        once, slope_once = 1.0 / xp.maximum(scale, tiny), 1.0 / xp.maximum(slope_scale, tiny)
        squares = self.coefficients * self.coefficients
        end = squares[-4:, :]
        beyond = _beyond(xp, self.norm, squares, end) * once
        slope_beyond = _beyond(xp, self.slope_norm, k * squares, k[-4:, :] * end) * slope_once
        squares *= xp.maximum(once, k * slope_once)
        found = xp.empty((TERMS + 1, squares.shape[1]), dtype=squares.dtype, device=array_api_compat.device(squares))
        found[TERMS, :] = 0.0
        found[:TERMS, :] = xp.flip(xp.cumulative_sum(xp.flip(squares, axis=0), axis=0), axis=0)
        found += xp.maximum(beyond, slope_beyond)
        return found


def _beyond(xp: Namespace, total: Array, squares: Array, end: Array) -> Array:
    """Parseval's remainder, shape (n,): the total less the squares, whose last ones are the end."""
    left = total - xp.sum(squares, axis=0)
    # where the difference is lost in rounding, h_k ~ exp(−c√k) with c√k > 15: what follows is below TERMS·h_k²
    return xp.where(left > _ROUNDING * total, left, TERMS * xp.max(end, axis=0))


@cache
def _trapezoid() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 13] of a rule for even functions that vanish at 13."""
    weights = np.full(_TRAPEZOID, _END / _TRAPEZOID)
    weights[0] /= 2
    return np.arange(_TRAPEZOID) * (_END / _TRAPEZOID), weights


@cache
def _fejer() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]."""
    angles = (np.arange(_FEJER) + 0.5) * (np.pi / _FEJER)
    j = np.arange(1, _FEJER // 2 + 1)[:, None]
    weights = (1 - 2 * np.sum(np.cos(2 * j * angles) / (4 * j**2 - 1), axis=0)) / _FEJER
    return np.sin(angles / 2) ** 2, weights


def _weights(xp: Namespace, x: Array, w: Array) -> Array:
    """W·2N(x): E over x ~ N(0,1) of an even function of x is the sum over x ≥ 0 with these weights."""
    return w * xp.exp(-0.5 * x * x) * math.sqrt(2 / math.pi)


def _functions(xp: Namespace, x: Array, parity: int) -> list[Array]:
    """He_k(x)/√k! for the degrees of this parity, by the three-term recurrence."""
    found = []
    before, now = xp.zeros_like(x), xp.ones_like(x)
    for k in range(2 * TERMS):
        if k % 2 == parity:
            found.append(now)
        before, now = now, (x * now - math.sqrt(k) * before) / math.sqrt(k + 1)
    return found


def _small(xp: Namespace, base: Base, q: Array) -> tuple[Array, Array, Array]:
    """Coefficients (TERMS, n) and the norms of f and f' (n,), for q ≤ 20/13."""
    x, weights = (constant(xp, q, part) for part in _trapezoid())
    w = _weights(xp, x, weights)
    matrix = xp.stack(_functions(xp, x, base.parity)) * w
    f, slope = base.value(xp, x, q[:, None]), base.slope(xp, x, q[:, None])
    coefficients = inner(xp, matrix, f)
    coefficients[0, :] += base.offset
    f = f + base.offset
    return coefficients, xp.sum(f * f * w, axis=1), xp.sum(slope * slope * w, axis=1)


def _large(xp: Namespace, base: Base, q: Array) -> tuple[Array, Array, Array]:
    """The same for q > 20/13, by the residual from the limit function."""
    nodes, weights = (constant(xp, q, part) for part in _fejer())
    width = _CUT / q[:, None]
    x = nodes * width
    w = _weights(xp, x, weights * width)
    q1 = q[:, None]
    residual = base.residual(xp, x, q1)
    power = q**base.growth
    weighted = residual * w
    sums = xp.stack([xp.sum(weighted * he, axis=1) for he in _functions(xp, x, base.parity)])
    coefficients = sums + constant(xp, q, base.limit_coefficients())[:, None] * power
    square = power * power + xp.sum(weighted * (base.value(xp, x, q1) + base.offset + base.limit(xp, x, q1)), axis=1)
    slope, end = base.slope(xp, x, q1), base.slope_limit(xp, x, q1)
    slope_square = base.slope_norm * power * power + xp.sum((slope - end) * (slope + end) * w, axis=1)
    return coefficients, square, slope_square


def _integrated(xp: Namespace, base: Base, q: Array) -> tuple[Array, Array, Array]:
    """The same for any q, not many of them, by the rule for each."""
    coefficients = xp.zeros((TERMS, q.shape[0]), dtype=q.dtype, device=array_api_compat.device(q))
    norm, slope_norm = xp.zeros_like(q), xp.zeros_like(q)
    large = q > _CUT / _END
    for rule, mask in ((_small, ~large), (_large, large)):
        rows = xp.nonzero(mask)[0]
        for start in range(0, rows.shape[0], _CHUNK):
            some = piece(rows, start, _CHUNK)
            coefficients[:, some], norm[some], slope_norm[some] = rule(xp, base, xp.take(q, some))
    return coefficients, norm, slope_norm


@lru_cache(maxsize=64)
def _octave(base: Base, octave: int) -> np.ndarray:
    """Chebyshev coefficients in log q of all three for 2^octave ≤ q ≤ 2^(octave + 1): (TERMS + 2, count)."""
    count = enough(0.5 * math.log(2.0), 0.5 * math.pi)
    q = 2.0 ** (0.5 + 0.5 * points(count)) * 2.0**octave
    coefficients, norm, slope_norm = _integrated(numpy_namespace(), base, q)
    found: np.ndarray = np.concatenate([coefficients, norm[None, :], slope_norm[None, :]]) @ transform(count).T
    return found


def _interpolated(xp: Namespace, base: Base, q: Array, octave: int) -> tuple[Array, Array, Array]:
    """The same for q in this octave: analytic in log q for |Im| < π/2."""
    coefficients = _octave(base, octave)
    values = polynomials(xp, 2.0 * xp.log2(q * 2.0**-octave) - 1.0, coefficients.shape[1])
    found = inner(xp, constant(xp, q, coefficients), values.T)
    return found[:TERMS, :], found[TERMS, :], found[TERMS + 1, :]


def series(xp: Namespace, base: Base, q: Array) -> Series:
    """The coefficients for the scales q ≥ 0, shape (n,)."""
    coefficients = xp.zeros((TERMS, q.shape[0]), dtype=q.dtype, device=array_api_compat.device(q))
    norm, slope_norm = xp.zeros_like(q), xp.zeros_like(q)
    for rows, rule, chunk in _rules(xp, q):
        for start in range(0, rows.shape[0], chunk):
            some = piece(rows, start, chunk)
            coefficients[:, some], norm[some], slope_norm[some] = rule(xp, base, xp.take(q, some))
    return Series(coefficients, norm, slope_norm)


def _rules(xp: Namespace, q: Array) -> Iterator[tuple[Array, _Rule, int]]:
    """Rows, the rule for them, and how many of them at a time."""
    octaves = xp.floor(xp.log2(xp.where(q > 2.0**_LOWEST, q, 0.0 * q + 2.0 ** (_LOWEST - 1))))
    for octave in np.unique(host(octaves)).tolist():
        rows = xp.nonzero(octaves == octave)[0]
        if rows.shape[0] > _FEW and octave >= _LOWEST:
            yield rows, partial(_interpolated, octave=int(octave)), 16 * _CHUNK
        else:
            yield rows, _integrated, 16 * _CHUNK
