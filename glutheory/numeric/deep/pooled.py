"""Sequences behind the mean over their positions: rows again, whose variances and angles are those of the means.

The covariance of two means is a sum of terms of both signs. It leaves an absolute error of ρ, not a relative one of
1 − |ρ|: a few roundings, times `lost`, by how much the mean is smaller than what it is a mean of. The angle of two
means, and with it T of an activation with kinks, has that error over the angle. So pairs that are too close for it are
refused, but for a sequence and itself, whose angle is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers.records import Dense, Layer, Positions, Scale
from glutheory.numeric.arrays import Array, Namespace, constant
from glutheory.numeric.deep.pairs import Pairs
from glutheory.numeric.plan import Pick
from glutheory.numeric.rows import Rows

#: Roundings of a covariance of means, and what is promised of the kernels behind.
_ROUNDING, PROMISED = 4.5e-16, 1e-12


@dataclass(frozen=True, eq=False)
class Means:
    """All sequences, left ones and right ones.

    Attributes:
        r: the standard deviations of the means, shapes (n,) and (m,).
        lost: the mean of the positions' variances over that of the mean, ≥ 1 where all are alike.
        names: numbers, the same for sequences of the same positions in any order.
        steep: whether an activation follows.
        poles: whether one that jumps does.
    """

    r: tuple[Array, Array]
    lost: tuple[Array, Array]
    names: tuple[Array, Array]
    steep: bool
    poles: bool

    def tile(self, rows: slice, columns: slice) -> Tile:
        """What belongs to a tile."""
        return Tile(self, rows, columns)


@dataclass(frozen=True, eq=False)
class Tile:
    """The means of some rows and columns."""

    means: Means
    rows: slice
    columns: slice

    def left(self, f: Array) -> Array:
        """What belongs to the rows, of what belongs to all."""
        return f[..., self.rows, None]

    def right(self, f: Array) -> Array:
        """What belongs to the columns."""
        return f[..., None, self.columns]

    @property
    def picks(self) -> tuple[Pick, Pick]:
        """Both of these."""
        return self.left, self.right

    def pairs(self, xp: Namespace, covariance: Array, tau: Array | None) -> Pairs:
        """The means as pairs of rows.

        Raises:
            DomainError: two sequences whose means are too close.
        """

        def both_of(sides: tuple[Array, Array]) -> tuple[Array, Array]:
            return constant(xp, covariance, self.left(sides[0])), constant(xp, covariance, self.right(sides[1]))

        one, two = both_of(self.means.r)
        both = one * two
        size = xp.where(both > 0, both, xp.ones_like(both))
        rho = xp.clip(covariance / size, -1.0, 1.0)
        first, second = both_of(self.means.names)
        same = first == second
        rho = xp.where(same & (both > 0), xp.ones_like(rho), rho)
        if self.means.steep:
            self._check(xp, xp.where(same, xp.ones_like(rho), 1.0 - xp.abs(rho)), *both_of(self.means.lost))
        return Pairs(xp, one, two, 1.0 - rho, 1.0 + rho, None if tau is None else tau / size)

    def _check(self, xp: Namespace, gap: Array, first: Array, second: Array) -> None:
        """Refuse pairs whose angle has an error beyond `PROMISED`."""
        error = _ROUNDING * xp.maximum(first, second)
        least = (error / PROMISED) ** 2 / 2.0
        if self.means.poles:
            # T is the inverse of the angle itself
            least = xp.maximum(least, error / PROMISED)
        bad = xp.nonzero(gap < least)
        if len(bad[0]):
            i, j = int(bad[0][0]) + self.rows.start, int(bad[1][0]) + self.columns.start
            raise DomainError(
                f"the means over positions of sequence {i} of X and sequence {j} of the columns (counted from 0) are "
                "nearly the same or opposite, and float64 leaves too few digits of their angle to an activation after "
                "positions: leave one of them out, or use evaluate."
            )


def continues(layers: Sequence[Layer]) -> int | None:
    """The place of the mean over positions, if other layers than dense ones and factors follow it."""
    place = next((k for k, layer in enumerate(layers) if isinstance(layer, Positions)), None)
    if place is None or all(isinstance(layer, Dense | Scale) for layer in layers[place + 1 :]):
        return None
    return place


def growth(r: Array, positions: Array, tokens: int, name: str) -> Array:
    """By how much more rounding weighs in the means with these r than in their positions.

    Raises:
        DomainError: positions of a sequence that cancel.
    """
    squares = np.mean(np.reshape(positions, (-1, tokens)) ** 2, axis=1)
    found = np.where(squares > 0, squares / np.maximum(r * r, 1e-300 * squares), 1.0)
    bad = np.nonzero(~(_ROUNDING * found < PROMISED))[0]
    if len(bad):
        raise DomainError(
            f"the positions of sequence {bad[0]} of {name} (counted from 0) cancel in their mean, which leaves float64 "
            "too few digits for the layers after positions: leave it out, or use evaluate."
        )
    return np.maximum(found, 1.0)


def alike(left: Rows, right: Rows, tokens: tuple[int, int]) -> tuple[Array, Array]:
    """Numbers of the sequences on both sides, the same for those of the same positions in any order."""
    known: dict[bytes, int] = {}
    sides = []
    for rows, count in zip((left, right), tokens, strict=True):
        marks = [
            entries.tobytes() + exponent.tobytes()
            for entries, exponent in zip(np.asarray(rows.scaled) + 0.0, np.asarray(rows.exponent), strict=True)
        ]
        keys = (b"".join(sorted(marks[k : k + count])) for k in range(0, len(marks), count))
        sides.append(np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64))
    return sides[0], sides[1]
