"""Gradients through a mean over positions, by the chain rule at the mean.

K_ij is a function of the means of the positions' kernels (`tail`). Its derivatives times G_ij are weights of these
means, and over the positions weights of the kernels of rows, whose gradient `backward.contract` has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers.blocks import has_layernorm, means
from glutheory.layers.numbers import Places, places_of
from glutheory.layers.records import Layer, Norm, Positions, Scale
from glutheory.numeric.arrays import Array
from glutheory.numeric.backward import Gradient, Wanted, contract
from glutheory.numeric.deep.field import DeepField, make_deep_field
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.deep.tail import LinearTail, Tail

#: Rows of a tile of positions; sequences of a tile are as many as that makes.
_SIDE = 128


def sequence_gradient(
    plan: DeepPlan, weights: Mapping[str, Array], wanted: Wanted, numbers: Sequence[str], threads: int
) -> Gradient:
    """The gradient of Σ_kinds Σ_ij G_ij K(x_i, y_j) of a stack with a mean over positions.

    Args:
        plan: of numpy's arrays.
        weights: G of each kind, shape (n, m).
        wanted: which gradients.
        numbers: the names of those along which `wanted.scales` asks.
        threads: of the contraction.

    Returns:
        Gradients with respect to the positions, shapes (n·positions, d) and (m·positions, d), and the sums.

    Raises:
        DomainError: a sequence whose mean is zero, images with means before a layernorm behind the mean over positions,
            or an activation without derivatives.
    """
    layers, names = plan.stack.layers, tuple(numbers) if wanted.scales else ()
    place = next(k for k, layer in enumerate(layers) if isinstance(layer, Positions))
    places = places_of(layers)
    head, raw = layers[:place], all(isinstance(layer, Scale | Norm) for layer in layers[:place])
    if plan.means is not None:
        _check(plan, head, layers[place + 1 :])
    tail = (LinearTail if plan.means is None else Tail)(plan, places, names, raw)
    means = replace(plan, stack=replace(plan.stack, layers=layers[: place + 1]), means=None)
    found = _weigh(means, tail, weights, len(names))
    # a stack has one layer at least
    rows = replace(plan, stack=replace(plan.stack, layers=head or (Scale(Fraction(1)),)), tokens=(1, 1), means=None)
    field = make_deep_field(rows, names)
    if head:
        field = replace(field, places=Places(places.layers[:place], places.names))
    return _contracted(field, plan.tokens, found, wanted, threads)


@dataclass(frozen=True, eq=False)
class _Weights:
    """What the means count.

    Attributes:
        whole: of Σ̄_ij and Θ̄_ij, shape (n, m).
        left, right: of Σ̄_ii and Σ̄_jj, shapes (n,) and (m,).
        sums: of the numbers of the tail.
    """

    whole: dict[str, Array]
    left: Array
    right: Array
    sums: Array


def _weigh(means: DeepPlan, tail: Tail | LinearTail, weights: Mapping[str, Array], count: int) -> _Weights:
    n, m = means.shape
    found = _Weights({kind: np.zeros((n, m)) for kind in ("nngp", "ntk")}, np.zeros(n), np.zeros(m), np.zeros(count))
    step, other = (max(1, _SIDE // tokens) for tokens in means.tokens)
    for i in range(0, n, step):
        for j in range(0, m, other):
            rows, columns = slice(i, min(i + step, n)), slice(j, min(j + other, m))
            with np.errstate(all="ignore"):
                covariance, tau = means.tile(rows, columns, ("nngp", "ntk"))
                for kind, G in weights.items():
                    part = np.asarray(G, dtype=float)[rows, columns]
                    own = tail.slopes(rows, columns, covariance, tau, kind)
                    found.whole["nngp"][rows, columns] += part * own.covariance
                    found.whole["ntk"][rows, columns] += part * own.ntk
                    found.left[rows] += np.sum(part * own.left, axis=1)
                    found.right[columns] += np.sum(part * own.right, axis=0)
                    found.sums[:] += [float(np.sum(part * number)) for number in own.numbers]
    return found


def _contracted(field: DeepField, tokens: tuple[int, int], found: _Weights, wanted: Wanted, threads: int) -> Gradient:
    """The gradient of the weighted sum of the means."""
    same, (p, q) = field.right is field.left, tokens
    if same:
        every = np.arange(len(found.left))
        found.whole["nngp"][every, every] += found.left + found.right
    kinds = {kind: _Spread(part, p, q) for kind, part in found.whole.items() if part.any()}
    whole: Any = kinds or {"nngp": _Spread(found.whole["nngp"], p, q)}
    own = contract(field, whole, wanted, side=_SIDE, threads=threads)
    left, right, sums = own.left, own.right, sum(own.sums.values())
    sides = () if same else ((found.left, field.left, p, wanted.left), (found.right, field.right, q, wanted.right))
    for k, (part, rows, count, asked) in enumerate(sides):
        if not part.any() or not (asked or wanted.scales):
            continue
        alone = replace(field, plan=replace(field.plan, left=rows, right=rows))
        weights: Any = {"nngp": _Blocks(part, count)}
        more = contract(alone, weights, Wanted(asked, False, wanted.scales), side=_SIDE, threads=threads)
        left, right = (left + more.left, right) if k == 0 else (left, right + more.left)
        sums = sums + more.sums["nngp"]
    sums = sums + np.concatenate([[0.0], found.sums])
    return Gradient(left, right, {"all": sums})


class _Spread:
    """The weights of sequences as those of pairs of their positions, never formed as a whole."""

    def __init__(self, part: Array, p: int, q: int) -> None:
        self._part, self._p, self._q = part / (p * q), p, q

    def __getitem__(self, index: tuple[Any, Any]) -> Array:
        i, j = index
        if isinstance(i, slice):
            return self._part[np.ix_(_every(i) // self._p, _every(j) // self._q)]
        return self._part[i // self._p, j // self._q]


class _Blocks:
    """The weights of a sequence and itself, of pairs of its positions."""

    def __init__(self, part: Array, p: int) -> None:
        self._part, self._p = part / (p * p), p

    def __getitem__(self, index: tuple[Any, Any]) -> Array:
        i, j = index
        if isinstance(i, slice):
            i, j = _every(i)[:, None], _every(j)[None, :]
        one, other = i // self._p, j // self._p
        return np.where(one == other, self._part[one], 0.0)


def _every(part: slice) -> Array:
    return np.arange(part.start, part.stop)


def _check(plan: DeepPlan, head: Sequence[Layer], tail: Sequence[Layer]) -> None:
    """Refuse what the tail has no derivatives for."""
    assert plan.means is not None
    for name, r in zip("XY", plan.means.r, strict=True):
        if (r == 0).any():
            raise DomainError(
                f"the mean over the positions of sequence {int(np.argmin(r))} of {name} (counted from 0) is zero, "
                "where there is no gradient: leave it out."
            )
    if has_layernorm(tail) and means(head)[0]:
        raise DomainError(
            f"{plan.stack.name!r} has a layernorm behind positions, before which units have means: there is no "
            "gradient through both; put a dense layer before positions."
        )
