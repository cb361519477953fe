"""The rotated coordinates of two units near |ρ| = 1: their window, and the lines on which one of them has a kink.

With |ρ| = cos(α + β) and independent standard normal p, q,

    u = √a (cos α p + sin α q),   v = ±√b (cos β p − sin β q).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp
from flint import arb

from glutheory.symbolic.piecewise import Envelope, Frame, Piecewise, normal_tail

Pair = tuple[arb, arb]
Pairs = tuple[Envelope, Envelope]


@dataclass(frozen=True)
class Rotation:
    """x = u/√a and y = ±v/√b as cosines[i]·p + sines[i]·q; and the window |p|, |q| ≤ reach."""

    frame: Frame
    cosines: Pair
    sines: Pair
    reach: arb

    @classmethod
    def of(cls, frame: Frame, envelopes: Sequence[Pairs], goals: Sequence[arb]) -> tuple[Rotation, Pair]:
        """With what lies outside the window, for φ and φ'."""
        made = cls.within(frame, arb(4))
        while True:
            tails = [made.outside(*pair) for pair in envelopes]
            if all(tail < goal / 16 for tail, goal in zip(tails, goals, strict=True)):
                return made, (tails[0], tails[1])
            made = replace(made, reach=arb((made.reach + 0.25).mid()))

    @classmethod
    def within(cls, frame: Frame, reach: arb) -> Rotation:
        """With this window, at the current precision."""
        roots = frame.root_a, abs(frame.root_b)
        angle = arb.atan2((frame.gap * (1 + frame.rho)).sqrt(), frame.rho)
        share = arb(0.5) if frame.same else arb(float(roots[1] / (roots[0] + roots[1])))
        angles = angle * share, angle * (1 - share)
        cosines = angles[0].cos(), angles[1].cos()
        return cls(frame, cosines, (angles[0].sin(), -angles[1].sin()), reach)

    def rates(self, one: Envelope, two: Envelope) -> Pair:
        """(s, t) with |φ(u) φ(v)| ≤ A B e^{s|p| + t|q|}."""
        (c, d), (e, f) = self.cosines, self.sines
        return one.q * c + two.q * d, one.q * abs(e) + two.q * abs(f)

    def outside(self, one: Envelope, two: Envelope) -> arb:
        """What lies beyond the window."""
        s, t = self.rates(one, two)
        bulk = 4 * one.A * two.A * ((s * s + t * t) / 2).exp()
        return bulk * (normal_tail(self.reach - s) + normal_tail(self.reach - t))


@dataclass(frozen=True)
class Line:
    """p = place + slope·q, where u (side 0) or v (side 1) is at a kink, or the window's edge (no side)."""

    place: arb
    slope: arb
    side: int | None = None
    kink: sp.Expr | None = None

    def at(self, q: arb) -> arb:
        """The p of this q."""
        return self.place + self.slope * q


def lines_of(found: Piecewise, rotation: Rotation) -> list[Line]:
    """The ends of the window, and the kinks of u and of v."""
    frame = rotation.frame
    lines = [Line(-rotation.reach, arb(0)), Line(rotation.reach, arb(0))]
    for side, root in enumerate((frame.root_a, frame.root_b)):
        c, s = rotation.cosines[side], rotation.sines[side]
        kinks = found.kinks if root > 0 else found.kinks[::-1]
        lines += [Line(place / c, -s / c, side, kink) for kink, place in zip(kinks, found.places(root), strict=True)]
    return lines


def cuts(lines: Sequence[Line], rotation: Rotation, fold: bool) -> list[arb]:
    """Where two lines meet, within the window, and its ends; they may be balls of one and the same place."""
    edge = rotation.reach
    first = arb(0) if fold else -edge
    found = []
    for i, one in enumerate(lines):
        for two in lines[:i]:
            if one.side == two.side:
                continue
            q = (one.place - two.place) / (two.slope - one.slope)
            if _meet_at_zero(one, two, rotation.frame):
                q = arb(0)
            if not q < first and not q > edge:
                found.append(q)
    return [first, *found, edge]


def _meet_at_zero(one: Line, two: Line, frame: Frame) -> bool:
    """Whether they meet at q = 0 exactly: the same kink, or opposite ones, of equal variances."""
    if one.kink is None or two.kink is None or not frame.same:
        return False
    return bool(one.kink == (-two.kink if frame.mirrored else two.kink))
