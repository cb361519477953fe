"""What an activation does to a unit and its derivatives, `moving`: with a table, or where variances differ, without."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.bends import bends
from glutheory.numeric.deep.moving import Along, Moving, combined
from glutheory.numeric.deep.pairs import Pairs
from glutheory.numeric.deep.table import Cells, Places, places
from glutheory.numeric.deep.tabulated import Same, Seen, Tabulated
from glutheory.numeric.deep.twists import twists
from glutheory.numeric.deep.unequal import Unequal
from glutheory.numeric.duals import Partials
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.plan import Pick

#: |r'/r − 1| below which the excess of images is told by how they grow; beyond, by their sizes.
_CLOSE = 1e-5


def image(factor: Same | Tabulated | Unequal, unit: Moving, left: Pick, right: Pick, seen: Seen) -> Moving:
    """The image under an activation; `left` and `right` pick what belongs to the rows of the pairs.

    Raises:
        DomainError: an activation that has no derivatives.
    """
    if isinstance(factor, Same):
        return unit
    if isinstance(factor, Tabulated):
        return _tabulated(factor, unit, left, right, seen)
    return _unequal(factor, unit, left, right)


def _tabulated(factor: Tabulated, unit: Moving, left: Pick, right: Pick, seen: Seen) -> Moving:
    pairs, xp = unit.pairs, unit.pairs.xp
    # with τ = 1 the τ of the image is the slope
    found = factor.image(replace(pairs, tau=xp.ones_like(pairs.minus)), left, right, seen)
    slope = found.tau
    assert slope is not None
    angle = combined((slope, unit.angle))
    if factor.poles:
        angle = _without_poles(unit.angle, angle)
    power = float(factor.power)
    # (1 + excess)^p − 1
    excess = xp.expm1(power * xp.log1p(unit.excess)) if factor.power != 1 else unit.excess
    both = _sides(unit)
    twist = twists(factor.act, factor.variance) if factor.moves and any(part is not None for part in both) else None
    if twist is not None:
        power = twist.growth
        turn = twist.turn(xp, _place(pairs, twist.turn_cells, seen))
        angle = combined((1.0, angle), (turn, both))
    one, other = (combined((power, side)) for side in unit.growth)
    tau = pairs.tau
    if tau is None:
        return Moving(replace(found, tau=None), excess, angle, unit.nothing, (one, other))
    bend = bends(factor.act, factor.variance)
    turned = tau * bend(xp, _place(pairs, bend.cells, seen))
    ntk = combined((slope, unit.ntk), (turned, unit.angle))
    if twist is not None:
        ntk = combined((1.0, ntk), (tau * twist.twist(xp, _place(pairs, twist.slope_cells, seen)), both))
    values = factor.image(pairs, left, right, seen) if factor.poles else replace(found, tau=slope * tau)
    return Moving(values, excess, angle, ntk, (one, other))


def _place(pairs: Pairs, cells: Cells, seen: Seen) -> Places:
    key = id(pairs.minus), cells
    if key not in seen:
        seen[key] = places(pairs.xp, pairs.minus, pairs.plus, cells)
    return seen[key]


def _sides(unit: Moving) -> Along:
    """The growth of both sides together, which is all that counts where they are of one variance."""
    return combined((1.0, unit.growth[0]), (1.0, unit.growth[1]))


def _without_poles(before: Along, after: Along) -> Along:
    """Where ρ does not move, its image does not, though the slope may be infinite."""
    for one, other in zip(before, after, strict=True):
        if one is not None and other is not None:
            other[one == 0] = 0.0
    return after


def _unequal(factor: Unequal, unit: Moving, left: Pick, right: Pick) -> Moving:
    """N = S/(R R') with the evaluator's derivatives of S; those of R are halves of theirs at the same row twice."""
    pairs = unit.pairs
    values = factor.image(pairs, left, right, {})
    features, growths = factor.derivatives
    own = left(features[0]), right(features[1])
    found = _partials(factor, unit, own)
    roots = left(factor.roots[0]) * right(factor.roots[1])
    s_rho, bend = found.s_rho / roots, found.s_rho2 / roots
    rho = values.rho
    own_growth, other_growth = left(growths[0]), right(growths[1])
    turns = combined(
        (found.left / roots - rho * own_growth, unit.growth[0]),
        (found.right / roots - rho * other_growth, unit.growth[1]),
    )
    angle = combined((s_rho, unit.angle), (1.0, turns))
    growth = combined((own_growth, unit.growth[0])), combined((other_growth, unit.growth[1]))
    ratio = np.expm1(0.5 * (own_growth + other_growth) * np.log1p(unit.excess))
    excess = np.where(np.abs(unit.excess) < _CLOSE, ratio, values.right / values.left - 1.0)
    if pairs.tau is None:
        return Moving(values, excess, angle, unit.nothing, growth)
    slopes = combined(
        (found.left_rho / roots - s_rho * own_growth, unit.growth[0]),
        (found.right_rho / roots - s_rho * other_growth, unit.growth[1]),
    )
    ntk = combined((s_rho, unit.ntk), (pairs.tau * bend, unit.angle), (pairs.tau, slopes))
    return Moving(values, excess, angle, ntk, growth)


def _partials(factor: Unequal, unit: Moving, features: tuple[Array, Array]) -> Partials:
    """S and its derivatives over (r r')^degree, full arrays; nearly parallel pairs by their own geometry."""
    pairs, xp = unit.pairs, unit.pairs.xp
    shape = pairs.minus.shape
    wide = [np.broadcast_to(f, (f.shape[0], *shape)) for f in features]
    gap = np.clip(np.minimum(pairs.minus, pairs.plus), 0.0, 1.0)
    near = gap < 1.0 - NEAR
    rho = pairs.rho
    found = [np.empty(shape) for _ in range(7)]
    some: tuple[Any, ...]
    for some, close in ((np.nonzero(near), True), (np.nonzero(~near), False)):
        if not some[0].shape[0]:
            continue
        if close:
            square = gap[some]
            sign = np.where(rho[some] < 0, -1.0, 1.0)
            excess = np.broadcast_to(unit.excess, shape)[some]
            along = excess - (1.0 + excess) * square
            geometry = Geometry(xp, sign * (1.0 - square), True, 1.0, np.sqrt(square * (2.0 - square)), along)
        else:
            geometry = Geometry(xp, rho[some], False, float(np.max(np.abs(rho[some]))))
        each: tuple[Any, ...] = (slice(None), *some)
        one = factor.dual.partials(geometry, wide[0][each], wide[1][each], True)
        scale = 1.0 if one.factor is None else one.factor
        for part, value in zip(found, one[:7], strict=True):
            part[some] = value * scale
    return Partials(*found)


def check_derivatives(factor: Same | Tabulated | Unequal) -> None:
    """Refuse an activation without derivatives.

    Raises:
        DomainError: it jumps elsewhere than at 0, or its derivatives change too fast.
    """
    if isinstance(factor, Tabulated):
        bends(factor.act, Fraction(factor.variance))
    elif isinstance(factor, Unequal) and factor.dual.values_only:
        raise DomainError(f"the kernel of {factor.act.label} has no gradient here: the function jumps.")
