"""What each layer does to covariance and NTK, from its definition: the rules of road 2, of nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import mul
from typing import Any

from flint import arb

from glutheory.errors import DomainError
from glutheory.ground.exact import ball
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.layers import rays
from glutheory.layers.means import Means
from glutheory.layers.pairs import Chosen
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.quadrature.means import dual, unit_mean

Key = tuple[int, int]
#: Of a variance, the binary exponent beyond which no integral is attempted.
_FARTHEST = 40
#: The one group where blocks are not asked for.
_ALL = ""
_SAME = Ray(1, rays.UNIT)


@dataclass(frozen=True)
class State:
    """The units of a layer at all rows of data.

    Attributes:
        cov: E[h_i h_j] of one unit, i ≤ j.
        ntk: the same of its NTK, by group of weights.
        mean: E[h_i].
        rays: h_j as a multiple of h_i, where it is one.
        inputs: whether these are the data themselves.
    """

    cov: Mapping[Key, arb]
    ntk: Mapping[Key, Mapping[str, arb]]
    mean: tuple[arb, ...]
    rays: Mapping[Key, Ray | None]
    inputs: bool = False


class StackRules:
    """What each layer does to covariance and NTK when all layers are wide."""

    def __init__(self, weights: Chosen, digits: int, blocks: bool, means: bool, pooled: Means | None) -> None:
        self._weights, self._digits, self._blocks, self._means, self._pooled = weights, digits, blocks, means, pooled

    def _born(self, layer: bool, group: str) -> str | None:
        """Under which name a group's NTK is kept; None where it does not count."""
        if not layer or group not in self._weights.groups:
            return None
        return group if self._blocks else _ALL

    def dense(self, state: State, layer: Dense, group: str) -> State:
        """Σ ← σ²Σ + σ_b², Θ ← σ²Θ + what weights and biases add."""
        variance, bias = ball(layer.variance), ball(layer.bias)
        cov = {key: variance * value + bias for key, value in state.cov.items()}
        name = self._born(layer.trained, group)
        ntk: dict[Key, dict[str, arb]] = {}
        for key, old in state.ntk.items():
            ntk[key] = {own: variance * value for own, value in old.items()}
            if name is not None:
                fan = self._weights.fan_in(state.inputs)
                # unit weights behind factors, or the weights themselves
                unit = fan * state.cov[key] + (1 if layer.bias else 0) if self._weights.standard else cov[key]
                ntk[key][name] = ntk[key].get(name, arb(0)) + unit
        kept = {key: rays.through_dense(ray, layer) for key, ray in state.rays.items()}
        return State(cov, ntk, (arb(0),) * len(state.mean), kept)

    def product(self, state: State, layer: Product, groups: tuple[str, ...]) -> State:
        """Σ ← ∏ S_i, Θ ← Σ_i Θ_i T_i ∏_{j≠i} S_j, each branch behind a dense layer of its own."""
        branches = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        cov: dict[Key, arb] = {}
        ntk: dict[Key, Mapping[str, arb]] = {}
        for key in state.cov:
            duals = [self._dual(act, own, key) for act, own in zip(layer.activations, branches, strict=True)]
            cov[key] = reduce(mul, (S for S, _ in duals))
            total: dict[str, arb] = {}
            # an infinite NTK below is one factor of all terms, whose sum is of one sign where they are not
            infinite = {name: value for name, value in state.ntk[key].items() if abs(value) == arb("inf")}
            steep = arb(0)
            for k, (_, T) in enumerate(duals):
                others = reduce(mul, (S for i, (S, _) in enumerate(duals) if i != k), arb(1))
                steep += _times(ball(layer.branches[k].variance) * others, T) if infinite else 0
                for name, value in branches[k].ntk[key].items():
                    if name not in infinite:
                        total[name] = total.get(name, arb(0)) + _times(value * others, T)
            total |= {name: _times(steep, value) for name, value in infinite.items()}
            ntk[key] = total
        mean = tuple(self._mean(layer, branches, i) for i in range(len(state.mean)))
        return State(cov, ntk, mean, {key: rays.through_product(ray, layer) for key, ray in state.rays.items()})

    def _dual(self, act: Any, branch: State, key: Key) -> tuple[arb, arb]:
        i, j = key
        a, b, ray = branch.cov[i, i], branch.cov[j, j], branch.rays[key]
        own = symmetry(act.expr)
        if own.degree is None and own.line is None:
            for side in (a, b):
                _check_size(side, act.label)
        return dual(act, a, b, branch.cov[key], _SAME if i == j else ray, self._digits)

    def _mean(self, layer: Product, branches: list[State], row: int) -> arb:
        if not self._means:
            return arb(0)
        parts = zip(layer.activations, branches, strict=True)
        return reduce(mul, (unit_mean(act, own.cov[row, row], self._digits) for act, own in parts))

    def norm(self, state: State, layer: Norm, group: str) -> State:
        """Second moments (about the mean, for LayerNorm) and Θ over √(Σ_ii Σ_jj); a gain adds Σ, a shift 1."""
        cov = dict(state.cov)
        if layer.centred:
            cov = {(i, j): value - state.mean[i] * state.mean[j] for (i, j), value in cov.items()}
        count = len(state.mean)
        for i in range(count):
            if cov[i, i] == 0:
                raise DomainError(
                    "a row of data is zero where a norm divides by its length: leave the row out, or use a bias."
                )
        roots = [cov[i, i].sqrt() for i in range(count)]
        new = {(i, j): value / (roots[i] * roots[j]) if i != j else arb(1) for (i, j), value in cov.items()}
        kept = {key: rays.normed(ray) for key, ray in state.rays.items()}
        new.update({key: arb(ray.sign) for key, ray in kept.items() if ray is not None})
        name = self._born(layer.gain or layer.shift, group)
        ntk: dict[Key, dict[str, arb]] = {}
        for (i, j), old in state.ntk.items():
            ntk[i, j] = {own: value / (roots[i] * roots[j]) for own, value in old.items()}
            if name is not None:
                own = (new[i, j] if layer.gain else arb(0)) + (1 if layer.shift else 0)
                ntk[i, j][name] = ntk[i, j].get(name, arb(0)) + own
        mean = tuple(arb(0) if layer.centred else m / root for m, root in zip(state.mean, roots, strict=True))
        return State(new, ntk, mean, kept, state.inputs)

    def scale(self, state: State, layer: Scale) -> State:
        """Σ and Θ times the square of the factor."""
        factor = ball(layer.factor)
        square = factor * factor
        return replace(
            state,
            cov={key: square * value for key, value in state.cov.items()},
            ntk={key: {own: square * value for own, value in old.items()} for key, old in state.ntk.items()},
            mean=tuple(factor * m for m in state.mean),
        )

    def add(self, state: State, other: State) -> State:
        """Sums: the blocks' last weights are independent and centred."""
        if len(state.mean) != len(other.mean):
            raise DomainError("positions stands within a block whose image is added: put it after the residual.")
        ntk: dict[Key, dict[str, arb]] = {}
        for key, old in state.ntk.items():
            ntk[key] = dict(old)
            for name, value in other.ntk[key].items():
                ntk[key][name] = ntk[key].get(name, arb(0)) + value
        return State(
            {key: value + other.cov[key] for key, value in state.cov.items()},
            ntk,
            tuple(m + n for m, n in zip(state.mean, other.mean, strict=True)),
            {key: rays.added(ray, other.rays[key]) for key, ray in state.rays.items()},
        )

    def positions(self, state: State, layer: Positions) -> State:  # noqa: ARG002
        """Means over all pairs of positions; the first half of the rows are those of x."""
        half, known = len(state.mean) // 2, self._pooled
        assert known is not None
        groups = (range(half), range(half, 2 * half))
        # of a mean that is zero nothing is summed: a ball would only say that it may be
        pairs: dict[Key, list[Key]] = {
            (p, q): [] if known.zero[p] or known.zero[q] else [_ordered(i, j) for i in groups[p] for j in groups[q]]
            for p, q in ((0, 0), (0, 1), (1, 1))
        }
        ntk: dict[Key, dict[str, arb]] = {}
        for key, own in pairs.items():
            names = dict.fromkeys(name for pair in own for name in state.ntk[pair])
            ntk[key] = {name: _mean([state.ntk[pair].get(name, arb(0)) for pair in own]) for name in names}
        return State(
            {key: _mean([state.cov[pair] for pair in own]) for key, own in pairs.items()},
            ntk,
            tuple(arb(0) if known.zero[p] else _mean([state.mean[i] for i in groups[p]]) for p in (0, 1)),
            {(0, 0): _SAME, (1, 1): _SAME, (0, 1): known.ray},
            state.inputs,
        )


def _mean(values: Sequence[arb]) -> arb:
    return sum(values, arb(0)) / len(values) if values else arb(0)


def _ordered(i: int, j: int) -> Key:
    return (i, j) if i <= j else (j, i)


def _times(value: arb, slope: arb) -> arb:
    """A product in which exactly 0 times infinity is 0: what is not trained has no NTK, however steep φ is."""
    return arb(0) if value == 0 else value * slope


def _check_size(variance: arb, label: str) -> None:
    if variance == 0 or not variance.is_finite():
        return
    mantissa, exponent = variance.mid().man_exp()
    size = int(exponent) + int(mantissa).bit_length()
    if abs(size) > _FARTHEST:
        raise DomainError(
            f"the variance before {label} is about 2^{size}, which is beyond what is integrated: put a norm before it, "
            "or take fewer blocks."
        )
