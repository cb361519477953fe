"""The sum of a Hermite series near |ρ| = 1, in rotated coordinates: E[φ(u) φ(v)] = ∫ L(q) n(q) dq.

With C = √((1+|ρ|)/2), D = √((1−|ρ|)/2) and independent standard normal p, q,

    u = √a (C p + D q),   v = ±√b (C p − D q),   L(q) = E_p[φ(u) φ(v)],

so that small 1 − |ρ| makes L nearly constant instead of anything steep. A kink of φ(u) or φ(v) is a line in the plane
of p and q; between the values of q at which two of them meet, L is analytic, and `product_rule` integrates it from a
few points. At each the integral in p is cut at the lines, p = p₁(q) + t·(p₂(q) − p₁(q)) with the same panels in t for
all q of an interval, or is a lattice for φ analytic in a strip.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import Protocol

import sympy as sp
from flint import acb, arb, ctx

from glutheory.symbolic.line_rules import lack, legendre, panels
from glutheory.symbolic.piecewise import Envelope, Frame, Piecewise, Strip, normal_tail, program, strips
from glutheory.symbolic.product_rule import points_needed, product_rule

Pair = tuple[arb, arb]
Pairs = tuple[Envelope, Envelope]
#: How often an interval of q is halved, and the panels of one piece.
_HALVINGS, _PANELS = 7, 200


@dataclass(frozen=True)
class Rotation:
    """The coordinates, and the window |p| ≤ P, |q| ≤ Q."""

    frame: Frame
    C: arb
    D: arb
    P: arb
    Q: arb

    @classmethod
    def of(cls, frame: Frame, envelopes: Sequence[Pairs], goals: Sequence[arb]) -> tuple[Rotation, Pair]:
        """With what lies outside the window, for φ and φ'."""
        C, D = ((1 + frame.rho) / 2).sqrt(), (frame.gap / 2).sqrt()
        reach = arb(4)

        def outside(one: Envelope, two: Envelope) -> arb:
            s, t = (one.q + two.q) * C, (one.q + two.q) * D
            bulk = 4 * one.A * two.A * ((s * s + t * t) / 2).exp()
            return bulk * (normal_tail(reach - s) + normal_tail(reach - t))

        while True:
            tails = [outside(*pair) for pair in envelopes]
            if all(tail < goal / 16 for tail, goal in zip(tails, goals, strict=True)):
                return cls(frame, C, D, reach, reach), (tails[0], tails[1])
            reach = arb((reach + 0.25).mid())


class Strand(Protocol):
    """L, or a part of it, on an interval of q."""

    #: The rule's error in each of the two values at any q of the interval.
    errors: Pair
    size: int

    def bounds(self, q: acb) -> list[arb]:
        """Of |L| for a box of q, not finite where L may not be analytic."""

    def at(self, q: arb) -> Pair:
        """The values for φ and φ'."""


@dataclass(frozen=True)
class _Line:
    """C p = place + sign·D q, where u (sign −1) or v (sign +1) is at a kink, or the window's edge (0)."""

    place: arb
    sign: int
    kink: sp.Expr | None

    def at(self, q: arb, rotation: Rotation) -> arb:
        """The C p of this q."""
        return self.place + self.sign * rotation.D * q


