"""The layers of a stack as rules for a tile of pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.follow import Factor
from glutheory.numeric.deep.pairs import Pairs, added, centred, product
from glutheory.numeric.deep.pooled import Tile
from glutheory.numeric.deep.tabulated import Seen
from glutheory.numeric.plan import Pick

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
class State:
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


class Layers:
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

    def dense(self, state: State, layer: Dense, group: str) -> State:
        """A dense layer: of means over positions the covariance itself."""
        if not state.pooled:
            return State(self._dense(state, layer, group))
        pairs = state.pairs.trained(self._own.factor(layer, group, state.raw))
        tau = None if pairs.tau is None else pairs.tau * float(layer.variance)
        if tau is not None and layer.bias:
            tau = tau + self._own.of_bias(layer, group) * float(layer.bias)
        return State(_pooled(pairs, pairs.rho * float(layer.variance) + float(layer.bias), tau), pooled=True)

    def _dense(self, state: State, layer: Dense, group: str) -> Pairs:
        pairs, root = state.pairs, math.sqrt(layer.variance)
        made = pairs.sides(pairs.left * root, pairs.right * root).trained(self._own.factor(layer, group, state.raw))
        if not layer.bias:
            return made
        one = pairs.xp.ones_like(pairs.minus)
        left, right = (0.0 * side + math.sqrt(layer.bias) for side in (pairs.left, pairs.right))
        tau = None if pairs.tau is None else self._own.of_bias(layer, group) * one
        return added(made, Pairs(pairs.xp, left, right, 0.0 * one, 2.0 * one, tau))

    def product(self, state: State, layer: Product, groups: tuple[str, ...]) -> State:
        """A product of branches, each by its factor."""
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
            return State(made)
        sides = zip(*(mean for mean in means if mean is not None), strict=True)
        one, other = (math.prod(side, start=1.0) for side in sides)
        return State(made, False, (one + 0.0 * made.left, other + 0.0 * made.right))

    def norm(self, state: State, layer: Norm, group: str) -> State:
        """All rows of one norm, their means taken away first or not."""
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
        return State(pairs, state.raw, ratios)

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

    def scale(self, state: State, layer: Scale) -> State:
        """A number."""
        pairs, factor = state.pairs, abs(float(layer.factor))
        if state.pooled:
            square = factor * factor
            tau = None if pairs.tau is None else pairs.tau * square
            return replace(state, pairs=_pooled(pairs, pairs.rho * square, tau))
        return replace(state, pairs=pairs.sides(pairs.left * factor, pairs.right * factor))

    def add(self, state: State, other: State) -> State:
        """The sum of two."""
        made = added(state.pairs, other.pairs)
        if state.ratios is None:
            return State(made)
        sides = ((state.pairs.left, made.left), (state.pairs.right, made.right))
        one, two = (ratio * before / after for ratio, (before, after) in zip(state.ratios, sides, strict=True))
        return State(made, False, (one, two))

    def positions(self, state: State, layer: Positions) -> State:  # noqa: ARG002
        """The mean over all pairs of positions."""
        pairs = state.pairs
        both = pairs.left * pairs.right
        covariance, tau = (
            None if part is None else self._mean(pairs.xp, both * part) for part in (pairs.rho, pairs.tau)
        )
        if self._means is None:
            return State(_pooled(pairs, covariance, tau), state.raw, pooled=True)
        made = self._means.pairs(pairs.xp, covariance, tau)
        if pairs.lost is not None:
            made = replace(made, lost=0.0 * made.minus)
        self._left, self._right = self._means.picks
        if state.ratios is None:
            return State(made, state.raw)
        p, q = self._tokens
        one, two = (ratio * side for ratio, side in zip(state.ratios, (pairs.left, pairs.right), strict=True))
        one = pairs.xp.mean(pairs.xp.reshape(one, (one.shape[0] // p, p, 1)), axis=1)
        two = pairs.xp.mean(pairs.xp.reshape(two, (1, two.shape[1] // q, q)), axis=2)
        return State(made, state.raw, (one / made.left, two / made.right))

    def _mean(self, xp: Namespace, part: Array) -> Array:
        """Over all pairs of positions of two sequences."""
        p, q = self._tokens
        shape = (part.shape[0] // p, p, part.shape[1] // q, q)
        return xp.mean(xp.reshape(part, shape), axis=(1, 3))


def _pooled(pairs: Pairs, covariance: Array, tau: Array | None) -> Pairs:
    """Pairs that hold a covariance in the place of ρ."""
    ones = pairs.xp.ones_like(covariance[:, :1]), pairs.xp.ones_like(covariance[:1, :])
    return Pairs(pairs.xp, *ones, -covariance, covariance, tau)
