"""The sum of a Hermite series near |ρ| = 1, in rotated coordinates: E[φ(u) φ(v)] = ∫ L(q) n(q) dq.

With L(q) = E_p[φ(u) φ(v)] in the coordinates of `rotation`, small 1 − |ρ| makes L nearly constant instead of anything
steep, most so where √a sin α = √b sin β. A kink of φ(u) or φ(v) is a line in the plane of p and q; between the values
of q at which two of them meet, L is analytic, and `product_rule` integrates it from a few points, at each of which
`strands` has the integral in p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import sympy as sp
from flint import arb, ctx

from glutheory.ground.balls import precision
from glutheory.ground.order import Interval, apart, in_order
from glutheory.symbolic.piecewise import Frame, Piecewise, Strip, strips
from glutheory.symbolic.product_rule import points_needed, product_rule
from glutheory.symbolic.rotation import Line, Pair, Pairs, Rotation, cuts, lines_of
from glutheory.symbolic.strands import Lattice, Piece, Strand, largest, slices

#: How often an interval of q is halved.
_HALVINGS = 7


def fine() -> int:
    """The precision of cuts, and of the `frame` that `rotated` is given."""
    return 8 * ctx.prec + 1024


def rotated(found: Piecewise, frame: Frame, goals: Sequence[arb], most: float) -> Pair | None:
    """(S, T) with errors of about the goals, T without the delta functions of φ'; None beyond `most` points (p, q)."""
    sharp, frame = frame, replace(frame, **{name: +getattr(frame, name) for name in ("root_a", "root_b", "rho", "gap")})
    roots = frame.root_a, abs(frame.root_b)
    envelopes = [(found.envelope(roots[0], i), found.envelope(roots[1], i)) for i in range(2)]
    rotation, tails = Rotation.of(frame, envelopes, goals)
    lines = lines_of(found, rotation)
    fold = frame.same and not frame.mirrored  # u and v can be exchanged: q and −q
    with precision(fine()):
        # where kinks of u and v nearly coincide cuts are near each other, and rules between them lose many digits
        turned = Rotation.within(sharp, rotation.reach)
        intervals, left_out = apart(cuts(lines_of(found, turned), turned, fold))
    gaps = [left_out * _height(pair, rotation) for pair in envelopes]
    totals, work = [arb(0, (tail + gap).upper()) for tail, gap in zip(tails, gaps, strict=True)], 0.0
    finer = [goal / 64 for goal in goals]
    queue = []
    for interval in intervals:
        strands = _strands(found, rotation, lines, interval)
        if strands is None:
            return None
        queue += [(interval.low, interval.high, 0, make) for make in strands]
    while queue:
        low, high, depth, make = queue.pop()
        strand = make(low, high, finer)
        middle, half = (low + high) / 2, (high - low) / 2

        def bounds(wide: arb, tall: arb, middle: arb = middle, strand: Strand = strand) -> list[arb]:
            return largest(strand.bounds(middle + box) for box in slices(wide, tall))

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


def _height(pair: Pairs, rotation: Rotation) -> arb:
    """A bound of |L(q)| n(q) in the window."""
    s, t = rotation.rates(*pair)
    return 2 * pair[0].A * pair[1].A * (s * s / 2 + t * rotation.reach).exp()


def _strands(
    found: Piecewise, rotation: Rotation, lines: Sequence[Line], interval: Interval
) -> list[Callable[[arb, arb, Sequence[arb]], Strand]] | None:
    """What makes the parts of L between the lines, for intervals of q within this one.

    None where the order of the lines is not decided at this precision.
    """
    family = () if found.kinks else strips(found.branches[0], found.slopes[0])
    if family:
        return [partial(_best_lattice, found, rotation, family)]
    middle = ((interval.low + interval.high) / 2).mid()
    ordered = in_order(lines, lambda line: line.at(middle))
    if ordered is None:
        return None
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
    made: list[Callable[[arb, arb, Sequence[arb]], Strand]] = []
    for (start, (i, j)), (stop, _) in pairwise(kept):
        branches = found.branch(i, rotation.frame.root_a), found.branch(j, rotation.frame.root_b)
        made.append(partial(_piece, rotation, (start, stop), branches, len(kept)))
    return made


def _best_lattice(
    found: Piecewise, rotation: Rotation, family: Sequence[Strip], low: arb, high: arb, goals: Sequence[arb]
) -> Strand:
    far = arb.max(abs(low), abs(high)).upper()
    return min((Lattice(found, rotation, strip, far, goals) for strip in family), key=lambda made: made.size).ready()


def _piece(
    rotation: Rotation,
    lines: tuple[Line, Line],
    branches: tuple[tuple[sp.Expr, ...], ...],
    count: int,
    low: arb,
    high: arb,
    goals: Sequence[arb],
) -> Strand:
    middle, half = (low + high) / 2, (high - low) / 2
    boxes = [middle + box for box in slices(half, arb(0))]
    return Piece(rotation, lines, branches, boxes, [goal / (4 * count) for goal in goals])
