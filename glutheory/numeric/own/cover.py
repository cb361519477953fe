"""Tiles of nearly parallel rows by patches: which pairs are in which, and their values.

A patch is made where so many pairs of one tile are in it that it pays, and kept. Which pairs have theirs from one so
depends on the tile alone, never on what was asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array, add_product
from glutheory.numeric.own.patch import Box, Patch, Plain, made
from glutheory.numeric.pairs import Geometry

#: Pairs of a tile for which a patch is made; it costs as much as a thousand or two.
PAYS = 384
#: The share of a block of rows and columns from which all of it is computed.
_DENSE = 0.3
#: Octaves of the chord that are covered, from 1 down: |ρ| up to 1 − 2^−23.
_OCTAVES = 11
#: Patches that are kept.
_KEPT = 4096
#: Below this E[φ(u)²], nothing is left of a row.
NOTHING = 1e-90


class Side(NamedTuple):
    """One side of a tile, or of a list of pairs.

    Attributes:
        logs: log r of the rows, shape (n,).
        numbers: of the intervals they are in.
        factors: f and g of `patch` for each of them, shape (2, n); 0 for those that are in no patch.
    """

    logs: Array
    numbers: Array
    factors: Array


#: The two numbers by which S and c T are multiplied for each result.
Weights = Sequence[tuple[float, float]]


class Cover:
    """The patches of one activation.

    Args:
        plain: both functions at pairs, whose angle is acute or obtuse.
        numbers: of the intervals of log r.
        width: of these.
    """

    def __init__(self, plain: Callable[[float], Plain], width: float) -> None:
        self._plain, self._width = plain, width
        self._patches: dict[tuple[int, ...], Patch | None] = {}
        self._lock = Lock()

    def find(
        self, pairs: Geometry, left: Side, right: Side, weights: Weights, results: Sequence[Array]
    ) -> Array | None:
        """Fill in the results of the pairs that are in patches; which these are, or None for none.

        Args:
            pairs: of all rows with all columns, shape (rows, columns), or row k with column k, shape (N,).
            left: the rows.
            right: the columns.
            weights: of each result.
            results: one array each of the shape of the pairs.
        """
        chord = _chord(pairs)
        codes = _codes(chord, pairs.rho)
        kinds, own = np.unique(left.numbers, return_inverse=True)
        others, other = np.unique(right.numbers, return_inverse=True)
        count = 2 * _OCTAVES + 1
        block = own[:, None] * len(others) + other if chord.ndim == 2 else own * len(others) + other
        dead = [side.factors[0] == 0 for side in (left, right)]
        gone = dead[0][:, None] | dead[1] if chord.ndim == 2 else dead[0] | dead[1]
        codes = np.where(gone, 0, codes) + count * block
        found: Array | None = None
        sizes = np.bincount(codes.ravel(), minlength=count * len(kinds) * len(others))
        for code in np.nonzero(sizes >= PAYS)[0].tolist():
            place, octave = divmod(code, count)
            if octave == 0:
                continue
            i, j = divmod(place, len(others))
            patch = self._patch(int(kinds[i]), int(others[j]), (octave - 1) // 2, -1.0 if octave % 2 == 0 else 1.0)
            if patch is None:
                continue
            mine = codes == code
            found = mine if found is None else found | mine
            if chord.ndim == 2:
                _tile(patch, chord, mine, left, right, (own == i, other == j), weights, results)
            else:
                some = np.nonzero(mine)[0]
                _pairs(patch, chord, (some,), left, right, (some, some), weights, results)
        return found

    def _patch(self, left: int, right: int, octave: int, sign: float) -> Patch | None:
        with self._lock:
            key = (left, right, octave, int(sign))
            if key not in self._patches:
                if len(self._patches) > _KEPT:
                    self._patches.clear()
                low, high = min(left, right), max(left, right)
                half = self._width / 2
                sides = [((number + 0.5) * self._width, half) for number in (low, high)]
                chord = 2.0 ** -(octave + 1)
                box = Box(sides[0], sides[1], (1.5 * chord, 0.5 * chord))
                tensor = made(self._plain(sign), box)
                self._patches[low, high, octave, int(sign)] = None if tensor is None else Patch.of(box, tensor)
                if low < high:
                    back = Box(sides[1], sides[0], box.chord)
                    turned = None if tensor is None else Patch.of(back, tensor.transpose(0, 2, 1, 3))
                    self._patches[high, low, octave, int(sign)] = turned
            return self._patches[key]


def _chord(pairs: Geometry) -> Array:
    """2 sin(θ/2) of the acute angle."""
    size = np.abs(pairs.rho)
    if pairs.sine is None:
        return np.sqrt(2.0 * np.maximum(1.0 - size, 0.0))
    return np.asarray(pairs.sine * np.sqrt(2.0 / (1.0 + size)))


def _codes(chord: Array, rho: Array) -> Array:
    """1, 3, 5, … for the octaves of the chord below 1, one more where ρ < 0; 0 for all others."""
    octave = -np.frexp(chord)[1]
    code = 2 * octave + 1 + (rho < 0)
    return np.where((octave < 0) | (octave >= _OCTAVES) | (chord == 0), 0, code)


def _tile(
    patch: Patch,
    chord: Array,
    mine: Array,
    left: Side,
    right: Side,
    block: tuple[Array, Array],
    weights: Weights,
    results: Sequence[Array],
) -> None:
    """The pairs of a tile that are in a patch: with all of their block, or one by one."""
    rows, columns = (np.nonzero(side)[0] for side in block)
    i, j = np.nonzero(mine)
    if len(i) < _DENSE * len(rows) * len(columns):
        _pairs(patch, chord, (i, j), left, right, (i, j), weights, results)
        return
    inside = np.ix_(rows, columns)
    twice = 2.0 * patch.place(chord[inside])
    own, other = patch.left(left.logs[rows]), patch.right(right.logs[columns])
    some = mine[inside]
    for pair, result in zip(weights, results, strict=True):
        parts, factor = _parts(patch, own, other, pair, left.factors[:, rows], right.factors[:, columns])

        def add(total: Array, m: int, parts: list[Array] = parts, factor: Array = factor) -> Array:
            return add_product(np, total, parts[m], factor)

        values = _clenshaw(twice, len(parts), add)
        kept = result[inside]
        np.copyto(kept, values, where=some)
        result[inside] = kept


def _pairs(
    patch: Patch,
    chord: Array,
    some: tuple[Array, ...],
    left: Side,
    right: Side,
    rows: tuple[Array, Array],
    weights: Weights,
    results: Sequence[Array],
) -> None:
    """Pairs of a list."""
    i, j = rows
    twice = 2.0 * patch.place(chord[some])
    own, other = patch.left(left.logs[i]), patch.right(right.logs[j])
    for pair, result in zip(weights, results, strict=True):
        parts, factor = _parts(patch, own, other, pair, left.factors[:, i], right.factors[:, j])

        def add(total: Array, m: int, parts: list[Array] = parts, factor: Array = factor) -> Array:
            total += np.einsum("nr,nr->n", parts[m], factor)
            return total

        result[some] = _clenshaw(twice, len(parts), add)


def _parts(
    patch: Patch, own: Array, other: Array, pair: tuple[float, float], left: Array, right: Array
) -> tuple[list[Array], Array]:
    """Of each T_m the numbers of the rows, (n, R), and those of the columns, of which products are the coefficients."""
    used = [k for k in (0, 1) if pair[k] != 0]
    one = [own * (pair[k] * left[k])[:, None] for k in used]
    columns = [other * right[k][:, None] for k in used]
    parts = [
        np.concatenate([side @ patch.coefficients[k, m] for k, side in zip(used, one, strict=True)], axis=1)
        for m in range(patch.coefficients.shape[1])
    ]
    return parts, np.concatenate(columns, axis=1)


def _clenshaw(twice: Array, count: int, add: Callable[[Array, int], Array]) -> Array:
    """Σ c_m T_m(x) for 2x; `add` adds c_m to an array."""
    now, before = 0.0 * twice, 0.0 * twice
    for m in range(count - 1, 0, -1):
        after = twice * now
        after -= before
        now, before = add(after, m), now
    now *= 0.5 * twice
    now -= before
    return add(now, 0)
