"""The kernels of a stack on tiles: what is known of all rows, and the layers on a tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import Stack, run
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.follow import Followed
from glutheory.numeric.deep.pairs import Pairs, added, centred, product, start
from glutheory.numeric.deep.tabulated import Same, Seen, Tabulated
from glutheory.numeric.deep.unequal import Unequal
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Pick, Tiled
from glutheory.numeric.rows import Rows

Factor: TypeAlias = Same | Tabulated | Unequal


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
class DeepPlan(Tiled):
    """All that is computed once.

    Attributes:
        left, right: the rows; the same object for a symmetric matrix.
        stack: the layers.
        own: what trained weights add.
        factors: of every product in the order of the walk, one for each branch.
    """

    left: Rows
    right: Rows
    stack: Stack
    own: Own
    factors: tuple[tuple[Factor, ...], ...]

    def limit(self, rows: slice, columns: slice) -> float:  # noqa: ARG002
        """The |ρ| up to which pairs need no refinement."""
        return NEAR

    def kernels(self, pairs: Geometry, left: Pick, right: Pick, kinds: tuple[str, ...]) -> list[Array]:
        """The kernels of these pairs; `left` and `right` pick what belongs to their rows."""
        xp = pairs.xp
        gap = 1.0 - xp.abs(pairs.rho)
        if pairs.near:
            # at right angles, as zero rows are to all, the sine says nothing
            close = pairs.sin() ** 2 / (1.0 + xp.abs(pairs.rho))
            gap = xp.where(pairs.rho == 0, gap, close)
        scale = 1.0 / math.sqrt(self.own.inputs)
        data = start(xp, left(self.left.norm) * scale, right(self.right.norm) * scale, pairs.rho, gap, "ntk" in kinds)
        end = run(self.stack.layers, _State(data, True), _Layers(self.own, iter(self.factors), left, right)).pairs
        both = end.left * end.right
        return [both * (end.rho if kind == "nngp" else end.tau) for kind in kinds]


@dataclass(frozen=True, eq=False)
class _State:
    """Pairs, whether they are those of the data, and the means over r of both sides where units have a mean."""

    pairs: Pairs
    raw: bool = False
    ratios: tuple[Array, Array] | None = None


class _Layers:
    """The rules of the layers for pairs."""

    def __init__(self, own: Own, factors: Iterator[Sequence[Factor]], left: Pick, right: Pick) -> None:
        self._own, self._factors, self._left, self._right = own, factors, left, right

    def dense(self, state: _State, layer: Dense, group: str) -> _State:
        return _State(self._dense(state, layer, group))

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
        made = product(images)
        if any(mean is None for mean in means):
            return _State(made)
        sides = zip(*(mean for mean in means if mean is not None), strict=True)
        one, other = (math.prod(side, start=1.0) for side in sides)
        return _State(made, False, (one + 0.0 * made.left, other + 0.0 * made.right))

    def norm(self, state: _State, layer: Norm, group: str) -> _State:
        pairs, ratios = state.pairs, state.ratios
        ones = pairs.xp.ones_like(pairs.left), pairs.xp.ones_like(pairs.right)
        if layer.centred and ratios is not None:
            pairs, ratios = centred(pairs, ratios, *ones), None
        pairs = pairs.sides(*ones)
        if group in self._own.groups:
            pairs = pairs.trained(float(layer.gain))
            if layer.shift and pairs.tau is not None:
                pairs = replace(pairs, tau=pairs.tau + 1.0)
        return _State(pairs, False, ratios)

    def scale(self, state: _State, layer: Scale) -> _State:
        pairs, factor = state.pairs, abs(float(layer.factor))
        return replace(state, pairs=pairs.sides(pairs.left * factor, pairs.right * factor))

    def add(self, state: _State, other: _State) -> _State:
        made = added(state.pairs, other.pairs)
        if state.ratios is None:
            return _State(made)
        sides = ((state.pairs.left, made.left), (state.pairs.right, made.right))
        one, two = (ratio * before / after for ratio, (before, after) in zip(state.ratios, sides, strict=True))
        return _State(made, False, (one, two))

    def positions(self, state: _State, layer: Positions) -> _State:  # noqa: ARG002
        raise DomainError("positions are not evaluated by gram yet: take the mean of the kernels of the positions.")


def make_deep_plan(stack: Stack, left: Rows, right: Rows, own: Own) -> DeepPlan:
    """Follow the rows through the layers.

    Raises:
        DomainError: a zero row before a norm; variances that an activation's evaluator refuses, or beyond float64.
    """
    same = right is left
    norms = left.norm if same else left.xp.concat([left.norm, right.norm])
    rules = Followed(left.count, same)
    with np.errstate(all="ignore"):
        end = run(stack.layers, np.asarray(norms) / math.sqrt(own.inputs), rules)
    if not np.isfinite(end).all():
        raise DomainError(f"the variances of {stack.name} leave float64: use a norm, or smaller variances or scales.")
    return DeepPlan(left, right, stack, own, tuple(rules.factors))
