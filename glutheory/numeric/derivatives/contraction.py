"""The gradient of Σ_ij G_ij K(x_i, y_j) for given G, without any array of shape (n, m, d).

With x̂ = x/‖x‖ and e = ŷ − ρ x̂, the part of ŷ at right angles to x,

    ∂K/∂x = (r ∂K/∂r x̂ + ∂K/∂ρ e)/‖x‖

A tile needs two matrix products, (G ∂K/∂ρ) ŷ and its transpose with x̂. For nearly parallel rows ŷ − ρ x̂ would cancel:
there e is taken from `decompose`, pair by pair. Parallel rows have e = 0, also where ∂K/∂ρ is infinite: the mean of the
slopes on both sides of the cusp.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import array_api_compat
import numpy as np

from glutheory.numeric.arrays import Array, Namespace, inner
from glutheory.numeric.dense import CLOSEST, SHARE, dense
from glutheory.numeric.derivatives.field import Field
from glutheory.numeric.derivatives.parts import PARALLEL, Gradient, Wanted, finish, parts
from glutheory.numeric.pairs import NEAR, Geometry, decompose
from glutheory.numeric.rows import Rows

#: Entries of the arrays that a chunk of nearly parallel pairs needs.
_ENTRIES = 1 << 16


def contract(field: Field, weights: dict[str, Array], wanted: Wanted, *, side: int, threads: int) -> Gradient:
    """The gradient of Σ_kinds Σ_ij G_ij K(x_i, y_j).

    For a symmetric matrix (`field.right` is `field.left`) the entry (i, i) is the function x ↦ K(x, x), `right` stays
    zero and `left` holds the whole gradient.

    Args:
        field: the kernel.
        weights: G of each kind ("nngp", "ntk"), shape (n, m).
        wanted: which gradients.
        side: rows of a tile.
        threads: how many strips of tiles are worked on at a time; the result does not depend on it.
    """
    n, m, symmetric = field.left.count, field.right.count, field.right is field.left
    xp = field.left.xp
    left, right = xp.zeros_like(field.left.scaled), xp.zeros_like(field.right.scaled)
    sums = {kind: np.zeros(1 + 2 * len(field.branches)) for kind in weights}
    strips = [slice(i, min(i + side, n)) for i in range(0, n, side)]

    def work(rows: slice) -> _Strip:
        with np.errstate(all="ignore"):
            strip = _Strip(field, weights, wanted, rows)
            for j in range(rows.start if symmetric else 0, m, side):
                strip.tile(slice(j, min(j + side, m)))
        return strip

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, n, threads * side):
            some = strips[start // side : start // side + threads]
            # added in the order of the strips, whatever the number of threads
            for strip in pool.map(work, some) if threads > 1 else map(work, some):
                left[strip.rows, :] += strip.left
                if symmetric:
                    left += strip.right
                else:
                    right += strip.right
                for kind, part in strip.sums.items():
                    sums[kind] += part
    return Gradient(finish(field, field.left, left), finish(field, field.right, right), sums)


class _Strip:
    """Some rows against columns; of a symmetric matrix, those from its own on.

    Attributes:
        rows: which ones.
        left, right, sums: what they add to the gradient, times the norm of the row.
    """

    def __init__(self, field: Field, weights: dict[str, Array], wanted: Wanted, rows: slice) -> None:
        xp = field.left.xp
        self.field, self.weights, self.wanted, self.rows = field, weights, wanted, rows
        self.symmetric = field.right is field.left
        self.two_sided = wanted.left if self.symmetric else wanted.right
        self.left = xp.zeros_like(field.left.scaled[rows, :])
        self.right = xp.zeros_like(field.right.scaled)
        self.sums = {kind: np.zeros(1 + 2 * len(field.branches)) for kind in weights}

    def tile(self, columns: slice) -> None:
        """Add a tile."""
        field, rows = self.field, self.rows
        left, right, xp = field.left, field.right, field.left.xp
        x, y = left.unit[rows, :], right.unit[columns, :]
        pairs, near = _geometry(left, right, rows, columns, inner(xp, x, y))
        far = None if near is None else _mask(xp, pairs.rho, near)
        once = self.symmetric and rows == columns
        for kind in self.weights:
            terms = field.terms(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kind)
            G = self._weights(kind, rows, columns)
            found = parts(field, G, terms, self.wanted.scales, once=once, keep=far)
            self.sums[kind] += found.sums
            if self.wanted.left:
                rest = xp.sum(found.radial - pairs.rho * found.along, axis=1)[:, None]
                self.left += inner(xp, found.along, y.T) + rest * x
            if self.two_sided and not once:
                rest = xp.sum(found.radial2 - pairs.rho * found.along, axis=0)[:, None]
                self.right[columns, :] += inner(xp, found.along.T, x.T) + rest * y
        if near is not None:
            chunk = max(64, min(4096, _ENTRIES // left.scaled.shape[1]))
            for start in range(0, near[0].shape[0], chunk):
                self._near(near[0][start : start + chunk], near[1][start : start + chunk] + columns.start, once)

    def _weights(self, kind: str, i: Any, j: Any) -> Array:
        """The entries of G; of a symmetric matrix those of G + Gᵀ, for one triangle stands for both."""
        G = self.weights[kind]
        part = G[i, j]
        if self.symmetric:
            part = part + (G[j, i].T if isinstance(i, slice) else G[j, i])
        return self.field.left.xp.astype(part, self.field.left.unit.dtype)

    def _near(self, own: Array, j: Array, once: bool) -> None:
        """Add nearly parallel pairs: their rows, counted from the first of the strip, and their columns."""
        field = self.field
        left, right, xp = field.left, field.right, field.left.xp
        i = own + self.rows.start
        pairs, rest = decompose(left, right, i, j)
        sine = pairs.sin()
        parallel = sine <= PARALLEL
        across = rest / xp.take(right.length, j)[:, None]
        x, y = xp.take(left.unit, i, axis=0), xp.take(right.unit, j, axis=0)
        for kind in self.weights:
            # where φ jumps the NTK of parallel rows is infinite
            keep = ~parallel if field.jumps and kind == "ntk" else None
            terms = field.terms(pairs, _taker(xp, i), _taker(xp, j), kind)
            found = parts(field, self._weights(kind, i, j), terms, self.wanted.scales, once=once, keep=keep)
            self.sums[kind] += found.sums
            along = xp.where(parallel, 0.0 * sine, found.along)[:, None]
            if self.wanted.left:
                _scatter(self.left, own, found.radial[:, None] * x + along * across)
            if self.two_sided and not once:
                # x̂ − ρ ŷ = sin² x̂ − ρ e, for ŷ = ρ x̂ + e
                back = (sine * sine)[:, None] * x - pairs.rho[:, None] * across
                _scatter(self.right, j, found.radial2[:, None] * y + along * back)


def _geometry(
    left: Rows, right: Rows, rows: slice, columns: slice, rho: Array
) -> tuple[Geometry, tuple[Array, ...] | None]:
    """The pairs of a tile, and the indices of those to be done one by one (None if there is none)."""
    xp = left.xp
    size = xp.abs(rho)
    reach = float(xp.max(size))
    if reach <= NEAR:
        return Geometry(xp, rho, False, reach), None
    near = xp.nonzero(size > NEAR)
    if near[0].shape[0] <= SHARE * math.prod(rho.shape):
        rho = xp.where(size > NEAR, 0.0 * rho, rho)
        return Geometry(xp, rho, False, float(xp.max(xp.abs(rho)))), near
    pairs = dense(left, right, rows, columns)
    near = xp.nonzero(size > CLOSEST)
    return pairs, near if near[0].shape[0] else None


def _mask(xp: Namespace, rho: Array, without: tuple[Array, ...]) -> Array:
    keep = xp.ones_like(rho) > 0
    keep[without] = False
    return keep


def _taker(xp: Namespace, index: Array) -> Any:
    return lambda f: xp.take(f, index, axis=f.ndim - 1)


def _scatter(target: Array, index: Array, values: Array) -> None:
    """target[index_k] += values_k, for indices that repeat."""
    if array_api_compat.is_numpy_array(target):
        np.add.at(target, index, values)
    else:
        target.index_add_(0, index, values)
