"""What follows a mean over positions, as a function of the means: F(Σ̄_ij, Σ̄_ii, Σ̄_jj, Θ̄_ij) and its derivatives.

Dense layers and factors alone make a linear function of Σ̄_ij and Θ̄_ij. Other layers see the mean as a row again, with
r_i = √Σ̄_ii, ρ = Σ̄_ij/(r_i r_j) and τ = Θ̄_ij/(r_i r_j), so that at fixed Σ̄_ij and Θ̄_ij

    2 Σ̄_ii ∂F/∂Σ̄_ii = ∂F/∂log r_i − ρ ∂F/∂ρ − τ ∂F/∂τ

A sequence and itself have ρ = 1 wherever they go, and what F does along ρ there does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import array_api_compat.numpy as xp
import numpy as np

from glutheory.layers import run
from glutheory.layers.numbers import Places
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.field import Derivatives, State, directions, ends
from glutheory.numeric.deep.moving import Along, Moving, only
from glutheory.numeric.deep.plan import DeepPlan, Own

#: Directions of a tail: ρ, log r of both sides, τ; numbers come after them.
_OWN = 4


@dataclass(frozen=True, eq=False)
class Slopes:
    """The derivatives of F on a tile of sequences.

    Attributes:
        covariance, ntk: along Σ̄_ij and Θ̄_ij.
        left, right: along Σ̄_ii and Σ̄_jj.
        numbers: along the logarithms of the numbers of the layers that follow.
    """

    covariance: Array
    ntk: Array
    left: Array
    right: Array
    numbers: tuple[Array, ...]


class Tail:
    """The layers behind the mean of a plan, where others than dense ones and factors are among them."""

    def __init__(self, plan: DeepPlan, places: Places, names: Sequence[str], raw: bool) -> None:
        """Derivatives are along the numbers of these names; `raw` says that the means are of the data themselves."""
        self._plan, self._places, self._count, self._raw = plan, places, _OWN + len(names), raw
        self._directions = directions(places, names, _OWN)

    def slopes(self, rows: slice, columns: slice, covariance: Array, tau: Array, kind: str) -> Slopes:
        """The derivatives of one kernel at these means of Σ and Θ; nothing where it is infinite."""
        means, count = self._plan.means, self._count
        assert means is not None
        tile = means.tile(rows, columns)
        pairs = tile.pairs(xp, covariance, tau if kind == "ntk" else None)
        ones, sides = np.ones_like(pairs.minus), [np.ones_like(side) for side in (pairs.left, pairs.right)]
        nothing: Along = (None,) * count
        growth = only(1, sides[0], count), only(2, sides[1], count)
        ntk = only(3, ones, count) if kind == "ntk" else nothing
        unit = Moving(pairs, pairs.right / pairs.left - 1.0, only(0, ones, count), ntk, growth)
        own = Derivatives(self._plan.own, self._plan.factors, self._directions, *tile.picks)
        rules = _Behind(own, State(unit, self._raw))
        end = run(self._places.layers, None, rules)
        assert end is not None
        value, along = ends(end.unit, kind)
        size = end.unit.pairs.left * end.unit.pairs.right * np.where(np.isfinite(value), 1.0, 0.0)
        parts = [0.0 * ones if part is None else np.where(size == 0, 0.0, part * size) for part in along]
        names = means.names[0][rows, None] == means.names[1][None, columns]
        angle, left, right, of_tau, *numbers = (np.where(names, 0.0, parts[0]), *parts[1:])
        both = pairs.left * pairs.right
        rest = pairs.rho * angle + (0.0 if pairs.tau is None else pairs.tau * of_tau)
        ends_left, ends_right = (
            (part - rest) / (2.0 * side * side) for part, side in ((left, pairs.left), (right, pairs.right))
        )
        return Slopes(angle / both, of_tau / both, ends_left, ends_right, tuple(numbers))


class LinearTail:
    """The layers behind the mean, where they are dense ones and factors."""

    def __init__(self, plan: DeepPlan, places: Places, names: Sequence[str], raw: bool) -> None:
        """See `Tail`."""
        one = np.eye(1, 1 + len(names))[0]
        rules = _Linear(plan.own, directions(places, names, 1), _Affine(one, 0 * one, 0 * one, one, 0 * one), raw)
        found = run(places.layers, None, rules)
        assert found is not None
        self._found = found

    def slopes(self, rows: slice, columns: slice, covariance: Array, tau: Array, kind: str) -> Slopes:  # noqa: ARG002
        """See `Tail.slopes`."""
        own = self._found
        nothing = np.zeros_like(covariance)
        first, second, shift = (own.below, own.ntk, own.shift) if kind == "ntk" else (own.nngp, 0 * own.ntk, own.bias)
        numbers = tuple(
            one * covariance + other * tau + rest
            for one, other, rest in zip(first[1:], second[1:], shift[1:], strict=True)
        )
        return Slopes(nothing + first[0], nothing + second[0], nothing, nothing, numbers)


class _Behind:
    """Rules for a whole stack, of which nothing happens before the mean over positions.

    The whole is walked for the sake of the names of its groups of weights.
    """

    def __init__(self, rules: Derivatives, start: State) -> None:
        self._rules, self._start = rules, start

    def dense(self, state: State | None, layer: Dense, group: str) -> State | None:
        return None if state is None else self._rules.dense(state, layer, group)

    def product(self, state: State | None, layer: Product, groups: tuple[str, ...]) -> State | None:
        if state is None:
            self._rules.skip()
            return None
        return self._rules.product(state, layer, groups)

    def norm(self, state: State | None, layer: Norm, group: str) -> State | None:
        return None if state is None else self._rules.norm(state, layer, group)

    def scale(self, state: State | None, layer: Scale) -> State | None:
        return None if state is None else self._rules.scale(state, layer)

    def add(self, state: State | None, other: State | None) -> State | None:
        return None if state is None or other is None else self._rules.add(state, other)

    def positions(self, state: State | None, layer: Positions) -> State:  # noqa: ARG002
        return self._start


@dataclass(frozen=True, eq=False)
class _Affine:
    """Σ = nngp·Σ̄ + bias and Θ = below·Σ̄ + ntk·Θ̄ + shift; of each number its value, then its derivatives."""

    nngp: Array
    bias: Array
    below: Array
    ntk: Array
    shift: Array


class _Linear:
    """Rules for a whole stack, of which dense layers and factors behind the mean change an affine function."""

    def __init__(self, own: Own, found: Mapping[int, tuple[int | None, ...]], start: _Affine, raw: bool) -> None:
        self._own, self._directions, self._start, self._raw = own, found, start, raw

    def _number(self, value: float, direction: int | None, rate: float = 1.0) -> Array:
        found = np.zeros_like(self._start.nngp)
        found[0] = value
        if direction is not None:
            found[direction] = rate * value
        return found

    def dense(self, state: _Affine | None, layer: Dense, group: str) -> _Affine | None:
        if state is None:
            return None
        (of_variance, *others), standard = self._directions[id(layer)], self._own.standard
        variance = self._number(float(layer.variance), of_variance)
        factor = self._own.factor(layer, group, self._raw)
        weight = self._number(factor, of_variance if standard else None, -1.0)
        self._raw = False
        bias = self._number(float(layer.bias), others[0] if others else None)
        shift = _times(variance, state.shift + _times(weight, state.bias))
        if layer.bias:
            # in the standard parametrisation what trains them does not depend on their variance
            grown = self._own.of_bias(layer, group) * bias
            shift = shift + (self._number(float(grown[0]), None) if standard else grown)
        return _Affine(
            _times(variance, state.nngp),
            _times(variance, state.bias) + bias,
            _times(variance, state.below + _times(weight, state.nngp)),
            _times(variance, state.ntk),
            shift,
        )

    def scale(self, state: _Affine | None, layer: Scale) -> _Affine | None:
        if state is None:
            return None
        (direction,) = self._directions[id(layer)]
        square = self._number(float(layer.factor) ** 2, direction, 2.0)
        parts = (state.nngp, state.bias, state.below, state.ntk, state.shift)
        return _Affine(*(_times(square, part) for part in parts))

    def positions(self, state: _Affine | None, layer: Positions) -> _Affine:  # noqa: ARG002
        return self._start

    def product(self, state: _Affine | None, layer: Product, groups: tuple[str, ...]) -> _Affine | None:  # noqa: ARG002
        assert state is None
        return None

    def norm(self, state: _Affine | None, layer: Norm, group: str) -> _Affine | None:  # noqa: ARG002
        assert state is None
        return None

    def add(self, state: _Affine | None, other: _Affine | None) -> _Affine | None:  # noqa: ARG002
        assert state is None
        return None


def _times(one: Array, other: Array) -> Array:
    """The product of two numbers with their derivatives."""
    found: Array = one[0] * other + other[0] * one
    found[0] = one[0] * other[0]
    return found
