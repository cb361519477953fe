"""The sum of a Hermite series near |ρ| = 1, in rotated coordinates: E[φ(u) φ(v)] = ∫ L(q) n(q) dq.

With |ρ| = cos(α + β) and independent standard normal p, q,

    u = √a (cos α p + sin α q),   v = ±√b (cos β p − sin β q),   L(q) = E_p[φ(u) φ(v)],

so that small 1 − |ρ| makes L nearly constant instead of anything steep, most so where √a sin α = √b sin β. A kink of
φ(u) or φ(v) is a line in the plane of p and q; between the values of q at which two of them meet, L is analytic, and
`product_rule` integrates it from a few points. At each the integral in p is cut at the lines,
p = p₁(q) + t·(p₂(q) − p₁(q)) with the same panels in t for all q of an interval, or is a lattice for φ analytic in a
strip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
#: How often an interval of q is halved, the panels of one piece, and the halves of the slices in which q is bounded.
_HALVINGS, _PANELS, _SLICES = 7, 200, 4


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
        roots = frame.root_a, abs(frame.root_b)
        angle = arb.atan2((frame.gap * (1 + frame.rho)).sqrt(), frame.rho)
        share = arb(0.5) if frame.same else arb(float(roots[1] / (roots[0] + roots[1])))
        angles = angle * share, angle * (1 - share)
        cosines = angles[0].cos(), angles[1].cos()
        sines = angles[0].sin(), -angles[1].sin()
        made = cls(frame, cosines, sines, arb(4))
        while True:
            tails = [made.outside(*pair) for pair in envelopes]
            if all(tail < goal / 16 for tail, goal in zip(tails, goals, strict=True)):
                return made, (tails[0], tails[1])
            made = replace(made, reach=arb((made.reach + 0.25).mid()))

    def rates(self, one: Envelope, two: Envelope) -> Pair:
        """(s, t) with |φ(u) φ(v)| ≤ A B e^{s|p| + t|q|}."""
        (c, d), (e, f) = self.cosines, self.sines
        return one.q * c + two.q * d, one.q * abs(e) + two.q * abs(f)

    def outside(self, one: Envelope, two: Envelope) -> arb:
        """What lies beyond the window."""
        s, t = self.rates(one, two)
        bulk = 4 * one.A * two.A * ((s * s + t * t) / 2).exp()
        return bulk * (normal_tail(self.reach - s) + normal_tail(self.reach - t))


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
    """p = place + slope·q, where u (side 0) or v (side 1) is at a kink, or the window's edge (no side)."""

    place: arb
    slope: arb
    side: int | None = None
    kink: sp.Expr | None = None

    def at(self, q: arb) -> arb:
        """The p of this q."""
        return self.place + self.slope * q


