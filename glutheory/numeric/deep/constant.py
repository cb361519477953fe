"""An activation that is fed with rows of zeros alone: its images are the one number φ(0)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glutheory.activations import Activation
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.pairs import Pairs
from glutheory.numeric.deep.tabulated import Seen
from glutheory.numeric.own.curve import curves
from glutheory.numeric.plan import Pick


@dataclass(frozen=True)
class Constant:
    """Units that are all |φ(0)|, and equal at all rows."""

    size: float
    poles = False

    @classmethod
    def of(cls, act: Activation) -> Constant:
        """The images of an activation that does not jump at 0."""
        return cls(abs(curves(act.expr).at_zero))

    def roots_of(self, r: Array) -> Array:
        """The root mean squares of the images."""
        return 0.0 * r + self.size

    def ratios(self, left: Pick, right: Pick) -> tuple[float, float] | None:  # noqa: ARG002
        """The images are their means; None for 0."""
        return (1.0, 1.0) if self.size else None

    def image(self, pairs: Pairs, left: Pick, right: Pick, seen: Seen) -> Pairs:  # noqa: ARG002 (no table)
        """The images of pairs: at the angle 0, and nothing below them moves them."""
        nothing = 0.0 * pairs.minus
        found = replace(pairs, left=self.roots_of(pairs.left), right=self.roots_of(pairs.right))
        tau, lost = (None if part is None else nothing for part in (pairs.tau, pairs.lost))
        return replace(found, minus=nothing, plus=nothing + 2.0, tau=tau, lost=lost)
