"""What an evaluator of `own` keeps of each row: radius, head, Hermite coefficients and what these leave out.

The features are one array of shape (1 + HEAD + 2K + K/BLOCK + 3, n), K rows less without the derivatives along r:

    r | head | h_0 … h_(K−1) | (r ∂h_k/∂r, for gradients) | √missing_0, √missing_BLOCK, …, √missing_K | cell | n

where missing_j bounds what the terms from the j-th on are worth, over E[φ(u)²] for S and over E[φ(u)²] + r² E[φ'(u)²]
for c·T and for derivatives. Since q ∂/∂q acts on φ(q x) as x ∂/∂x does, r ∂h_k/∂r = k h_k + √((k+1)(k+2)) h_(k+2).
The cell is the interval of log r that `patch` has a row in; n, the number of rows, tells what tables are worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array
from glutheory.numeric.own.patch import cells
from glutheory.numeric.own.spectrum import BLOCK, HEAD, Spectrum

#: Differences of Parseval's below this fraction are rounding errors.
_ROUNDING = 1e-13


#: The first row of the coefficients.
FIRST = 1 + HEAD


class Layout(NamedTuple):
    """Where in an array of features what is; K is `terms`."""

    terms: int
    slopes: bool

    @property
    def missing(self) -> int:
        """The first of the last rows."""
        return FIRST + (2 if self.slopes else 1) * self.terms


def layout(height: int, slopes: bool) -> Layout:
    """That of an array of so many rows."""
    each = (2 if slopes else 1) * BLOCK + 1
    return Layout((height - FIRST - 3) // each * BLOCK, slopes)


def features(spectrum: Spectrum, r: Array, slopes: bool) -> Array:
    """The features of rows with these radii, shape (n,)."""
    return arranged(r, spectrum.rows(r), spectrum.jumps, slopes)


def arranged(r: Array, found: Array, jumps: bool, slopes: bool) -> Array:
    """The same, given the head and the coefficients of the rows, two blocks more than are used."""
    terms = found.shape[0] - HEAD - 2 * BLOCK
    head, h, after = found[:HEAD], found[HEAD : HEAD + terms], found[HEAD + 2 : HEAD + terms + 2]
    k = np.arange(terms)[:, None]
    parts = [r[None, :], head, h]
    if slopes:
        parts.append(k * h + np.sqrt((k + 1.0) * (k + 2.0)) * after)
    last = np.full((2, len(r)), float(len(r)))
    last[0] = 0.0
    last[0, r > 0] = cells(np.log(r[r > 0]))
    return np.concatenate([*parts, np.sqrt(_missing(head, h, jumps, slopes)), last])


def _missing(head: Array, h: Array, jumps: bool, slopes: bool) -> Array:
    """The last rows of the features, squared."""
    terms = h.shape[0]
    k = np.arange(terms)[:, None]
    squares = h * h
    scale = np.maximum(head[0], 1e-300)
    both = scale + head[1]
    # where the difference is lost in rounding, the last terms tell how fast they fall
    last = terms * np.max(squares[-BLOCK:], axis=0)
    rest = np.where(head[0] - squares.sum(axis=0) > _ROUNDING * head[0], head[0] - squares.sum(axis=0), last)
    if jumps:
        tangent_rest = terms * rest
    else:
        difference = head[1] - np.sum(k * squares, axis=0)
        tangent_rest = np.where(difference > _ROUNDING * both, difference, terms * last)
    # k ρ^k falls from k = 20 on for |ρ| ≤ 0.95, k² ρ^k from 40 on
    found = [_tails(squares, rest) / scale, _tails(k * squares, np.minimum(tangent_rest, terms * rest)) / both]
    if slopes:
        found.append(_tails(k * k * squares, terms * tangent_rest) / both)
    return np.maximum.reduce(found)


def _tails(squares: Array, rest: Array) -> Array:
    """The sums from every `BLOCK`-th on, and the rest: shape (K/BLOCK + 1, n)."""
    blocks = squares.reshape(-1, BLOCK, squares.shape[1]).sum(axis=1)
    tails = np.flip(np.cumsum(np.flip(blocks, axis=0), axis=0), axis=0) + rest
    return np.concatenate([tails, rest[None, :]])


def terms_needed(reach: float, left: Sequence[float], right: Sequence[float], tolerance: float, lost: int) -> int:
    """The number of terms with which, for |ρ| ≤ reach, less than the tolerance is left out; `lost` powers of ρ less.

    Args:
        reach: a bound of |ρ|.
        left: √missing of the left rows, the largest of each block.
        right: the same of the right rows; as many blocks are used as both have.
        tolerance: of the scale.
        lost: powers of ρ that differentiating has lost.
    """
    count = min(len(left), len(right))
    for j in range(count):
        power = max(0, BLOCK * j - lost)
        if left[j] * right[j] * (reach**power if reach < 1 else 1.0) <= tolerance:
            return BLOCK * j
    return BLOCK * (count - 1)


def reach_of(left: float, right: float, terms: int, tolerance: float) -> float:
    """The |ρ| up to which so many terms suffice, given √missing of all of them."""
    worst = left * right
    return 1.0 if worst <= tolerance or terms == 0 else math.exp(math.log(tolerance / worst) / terms)
