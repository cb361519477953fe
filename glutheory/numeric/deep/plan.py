"""The kernels of a stack on tiles: what is known of all rows, and the layers on a tile."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import Stack, by_depth, run
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.angles import of_tile, refine
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.follow import Factor, Followed
from glutheory.numeric.deep.pairs import Pairs, added, centred, product, start
from glutheory.numeric.deep.pooled import Means, Tile, alike, continues, growth
from glutheory.numeric.deep.tabulated import Same, Seen
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows

#: Numbers in the arrays that a chunk of nearly parallel pairs needs.
_ENTRIES = 1 << 15

#: The variance of images over their mean square below which layernorm would leave fewer than 13 digits.
_FADED = 2e-3


@dataclass(frozen=True)
class Own:
    """By how much trained weights add to an NTK, over the covariance that they make.

    Attributes:
        standard: whether the weights themselves have the variances; in the ntk parametrisation the factor is 1.
        inputs, width: the fan-in on the data, and elsewhere.
        groups: the names of those that are trained.
    """

    standard: bool
    inputs: int
    width: int
    groups: frozenset[str]

    def factor(self, layer: Dense, group: str, raw: bool) -> float:
        """Of a dense layer's weights; `raw` says that it stands on the data."""
        if group not in self.groups:
            return 0.0
        return float((self.inputs if raw else self.width) / layer.variance) if self.standard else 1.0

    def of_bias(self, layer: Dense, group: str) -> float:
        """Of its biases."""
        if group not in self.groups:
            return 0.0
        return float(1 / layer.bias) if self.standard else 1.0


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
        rho, gap = pairs.rho, _gap(pairs)
        chunk = max(64, min(4096, _ENTRIES // self.left.scaled.shape[1]))
        for first in range(0, 0 if near is None else near[0].shape[0], chunk):
            assert near is not None
            i, j = (index[first : first + chunk] for index in near)
            close = refine(self.left, self.right, i + rows.start, j + columns.start)
            rho[i, j], gap[i, j] = close.rho, _gap(close)
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
        gap = xp.where(near, _gap(close), 1.0 - xp.abs(rough))
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
        return _kernels(run(self.stack.layers, first, rules), kinds)

    def _start(
        self, rho: Array, gap: Array, left: Pick, right: Pick, ntk: bool, pooled: Tile | None = None
    ) -> tuple[_State, _Layers]:
        scale = 1.0 / math.sqrt(self.own.inputs)
        norms = left(self.left.norm) * scale, right(self.right.norm) * scale
        rules = _Layers(self.own, iter(self.factors), left, right, self.tokens, pooled)
        return _State(start(self.left.xp, *norms, rho, gap, ntk), True), rules


def _kernels(state: _State, kinds: tuple[str, ...]) -> list[Array]:
    end = state.pairs
    both = end.left * end.right
    return [both * (end.rho if kind == "nngp" else end.tau) for kind in kinds]


def _gap(pairs: Geometry) -> Array:
    """1 − |ρ|."""
    xp = pairs.xp
    gap = 1.0 - xp.abs(pairs.rho)
    if not pairs.near:
        return gap
    # at right angles, as zero rows are to all, the sine says nothing
    return xp.where(pairs.rho == 0, gap, pairs.sin() ** 2 / (1.0 + xp.abs(pairs.rho)))


@dataclass(frozen=True, eq=False)
class _State:
    """A unit on a tile.

    Attributes:
        pairs: its covariances and its NTK.
        raw: whether it is a coordinate of the data.
        ratios: its means over r, of both sides; None where it has none.
        pooled: whether it is a mean over positions; then r is 1, and ρ is the covariance itself.
    """

    pairs: Pairs
    raw: bool = False
    ratios: tuple[Array, Array] | None = None
    pooled: bool = False


class _Layers:
    """The rules of the layers for pairs."""

    def __init__(
        self,
        own: Own,
        factors: Iterator[Sequence[Factor]],
        left: Pick,
        right: Pick,
        tokens: tuple[int, int],
        means: Tile | None = None,
    ) -> None:
        self._own, self._factors, self._left, self._right, self._tokens = own, factors, left, right, tokens
        self._means = means

    def dense(self, state: _State, layer: Dense, group: str) -> _State:
        if not state.pooled:
            return _State(self._dense(state, layer, group))
        pairs = state.pairs.trained(self._own.factor(layer, group, state.raw))
        tau = None if pairs.tau is None else pairs.tau * float(layer.variance)
        if tau is not None and layer.bias:
            tau = tau + self._own.of_bias(layer, group) * float(layer.bias)
        return _State(_pooled(pairs, pairs.rho * float(layer.variance) + float(layer.bias), tau), pooled=True)

    def _dense(self, state: _State, layer: Dense, group: str) -> Pairs:
        pairs, root = state.pairs, math.sqrt(layer.variance)
        made = pairs.sides(pairs.left * root, pairs.right * root).trained(self._own.factor(layer, group, state.raw))
        if not layer.bias:
            return made
        one = pairs.xp.ones_like(pairs.minus)
        left, right = (0.0 * side + math.sqrt(layer.bias) for side in (pairs.left, pairs.right))
        tau = None if pairs.tau is None else self._own.of_bias(layer, group) * one
        return added(made, Pairs(pairs.xp, left, right, 0.0 * one, 2.0 * one, tau))

    def product(self, state: _State, layer: Product, groups: tuple[str, ...]) -> _State:
        factors = next(self._factors)
        fed: dict[tuple[Fraction, Fraction, float, bool], Pairs] = {}
        seen: Seen = {}
        images = []
        for factor, own, group in zip(factors, layer.branches, groups, strict=True):
            alike = own.variance, own.bias, self._own.factor(own, group, state.raw), group in self._own.groups
            if alike not in fed:
                fed[alike] = self._dense(state, own, group)
            images.append(factor.image(fed[alike], self._left, self._right, seen))
        means = [factor.ratios(self._left, self._right) for factor in factors]
        made = product(images, poles=any(factor.poles for factor in factors))
        if any(mean is None for mean in means):
            return _State(made)
        sides = zip(*(mean for mean in means if mean is not None), strict=True)
        one, other = (math.prod(side, start=1.0) for side in sides)
        return _State(made, False, (one + 0.0 * made.left, other + 0.0 * made.right))

    def norm(self, state: _State, layer: Norm, group: str) -> _State:
        pairs, ratios = state.pairs, state.ratios
        ones = pairs.xp.ones_like(pairs.left), pairs.xp.ones_like(pairs.right)
        if layer.centred and ratios is not None:
            self._varies(pairs.xp, ratios)
            pairs, ratios = centred(pairs, ratios, *ones), None
        pairs = pairs.sides(*ones)
        if group in self._own.groups:
            pairs = pairs.trained(float(layer.gain))
            if layer.shift and pairs.tau is not None:
                pairs = replace(pairs, tau=pairs.tau + 1.0)
        return _State(pairs, False, ratios)

    def _varies(self, xp: Namespace, ratios: tuple[Array, Array]) -> None:
        """Refuses images that are constant but for a small part, of which rounding leaves no digits.

        Raises:
            DomainError: the part is below `_FADED` of the mean square.
        """
        for ratio in ratios:
            left = 1.0 - ratio * ratio
            if left.shape and 0 not in left.shape and not float(xp.min(left)) >= _FADED:
                raise DomainError(
                    f"layernorm follows images whose variance is {max(0.0, float(xp.min(left))):.1e} of their mean "
                    "square, too little for float64: scale the rows or the layer before it up, or use evaluate."
                )

    def scale(self, state: _State, layer: Scale) -> _State:
        pairs, factor = state.pairs, abs(float(layer.factor))
        if state.pooled:
            square = factor * factor
            tau = None if pairs.tau is None else pairs.tau * square
            return replace(state, pairs=_pooled(pairs, pairs.rho * square, tau))
        return replace(state, pairs=pairs.sides(pairs.left * factor, pairs.right * factor))

    def add(self, state: _State, other: _State) -> _State:
        made = added(state.pairs, other.pairs)
        if state.ratios is None:
            return _State(made)
        sides = ((state.pairs.left, made.left), (state.pairs.right, made.right))
        one, two = (ratio * before / after for ratio, (before, after) in zip(state.ratios, sides, strict=True))
        return _State(made, False, (one, two))

    def positions(self, state: _State, layer: Positions) -> _State:  # noqa: ARG002
        pairs = state.pairs
        both = pairs.left * pairs.right
        covariance, tau = (
            None if part is None else self._mean(pairs.xp, both * part) for part in (pairs.rho, pairs.tau)
        )
        if self._means is None:
            return _State(_pooled(pairs, covariance, tau), state.raw, pooled=True)
        made = self._means.pairs(pairs.xp, covariance, tau)
        self._left, self._right = self._means.picks
        if state.ratios is None:
            return _State(made, state.raw)
        p, q = self._tokens
        one, two = (ratio * side for ratio, side in zip(state.ratios, (pairs.left, pairs.right), strict=True))
        one = pairs.xp.mean(pairs.xp.reshape(one, (one.shape[0] // p, p, 1)), axis=1)
        two = pairs.xp.mean(pairs.xp.reshape(two, (1, two.shape[1] // q, q)), axis=2)
        return _State(made, state.raw, (one / made.left, two / made.right))

    def _mean(self, xp: Namespace, part: Array) -> Array:
        """Over all pairs of positions of two sequences."""
        p, q = self._tokens
        shape = (part.shape[0] // p, p, part.shape[1] // q, q)
        return xp.mean(xp.reshape(part, shape), axis=(1, 3))


def _pooled(pairs: Pairs, covariance: Array, tau: Array | None) -> Pairs:
    """Pairs that hold a covariance in the place of ρ."""
    ones = pairs.xp.ones_like(covariance[:, :1]), pairs.xp.ones_like(covariance[:1, :])
    return Pairs(pairs.xp, *ones, -covariance, covariance, tau)


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
    first = np.asarray(norms) / math.sqrt(own.inputs)
    rules = Followed(left.count, tokens, np.asarray(norms) == 0)
    with np.errstate(all="ignore"):
        if depths is None:
            ends = [run(stack.layers, first, rules)]
        else:
            ends = [end for _, end in by_depth(stack.layers, first, rules, depths)]
    if not all(np.isfinite(end).all() for end in ends):
        raise DomainError(f"the variances of {stack.name} leave float64: use a norm, or smaller variances or scales.")
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
            r = np.sqrt(np.maximum(np.asarray(plan.diagonal(slice(0, rows.count // count), "nngp")), 0.0))
            norms = np.asarray(rows.norm)
            positions = run(head.layers[:-1], norms / math.sqrt(own.inputs), Followed(rows.count, (1, 1), norms == 0))
            spreads.append(r)
            losses.append(growth(r, positions, count, name))
            empty.append((np.reshape(norms, (-1, count)) == 0).all(axis=1))
        rules = Followed(len(spreads[0]), (1, 1), np.concatenate(empty))
        end = run(stack.layers[place + 1 :], np.concatenate(spreads), rules)
    if not np.isfinite(end).all():
        raise DomainError(f"the variances of {stack.name} leave float64: use a norm, or smaller variances or scales.")
    every = [factor for factors in rules.factors for factor in factors]
    steep, poles = any(not isinstance(factor, Same) for factor in every), any(factor.poles for factor in every)
    means = Means(
        (spreads[0], spreads[-1]), (losses[0], losses[-1]), alike(left, right, tokens), steep=steep, poles=poles
    )
    return replace(whole, stack=stack, factors=(*whole.factors, *rules.factors), means=means)
