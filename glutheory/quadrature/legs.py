"""Independent standard coordinates x, y for a strongly correlated pair: along the ridge of the density and across."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb

from glutheory.quadrature.frame import Frame
from glutheory.quadrature.strips import Envelope

#: Beyond this ratio of standard deviations x follows the larger one.
_LOPSIDED = 2.0


@dataclass(frozen=True)
class Legs:
    """u = √a(along[0]·x + across[0]·y), v = ±√b(along[1]·x + across[1]·y); along ≥ 0."""

    along: tuple[arb, arb]
    across: tuple[arb, arb]

    @classmethod
    def of(cls, frame: Frame) -> Legs:
        """The legs that suit the frame."""
        ratio = float(frame.root_a / frame.root_b)
        if ratio > _LOPSIDED:
            return cls((arb(1), frame.rho), (arb(0), frame.gap.sqrt()))
        if ratio < 1 / _LOPSIDED:
            return cls((frame.rho, arb(1)), (frame.gap.sqrt(), arb(0)))
        cosine, sine = ((1 + frame.rho) / 2).sqrt(), (frame.far / 2).sqrt()
        return cls((cosine, cosine), (sine, -sine))

    def rates(self, one: Envelope, two: Envelope) -> tuple[arb, arb]:
        """(p, q) with e^{q₁|u|/√a + q₂|v|/√b} ≤ e^{p|x| + q|y|}."""
        x = one.q * self.along[0] + two.q * self.along[1]
        return x, one.q * abs(self.across[0]) + two.q * abs(self.across[1])

    def reach(self, frame: Frame, legs: tuple[arb, arb]) -> arb:
        """The largest of the two factors by which a shift of x or y moves u or v."""
        return arb.max(frame.root_a * abs(legs[0]), frame.root_b * abs(legs[1]))
