"""The sum of a Hermite series to any number of digits: Σ h_k(a) h_k(b) ρ^k = E[φ(u) φ(v)] by Mehler's formula (1866).

One-dimensional integrals where c = 0, ρ = ±1 or a variance is 0 (`ends`); Gauss's hypergeometric function for powers on
both sides of 0 (`homogeneous`); for all others the Ornstein–Uhlenbeck semigroup (`semigroup`), and rotated coordinates
very near ρ = ±1 (`rotated`). Each takes absolute goals and returns balls; here the
goals are lowered until they are small against the values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import arb, ctx

from glutheory.activations import Activation
from glutheory.errors import PrecisionError
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.branch_points import near_line
from glutheory.ground.exact import Exact, Point, ball
from glutheory.ground.pieces import pieces
from glutheory.ground.powers import Power, slopes
from glutheory.symbolic import ends, semigroup
from glutheory.symbolic.deltas import delta_part
from glutheory.symbolic.hermite import norm, partial_sum
from glutheory.symbolic.homogeneous import mean_of_powers
from glutheory.symbolic.piecewise import Frame, Piecewise, piecewise
from glutheory.symbolic.rotated import fine, rotated

Pair = tuple[arb, arb]
#: Values of its kernel up to which the semigroup is taken at once, and beyond which its work is refused.
FEW, MAX_ENTRIES = 300_000, 8_000_000
#: A point of `rotated` costs as much as this many of them; the points beyond which that is refused.
_PRICE, MAX_POINTS = 20, 400_000
_ROUNDS = 5
#: The power of the scale that `_least` ends with.
_MOST_POWERS = 3
#: Digits of a first round that looks for sizes.
_GLANCE = 6
#: Digits with which a norm is looked for.
_SEEN = (6, 40, 160, 640)


def series_balls(act: Activation, point: Point, digits: int) -> Pair:
    """(S, T) as balls with `digits` correct digits.

    Of a value far below its scale √(S(a,a,a) S(b,b,b)) (see `_least`) only the 2·digits decimals after that; T is ±∞
    where jumps of φ(u) and φ(v) coincide at ρ = ±1.

    Raises:
        PrecisionError: beyond the work limit; carries the balls that an earlier round or a partial sum gives.
        ExpressionError: φ has no Gaussian expectation.
    """
    level = pieces(act.expr).constant
    if level is not None:
        with precision(bits_of(digits) + 32):
            one, other = (ends.at_zero(act.expr) if v == 0 else ball(level) for v in (point.a, point.b))
            return one * other, arb(0)
    found = piecewise(act.expr)
    scales = _scales(act, found, point)
    # next to ρ = −1 a value may be far below its scale: a cheap first round tells how far
    tiny = arb(10) ** -(min(digits + 1, _GLANCE) if point.c < 0 and _near(point) else digits + 1)
    goals = [scale * tiny for scale in scales]
    leasts = [_least(scale, point) for scale in scales]
    seen: Pair | None = None
    for _ in range(_ROUNDS):
        made = _sum(act, found, point, goals)
        if made is None or not all(_known(value) for value in made):
            break
        seen = made
        lower = [_goal(*of, digits) for of in zip(made, scales, leasts, goals, strict=True)]
        if all(goal is None for goal in lower):
            return made
        goals = [goal if new is None else arb.min(new, goal / 16) for new, goal in zip(lower, goals, strict=True)]
    reached = seen or partial_sum(act, point, digits)
    why = near_line(pieces(act.expr)) if found.powers is None and _near(point) else None
    why = why or (
        f"the Hermite series of {act.label!r} is beyond the work limit at this point; ask for fewer digits, or take "
        "|ρ| farther from 1 or smaller variances"
    )
    raise PrecisionError(f"digits is {digits}: {why}.", reached=reached)


def _near(point: Point) -> bool:
    """Whether 1 − |ρ| is below 1e-3."""
    with precision(128):
        return bool(Frame.of(point).gap < arb(10) ** -3)


def _scales(act: Activation, found: Piecewise, point: Point) -> list[arb]:
    """√(E[φ(u)²] E[φ(v)²]) and the same of φ', roughly; for φ' with delta functions what φ lets expect."""
    variances = [v for v in (point.a, point.b) if v != 0]
    if not variances:
        return [arb(1), arb(1)]
    with precision(128):
        one = _geometric([_size(act, v, derivative=False) for v in variances])
        if any(jump != 0 for jump in found.jumps):
            return [one, one / _geometric([ball(v) for v in variances])]
        return [one, _geometric([_size(act, v, derivative=True) for v in variances])]


def _size(act: Activation, variance: Exact, *, derivative: bool) -> arb:
    """E[φ(u)²], roughly; of a function that begins far out it is small, and seen with more digits only."""
    for digits in _SEEN:
        value = norm(act, variance, digits, derivative=derivative)
        if value > 0 and value.rel_accuracy_bits() > 4:
            return value
    raise PrecisionError(
        f"S of {act.label} at the variance {float(variance):.6g} is below 1e-{_SEEN[-1]}, too near 0 for any digit of "
        "it: take larger variances.",
        reached=(arb(0, float("inf")), arb(0, float("inf"))),
    )


def _geometric(values: Sequence[arb]) -> arb:
    return arb((abs(values[0]) * abs(values[-1])).sqrt().upper())


def _least(scale: arb, point: Point) -> arb:
    """A size of S or T that is no surprise at this ρ.

    Where φ begins s standard deviations out, the scale is like e^(−s²/2) and S like e^(−s²/(1 + ρ)).
    """
    if point.degenerate:
        return scale * arb.min(scale, arb(1))
    rho = (-1 if point.c < 0 else 1) * Frame.of(point).rho
    return scale * arb.min(scale, arb(1)) ** (1 if rho >= 0 else 2 if rho > -0.34 else _MOST_POWERS)


def _known(value: arb) -> bool:
    """Whether a rule gave a value: a ball, or T where jumps meet (±∞ or, undecided, NaN)."""
    return value.is_finite() or value.is_nan() or bool(value.rad() == 0)


def _goal(value: arb, scale: arb, least: arb, goal: arb, digits: int) -> arb | None:
    """The goal that is still missed, None for a value that has its digits, or is smaller than `least` by 2·digits.

    What lies below its goal may lie there by a little only: half the way to the end first, in the exponent.
    """
    if not value.is_finite():
        return None
    small = arb(10) ** -digits
    least = arb.min(scale, least) * small * small
    if value.rad() <= abs(value).lower() * small or abs(value).upper() <= least:
        return None
    end = least / 4 if value.lower() > 0 or value.upper() < 0 or goal * small < least else (goal * least).sqrt()
    return arb(arb.max(abs(value).lower() * small / 10, end).lower())


def _sum(act: Activation, found: Piecewise, point: Point, goals: Sequence[arb]) -> Pair | None:
    """(S, T) with errors of about the goals; None beyond the work limit."""
    with precision(_bits(found, point, goals)):
        if found.powers is not None and not point.degenerate:
            return _of_powers(found.powers, point)
        if point.degenerate or point.c == 0:
            return ends.product(act, point, goals)
        if point.delta == 0:
            return ends.on_line(act, point, goals)
        with precision(fine()):
            sharp = Frame.of(point)
        frame = Frame.of(point)
        plan = semigroup.plan(found, frame, goals)
        entries = math.inf if plan is None else plan.entries
        if plan is not None and entries <= FEW:
            return plan.run()
        made = rotated(found, sharp, goals, min(MAX_POINTS, entries / _PRICE))
        if made is not None:
            return made[0], made[1] + delta_part(found, frame, goals[1])
        return plan.run() if plan is not None and entries <= MAX_ENTRIES else None


def _of_powers(terms: tuple[Power, ...], point: Point) -> Pair:
    """(S, T) at the precision in force; 1 − ρ² is formed within, so once more the digits that this costs."""
    lost = 0 if point.delta == 0 else -2 * math.floor(float(Frame.of(point).gap.log()) / math.log(2))
    with precision(ctx.prec + lost + 32):
        frame = Frame.of(point)
        end = bool(point.delta == 0)
        return mean_of_powers(terms, frame, end=end), mean_of_powers(slopes(terms), frame, end=end)


def _bits(found: Piecewise, point: Point, goals: Sequence[arb]) -> int:
    """The working precision: the goals against the largest summands."""
    with precision(64):
        size = arb(1)
        for variance in (point.a, point.b):
            if variance != 0:
                for i in range(2):
                    envelope = found.envelope(ball(variance).sqrt(), i)
                    size *= (1 + envelope.A) * (envelope.q**2).exp()
        if not (point.degenerate or point.delta == 0):
            frame = Frame.of(point)
            size *= 1 + 1 / (frame.gap * frame.root_a * abs(frame.root_b))
        need = max(float((size / goal).log()) for goal in goals)
    return math.ceil(need / math.log(2)) + 72
