"""The gradient of Σ_ij G_ij K(x_i, y_j) for given G, without any array of shape (n, m, d).

With x̂ = x/‖x‖ and e = ŷ − ρ x̂, the part of ŷ at right angles to x,

    ∂K/∂x = (r ∂K/∂r x̂ + ∂K/∂ρ e)/‖x‖

A tile needs two matrix products, (G ∂K/∂ρ) ŷ and its transpose with x̂. For nearly parallel rows ŷ − ρ x̂ would cancel:
there e is taken from `decompose`, pair by pair. Parallel rows have e = 0, also where ∂K/∂ρ is infinite: the mean of the
slopes on both sides of the cusp.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import array_api_compat
import numpy as np

from glutheory.numeric.angles import decompose, of_tile
from glutheory.numeric.arrays import Array, Namespace, inner, piece
from glutheory.numeric.field import Terms
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Pick, taker
from glutheory.numeric.rows import Rows

#: Entries of the arrays that a chunk of nearly parallel pairs needs.
_ENTRIES = 1 << 16
#: Up to this sine the angle of two rows is rounding, and they count as parallel.
PARALLEL = 2.0**-52
#: The norm that stands for that of a zero row: the limits of the derivatives, each a quotient, are then found as such.
TINY = 1e-100


class Slopes(Protocol):
    """A kernel with derivatives: `glutheory.numeric.field.Field`, or that of a stack."""

    @property
    def left(self) -> Rows:
        """The rows of X."""

    @property
    def right(self) -> Rows:
        """Those of Y; the same object for a symmetric matrix."""

    @property
    def branches(self) -> Sequence[Any]:
        """Those whose variances can be differentiated."""

    @property
    def numbers(self) -> Sequence[str]:
        """Those of a stack along which there are derivatives."""

    @property
    def power(self) -> int:
        """The degree of homogeneity that is taken out."""

    @property
    def jumps(self) -> bool:
        """Whether the NTK of parallel rows is infinite."""

    def terms(self, pairs: Geometry, left: Pick, right: Pick, kind: str) -> Terms:
        """One kernel and its derivatives at these pairs; `left` and `right` pick what belongs to their rows."""


@dataclass(frozen=True)
class Wanted:
    """Which gradients are asked for.

    Attributes:
        left, right: with respect to the two sets of rows.
        scales: with respect to the variances.
    """

    left: bool
    right: bool
    scales: bool


@dataclass(frozen=True, eq=False)
class Gradient:
    """The gradients; zero where they were not asked for.

    Attributes:
        left, right: with respect to the rows, shapes (n, d) and (m, d).
        sums: of each kind, Σ G times: the product of the duals; per branch, its term of the NTK; per branch,
            ½ (r ∂/∂r + r' ∂/∂r') of the kernel; per number of a stack, the derivative along its logarithm. Shape
            (1 + 2 branches + numbers,).
    """

    left: Array
    right: Array
    sums: dict[str, np.ndarray]


class Parts(NamedTuple):
    """G ∂K/∂ρ, G r ∂K/∂r and G r' ∂K/∂r' of pairs, and their part of `Gradient.sums`."""

    along: Array
    radial: Array
    radial2: Array
    sums: np.ndarray


def contract(field: Slopes, weights: dict[str, Array], wanted: Wanted, *, side: int, threads: int) -> Gradient:
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
    sums = {kind: np.zeros(_count(field)) for kind in weights}
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

    def __init__(self, field: Slopes, weights: dict[str, Array], wanted: Wanted, rows: slice) -> None:
        xp = field.left.xp
        self.field, self.weights, self.wanted, self.rows = field, weights, wanted, rows
        self.symmetric = field.right is field.left
        self.two_sided = wanted.left if self.symmetric else wanted.right
        self.left = xp.zeros_like(field.left.scaled[rows, :])
        self.right = xp.zeros_like(field.right.scaled)
        self.sums = {kind: np.zeros(_count(field)) for kind in weights}

    def tile(self, columns: slice) -> None:
        """Add a tile."""
        field, rows = self.field, self.rows
        left, right, xp = field.left, field.right, field.left.xp
        if not any(bool(xp.any(self._weights(kind, rows, columns) != 0)) for kind in self.weights):
            return
        x, y = left.unit[rows, :], right.unit[columns, :]
        pairs, near = of_tile(left, right, rows, columns, NEAR)
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
                self._near(piece(near[0], start, chunk), piece(near[1], start, chunk) + columns.start, once)

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
            terms = field.terms(pairs, taker(xp, i), taker(xp, j), kind)
            found = parts(field, self._weights(kind, i, j), terms, self.wanted.scales, once=once, keep=keep)
            self.sums[kind] += found.sums
            along = xp.where(parallel, 0.0 * sine, found.along)[:, None]
            if self.wanted.left:
                _scatter(self.left, own, found.radial[:, None] * x + along * across)
            if self.two_sided and not once:
                # x̂ − ρ ŷ = sin² x̂ − ρ e, for ŷ = ρ x̂ + e
                back = (sine * sine)[:, None] * x - pairs.rho[:, None] * across
                _scatter(self.right, j, found.radial2[:, None] * y + along * back)


def _count(field: Slopes) -> int:
    """Of the sums of a kind."""
    return 1 + 2 * len(field.branches) + len(field.numbers)


def _mask(xp: Namespace, rho: Array, without: tuple[Array, ...]) -> Array:
    keep = xp.ones_like(rho) > 0
    keep[without] = False
    return keep


def _scatter(target: Array, index: Array, values: Array) -> None:
    """target[index_k] += values_k, for indices that repeat."""
    if array_api_compat.is_numpy_array(target):
        np.add.at(target, index, values)
    else:
        target.index_add_(0, index, values)


def lifted(rows: Rows) -> Rows:
    """The rows with the norm `TINY` in place of 0; a zero row stays at right angles to all."""
    return replace(rows, norm=rows.xp.where(rows.norm > 0, rows.norm, TINY * rows.xp.ones_like(rows.norm)))


def finish(field: Slopes, rows: Rows, gradient: Array) -> Array:
    """The gradient with respect to the rows; 0 at the zero rows of a kernel that jumps there."""
    with np.errstate(all="ignore"):
        gradient = rows.pullback(gradient)
    if field.jumps and field.power == 0:
        gradient = rows.xp.where(rows.length[:, None] > 0, gradient, rows.xp.zeros_like(gradient))
    return gradient


def parts(
    field: Slopes, G: Array, terms: Terms, scales: bool, *, once: bool = False, keep: Array | None = None
) -> Parts:
    """The derivatives times G, of the pairs to `keep`.

    Where every pair comes twice, in both orders, the left side may stand for both (`once`), with G + Gᵀ for G.
    """
    xp = field.left.xp
    weight = G * terms.scale

    def weighted(part: Array) -> Array:
        # what vanishes does so for rows of any norm, and an entry without weight whatever its derivative
        good = (part != 0) & (weight != 0)
        return xp.where(good if keep is None else good & keep, weight * part, 0.0 * G)

    along, radial = weighted(terms.rho), weighted(sum(terms.left))
    radial2 = radial if once else weighted(sum(terms.right))
    sums = np.zeros(_count(field))
    if scales:
        ends = terms.left if once else [a + b for a, b in zip(terms.left, terms.right, strict=True)]
        tangents = terms.tangents or [0.0 * G for _ in ends]
        # of a stack the derivatives are those of all that the number moves, and there are no branches
        every = (terms.product, *terms.numbers) if field.numbers else (terms.product, *tangents, *ends)
        sums[:] = [float(xp.sum(weighted(part))) for part in every]
        if field.numbers:
            sums *= 0.5 if once else 1.0
        else:
            sums[: 1 + len(ends)] *= 0.5 if once else 1.0
            sums[1 + len(ends) :] *= 0.5
    return Parts(along, radial, radial2, sums)