class _Piece:
    """Between two lines, by panels in t."""

    def __init__(
        self,
        rotation: Rotation,
        lines: tuple[_Line, _Line],
        branches: tuple[tuple[sp.Expr, ...], ...],
        slices: Sequence[acb],
        goals: Sequence[arb],
    ) -> None:
        self._rotation, self._lines = rotation, lines
        self._tapes = [program(branch) for branch in branches]
        self._runs = [tape.bind() for tape in self._tapes]
        self._columns = [tape.bind_column() for tape in self._tapes]
        made = list(panels(arb(0), arb(1), lambda t, analytic: self._over(t, slices, analytic), goals, 2.0, _PANELS))
        self._nodes = [
            (middle + half * node, half * share)
            for middle, half, count, _ in made
            for node, share in legendre(count, ctx.prec)
        ]
        self._boxes = [(acb(middle + half * arb(0, 1)), 2 * half) for middle, half, _, _ in made]
        errors = [sum((own[i].upper() for _, _, _, own in made), arb(0)) for i in range(2)]
        self.errors = errors[0], errors[1]
        self.size = len(self._nodes)

    def _values(self, t: acb, q: acb, analytic: bool) -> list[acb]:
        r, (start, stop) = self._rotation, self._lines
        # q and t each once where it can be, so that boxes of them stay narrow
        place = start.place + t * (stop.place - start.place)
        slope = start.slope + t * (stop.slope - start.slope)
        width = stop.place - start.place + (stop.slope - start.slope) * q
        p = place + slope * q
        weight = width * (-p * p / 2).exp() / (2 * arb.pi()).sqrt()
        results = []
        for run, root, c, s in zip(self._runs, (r.frame.root_a, r.frame.root_b), r.cosines, r.sines, strict=True):
            results.append(run([root * (c * place + (c * slope + s) * q)], analytic))
        return [weight * f * g for f, g in zip(*results, strict=True)]

    def _over(self, t: acb, slices: Sequence[acb], analytic: bool) -> list[arb]:
        return _largest(self._sizes(t, q, analytic) for q in slices)

    def _sizes(self, t: acb, q: acb, analytic: bool = True) -> list[arb]:
        return [abs(acb(value)).upper() for value in self._values(t, q, analytic)]

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
        start, stop = (line.at(q) for line in self._lines)
        width = stop - start
        places = [start + t * width for t, _ in self._nodes]
        weights = [share * (-p * p / 2).exp() for p, (_, share) in zip(places, self._nodes, strict=True)]
        first, second = (
            column([root * (c * p + s * q) for p in places])
            for column, root, c, s in zip(
                self._columns, (r.frame.root_a, r.frame.root_b), r.cosines, r.sines, strict=True
            )
        )
        norm = width / (2 * arb.pi()).sqrt()
        S, T = (norm * _dot(weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


class _Lattice:
    """The whole line, for φ analytic in a strip."""

    def __init__(self, found: Piecewise, rotation: Rotation, strip: Strip, far: arb, goals: Sequence[arb]) -> None:
        self._rotation, self._strip = rotation, strip
        self._roots = rotation.frame.root_a, rotation.frame.root_b
        self._pairs = [[Envelope.of(bound, abs(root)) for root in self._roots] for bound in strip.bounds]
        sizes = [abs(root) for root in self._roots]
        top = strip.tau / max(float(size * c) for size, c in zip(sizes, rotation.cosines, strict=True))
        self._steep = arb.max(*(size * abs(s) for size, s in zip(sizes, rotation.sines, strict=True))).upper()
        need = 20.0
        for _ in range(60):
            d = min(math.sqrt(2 * need), top)
            h = arb(2 * math.pi * d / (need + d * d / 2))
            self.errors = self._alias(arb(d) * (1 - arb(2) ** -40), h, far)
            missing = lack(self.errors, goals) + 3
            if missing <= 0:
                break
            need += max(missing, 0.5)
        self.size = 2 * math.ceil(float(rotation.reach / h)) + 1
        self._step = h
        self._found = found

    def ready(self) -> _Lattice:
        """With its nodes."""
        h, half = self._step, self.size // 2
        norm = h / (2 * arb.pi()).sqrt()
        self._weights = [norm * (-((h * i) ** 2) / 2).exp() for i in range(-half, half + 1)]
        self._places = [h * i for i in range(-half, half + 1)]
        self._column = program((self._found.branches[0], self._found.slopes[0])).bind_column()
        return self

    def _mean(self, i: int, q: arb) -> arb:
        """A bound of the integral of |φφ| n(p), on the strip's edge, for |Re q| up to this."""
        one, two = self._pairs[i]
        s, t = self._rotation.rates(one, two)
        return 2 * one.A * two.A * (s * s / 2 + t * q).exp()

    def _alias(self, d: arb, h: arb, far: arb) -> Pair:
        lift = 2 * (d * d / 2).exp() / ((2 * arb.pi() * d / h).exp() - 1)
        return lift * self._mean(0, far), lift * self._mean(1, far)

    def bounds(self, q: acb) -> list[arb]:
        """See `Strand`."""
        if not abs(q.imag).upper() * self._steep <= arb(self._strip.tau):
            return [arb("inf"), arb("inf")]
        far = abs(q.real).upper()
        return [self._mean(0, far), self._mean(1, far)]

    def at(self, q: arb) -> Pair:
        """See `Strand`."""
        r = self._rotation
        first, second = (
            self._column([root * (c * p + s * q) for p in self._places])
            for root, c, s in zip(self._roots, r.cosines, r.sines, strict=True)
        )
        S, T = (_dot(self._weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


def _dot(weights: Sequence[arb], first: Sequence[acb], second: Sequence[acb]) -> acb:
    return acb(sum(map(mul, weights, map(mul, first, second)), arb(0)))


def rotated(found: Piecewise, frame: Frame, goals: Sequence[arb], most: float) -> Pair | None:
    """(S, T) with errors of about the goals, T without the delta functions of φ'; None beyond `most` points (p, q)."""
    roots = frame.root_a, abs(frame.root_b)
    envelopes = [(found.envelope(roots[0], i), found.envelope(roots[1], i)) for i in range(2)]
    rotation, tails = Rotation.of(frame, envelopes, goals)
    lines = _lines(found, rotation)
    fold = frame.same and not frame.mirrored  # u and v can be exchanged: q and −q
    cuts = _cuts(lines, rotation, fold)
    totals, work = [arb(0, tail.upper()) for tail in tails], 0.0
    finer = [goal / 64 for goal in goals]
    queue = []
    for low, high in pairwise(cuts):
        if low < high:
            queue += [(low, high, 0, make) for make in _strands(found, rotation, lines, low, high)]
        else:
            # lines that meet in one place, known as two balls
            gaps = [abs(high - low) * _height(pair, rotation) for pair in envelopes]
            totals = [total + arb(0, gap.upper()) for total, gap in zip(totals, gaps, strict=True)]
    while queue:
        low, high, depth, make = queue.pop()
        strand = make(low, high, finer)
        middle, half = (low + high) / 2, (high - low) / 2

        def bounds(wide: arb, tall: arb, middle: arb = middle, strand: Strand = strand) -> list[arb]:
            return _largest(strand.bounds(middle + box) for box in _slices(wide, tall))

        made = points_needed(half, bounds, finer)
        work += strand.size * (made[0] if made else 4)
        if work > most or (made is None and depth == _HALVINGS):
            return None
        if made is None:
            queue += [(low, middle, depth + 1, make), (middle, high, depth + 1, make)]
            continue
        rule = product_rule(low, high, made[0])
        mass = sum((abs(weight) for _, weight in rule), arb(0))
        own = [arb(0), arb(0)]
        for q, weight in rule:
            own = [total + weight * value for total, value in zip(own, strand.at(q), strict=True)]
        errors = [mass * error + rest for error, rest in zip(strand.errors, made[1], strict=True)]
        totals = [t + s + arb(0, e.upper()) for t, s, e in zip(totals, own, errors, strict=True)]
    # outside the window nothing was folded, and its bound covers both halves
    scale = 2 if fold else 1
    return scale * totals[0], scale * totals[1]


def _slices(wide: arb, tall: arb) -> Iterator[acb]:
    """Boxes that cover an ellipse, narrow because wide ones bound badly."""
    for k in range(-_SLICES, _SLICES):
        nearest = arb(min(abs(k), abs(k + 1))) / _SLICES
        height = tall * (1 - nearest * nearest).sqrt()
        yield acb(wide * (arb(2 * k + 1) + arb(0, 1)) / (2 * _SLICES), height * arb(0, 1))


def _largest(found: Iterable[Sequence[arb]]) -> list[arb]:
    """The largest of each entry, not finite where one is not."""
    most = [arb(0), arb(0)]
    for sizes in found:
        if not all(size.is_finite() for size in sizes):
            return [arb("inf"), arb("inf")]
        most = [arb.max(m, size) for m, size in zip(most, sizes, strict=True)]
    return most


def _height(pair: Pairs, rotation: Rotation) -> arb:
    """A bound of |L(q)| n(q) in the window."""
    s, t = rotation.rates(*pair)
    return 2 * pair[0].A * pair[1].A * (s * s / 2 + t * rotation.reach).exp()


def _lines(found: Piecewise, rotation: Rotation) -> list[_Line]:
    frame = rotation.frame
    lines = [_Line(-rotation.reach, arb(0)), _Line(rotation.reach, arb(0))]
    for side, root in enumerate((frame.root_a, frame.root_b)):
        c, s = rotation.cosines[side], rotation.sines[side]
        kinks = found.kinks if root > 0 else found.kinks[::-1]
        lines += [_Line(place / c, -s / c, side, kink) for kink, place in zip(kinks, found.places(root), strict=True)]
    return lines


def _cuts(lines: Sequence[_Line], rotation: Rotation, fold: bool) -> list[arb]:
    """Where two lines meet, within the window, and its ends."""
    edge = rotation.reach
    found = []
    for i, one in enumerate(lines):
        for two in lines[:i]:
            if one.side == two.side:
                continue
            q = (one.place - two.place) / (two.slope - one.slope)
            if _meet_at_zero(one, two, rotation.frame):
                q = arb(0)
            if (q > 0 if fold else q > -edge) and q < edge:
                found.append(q)
    inner = sorted(found, key=lambda q: float(q.mid()))
    return [arb(0) if fold else -edge, *_distinct(inner), edge]


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
    found: Piecewise, rotation: Rotation, lines: Sequence[_Line], low: arb, high: arb
) -> Iterator[Callable[[arb, arb, Sequence[arb]], Strand]]:
    """What makes the parts of L between the lines, for intervals of q within this one."""
    family = () if found.kinks else strips(found.branches[0], found.slopes[0])
    if family:
        yield partial(_best_lattice, found, rotation, family)
        return
    middle = ((low + high) / 2).mid()
    ordered = sorted(lines, key=lambda line: float(line.at(middle).mid()))
    counts, kept, open_ = [0, 0], [], False
    for line in ordered:
        closing = line.side is None and open_
        if line.side is None:
            open_ = True
        else:
            counts[line.side] += 1
        if open_:
            kept.append((line, counts.copy()))
        if closing:
            break
    for (start, (i, j)), (stop, _) in pairwise(kept):
        branches = found.branch(i, rotation.frame.root_a), found.branch(j, rotation.frame.root_b)
        yield partial(_piece, rotation, (start, stop), branches, len(kept))


def _best_lattice(
    found: Piecewise, rotation: Rotation, family: Sequence[Strip], low: arb, high: arb, goals: Sequence[arb]
) -> Strand:
    far = arb.max(abs(low), abs(high)).upper()
    return min((_Lattice(found, rotation, strip, far, goals) for strip in family), key=lambda made: made.size).ready()


def _piece(
    rotation: Rotation,
    lines: tuple[_Line, _Line],
    branches: tuple[tuple[sp.Expr, ...], ...],
    count: int,
    low: arb,
    high: arb,
    goals: Sequence[arb],
) -> Strand:
    middle, half = (low + high) / 2, (high - low) / 2
    slices = [middle + box for box in _slices(half, arb(0))]
    return _Piece(rotation, lines, branches, slices, [goal / (4 * count) for goal in goals])