class _Piece:
    """Between two lines, by panels in t."""

    def __init__(
        self, rotation: Rotation, lines: tuple[_Line, _Line], branches: tuple[tuple[sp.Expr, ...], ...], q: arb,
        goals: Sequence[arb],
    ) -> None:
        self._rotation, self._lines = rotation, lines
        self._tapes = [program(branch) for branch in branches]
        self._runs = [tape.bind() for tape in self._tapes]
        self._columns = [tape.bind_column() for tape in self._tapes]
        made = list(panels(arb(0), arb(1), lambda t: self._sizes(t, acb(q)), goals, 2.0, _PANELS))
        self._nodes = [
            (middle + half * node, half * share)
            for middle, half, count, _ in made
            for node, share in legendre(count, ctx.prec)
        ]
        self._boxes = [(acb(middle + half * arb(0, 1)), 2 * half) for middle, half, _, _ in made]
        errors = [sum((own[i].upper() for _, _, _, own in made), arb(0)) for i in range(2)]
        self.errors = errors[0], errors[1]
        self.size = len(self._nodes)

    def _values(self, t: acb | arb, q: acb | arb, analytic: bool) -> list[acb]:
        r, (start, stop) = self._rotation, self._lines
        shift = r.D * q
        # q and t each once where it can be, so that boxes of them stay narrow
        place = start.place + t * (stop.place - start.place)
        slope = start.sign + t * (stop.sign - start.sign)
        width = (stop.place - start.place + (stop.sign - start.sign) * shift) / r.C
        p = (place + slope * shift) / r.C
        weight = width * (-p * p / 2).exp() / (2 * arb.pi()).sqrt()
        first = self._runs[0]([r.frame.root_a * (place + (slope + 1) * shift)], analytic)
        second = self._runs[1]([r.frame.root_b * (place + (slope - 1) * shift)], analytic)
        return [weight * f * g for f, g in zip(first, second, strict=True)]

    def _sizes(self, t: acb, q: acb) -> list[arb]:
        return [abs(acb(value)).upper() for value in self._values(t, q, True)]

    def bounds(self, q: acb) -> list[arb]:
        """See `Strand`."""
        totals = [arb(0), arb(0)]
        for box, width in self._boxes:
            sizes = self._sizes(box, q)
            if not all(size.is_finite() for size in sizes):
                return sizes
            totals = [total + width * size for total, size in zip(totals, sizes, strict=True)]
        return totals

    def at(self, q: arb) -> Pair:
        """See `Strand`."""
        r = self._rotation
        start, stop = (line.at(q, r) for line in self._lines)
        width, shift = stop - start, r.D * q
        centres = [start + t * width for t, _ in self._nodes]
        (a, b), scale = (r.frame.root_a, r.frame.root_b), -1 / (2 * r.C * r.C)
        weights = [share * (scale * x * x).exp() for x, (_, share) in zip(centres, self._nodes, strict=True)]
        first = self._columns[0]([a * (x + shift) for x in centres])
        second = self._columns[1]([b * (x - shift) for x in centres])
        norm = width / (r.C * (2 * arb.pi()).sqrt())
        S, T = (norm * _dot(weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


class _Lattice:
    """The whole line, for φ analytic in a strip."""

    def __init__(self, found: Piecewise, rotation: Rotation, strip: Strip, far: arb, goals: Sequence[arb]) -> None:
        self._rotation = rotation
        frame = rotation.frame
        self._roots = frame.root_a, frame.root_b
        self._strip = strip
        self._pairs = [tuple(Envelope.of(bound, abs(root)) for root in self._roots) for bound in strip.bounds]
        largest = arb.max(frame.root_a, abs(frame.root_b)).upper()
        self._largest = largest
        top = strip.tau / float(rotation.C * largest)
        need = 20.0
        for _ in range(60):
            d = min(math.sqrt(2 * need), top)
            h = arb(2 * math.pi * d / (need + d * d / 2))
            self.errors = self._alias(arb(d) * (1 - arb(2) ** -40), h, far)
            missing = lack(self.errors, goals) + 3
            if missing <= 0:
                break
            need += max(missing, 0.5)
        half = math.ceil(float(rotation.P / h))
        norm = h / (2 * arb.pi()).sqrt()
        self._weights = [norm * (-(h * i) ** 2 / 2).exp() for i in range(-half, half + 1)]
        self._centres = [rotation.C * h * i for i in range(-half, half + 1)]
        self.size = len(self._weights)
        self._column = program((found.branches[0], found.slopes[0])).bind_column()

    def _mean(self, i: int, q: arb) -> arb:
        """A bound of the integral of |φφ| n(p), on the strip's edge, for |Re q| up to this."""
        one, two = self._pairs[i]
        s, t = (one.q + two.q) * self._rotation.C, (one.q + two.q) * self._rotation.D
        return 2 * one.A * two.A * (s * s / 2 + t * q).exp()

    def _alias(self, d: arb, h: arb, far: arb) -> Pair:
        lift = 2 * (d * d / 2).exp() / ((2 * arb.pi() * d / h).exp() - 1)
        return lift * self._mean(0, far), lift * self._mean(1, far)

    def bounds(self, q: acb) -> list[arb]:
        """See `Strand`."""
        if not abs(q.imag).upper() * self._rotation.D * self._largest <= arb(self._strip.tau):
            return [arb("inf"), arb("inf")]
        far = abs(q.real).upper()
        return [self._mean(0, far), self._mean(1, far)]

    def at(self, q: arb) -> Pair:
        """See `Strand`."""
        (a, b), shift = self._roots, self._rotation.D * q
        first = self._column([a * (x + shift) for x in self._centres])
        second = self._column([b * (x - shift) for x in self._centres])
        S, T = (_dot(self._weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


def _dot(weights: Sequence[arb], first: Sequence[acb], second: Sequence[acb]) -> acb:
    return sum(map(mul, weights, map(mul, first, second)), arb(0))


def rotated(found: Piecewise, frame: Frame, goals: Sequence[arb], most: float) -> Pair | None:
    """(S, T) with errors of about the goals, T without the delta functions of φ'; None beyond `most` points (p, q)."""
    roots = frame.root_a, abs(frame.root_b)
    envelopes = [(found.envelope(roots[0], i), found.envelope(roots[1], i)) for i in range(2)]
    rotation, tails = Rotation.of(frame, envelopes, goals)
    lines = _lines(found, rotation)
    fold = frame.same and not frame.mirrored  # u and v can be exchanged: q and −q
    cuts = _cuts(lines, rotation, fold)
    totals, work = [arb(0, tail.upper()) for tail in tails], 0
    finer = [goal / 16 for goal in goals]
    queue = [(low, high, 0) for low, high in pairwise(cuts)]
    while queue:
        low, high, depth = queue.pop()
        if not low < high:
            # lines that meet in one place, known as two balls
            gap = arb.max(abs(high - low), arb(0)).upper()
            totals = [t + arb(0, (gap * _height(pair, rotation)).upper()) for t, pair in zip(totals, envelopes, strict=True)]
            continue
        strands = list(_strands(found, rotation, lines, low, high, finer))
        middle, half = (low + high) / 2, (high - low) / 2

        def bounds(wide: arb, tall: arb, middle: arb = middle, strands: list[Strand] = strands) -> list[arb]:
            box = acb(middle + wide * arb(0, 1), tall * arb(0, 1))
            sums = [arb(0), arb(0)]
            for strand in strands:
                sums = [s + own for s, own in zip(sums, strand.bounds(box), strict=True)]
                if not all(s.is_finite() for s in sums):
                    break
            return sums

        made = points_needed(half, bounds, finer)
        work += sum(strand.size for strand in strands) * (made[0] if made else 4)
        if work > most:
            return None
        if made is None:
            if depth == _HALVINGS:
                return None
            queue += [(low, middle, depth + 1), (middle, high, depth + 1)]
            continue
        rule = product_rule(low, high, made[0])
        mass = sum((abs(weight) for _, weight in rule), arb(0))
        for strand in strands:
            own = [arb(0), arb(0)]
            for q, weight in rule:
                own = [s + weight * value for s, value in zip(own, strand.at(q), strict=True)]
            totals = [t + s + arb(0, (mass * e).upper()) for t, s, e in zip(totals, own, strand.errors, strict=True)]
        totals = [t + arb(0, e.upper()) for t, e in zip(totals, made[1], strict=True)]
    # outside the window nothing was folded, and its bound covers both halves
    scale = 2 if fold else 1
    return scale * totals[0], scale * totals[1]


def _height(pair: Pairs, rotation: Rotation) -> arb:
    """A bound of |L(q)| n(q) in the window."""
    s, t = ((pair[0].q + pair[1].q) * x for x in (rotation.C, rotation.D))
    return pair[0].A * pair[1].A * (s * s / 2 + t * rotation.Q).exp()


def _lines(found: Piecewise, rotation: Rotation) -> list[_Line]:
    frame = rotation.frame
    edge = rotation.C * rotation.P
    lines = [_Line(-edge, 0, None), _Line(edge, 0, None)]
    for sign, root in ((-1, frame.root_a), (1, frame.root_b)):
        kinks = found.kinks if root > 0 else found.kinks[::-1]
        lines += [_Line(place, sign, kink) for kink, place in zip(kinks, found.places(root), strict=True)]
    return lines


def _cuts(lines: Sequence[_Line], rotation: Rotation, fold: bool) -> list[arb]:
    """Where two lines meet, within the window, and its ends."""
    Q, D = rotation.Q, rotation.D
    found = [arb(0)] if fold else []
    for i, one in enumerate(lines):
        for two in lines[:i]:
            if one.sign == two.sign:
                continue
            q = (one.place - two.place) / (D * (two.sign - one.sign))
            if _meet_at_zero(one, two, rotation.frame):
                q = arb(0)
            if (q > 0 if fold else q > -Q) and q < Q:
                found.append(q)
    ends = [arb(0) if fold else -Q, Q]
    inner = sorted((q for q in found if not (fold and q == 0)), key=lambda q: float(q.mid()))
    return [ends[0], *_distinct(inner), ends[1]]


def _distinct(cuts: Sequence[arb]) -> list[arb]:
    kept: list[arb] = []
    for cut in cuts:
        if not (kept and cut == kept[-1]):
            kept.append(cut)
    return kept


def _meet_at_zero(one: _Line, two: _Line, frame: Frame) -> bool:
    """Whether they meet at q = 0 exactly: the same kink, or opposite ones, of equal variances."""
    if one.kink is None or two.kink is None or not frame.same:
        return False
    return bool(one.kink == (-two.kink if frame.mirrored else two.kink))


def _strands(
    found: Piecewise, rotation: Rotation, lines: Sequence[_Line], low: arb, high: arb, goals: Sequence[arb]
) -> Iterator[Strand]:
    """The parts of L between the lines."""
    family = () if found.kinks else strips(found.branches[0], found.slopes[0])
    if family:
        far = arb.max(abs(low), abs(high)).upper()
        made = [_Lattice(found, rotation, strip, far, goals) for strip in family[:6]]
        yield min(made, key=lambda strand: strand.size)
        return
    middle = ((low + high) / 2).mid()
    inside = [(line, line.at(middle, rotation)) for line in lines]
    ordered = sorted(inside, key=lambda item: float(item[1].mid()))
    counts, open_ = [0, 0], False
    q = (low + high) / 2 + (high - low) / 2 * arb(0, 1)
    kept: list[tuple[_Line, tuple[int, int]]] = []
    for line, _ in ordered:
        if line.sign:
            counts[line.sign > 0] += 1
        elif open_:
            kept.append((line, (counts[0], counts[1])))
            break
        else:
            open_ = True
        if open_:
            kept.append((line, (counts[0], counts[1])))
    own = [goal / (4 * len(kept)) for goal in goals]
    frame = rotation.frame
    for (start, (i, j)), (stop, _) in pairwise(kept):
        branches = found.branch(i, frame.root_a), found.branch(j, frame.root_b)
        yield _Piece(rotation, (start, stop), branches, q, own)
