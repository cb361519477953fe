"""Which pairs of the logistic family the Hermite series leaves, and their values: `interpolant` or `mixture`.

A pair is close where all terms of the series do not suffice, |ρ| > A_i A'_j with a number for each row. Few close
pairs, and lists of pairs, are averaged one by one; where a tile has many, an interpolant takes all its pairs, or those
of |ρ| ≥ 3/4, but those of rows whose scales are beyond those of the close ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from glutheory.numeric.arrays import Array, Namespace, host, piece
from glutheory.numeric.duals.bases import Base
from glutheory.numeric.duals.interpolant import LEAST, SMALLEST, edges, gaps, interpolant, nodes, serves, span
from glutheory.numeric.duals.mixture import averages
from glutheory.numeric.pairs import Geometry

#: Pairs that the mixture takes at a time, for the cache.
CHUNK = 512
#: The interpolant pays from this share of a tile on, and from this share of the pairs on that it is made from: other
#: tiles of the matrix will ask for it too.
_SHARE, _REUSE = 0.04, 0.15

#: (first, second) of a sum first·F + second·ρ ∂F/∂ρ.
Weights = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Close:
    """The close pairs among some.

    Attributes:
        pairs: all of them.
        base: f.
        left, right: the scales q and q', of shapes that broadcast to the pairs'.
        mask: which are close, of the shape of the pairs.
        octaves: the range of the interpolant that takes them; None for averages.
        whole: whether it is one for all ρ.
    """

    pairs: Geometry
    base: Base
    left: Array
    right: Array
    mask: Array
    octaves: tuple[int, int] | None
    whole: bool

    def put(self, sums: list[Array] | None, weights: Weights) -> list[Array]:
        """The sums first·F + second·ρ ∂F/∂ρ over these: given those of the others, or None where there are none."""
        xp = self.pairs.xp
        if self.octaves is not None:
            low, high = edges(self.octaves)
            q, q2 = (xp.clip(side, low, high) for side in (self.left[:, 0], self.right[0, :]))
            values = interpolant(self.base, self.octaves, self.whole).tile(self.pairs, q, q2, weights)
            if sums is None:
                return values
            return [xp.where(self.mask, value, own) for value, own in zip(values, sums, strict=True)]
        results = [0.0 * self.pairs.rho for _ in weights] if sums is None else sums
        for some, q, q2 in chunks(self.pairs.xp.nonzero(self.mask), self.pairs.rho, self.left, self.right):
            s, t = averages(_sharp(self.pairs.take(some)), self.base, q, q2)
            for result, (first, second) in zip(results, weights, strict=True):
                result[some] = first * s + second * t
        return results


def split(
    pairs: Geometry, base: Base, left: Array, right: Array, bounds: tuple[Array, Array]
) -> tuple[Geometry | None, Close | None]:
    """The pairs that are left to the series, the close ones among them put at right angles, and the close ones.

    The scales q and q' (`left`, `right`) and the `bounds` A and A' are of shapes that broadcast to the pairs'; there is
    None in place of either if it is empty.
    """
    xp, count = pairs.xp, math.prod(pairs.rho.shape)
    if count == 0 or pairs.reach <= float(xp.min(bounds[0])) * float(xp.min(bounds[1])):
        return pairs, None
    size = xp.abs(pairs.rho)
    mask = size > bounds[0] * bounds[1]
    close = int(xp.sum(xp.astype(mask, xp.int64)))
    if close == 0:
        return pairs, None
    octaves, whole = None, False
    if pairs.rho.ndim == 2 and left.shape[1] == 1 and right.shape[0] == 1 and close > _SHARE * count:
        octaves = _octaves(mask, left, right, xp)
        if octaves is not None:
            whole = float(xp.min(size)) < LEAST and serves(octaves, True)
            if not serves(octaves, whole) or close < _REUSE * nodes(octaves, whole):
                octaves = None
    if octaves is not None:
        low, high = edges(octaves)
        inside, inside2 = ((side >= low) & (side <= high) for side in (left, right))
        mask = inside & inside2 if whole else (size >= LEAST) & inside & inside2
        close = int(xp.sum(xp.astype(mask, xp.int64)))
    found = Close(pairs, base, left, right, mask, octaves, whole)
    if close == count:
        return None, found
    far = xp.where(mask, 0.0 * size, pairs.rho)
    return Geometry(xp, far, False, max(float(xp.max(far)), -float(xp.min(far)))), found


def _sharp(pairs: Geometry) -> Geometry:
    """Pairs with their sines; |ρ| may have been rounded to above 1."""
    if pairs.sine is not None:
        return pairs
    xp, gap = pairs.xp, gaps(pairs)
    return Geometry(xp, xp.sign(pairs.rho) * (1.0 - gap), True, 1.0, xp.sqrt(gap * (2.0 - gap)))


def _octaves(mask: Array, left: Array, right: Array, xp: Namespace) -> tuple[int, int] | None:
    """The range of the scales that occur in close pairs of a tile; None where no interpolant serves."""
    smallest, largest = math.inf, 0.0
    for side, axis in ((left[:, 0], 1), (right[0, :], 0)):
        some = xp.nonzero(xp.any(mask, axis=axis))[0]
        found = host(xp.take(side, some))
        smallest, largest = min(smallest, float(found.min())), max(largest, float(found.max()))
    return span(smallest, largest) if smallest >= SMALLEST else None


def chunks(
    some: tuple[Array, ...], like: Array, left: Array, right: Array
) -> Iterator[tuple[tuple[Array, ...], Array, Array]]:
    """The pairs at these indices, some at a time, and their q and q', which broadcast to the shape of `like`."""
    count = some[0].shape[0]
    if count == 0:
        return
    q, q2 = left + 0.0 * like, right + 0.0 * like
    for start in range(0, count, CHUNK):
        part = tuple(piece(index, start, CHUNK) for index in some)
        yield part, q[part], q2[part]
