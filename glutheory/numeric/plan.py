"""The kernels of a network on tiles of the Gram matrix: geometry, branches, product rule, nearly parallel pairs.

With S_i = (r r')^p_i s_i and c_i T_i = (r r')^p_i t_i the powers of r r' come out of the product rule, so that sums of
terms of opposite signs cannot overflow separately.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from glutheory.networks import Network
from glutheory.numeric.arrays import Array, add_outer, inner
from glutheory.numeric.dense import CLOSEST, SHARE, dense
from glutheory.numeric.dual import Branch, Values
from glutheory.numeric.pairs import Geometry, refine
from glutheory.numeric.rows import Rows
from glutheory.numeric.shortcut import shortcut
from glutheory.numeric.weights import Scales
from glutheory.numeric.zoo import evaluator

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

    def tile(self, rows: slice, columns: slice, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these kinds ("nngp", "ntk") on a tile, shape (rows, columns) each."""
        xp = self.left.xp
        rho = inner(xp, self.left.unit[rows, :], self.right.unit[columns, :])
        reach = max(float(xp.max(rho)), -float(xp.min(rho)))
        limit = min(br.dual.limit(br.left[:, rows], br.right[:, columns]) for br in self.branches)
        near = None
        pairs = Geometry(xp, rho, False, reach)
        if not reach <= limit:
            pairs, near = self._near(rho, limit, rows, columns)
        results = self.kernels(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kinds)
        symmetric = self.left is self.right and rows == columns
        if near is not None:
            self._repair(results, near, (rows.start, columns.start), kinds, symmetric)
        if symmetric:
            results = [xp.triu(part) + xp.triu(part, k=1).T for part in results]
        return results

    def _near(self, rho: Array, limit: float, rows: slice, columns: slice) -> tuple[Geometry, tuple[Array, ...]]:
        """The pairs of a tile that has some with |ρ| > limit, and the indices of those still to be repaired."""
        xp = self.left.xp
        size = xp.abs(rho)
        near = xp.nonzero(size > limit)
        if near[0].shape[0] > SHARE * rho.shape[0] * rho.shape[1]:
            return dense(self.left, self.right, rows, columns), xp.nonzero(size > CLOSEST)
        # these are computed with the others and overwritten; at right angles they cost no additional terms
        rho = xp.where(size > limit, 0.0 * rho, rho)
        return Geometry(xp, rho, False, max(float(xp.max(rho)), -float(xp.min(rho)))), near

    def _repair(
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
            some_i, some_j = i[first : first + chunk], j[first : first + chunk]
            rows, columns = some_i + start[0], some_j + start[1]
            pairs = refine(self.left, self.right, rows, columns)
            values = self.kernels(pairs, _taker(xp, rows), _taker(xp, columns), kinds)
            for part, value in zip(results, values, strict=True):
                part[some_i, some_j] = value

    def kernels(self, pairs: Geometry, left: Pick, right: Pick, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these pairs; `left` and `right` pick their rows' features."""
        factor = None
        direct = shortcut(self.branches, pairs, left, right, kinds)
        if direct is not None:
            core = direct, direct
        else:
            values = [br.dual.values(pairs, left(br.left), right(br.right)) for br in self.branches]
            for value in values:
                if value.factor is not None:
                    factor = value.factor if factor is None else factor * value.factor
            core = self._product(pairs, values, "ntk" in kinds)
        scale = factor
        if self.power:
            weights = add_outer(pairs.xp, 0.0 * pairs.rho, left(self.weight_left), right(self.weight_right))
            scale = _power(weights, self.power)
            scale = scale if factor is None else scale * factor
        results = []
        for kind in kinds:
            part = core[0] if kind == "nngp" else core[1]
            constant = self.front if kind == "nngp" else self.readout
            if constant != 1:
                part = part * constant
            results.append(part if scale is None else self._scaled(pairs, part, scale, factor is not None))
        return results

    def _product(self, pairs: Geometry, values: list[Values], ntk: bool) -> tuple[Array, Array]:
        """∏ s_i and ∏ s_i + Σ_i share_i t_i ∏_{j≠i} s_j."""
        times = _product_with_poles if pairs.near and any(br.dual.jumps for br in self.branches) else _product
        product = values[0].s
        total = None
        for k, (value, branch) in enumerate(zip(values, self.branches, strict=True)):
            if not ntk:
                product = value.s if k == 0 else product * value.s
                continue
            t = value.t if branch.share == 1 else value.t * branch.share
            if k == 0:
                total = t
            else:
                total = times(pairs, total, value.s)
                total += times(pairs, product, t)
                product = product * value.s
        return product, product if total is None else product + total

    def _scaled(self, pairs: Geometry, part: Array, scale: Array, guarded: bool) -> Array:
        """part·scale, where 0·∞ is 0: a kernel that vanishes exactly does so for rows of any norm."""
        xp = pairs.xp
        if guarded or self.overflows:
            return xp.where(part == 0, 0.0 * part, part * scale)
        return part * scale


def _taker(xp: object, index: Array) -> Pick:
    return lambda f: xp.take(f, index, axis=f.ndim - 1)  # type: ignore[attr-defined]


def _power(base: Array, exponent: int) -> Array:
    """Base^exponent by multiplication, which is exact to a few ulps and faster than a library's power."""
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result


def _product(pairs: Geometry, x: Array, y: Array) -> Array:  # noqa: ARG001
    return x * y


def _product_with_poles(pairs: Geometry, x: Array, y: Array) -> Array:
    """x·y with 0·∞ = 0: where one branch vanishes, the pole of another is of no weight."""
    zero = (x == 0) | (y == 0)
    return pairs.xp.where(zero, pairs.xp.zeros_like(x), x * y)


def make_plan(network: Network, left: Rows, right: Rows, found: Scales) -> Plan:
    """Compute what is needed of each row; `right` is `left` for a symmetric matrix."""
    duals = [evaluator(act) for act in network.branches]
    branches = []
    for dual, variance, share in zip(duals, found.variances, found.shares, strict=True):
        first = dual.features(left, variance)
        second = first if right is left else dual.features(right, variance)
        branches.append(Branch(dual, first, second, float(share / found.readout)))
    # one radius for all branches, whose power is the product of theirs
    power = sum(dual.degree for dual in duals)
    degrees: dict[Fraction, int] = {}
    for dual, variance in zip(duals, found.variances, strict=True):
        degrees[variance] = degrees.get(variance, 0) + dual.degree
    radius = math.prod(float(v) ** (degree / (2 * power)) for v, degree in degrees.items()) if power else 1.0
    weights = (left.norm * radius, right.norm * radius)
    largest = math.prod(float(left.xp.max(side)) if side.shape[0] else 0.0 for side in weights)
    overflows = largest > 0 and power * math.log(largest) > _LOG_MAX
    return Plan(left, right, tuple(branches), power, *weights, overflows, float(found.front), float(found.readout))
