"""A network's kernels on tiles of the Gram matrix: what is computed once per row, the tiles, nearly parallel pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import array_api_compat

from glutheory.networks import Network
from glutheory.numeric.angles import of_tile, refine
from glutheory.numeric.arrays import Array, Namespace, add_outer, piece
from glutheory.numeric.duals import evaluator
from glutheory.numeric.duals.record import check_radii
from glutheory.numeric.kernel import Branch, combined, dense, product, unit
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows
from glutheory.numeric.weights import Scales

#: Entries of the arrays that a chunk of nearly parallel pairs needs.
_ENTRIES = 1 << 15

#: The logarithm of the largest float64, less a margin.
_LOG_MAX = 700.0

#: Picks the part of an array whose last axis runs over the rows.
Pick = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is computed once per row.

    Attributes:
        left, right: the rows; the same object for a symmetric matrix.
        branches: see `Branch`.
        power: the degree of homogeneity that is taken out.
        weight_left, weight_right: the factor of each row, whose product is raised to `power`.
        overflows: whether the largest of these may be infinite.
        front, readout: the constants of NNGP and NTK.
    """

    left: Rows
    right: Rows
    branches: tuple[Branch, ...]
    power: int
    weight_left: Array
    weight_right: Array
    overflows: bool
    front: float
    readout: float
    _diagonals: dict[tuple[str, ...], list[Array]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the Gram matrix."""
        return self.left.count, self.right.count

    def diagonal(self, some: slice, kind: str) -> Array:
        """The kernels of these rows with themselves, of the plan of a symmetric matrix; shape (rows,)."""
        return self._own(some, (kind,))[0]

    def diagonals(self, some: slice, kinds: tuple[str, ...]) -> list[Array]:
        """The same for several kinds, for tiles: those of all rows are computed at once."""
        if kinds not in self._diagonals:
            self._diagonals[kinds] = self._own(slice(0, self.left.count), kinds)
        return [values[some] for values in self._diagonals[kinds]]

    def _own(self, some: slice, kinds: tuple[str, ...]) -> list[Array]:
        xp, norm, zero = self.left.xp, self.left.norm[some], 0.0 * self.left.length[some]
        rho = xp.where(norm == 0, zero, zero + 1.0)
        pairs = Geometry(xp, rho, True, 1.0, 1.0 - rho, 0.0 * rho)
        return self.kernels(pairs, lambda f: f[..., some], lambda f: f[..., some], kinds)

    def tile(self, rows: slice, columns: slice, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these kinds ("nngp", "ntk") on a tile, shape (rows, columns) each."""
        xp = self.left.xp
        limit = min(br.dual.limit(br.left[:, rows], br.right[:, columns]) for br in self.branches)
        symmetric = self.left is self.right and rows == columns
        pairs, near = of_tile(self.left, self.right, rows, columns, limit, diagonal=symmetric)
        results = self.kernels(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kinds)
        if symmetric:
            every = xp.arange(pairs.rho.shape[0], device=array_api_compat.device(pairs.rho))
            for part, values in zip(results, self.diagonals(rows, kinds), strict=True):
                part[every, every] = values
        if near is not None:
            self.repair(results, near, (rows.start, columns.start), kinds, symmetric)
        if symmetric:
            upper = every[:, None] <= every[None, :]
            results = [xp.where(upper, part, part.T) for part in results]
        return results

    def repair(
        self, results: list[Array], near: tuple[Array, ...], start: tuple[int, int], kinds: tuple[str, ...], half: bool
    ) -> None:
        """Overwrite the nearly parallel pairs (of the upper triangle only, if `half`) by their accurate values."""
        xp = self.left.xp
        i, j = near
        if half:
            upper = xp.nonzero(i <= j)[0]
            i, j = xp.take(i, upper), xp.take(j, upper)
        chunk = max(64, min(4096, _ENTRIES // self.left.scaled.shape[1]))
        for first in range(0, i.shape[0], chunk):
            some_i, some_j = piece(i, first, chunk), piece(j, first, chunk)
            rows, columns = some_i + start[0], some_j + start[1]
            pairs = refine(self.left, self.right, rows, columns)
            values = self.kernels(pairs, taker(xp, rows), taker(xp, columns), kinds)
            for part, value in zip(results, values, strict=True):
                part[some_i, some_j] = value

    def kernels(self, pairs: Geometry, left: Pick, right: Pick, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these pairs; `left` and `right` pick their rows' features."""
        ntk = "ntk" in kinds
        features = [left(br.left) for br in self.branches], [right(br.right) for br in self.branches]
        direct = combined(self.branches, pairs, *features, ntk) if len(kinds) == 1 else None
        if direct is not None:
            constant = self.readout if ntk else self.front
            parts, factor = [direct if constant == 1 else direct * constant], None
        else:
            values = [br.dual.values(pairs, *both) for br, *both in zip(self.branches, *features, strict=True)]
            units = [unit(value, br.share, pairs, ntk) for value, br in zip(values, self.branches, strict=True)]
            poles = pairs.near and any(br.dual.jumps for br in self.branches)
            out = dense(product(units, poles=poles), self.front, self.readout)
            parts = [out.nngp if kind == "nngp" else out.ntk for kind in kinds]
            factor = common_factor([value.factor for value in values])
        scale = factor
        if self.power:
            weights = add_outer(pairs.xp, 0.0 * pairs.rho, left(self.weight_left), right(self.weight_right))
            scale = _power(weights, self.power)
            scale = scale if factor is None else scale * factor
        if scale is None:
            return parts
        return [self._scaled(pairs, part, scale, factor is not None) for part in parts]

    def _scaled(self, pairs: Geometry, part: Array, scale: Array, guarded: bool) -> Array:
        """part·scale, where 0·∞ is 0: a kernel that vanishes exactly does so for rows of any norm."""
        xp = pairs.xp
        if guarded or self.overflows:
            return xp.where(part == 0, 0.0 * part, part * scale)
        return part * scale


def common_factor(factors: list[Array | None]) -> Array | None:
    """The product of those that are there."""
    found = None
    for factor in factors:
        if factor is not None:
            found = factor if found is None else found * factor
    return found


def taker(xp: Namespace, index: Array) -> Pick:
    """Picks these rows."""
    return lambda f: xp.take(f, index, axis=f.ndim - 1)


def _power(base: Array, exponent: int) -> Array:
    """Base^exponent by multiplication, which is exact to a few ulps and faster than a library's power."""
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result


def fed(network: Network, left: Rows, right: Rows, found: Scales, *, slopes: bool = False) -> tuple[Branch, ...]:
    """The branches, fed with these rows; with the features of the derivatives where these are asked for."""
    branches = []
    for act, variance, share in zip(network.branches, found.variances, found.shares, strict=True):
        dual = evaluator(act)
        features = dual.slope_features if slopes and dual.slope_features else dual.features
        own = left.radii(variance)
        other = own if right is left else right.radii(variance)
        for side in (own, other):
            check_radii(act.label, side, dual.largest)
        first = features(own)
        second = first if other is own else features(other)
        branches.append(Branch(dual, first, second, float(share / found.readout)))
    return tuple(branches)


def homogeneity(branches: tuple[Branch, ...], found: Scales) -> tuple[int, float]:
    """The degree that is taken out, and the radius of a row of norm 1 whose power is the product of the branches'."""
    power = sum(branch.dual.degree for branch in branches)
    degrees: dict[Fraction, int] = {}
    for branch, variance in zip(branches, found.variances, strict=True):
        degrees[variance] = degrees.get(variance, 0) + branch.dual.degree
    return power, math.prod(float(v) ** (degree / (2 * power)) for v, degree in degrees.items()) if power else 1.0


def make_plan(network: Network, left: Rows, right: Rows, found: Scales) -> Plan:
    """Compute what is needed of each row; `right` is `left` for a symmetric matrix."""
    branches = fed(network, left, right, found)
    power, radius = homogeneity(branches, found)
    weights = (left.norm * radius, right.norm * radius)
    largest = math.prod(float(left.xp.max(side)) if side.shape[0] else 0.0 for side in weights)
    overflows = largest > 0 and power * math.log(largest) > _LOG_MAX
    return Plan(left, right, branches, power, *weights, overflows, float(found.front), float(found.readout))
