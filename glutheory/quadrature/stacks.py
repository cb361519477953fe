"""Deep kernels in ball arithmetic: `enclose` for a stack, layer by layer, from the definition of each layer.

The rules for layers are written here from their definitions, not taken from the derivation of road 1. With it the road
shares what is below both: the composition and its order (`layers`), which rows are multiples of each other
(`layers.rays`), and how far S and T reach beyond an exact point (`ground.boxes`). The values of S and T themselves are
this road's own, by integration of the definition.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

from flint import arb

from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.exact import as_digits, ball
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.layers import rays
from glutheory.layers.composition import Stack
from glutheory.layers.pairs import Chosen, Inputs, chosen, inputs_of
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.layers.walk import run
from glutheory.quadrature.means import dual, unit_mean

Key = tuple[int, int]
#: Digits beyond those asked for with which the first attempt is made, and how often more are tried.
_GUARD, _ATTEMPTS = 8, 6
#: Of a variance, the binary exponent beyond which no integral is attempted.
_FARTHEST = 40
#: The one group where blocks are not asked for.
_ALL = ""


@dataclass(frozen=True)
class Enclosure:
    """Kernels of a stack at two inputs, as balls that provably contain them.

    Attributes:
        nngp: of the last layer's units.
        ntk: the sum of the blocks.
        blocks: the NTK of each trained group of weights; empty where they were not asked for.
    """

    nngp: arb
    ntk: arb
    blocks: Mapping[str, arb]


def enclose_stack(
    stack: Stack,
    a: Any,
    b: Any,
    c: Any,
    *,
    digits: int = 30,
    blocks: bool = False,
    trained: str | Iterable[str] | None = None,
    parametrization: str = "ntk",
    width: int | None = None,
    d: int | None = None,
) -> Enclosure:
    """NNGP and NTK of a stack in the limit of wide layers, enclosed.

    Args:
        stack: the composition.
        a: x·x/d, ≥ 0, exactly; for a stack with a mean over positions the matrix of the positions' inner products.
        b: x'·x'/d.
        c: x·x'/d, |c| ≤ √(ab).
        digits: the radii are below 10^−digits·√(K(x,x)K(x',x')), K the NNGP or the NTK; where that is infinite (an
            activation that jumps), below 10^−digits of the kernel itself.
        blocks: whether the NTK is given for each group of weights.
        trained: names or patterns of groups that count for the NTK; left out, all that are trained.
        parametrization: "ntk" or "standard".
        width: the number of units of every layer, for "standard".
        d: the dimension of x, for "standard".

    Raises:
        DomainError: an argument outside its domain, a zero row before a norm, or variances beyond 2^±40.
        UnknownNameError: no such group of weights.
        PrecisionError: the digits cannot be had within the work limit; it carries what was reached.
    """
    wanted = as_digits(digits, 300)
    inputs, weights = inputs_of(stack, a, b, c), chosen(stack, trained, parametrization, width, d)
    work = wanted + _GUARD + _closeness(inputs)
    for _ in range(_ATTEMPTS):
        with precision(bits_of(work) + 64):
            state = _final(stack, inputs, weights, work, blocks)
            found = _read(state, blocks)
            lost = max(_lost(state.cov, found.nngp, wanted), _lost(_totals(state), found.ntk, wanted))
        if lost <= 0:
            return found
        work += min(max(lost + 2, 6), work)
    raise PrecisionError(
        f"digits is {digits}: not reached for {stack.name!r} with {work} digits of working precision; ask for fewer.",
        (found.nngp, found.ntk),
    )


def _closeness(inputs: Inputs) -> int:
    """The digits of 1 − |ρ| of rows that are no multiples of each other: so many are lost in a derivative there."""
    gram, most = inputs.gram, 0
    for j in range(len(gram)):
        for i in range(j):
            product = gram[i][i] * gram[j][j]
            gap = product - gram[i][j] ** 2
            if gap != 0:
                most = max(most, len(str(product // gap)) - 1)
    return most


def _final(stack: Stack, inputs: Inputs, weights: Chosen, digits: int, blocks: bool) -> State:
    count = len(inputs.gram)
    keys = [(i, j) for j in range(count) for i in range(j + 1)]
    gram = inputs.gram
    state = State(
        {(i, j): ball(gram[i][j]) for i, j in keys},
        {key: {} for key in keys},
        (arb(0),) * count,
        {(i, j): rays.ray_of(gram[i][i], gram[j][j], gram[i][j]) for i, j in keys},
        True,
    )
    return run(stack.layers, state, _Rules(weights, digits, blocks, stack.centred))


def _totals(state: State) -> dict[Key, arb]:
    return {key: sum(own.values(), arb(0)) for key, own in state.ntk.items()}


def _read(state: State, blocks: bool) -> Enclosure:
    own = state.ntk[0, 1]
    return Enclosure(state.cov[0, 1], sum(own.values(), arb(0)), dict(own) if blocks else {})


def _lost(kernel: Mapping[Key, arb], value: arb, digits: int) -> int:
    """How many decimal digits the ball lacks (0: enough)."""
    if value.is_nan() or not arb(value.rad()).is_finite():
        return 10 * digits
    if not value.is_finite():
        return 0
    scale = (abs(kernel[0, 0]) * abs(kernel[1, 1])).sqrt()
    size = scale.lower() if scale.is_finite() else abs(value).lower()
    if value.rad() <= size * arb(10) ** -digits or value.rad() == 0:
        return 0
    if not size > 0:
        return digits
    return math.ceil(float((arb(value.rad()) / size).log()) / math.log(10)) + digits


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


class _Rules:
    """What each layer does to covariance and NTK when all layers are wide."""

    def __init__(self, weights: Chosen, digits: int, blocks: bool, means: bool) -> None:
        self._weights, self._digits, self._blocks, self._means = weights, digits, blocks, means

    def _born(self, layer: bool, group: str) -> str | None:
        """Under which name a group's NTK is kept; None where it does not count."""
        if not layer or group not in self._weights.groups:
            return None
        return group if self._blocks else _ALL

    def dense(self, state: State, layer: Dense, group: str) -> State:
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
        branches = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        cov: dict[Key, arb] = {}
        ntk: dict[Key, Mapping[str, arb]] = {}
        for key in state.cov:
            duals = [self._dual(act, own, key) for act, own in zip(layer.activations, branches, strict=True)]
            cov[key] = reduce(mul, (S for S, _ in duals))
            total: dict[str, arb] = {}
            for k, (_, T) in enumerate(duals):
                others = reduce(mul, (S for i, (S, _) in enumerate(duals) if i != k), arb(1))
                for name, value in branches[k].ntk[key].items():
                    total[name] = total.get(name, arb(0)) + _times(value * others, T)
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
        return dual(act, a, b, branch.cov[key], Ray(1, Fraction(1)) if i == j else ray, self._digits)

    def _mean(self, layer: Product, branches: list[State], row: int) -> arb:
        if not self._means:
            return arb(0)
        parts = zip(layer.activations, branches, strict=True)
        return reduce(mul, (unit_mean(act, own.cov[row, row], self._digits) for act, own in parts))

    def norm(self, state: State, layer: Norm, group: str) -> State:
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
        factor = ball(layer.factor)
        square = factor * factor
        return replace(
            state,
            cov={key: square * value for key, value in state.cov.items()},
            ntk={key: {own: square * value for own, value in old.items()} for key, old in state.ntk.items()},
            mean=tuple(factor * m for m in state.mean),
        )

    def add(self, state: State, other: State) -> State:
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
        half = len(state.mean) // 2
        groups = (range(half), range(half, 2 * half))
        pairs = {(p, q): [_ordered(i, j) for i in groups[p] for j in groups[q]] for p, q in ((0, 0), (0, 1), (1, 1))}
        ntk: dict[Key, dict[str, arb]] = {}
        for key, own in pairs.items():
            names = dict.fromkeys(name for pair in own for name in state.ntk[pair])
            ntk[key] = {
                name: sum((state.ntk[pair].get(name, arb(0)) for pair in own), arb(0)) / len(own) for name in names
            }
        alike = {state.rays[p, half + p] for p in range(half)}
        mixed = alike.pop() if len(alike) == 1 else None
        same = Ray(1, Fraction(1))
        return State(
            {key: sum((state.cov[pair] for pair in own), arb(0)) / len(own) for key, own in pairs.items()},
            ntk,
            tuple(sum((state.mean[i] for i in own), arb(0)) / half for own in groups),
            {(0, 0): same, (1, 1): same, (0, 1): mixed if mixed is not None and mixed.ratio is not None else None},
            state.inputs,
        )


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
