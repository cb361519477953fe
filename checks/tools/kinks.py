"""Piecewise linear activations: where exactly gating brings inputs closer, on the whole range of angles.

φ = αz + β|z| with ρ = cos θ has T/T(1) = 1 − tθ and S/S(1) = cos θ (1 − tθ) + t sin θ, t = 2β²/(π(α² + β²)), so

    K̃(ρ)/K̃(1) − K(ρ)/K(1) = sin θ · h(θ),   h = t (s̃ cos θ − s) − cos θ (1 − tθ) tan(θ/2)

with the shares s, s̃ of the term in S on the two diagonals: proved in derivations/proofs/decorrelation.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp
from flint import arb

from checks.tools.branch_and_bound import Zeros, hull, refine, zeros
from glutheory.activations import Activation
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.ground.pieces import pieces

_BITS = 128
#: Just beyond π/2; and an angle on either side of which the two forms of h are used, with the rest up to π.
RIGHT, _SPLIT, _REST = Fraction(3927, 2500), Fraction(3, 2), Fraction(33, 20)
#: Below the end of the second range, π − _REST.
_OVERLAP = Fraction(7, 5)
_WIDTH = Fraction(1, 10**14)


@dataclass(frozen=True)
class Crossings:
    """Sign changes of h: the angles in between, the signs before, between and after, whether that is all of them."""

    angles: tuple[float, ...]
    signs: tuple[int, ...]
    complete: bool


@dataclass(frozen=True)
class Kink:
    """The function h.

    Attributes:
        turn: πt: 1 for ReLU, 2 for |z|.
        gated, plain: s̃ and s.
    """

    turn: Fraction
    gated: Fraction
    plain: Fraction

    def value(self, low: Fraction, high: Fraction) -> arb:
        """Encloses h for θ in [low, high], within [0, π)."""
        with precision(_BITS):
            theta = hull(low, high)
            t, cosine = ball(self.turn) / arb.pi(), theta.cos()
            tangent = (theta / 2).tan()
            return t * (ball(self.gated) * cosine - ball(self.plain)) - cosine * (1 - t * theta) * tangent

    def slope(self, low: Fraction, high: Fraction) -> arb:
        """Encloses h'."""
        with precision(_BITS):
            theta = hull(low, high)
            t, cosine, sine = ball(self.turn) / arb.pi(), theta.cos(), theta.sin()
            tangent, rest = (theta / 2).tan(), 1 - t * theta
            first = sine * (rest * tangent - t * ball(self.gated))
            return first + cosine * (t * tangent - rest / (2 * (theta / 2).cos() ** 2))

    def opposite(self, low: Fraction, high: Fraction) -> arb:
        """Encloses h for ReLU at θ = π − ψ, ψ in [low, high] within [0, π): the poles of tan and 1 − θ/π cancel."""
        with precision(_BITS):
            psi = hull(low, high)
            cosine, x = psi.cos(), psi / 2
            return (2 * cosine * x.cos() / x.sinc() - ball(self.gated) * cosine - ball(self.plain)) / arb.pi()

    def opposite_slope(self, low: Fraction, high: Fraction) -> arb:
        """Encloses the derivative of `opposite`; not finite next to ψ = 0."""
        with precision(_BITS):
            psi = hull(low, high)
            x = psi / 2
            cotangent = x.cos() / x.sinc()
            first = psi.sin() * (ball(self.gated) - 2 * cotangent)
            return (first + psi.cos() * (cotangent / x - x / x.sin() ** 2)) / arb.pi()

    def acute(self, *, limit: int = 4_000) -> Zeros:
        """All zeros of h on [0, π/2]."""
        return zeros(self.value, self.slope, (Fraction(0), RIGHT), limit=limit)

    def all(self) -> Crossings:
        """All sign changes of h on [0, π] for ReLU."""
        near = zeros(self.value, self.slope, (Fraction(0), _SPLIT))
        far = zeros(self.opposite, self.opposite_slope, (Fraction(0), _REST))
        acute = [sum(refine(self.value, bracket, _WIDTH)) / 2 for bracket in near.brackets]
        obtuse = [sum(refine(self.opposite, bracket, _WIDTH)) / 2 for bracket in far.brackets]
        with precision(_BITS):
            angles = [float(x) for x in acute] + [float((arb.pi() - ball(x)).mid()) for x in reversed(obtuse)]
        # the two ranges overlap: no zero may be counted twice
        apart = max(acute, default=_OVERLAP) <= _OVERLAP
        complete = near.open is None and far.open is None and apart
        return Crossings(tuple(angles), (*near.signs, *far.signs[-2::-1]), complete)


def turn(act: Activation) -> Fraction | None:
    """πt of an activation that is piecewise linear with its one kink at 0, else None."""
    found = pieces(act.expr)
    if found.kinks != (sp.S.Zero,):
        return None
    left, right = found.derivative()
    if not (left.is_Rational and right.is_Rational):
        return None
    down, up = Fraction(int(left.p), int(left.q)), Fraction(int(right.p), int(right.q))
    return (up - down) ** 2 / (up**2 + down**2)
