"""The standard deviations of all rows on their way through a stack, from which every activation gets its evaluator."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NoReturn, TypeAlias

import array_api_compat.numpy as xp
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array, two_product
from glutheory.numeric.deep.constant import Constant
from glutheory.numeric.deep.profile import degree
from glutheory.numeric.deep.tabulated import Same, Tabulated, tabulated
from glutheory.numeric.deep.unequal import Unequal, unequal
from glutheory.numeric.duals import evaluator
from glutheory.numeric.pairs import Radii

#: What an activation is where a stack has it.
Factor: TypeAlias = Same | Tabulated | Unequal | Constant
#: Standard deviations that differ by less than this, relatively, are one.
_ALIKE = 4e-15


class BeyondFloat64Error(DomainError):
    """Variances that grow, or fall, from layer to layer until float64 has no number for them: fewer blocks may do."""


class Followed:
    """The rules of the layers for the r of all rows, left ones then right ones, shape (n,).

    Attributes:
        factors: of every product so far, one for each branch.
    """

    def __init__(self, split: int, same: bool, tokens: tuple[int, int], empty: Array) -> None:
        """There are `split` left rows, of sequences of `tokens`; the right ones are the same, or follow.

        `empty` says which rows of the data are zero.
        """
        self._split, self._same, self._tokens = split, same, tokens
        self._empty = empty
        self.factors: list[tuple[Factor, ...]] = []

    def dense(self, state: Array, layer: Dense, group: str) -> Array:  # noqa: ARG002
        """A dense layer."""
        # squares of small rows would vanish
        return np.hypot(math.sqrt(layer.variance) * state, math.sqrt(layer.bias))

    def product(self, state: Array, layer: Product, groups: tuple[str, ...]) -> Array:
        """A product, whose branches' factors are found here."""
        fed = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        found = tuple(self._factor(act, r) for act, r in zip(layer.activations, fed, strict=True))
        self.factors.append(found)
        roots = (factor.roots_of(r) for factor, r in zip(found, fed, strict=True))
        return math.prod(roots, start=np.ones_like(state))

    def _factor(self, act: Activation, r: Array) -> Factor:
        if act.name == "identity":
            return Same()
        power = degree(act)
        if power == 0 and (r == 0).any():
            self._refuse(r, f"where {act.label} jumps, so that a stack cannot follow it: remove it, or add a bias")
        if power is not None:
            return tabulated(act, power, Fraction(1))
        low, high = float(r.min(initial=math.inf)), float(r.max(initial=0.0))
        if not math.isfinite(high):
            raise BeyondFloat64Error(
                f"the variances before {act.label} leave float64: use a norm, or smaller variances."
            )
        if not len(r):
            return tabulated(act, 0, Fraction(1))
        if high == 0:
            if evaluator(act).jumps:
                self._refuse(r, f"and {act.label} jumps, so that a stack cannot follow it: remove it, or add a bias")
            return Constant.of(act)
        if high - low <= _ALIKE * high:
            return tabulated(act, 0, Fraction(high) ** 2)
        if evaluator(act).jumps:
            raise DomainError(
                f"{act.label} jumps and is fed with rows of different variances, from {low * low:.4g} to "
                f"{high * high:.4g}, which a stack cannot follow: put a norm before it, or normalise the rows."
            )
        left, right = (_radii(side) for side in (r[: self._split], r[self._split :]))
        return unequal(act, evaluator(act), (left, left if self._same else right))

    def norm(self, state: Array, layer: Norm, group: str) -> Array:  # noqa: ARG002
        """All rows have one norm after it."""
        if (state == 0).any():
            self._refuse(state, "which a norm cannot scale: remove it")
        return np.ones_like(state)

    def _refuse(self, r: Array, why: str) -> NoReturn:
        """Refuse the first row of no size here: a zero one, or one whose images float64 does not hold."""
        row = int(np.nonzero(r == 0)[0][0])
        name, place = ("X", row) if row < self._split else ("Y", row - self._split)
        if self._empty[row]:
            raise DomainError(f"{name} has the zero row {place} (counted from 0), {why}.")
        raise DomainError(
            f"row {place} of {name} (counted from 0) has images below the smallest number of float64 in the stack: use "
            "a norm before they are so small, larger variances, or scale the rows up."
        )

    def scale(self, state: Array, layer: Scale) -> Array:
        """A number."""
        return state * abs(float(layer.factor))

    def add(self, state: Array, other: Array) -> Array:
        """The sum of two."""
        return np.hypot(state, other)

    def positions(self, state: Array, layer: Positions) -> Array:  # noqa: ARG002
        """The mean over positions: a bound of its standard deviation."""
        sides = zip((state[: self._split], state[self._split :]), self._tokens, strict=True)
        return np.concatenate([np.max(np.reshape(side, (-1, t)), axis=1, initial=0.0) for side, t in sides])


def _radii(side: Array) -> Radii:
    return Radii(xp, side, lambda: two_product(xp, side, side))
