"""The kernels of a stack on tiles: what is known of all rows, and the layers on a tile."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import array_api_compat
import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import Stack, by_depth, run
from glutheory.layers.blocks import means
from glutheory.numeric.angles import of_tile, refine
from glutheory.numeric.arrays import Array, host, piece
from glutheory.numeric.deep.follow import BeyondFloat64Error, Factor, Followed
from glutheory.numeric.deep.pairs import check_infinite, start
from glutheory.numeric.deep.pooled import Means, Tile, alike, continues, growth
from glutheory.numeric.deep.stream import Layers, Own, State
from glutheory.numeric.deep.tabulated import Same
from glutheory.numeric.deep.unequal import Unequal
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows

#: Numbers in the arrays that a chunk of nearly parallel pairs needs.
_ENTRIES = 1 << 15


@dataclass(frozen=True, eq=False)
class DeepPlan:
    """All that is computed once.

    Attributes:
        left, right: the rows; the same object for a symmetric matrix.
        stack: the layers.
        own: what trained weights add.
        factors: of every product in the order of the walk, one for each branch.
        tokens: the numbers of rows of a sequence on both sides; 1 without positions.
        means: the sequences as rows, where others than dense layers and factors follow the mean over positions.
    """

    left: Rows
    right: Rows
    stack: Stack
    own: Own
    factors: tuple[tuple[Factor, ...], ...]
    tokens: tuple[int, int] = (1, 1)
    means: Means | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Of the Gram matrix."""
        return self.left.count // self.tokens[0], self.right.count // self.tokens[1]

    def tile(self, rows: slice, columns: slice, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these kinds ("nngp", "ntk") on a tile, shape (rows, columns) each."""
        xp = self.left.xp
        i, j = (slice(part.start * t, part.stop * t) for part, t in zip((rows, columns), self.tokens, strict=True))
        rho, gap = self._angles(i, j)
        pooled = None if self.means is None else self.means.tile(rows, columns)
        results = self._through(rho, gap, lambda f: f[..., i, None], lambda f: f[..., None, j], kinds, pooled)
        if self.left is self.right and rows == columns:
            results = [xp.triu(part) + xp.triu(part, k=1).T for part in results]
        return results

    def _angles(self, rows: slice, columns: slice) -> tuple[Array, Array]:
        """ρ and 1 − |ρ| of the data on a tile, nearly parallel pairs refined."""
        pairs, near = of_tile(self.left, self.right, rows, columns, NEAR)
        rho, gap = pairs.rho, gap_of(pairs)
        chunk = max(64, min(4096, _ENTRIES // self.left.scaled.shape[1]))
        for first in range(0, 0 if near is None else near[0].shape[0], chunk):
            assert near is not None
            i, j = (piece(index, first, chunk) for index in near)
            close = refine(self.left, self.right, i + rows.start, j + columns.start)
            rho[i, j], gap[i, j] = close.rho, gap_of(close)
        return rho, gap

    def diagonal(self, some: slice, kind: str) -> Array:
        """The kernels of these rows with themselves, of the plan of a symmetric matrix; shape (rows,)."""
        xp, rows = self.left.xp, self.left
        if self.stack.sequences:
            one = [self.tile(slice(i, i + 1), slice(i, i + 1), (kind,))[0][0, :] for i in range(some.start, some.stop)]
            return xp.concat(one)
        rho = xp.where(rows.norm[some] == 0, 0.0 * rows.length[some], 0.0 * rows.length[some] + 1.0)
        return self._through(rho, 1.0 - rho, lambda f: f[..., some], lambda f: f[..., some], (kind,))[0]

    def paired(self, some: slice, kind: str) -> Array:
        """The kernels K(x_i, y_i) of these rows, of a plan without positions; shape (rows,)."""
        if self.right is self.left:
            return self.diagonal(some, kind)
        xp, left, right = self.left.xp, self.left, self.right
        index = xp.nonzero(xp.ones_like(left.norm[some]))[0] + some.start
        close = refine(left, right, index, index)
        rough = xp.sum(left.unit[some, :] * right.unit[some, :], axis=1)
        near = xp.abs(rough) > NEAR
        rho = xp.where(near, close.rho, rough)
        gap = xp.where(near, gap_of(close), 1.0 - xp.abs(rough))
        return self._through(rho, gap, lambda f: f[..., some], lambda f: f[..., some], (kind,))[0]

    def by_depth(self, rows: slice, columns: slice, depths: Collection[int]) -> Iterator[tuple[int, list[Array]]]:
        """NNGP and NTK on a tile for each of these depths, of the plan of `make_deep_plan` for them."""
        rho, gap = self._angles(rows, columns)
        first, rules = self._start(rho, gap, lambda f: f[..., rows, None], lambda f: f[..., None, columns], True)
        for depth, state in by_depth(self.stack.layers, first, rules, depths):
            yield depth, _kernels(state, ("nngp", "ntk"))

    def _through(
        self,
        rho: Array,
        gap: Array,
        left: Pick,
        right: Pick,
        kinds: tuple[str, ...],
        pooled: Tile | None = None,
    ) -> list[Array]:
        """The kernels of pairs; `left` and `right` pick what belongs to their rows."""
        first, rules = self._start(rho, gap, left, right, "ntk" in kinds, pooled)
        end = run(self.stack.layers, first, rules)
        if end.pairs.tau is not None and any(factor.poles for factors in self.factors for factor in factors):
            check_infinite(self.left.xp, end.pairs.tau)
        return _kernels(end, kinds)

    def _start(
        self, rho: Array, gap: Array, left: Pick, right: Pick, ntk: bool, pooled: Tile | None = None
    ) -> tuple[State, Layers]:
        scale = 1.0 / math.sqrt(self.own.inputs)
        norms = left(self.left.norm) * scale, right(self.right.norm) * scale
        rules = Layers(self.own, iter(self.factors), left, right, self.tokens, pooled)
        alike = left(self.left.norm) == right(self.right.norm) if self._keeps(ntk) else None
        return State(start(self.left.xp, *norms, rho, gap, ntk, alike), True), rules

    def _keeps(self, ntk: bool) -> bool:
        """Whether what rounding costs is kept."""
        jumps = sum(any(factor.poles for factor in factors) for factors in self.factors)
        # the first jump makes a gap of an angle, the next one a gap of its root; means taken away leave differences
        return jumps > 1 or ((ntk or jumps > 0) and means(self.stack.layers)[1])


def _kernels(state: State, kinds: tuple[str, ...]) -> list[Array]:
    end = state.pairs
    both = end.left * end.right
    return [both * (end.rho if kind == "nngp" else end.tau) for kind in kinds]


def gap_of(pairs: Geometry) -> Array:
    """1 − |ρ|."""
    xp = pairs.xp
    gap = 1.0 - xp.abs(pairs.rho)
    if not pairs.near:
        return gap
    # at right angles, as zero rows are to all, the sine says nothing
    return xp.where(pairs.rho == 0, gap, pairs.sin() ** 2 / (1.0 + xp.abs(pairs.rho)))


def make_deep_plan(
    stack: Stack,
    left: Rows,
    right: Rows,
    own: Own,
    tokens: tuple[int, int] = (1, 1),
    depths: Collection[int] | None = None,
) -> DeepPlan:
    """Follow the rows through the layers; for `depths`, through the stack with each of these numbers of repetitions.

    Raises:
        DomainError: a zero row before a norm; variances that an activation's evaluator refuses, or beyond float64.
    """
    place = continues(stack.layers)
    if place is not None:
        return _pooled_plan(stack, left, right, own, tokens, place)
    same = right is left
    norms = left.norm if same else left.xp.concat([left.norm, right.norm])
    first = host(norms) / math.sqrt(own.inputs)
    rules = Followed(left.count, same, tokens, host(norms) == 0)
    with np.errstate(all="ignore"):
        if depths is None:
            ends = [run(stack.layers, first, rules)]
        else:
            ends = [end for _, end in by_depth(stack.layers, first, rules, depths)]
    if not all(np.isfinite(end).all() for end in ends):
        raise _beyond(stack)
    if not array_api_compat.is_numpy_namespace(left.xp) and any(
        isinstance(factor, Unequal) for factors in rules.factors for factor in factors
    ):
        raise DomainError(
            f"the rows of {stack.name} reach an activation with different variances, which is computed by numpy alone: "
            "give X on the CPU, or put a norm before it."
        )
    return DeepPlan(left, right, stack, own, tuple(rules.factors), tokens)


def _pooled_plan(stack: Stack, left: Rows, right: Rows, own: Own, tokens: tuple[int, int], place: int) -> DeepPlan:
    """The plan of a stack whose mean over positions stands before other layers: that of the rows, then of the means."""
    head = replace(stack, layers=stack.layers[: place + 1], name="")
    sides = [(left, tokens[0], "X")] + ([] if right is left else [(right, tokens[1], "Y")])
    whole = make_deep_plan(head, left, right, own, tokens)
    spreads, losses, empty = [], [], []
    with np.errstate(all="ignore"):
        for rows, count, name in sides:
            plan = make_deep_plan(head, rows, rows, own, (count, count))
            r = np.sqrt(np.maximum(host(plan.diagonal(slice(0, rows.count // count), "nngp")), 0.0))
            norms = host(rows.norm)
            positions = run(
                head.layers[:-1], norms / math.sqrt(own.inputs), Followed(rows.count, True, (1, 1), norms == 0)
            )
            spreads.append(r)
            losses.append(growth(r, positions, count, name))
            empty.append((np.reshape(norms, (-1, count)) == 0).all(axis=1))
        rules = Followed(len(spreads[0]), right is left, (1, 1), np.concatenate(empty))
        end = run(stack.layers[place + 1 :], np.concatenate(spreads), rules)
    if not np.isfinite(end).all():
        raise _beyond(stack)
    every = [factor for factors in rules.factors for factor in factors]
    steep, poles = any(not isinstance(factor, Same) for factor in every), any(factor.poles for factor in every)
    means = Means(
        (spreads[0], spreads[-1]), (losses[0], losses[-1]), alike(left, right, tokens), steep=steep, poles=poles
    )
    return replace(whole, stack=stack, factors=(*whole.factors, *rules.factors), means=means)


def _beyond(stack: Stack) -> BeyondFloat64Error:
    return BeyondFloat64Error(
        f"the variances of {stack.name} leave float64: use a norm, or smaller variances or scales."
    )


__all__ = ["BeyondFloat64Error", "DeepPlan", "Factor", "Own", "make_deep_plan"]
