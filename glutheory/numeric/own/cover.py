"""Tiles of nearly parallel rows by patches: which pairs are in which, and their values.

A patch is made where it costs less than the pairs of the matrix that are in it, by the share of them in this tile, and
kept. Which pairs have their values from one so depends on the matrix alone, never on what was asked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array, add_product
from glutheory.numeric.own.curve import Curves
from glutheory.numeric.own.features import FIRST
from glutheory.numeric.own.near import Near
from glutheory.numeric.own.nodes import Nodes
from glutheory.numeric.own.patch import Patch, interval
from glutheory.numeric.own.spectrum import Spectrum
from glutheory.numeric.pairs import Geometry

#: What a patch costs, of each octave of the chord from 1 down, in units of 10 μs, in which a series is summed; of
#: a homogeneous function, for which one radius stands for all, so much less. Measured.
_COSTS, _AT_ONCE = (384, 3072, 24576), 48
#: Angles of such a function that are integrated for smaller chords.
_ANGLES = 34
#: The share of a block of rows and columns from which all of it is computed.
_DENSE = 0.3
#: Octaves of the chord that are covered, from 1 down: |ρ| up to 1 − 2^−23.
_OCTAVES = 11
#: Patches that are kept.
_KEPT = 4096
#: Below this E[φ(u)²], nothing is left of a row.
_NOTHING = 1e-90


class Side(NamedTuple):
    """One side of a tile, or of a list of pairs.

    Attributes:
        logs: log r of the rows, shape (n,).
        cells: the intervals they are in.
        factors: f and g of `patch` for each of them, shape (2, n); 0 for those that are in no patch.
        whole: how many rows the whole matrix has.
    """

    logs: Array
    cells: Array
    factors: Array
    whole: float

    def take(self, some: Array) -> Side:
        """These rows."""
        return Side(self.logs[some], self.cells[some], self.factors[:, some], self.whole)


#: The two numbers by which S and c T are multiplied for each result.
Weights = Sequence[tuple[float, float]]


class Cover:
    """The patches of one activation."""

    def __init__(self, curves: Curves, spectrum: Spectrum, near: Near) -> None:
        self._nodes, self._curves, self._near = Nodes(curves, spectrum, near), curves, near
        self._patches: dict[tuple[int, int, int, float], Patch | None] = {}
        self._lock = Lock()

    @property
    def least(self) -> int:
        """The pairs of a tile below which no patch is made."""
        return 2 if self._curves.homogeneous else _COSTS[0]

    def _pays(self, cost: float, octave: int) -> bool:
        """Whether a patch costs less than its pairs."""
        if octave < len(_COSTS):
            return cost >= _COSTS[octave] / (_AT_ONCE if self._curves.homogeneous else 1)
        return self._curves.homogeneous and cost >= _ANGLES * self._near.cost(1.0, 1.0)

    def _integral(self, left: Side, right: Side, some: tuple[Array, ...]) -> int:
        """What an integral of these pairs costs at most."""
        if self._curves.homogeneous:
            return self._near.cost(1.0, 1.0)
        one, two = left.logs[some[0]].max(), right.logs[some[-1]].max()
        return self._near.cost(float(np.exp(one)), float(np.exp(two)))

    def side(self, features: Array) -> Side:
        """What patches need of the rows with these features."""
        head, cell = features[:FIRST].reshape(FIRST, -1), features[-2].ravel()
        r, some = head[0], head[1] > _NOTHING
        logs = np.log(np.where(some, r, 1.0))
        factors = np.sqrt(np.where(some, np.stack([head[1], head[1] + head[2]]), 0.0))
        number = np.where(some & (not self._curves.homogeneous), cell, 0.0).astype(int)
        return Side(logs, number, factors, float(features[-1].max()))

    def find(
        self, pairs: Geometry, left: Side, right: Side, out: Array, weights: Weights, results: Sequence[Array]
    ) -> Array | None:
        """Fill in the results of the pairs that are in patches; which these are, or None for none.

        Args:
            pairs: of all rows with all columns, shape (rows, columns), or row k with column k, shape (N,).
            left: the rows.
            right: the columns.
            out: which pairs no series reaches, of the shape of the pairs.
            weights: of each result.
            results: one array each of the shape of the pairs.
        """
        chord = _chord(pairs)
        kinds, own = np.unique(left.cells, return_inverse=True)
        others, other = np.unique(right.cells, return_inverse=True)
        dead, gone = left.factors[0] == 0, right.factors[0] == 0
        if chord.ndim == 2:
            own, dead = own[:, None], dead[:, None]
        kind = np.where(dead | gone, 0, _kinds(chord, pairs.rho))
        code = kind + _KINDS * (own * len(others) + other)
        size = _KINDS * len(kinds) * len(others)
        costs = np.bincount(code.ravel(), minlength=size)
        if out.any():
            costs += self._integral(left, right, np.nonzero(out)) * np.bincount(code[out], minlength=size)
        # what there is of them in the whole matrix, if it is like this tile
        tiles = max(1.0, left.whole * (right.whole if chord.ndim == 2 else 1.0) / chord.size)
        found: Array | None = None
        for number in np.nonzero(costs)[0].tolist():
            place, octave = divmod(number, _KINDS)
            if not octave or not self._pays(tiles * costs[number], (octave - 1) // 2):
                continue
            i, j = divmod(place, len(others))
            patch = self._patch(int(kinds[i]), int(others[j]), octave)
            if patch is None:
                continue
            mine = code == number
            found = mine if found is None else found | mine
            some = np.nonzero(mine)
            rows, columns = np.nonzero(own.ravel() == i)[0], np.nonzero(other == j)[0]
            if chord.ndim == 2 and len(some[0]) >= _DENSE * len(rows) * len(columns):
                whole = len(rows) * len(columns) == chord.size
                places = (slice(None), slice(None)) if whole else np.ix_(rows, columns)
                _fill(patch, chord, left.take(rows), right.take(columns), weights, results, places, mine)
            else:
                _fill(patch, chord, left.take(some[0]), right.take(some[-1]), weights, results, some, mine)
        return found

    def _patch(self, left: int, right: int, kind: int) -> Patch | None:
        octave, sign = (kind - 1) // 2, 1.0 if kind % 2 else -1.0
        key = left, right, octave, sign
        with self._lock:
            if key not in self._patches:
                if len(self._patches) > _KEPT:
                    self._patches.clear()
                half = 2.0 ** -(octave + 2)
                chord = 3.0 * half, half
                low, high = min(left, right), max(left, right)
                tensor = self._nodes.tensor(low, high, chord, sign)
                for one, two, axes in ((low, high, (0, 1, 2, 3)), (high, low, (0, 2, 1, 3))):
                    made = None
                    if tensor is not None:
                        made = Patch.of((interval(one), interval(two)), chord, tensor.transpose(axes))
                    self._patches[one, two, octave, sign] = made
            return self._patches[key]


#: What `_kinds` tells apart.
_KINDS = 2 * _OCTAVES + 1


def _kinds(chord: Array, rho: Array) -> Array:
    """1, 3, 5, … for the octaves of the chord below 1, one more where ρ < 0; 0 for all others."""
    octave = -np.frexp(chord)[1]
    return np.where((octave < 0) | (octave >= _OCTAVES) | (chord == 0), 0, 2 * octave + 1 + (rho < 0))


def _chord(pairs: Geometry) -> Array:
    """2 sin(θ/2) of the acute angle."""
    size = np.abs(pairs.rho)
    if pairs.sine is None:
        return np.sqrt(2.0 * np.maximum(1.0 - size, 0.0))
    return np.asarray(pairs.sine * np.sqrt(2.0 / (1.0 + size)))


def _fill(
    patch: Patch,
    chord: Array,
    left: Side,
    right: Side,
    weights: Weights,
    results: Sequence[Array],
    places: tuple[Any, ...],
    mine: Array,
) -> None:
    """The pairs at these places that are of the patch: all rows with all columns, or one by one."""
    twice = 2.0 * patch.place(chord[places])
    own, other, some = patch.left(left.logs), patch.right(right.logs), mine[places]
    for pair, result in zip(weights, results, strict=True):
        used = [k for k in (0, 1) if pair[k] != 0]
        rows = [own * (pair[k] * left.factors[k])[:, None] for k in used]
        columns = np.concatenate([other * right.factors[k][:, None] for k in used], axis=1)
        now, before = 0.0 * twice, 0.0 * twice
        for m in range(patch.coefficients.shape[1] - 1, -1, -1):
            part = np.concatenate([side @ patch.coefficients[k, m] for k, side in zip(used, rows, strict=True)], axis=1)
            after = (twice if m else 0.5 * twice) * now
            after -= before
            if after.ndim == 2:
                after = add_product(np, after, part, columns)
            else:
                after += np.einsum("nr,nr->n", part, columns)
            now, before = after, now
        if not some.all():
            now = np.where(some, now, result[places])
        result[places] = now
