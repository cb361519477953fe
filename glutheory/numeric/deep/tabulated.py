"""An activation that is homogeneous, or fed with rows of one variance: its table. The identity needs none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.pairs import Pairs
from glutheory.numeric.deep.profile import degree
from glutheory.numeric.deep.table import Cells, Places, Table, look_up, places, table
from glutheory.numeric.deep.twists import twists
from glutheory.numeric.plan import Pick

#: What is lost of 1 − |ρ| at most, behind a jump.
PROMISED = 1e-13

#: Where pairs are in tables: branches that are fed alike look at one place. By the identity of their arrays.
Seen: TypeAlias = dict[tuple[int, Cells], Places]


@dataclass(frozen=True)
class Same:
    """The identity."""

    poles = False

    def roots_of(self, r: Array) -> Array:
        """The root mean squares of the images of units with these standard deviations."""
        return r

    def ratios(self, left: Pick, right: Pick) -> None:  # noqa: ARG002
        """The images have no mean."""
        return

    def tilts(self, left: Pick, right: Pick) -> None:  # noqa: ARG002
        """How fast `ratios` change with r: they do not."""
        return

    def image(self, pairs: Pairs, left: Pick, right: Pick, seen: Seen) -> Pairs:  # noqa: ARG002
        """The pairs themselves."""
        return pairs


@dataclass(frozen=True, eq=False)
class Tabulated:
    """An activation with a table.

    Attributes:
        power: the image of a unit with standard deviation r has the root mean square size·r^power; 0 where all rows
            have one variance.
        size: as above.
        ratio: |E[φ(u)]| over the root mean square.
        table: for the correlations.
        act, variance: whose table it is, and at which variance.
        one_sided: whether it jumps elsewhere than at 0, so that its slope has a pole at one end alone.
    """

    power: int
    size: float
    ratio: float
    table: Table
    act: Activation
    variance: Fraction
    one_sided: bool = False

    @cached_property
    def moves(self) -> bool:
        """Whether the table is another one at another variance."""
        return degree(self.act) is None

    @property
    def poles(self) -> bool:
        """Whether the slope is infinite at ρ = ±1."""
        return self.table.profile.order == 1

    def roots_of(self, r: Array) -> Array:
        """The root mean squares of the images of units with these standard deviations."""
        return self.size * r**self.power if self.power else 0.0 * r + self.size

    def ratios(self, left: Pick, right: Pick) -> tuple[float, float] | None:  # noqa: ARG002
        """|E[φ(u)]| over the root mean square of both sides; None for 0."""
        return (self.ratio, self.ratio) if self.ratio else None

    def tilts(self, left: Pick, right: Pick) -> tuple[float, float] | None:  # noqa: ARG002
        """D log/d log r of `ratios`, of both sides; None where they do not change."""
        return (twists(self.act, self.variance).tilt,) * 2 if self.moves else None

    def image(self, pairs: Pairs, left: Pick, right: Pick, seen: Seen) -> Pairs:  # noqa: ARG002
        """The images of pairs."""
        xp, rows, made = pairs.xp, self.table, self.table.profile
        key = id(pairs.minus), rows.cells
        if key not in seen:
            seen[key] = places(xp, pairs.minus, pairs.plus, rows.cells)
        at = seen[key]
        value = look_up(xp, rows.gaps, at)
        value *= at.gap if made.order == 2 else at.t
        if at.negative is None:
            minus, plus = value, 2.0 - value
        else:
            # 1 − ρ' and 1 + ρ', each relative to what it is at ρ = ±1
            there = xp.astype(at.negative, xp.float64) * rows.there
            minus = there + value
            plus = 2.0 - there
            plus -= value
        found = replace(pairs, left=self.roots_of(pairs.left), right=self.roots_of(pairs.right), minus=minus, plus=plus)
        if pairs.lost is not None:
            # what is known badly is `value`, of a root where φ jumps
            gap = xp.minimum(minus, plus)
            share = xp.where(gap > 0, xp.abs(value) / xp.where(gap > 0, gap, xp.ones_like(gap)), xp.ones_like(gap))
            found = replace(found, lost=(0.5 if self.poles else 1.0) * share * pairs.lost)
            if self.poles:
                self._check(found)
        if pairs.tau is None:
            return found
        slope = look_up(xp, rows.slopes, at)
        if made.order == 2:
            if pairs.lost is not None:
                self._check_slope(pairs.xp, pairs.lost, at)
            slope *= pairs.tau
            return replace(found, tau=slope)
        if self.one_sided and at.negative is not None and bool(xp.any(at.negative & (at.t == 0))):
            raise DomainError(
                f"two rows are exactly opposite, where the NTK of {self.act.label} cannot be had, since it jumps "
                "elsewhere than at 0: leave one of them out, or use kind='nngp'."
            )
        # what nobody trains below a jump stays 0 at its pole
        nothing = pairs.tau == 0
        tau = slope / xp.where(nothing, xp.ones_like(at.t), at.t) * pairs.tau
        return replace(found, tau=tau)

    def _check(self, pairs: Pairs) -> None:
        """Refuse images of which a jump leaves too few digits.

        Raises:
            DomainError: an entry is not known to `PROMISED`.
        """
        xp = pairs.xp
        if bool(xp.any(pairs.lost * xp.minimum(pairs.minus, pairs.plus) > PROMISED)):
            raise self._few_digits("")

    def _check_slope(self, xp: Namespace, lost: Array, at: Places) -> None:
        """Refuse slopes of which a kink, where they are linear in t, leaves too few digits.

        Raises:
            DomainError: as `_check` does.
        """
        kink = self.table.cells.kink(self.table.slopes)
        if bool(xp.any(0.5 * kink * lost * at.t > PROMISED)):
            raise self._few_digits(", or kind='nngp'")

    def _few_digits(self, remedy: str) -> DomainError:
        return DomainError(
            "two rows are so nearly parallel or opposite that behind a bias, a sum or a layernorm, where norms and "
            f"means count, float64 leaves too few digits of their angle to {self.act.label}, which jumps or has a "
            f"kink: leave one of them out, or use evaluate{remedy}."
        )


def tabulated(act: Activation, power: int, variance: Fraction) -> Tabulated:
    """The factor of a homogeneous activation of this degree (at variance 1), or of any at one variance (power 0).

    Raises:
        DomainError: as `glutheory.numeric.deep.table.table` does.
    """
    rows = table(act, variance)
    root = math.sqrt(rows.profile.size)
    jumps_elsewhere = rows.profile.order == 1 and degree(act) is None
    return Tabulated(power, root, rows.profile.mean / root, rows, act, variance, jumps_elsewhere)
