"""The standard deviations of all rows on their way through a stack, from which every activation gets its evaluator."""

from __future__ import annotations

import math
from fractions import Fraction

import array_api_compat.numpy as xp
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Norm, Positions, Product, Scale
from glutheory.numeric.arrays import Array, two_product
from glutheory.numeric.deep.profile import degree
from glutheory.numeric.deep.tabulated import Same, Tabulated, tabulated
from glutheory.numeric.deep.unequal import Unequal, unequal
from glutheory.numeric.duals import evaluator
from glutheory.numeric.pairs import Radii

#: Standard deviations that differ by less than this, relatively, are one.
_ALIKE = 4e-15


class Followed:
    """The rules of the layers for the r of all rows, left ones then right ones, shape (n,).

    Attributes:
        factors: of every product so far, one for each branch.
    """

    def __init__(self, split: int, same: bool, tokens: tuple[int, int] = (1, 1)) -> None:
        """There are `split` left rows, of sequences of `tokens`; the right ones are the same, or follow."""
        self._split, self._same, self._tokens, self._pooled = split, same, tokens, False
        self.factors: list[tuple[Same | Tabulated | Unequal, ...]] = []

    def dense(self, state: Array, layer: Dense, group: str) -> Array:  # noqa: ARG002
        """A dense layer."""
        return np.sqrt(float(layer.variance) * state * state + float(layer.bias))

    def product(self, state: Array, layer: Product, groups: tuple[str, ...]) -> Array:
        """A product, whose branches' factors are found here."""
        self._before_positions(layer.network.name)
        fed = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        found = tuple(self._factor(act, r) for act, r in zip(layer.activations, fed, strict=True))
        self.factors.append(found)
        roots = (factor.roots_of(r) for factor, r in zip(found, fed, strict=True))
        return math.prod(roots, start=np.ones_like(state))

    def _factor(self, act: Activation, r: Array) -> Same | Tabulated | Unequal:
        if act.name == "identity":
            return Same()
        power = degree(act)
        if power == 0 and (r == 0).any():
            raise DomainError(
                f"{self._row(r)}, where {act.label} jumps, so that a stack cannot follow it: remove it, or add a bias."
            )
        if power is not None:
            return tabulated(act, power, Fraction(1))
        low, high = float(r.min(initial=math.inf)), float(r.max(initial=0.0))
        if not math.isfinite(high):
            raise DomainError(f"the variances before {act.label} leave float64: use a norm, or smaller variances.")
        if not len(r) or high - low <= _ALIKE * high:
            return tabulated(act, 0, Fraction(high) ** 2 if high > 0 else Fraction(1))
        if evaluator(act).jumps:
            raise DomainError(
                f"{act.label} jumps and is fed with rows of different variances, from {low * low:.4g} to "
                f"{high * high:.4g}, which a stack cannot follow: put a norm before it, or normalise the rows."
            )
        left, right = (_radii(side) for side in (r[: self._split], r[self._split :]))
        return unequal(act, evaluator(act), (left, left if self._same else right))

    def norm(self, state: Array, layer: Norm, group: str) -> Array:  # noqa: ARG002
        """All rows have one norm after it."""
        self._before_positions("a norm")
        if (state == 0).any():
            raise DomainError(f"{self._row(state)}, which a norm cannot scale: remove it.")
        return np.ones_like(state)

    def _row(self, r: Array) -> str:
        """Which row is the first zero one here."""
        row = int(np.nonzero(r == 0)[0][0])
        name, row = ("X", row) if row < self._split else ("Y", row - self._split)
        return f"{name} has the zero row {row} (counted from 0)"

    def scale(self, state: Array, layer: Scale) -> Array:
        """A number."""
        return state * abs(float(layer.factor))

    def add(self, state: Array, other: Array) -> Array:
        """The sum of two."""
        self._before_positions("a residual or parallel block")
        return np.hypot(state, other)

    def positions(self, state: Array, layer: Positions) -> Array:  # noqa: ARG002
        """The mean over positions: a bound of its standard deviation."""
        self._before_positions("a second mean")
        self._pooled = True
        sides = zip((state[: self._split], state[self._split :]), self._tokens, strict=True)
        return np.concatenate([np.max(np.reshape(side, (-1, t)), axis=1, initial=0.0) for side, t in sides])

    def _before_positions(self, what: str) -> None:
        if self._pooled:
            raise DomainError(
                f"{what} stands after positions, and gram follows only dense layers and scales there: use enclose or "
                "put positions behind it."
            )


def _radii(r: Array) -> Radii:
    return Radii(xp, r, lambda: two_product(xp, r, r))
