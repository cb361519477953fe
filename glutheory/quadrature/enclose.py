"""The road's one entrance: `enclose` picks a rule for the point and raises its accuracy until the balls are narrow.

The `_scale` that accuracy refers to is a lower bound of √(E[f(u)²]E[f(v)²]), by a coarse integral over a window. Where
a variance is zero, that variable is the constant 0, and S and T are products of one-dimensional means (`_degenerate`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import sympy as sp
from flint import acb, arb

from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.branch_points import near_line
from glutheory.ground.exact import Exact, Point, ball
from glutheory.ground.pieces import pieces
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function, Integrand, integral, mean, split
from glutheory.quadrature.model import Model, model
from glutheory.quadrature.rules import Pair, pair_means
from glutheory.quadrature.strips import Envelope, mean_bound

MAX_DIGITS = 1000
#: How often the accuracy is raised before giving up, and the digits that are tried when the full number is too much.
MAX_ATTEMPTS = 4
FEWER_DIGITS = (16, 9)
#: Evaluations of one integrand on one piece.
MAX_EVALUATIONS = 40_000
_SHRINKINGS = 24
#: A growth rate (times the standard deviation) beyond which the weight lies in three separate windows.
_APART = 8.0
#: The short intervals of a lower bound, each this part of what it stands for.
_PARTS = 64
#: Standard deviations beyond which no kink is looked for.
_FARTHEST = 60.0
#: Precisions at which a second moment is tried: small values may hide behind cancellation.
_BITS = (64, 128, 256, 512, 1024)
#: How often a mean is computed anew with a smaller tolerance.
_ATTEMPTS = 5


def enclose(act: Activation | str, a: Any, b: Any, c: Any, *, digits: int = 30) -> Pair:
    """Balls that provably contain S = E[φ(u)φ(v)] and T = E[φ'(u)φ'(v)], (u, v) ~ N(0, [[a, c], [c, b]]).

    Computed from the defining integral and the definition of φ alone. φ' is the distributional derivative: a step has
    a delta function, so that T = +inf for it at |ρ| = 1. Where a variance is zero, φ(0) counts with H(0) = 1/2, and
    E[φ'(u)] is the limit a → 0+: the mean of the one-sided derivatives, ±inf at a jump.

    Args:
        act: an activation without symbolic constants, or a name of the zoo.
        a: variance of u, ≥ 0; int, float, str, Fraction, mpf or SymPy constant, taken exactly.
        b: variance of v, ≥ 0.
        c: covariance, |c| ≤ √(ab).
        digits: S has a radius below 10^−digits·√(S(a,a,a)S(b,b,b)), T likewise with T; where T(a,a,a) is infinite
            the radius of T is below 10^−digits·|T|, or 10^−digits for a ball that contains 0.

    Returns:
        (S, T) as ``flint.arb``.

    Raises:
        DomainError: an argument outside its domain, or an activation with symbolic constants.
        ExpressionError: a function without a growth bound, or with kinks that are not found.
        PrecisionError: the digits cannot be had within the work limits (`MAX_POINTS`, `MAX_KERNELS`, `MAX_NODES`,
            `MAX_ATTEMPTS`); its ``reached`` holds the balls that were reached.
    """
    made = activation(act)
    if made.symbols:
        names = ", ".join(str(symbol) for symbol in made.symbols)
        raise DomainError(f"activation {made.label!r} contains the symbol {names}: give it a numeric value.")
    wanted = as_digits(digits, MAX_DIGITS)
    point = Point.of(a, b, c)
    found = model(made.expr)
    level = pieces(made.expr).constant
    if level is not None:
        with precision(bits_of(wanted) + 32):
            one, other = (ball(found.at_zero if variance == 0 else level) for variance in (point.a, point.b))
            return one * other, arb(0)
    if point.degenerate:
        return _degenerate(point, found, wanted)
    reached = _trivial(point, found)
    for tried in (wanted, *(fewer for fewer in FEWER_DIGITS if fewer < wanted)):
        better, complete = _refine(point, found, tried)
        if better is not None:
            if complete and tried == wanted:
                return better
            reached = _narrower(reached[0], better[0]), _narrower(reached[1], better[1])
            break
    place = f"{made.label} at a = {float(point.a):.6g}, b = {float(point.b):.6g}, c = {float(point.c):.6g}"
    if not _scale({point.a, point.b}, found.whole.value) > 0:
        raise PrecisionError(
            f"S of {place} is too near 0 for any digit of it: take larger variances, or the balls in `reached`.",
            reached,
        )
    why = near_line(pieces(made.expr)) if found.powers is None and _near(point) else None
    if why is not None:
        raise PrecisionError(f"{wanted} digits of {place}: {why}, or the wider balls in `reached`.", reached)
    raise PrecisionError(
        f"{wanted} digits of {place} are beyond the work limit: ask for fewer digits, or take the wider balls in "
        "`reached`.",
        reached,
    )


def _near(point: Point) -> bool:
    """Whether 1 − |ρ| is below 1e-3."""
    with precision(128):
        return bool(Frame.of(point).far < arb(10) ** -3)


def _refine(point: Point, found: Model, digits: int) -> tuple[Pair | None, bool]:
    """(the balls, whether they are narrow enough); no balls where every rule is beyond its work limit."""
    scales = [_scale({point.a, point.b}, function) for function in (found.whole.value, found.whole.slope)]
    values: Pair | None = None
    extra = 1.0
    for _ in range(MAX_ATTEMPTS):
        logs = [_log(size) - digits * math.log(10) - extra for size in scales]
        made = pair_means(point, found, logs)
        if made is None:
            return values, False
        values = made
        if found.whole.slope.singular and values[1].is_finite() and values[1] != 0:
            scales[1] = abs(values[1]).lower()
        # Cauchy–Schwarz: |S| is a lower bound of the scale too, where the coarse integral found none
        scales = [
            arb.max(size, abs(v).lower()) if v.is_finite() else size for size, v in zip(scales, values, strict=True)
        ]
        limits = [size * arb(10) ** -digits for size in scales]
        if all(_narrow(value, limit) for value, limit in zip(values, limits, strict=True)):
            return values, True
        if not scales[0] > 0:
            break  # nothing to be narrow against: values beyond the reach of the coarse integral
        extra = 2 * extra + 2
    return values, False


def _trivial(point: Point, found: Model) -> Pair:
    """Balls that need no integration."""
    balls = []
    with precision(64):
        a, b, _, _ = point.balls()
        for function in (found.whole.value, found.whole.slope):
            growth = function.growth()
            bound = mean_bound(Envelope.of(growth, a.sqrt()), Envelope.of(growth, b.sqrt()), arb(1))
            balls.append(arb(0, math.inf) if function.singular else arb(0, bound.upper()))
    return balls[0], balls[1]


def _narrower(one: arb, two: arb) -> arb:
    return two if two.rad() < one.rad() else one


def _narrow(value: arb, limit: arb) -> bool:
    return bool(value.rad() <= limit) if value.is_finite() else not value.is_nan() and bool(value.rad() == 0)


def _log(size: arb) -> float:
    return float(size.log()) if size > 0 else 0.0


def _scale(variances: Collection[Exact], function: Function) -> arb:
    """A lower bound of √(E[f(u)²]·E[f(v)²]) for one (u = v) or two variances.

    1 where it is infinite (delta functions), 0 where none is found.
    """
    if function.singular:
        return arb(1)
    for bits in _BITS:
        with precision(bits):
            sizes = [_second_moment(function, ball(variance).sqrt()) for variance in variances]
            if all(size > 0 for size in sizes):
                return (sizes[0] * sizes[-1]).sqrt().lower()
    return arb(0)


def _second_moment(function: Function, root: arb) -> arb:
    """A lower bound of E[f(root·x)²], usually within a part in a hundred; deltas are left out, root ≥ 0."""
    bound = function.growth()
    rate = float(bound.p * root)
    places = [ball(kink) / root for kink in function.kinks]
    # beyond the window of 8 a function may begin at a kink; far kinks are left to cancellation elsewhere
    nearest = min((float(abs(place).upper()) for place in places), default=0.0)
    ends, branches = split(places, max(8.0, min(nearest, _FARTHEST) + 2) + 2 * rate)
    programs = function.programs()

    def part(branch: int) -> Integrand:
        run = programs[branch]

        def square(x: acb, analytic: bool) -> acb:
            value = run(root * x, analytic)
            return value * value

        return square

    pieces = [
        (low, high, part(k))
        for (low, high), k in zip(pairwise(ends), branches, strict=True)
        if function.branches[k] != 0
    ]
    if rate > _APART and not function.kinks:
        # e^{2·rate·|x|} moves the weight to ±2·rate; a lower bound may skip what lies between the windows
        pieces = [(arb(x) - 8, arb(x) + 8, part(0)) for x in (-2 * rate, 0.0, 2 * rate)]
    # an absolute tolerance is needed: far out, where nothing matters, no relative one is ever met
    log = float(((bound.C * bound.C + 1) * (1 + root) ** (2 * bound.n)).log()) + 2 * rate * rate
    for _ in range(_SHRINKINGS):
        total = integral(pieces, log - 8, MAX_EVALUATIONS)
        narrow = total > 0 and total.rad() < total.lower() / 64
        if narrow or not total.rad() < arb(log).exp():
            break  # done, or the tolerance cannot be met at this precision
        log = min(log - 20, float(abs(total).upper().log())) if total != 0 else log - 20
    return total.lower() if total > 0 else _on_short_intervals(pieces)


def _on_short_intervals(pieces: Sequence[tuple[arb, arb, Integrand]]) -> arb:
    """A lower bound of the integral of squares where complex boxes give none: what real ones on a part of it give."""
    total = arb(0)
    for low, high, square in pieces:
        for k in range(_PARTS):
            x = low + (high - low) * (arb(2 * k + 1) + arb(0, 1) / _PARTS) / (2 * _PARTS)
            value = square(acb(x), False).real
            if value > 0:
                total += value.lower() * (-x * x / 2).exp().lower() * (high - low) / _PARTS**2
    return arb.max((total / (2 * arb.pi()).sqrt()).lower(), arb(0))


def _degenerate(point: Point, found: Model, digits: int) -> tuple[arb, arb]:
    """(S, T) for a = 0 or b = 0.

    S = φ(0)·E[φ(v)] with H(0) = 1/2. T = E[φ'(u)]·E[φ'(v)], where the factor of the constant is the limit a → 0+: the
    mean of the one-sided derivatives, infinite at a jump (infinite times 0 is 0 only for an exact 0).
    """
    results = []
    for function, constant in ((found.whole.value, found.at_zero), (found.whole.slope, _slope_at_zero(found))):
        factors = []
        with precision(bits_of(digits) + 32):
            for variance in (point.a, point.b):
                if variance != 0:
                    factors.append(first_moment(function, variance, digits))
                else:
                    factors.append(arb.pos_inf() * int(sp.sign(constant)) if constant.is_infinite else ball(constant))
            zero = any(factor == 0 for factor in factors)
            results.append(arb(0) if zero else factors[0] * factors[1])
    return results[0], results[1]


def _slope_at_zero(found: Model) -> sp.Expr:
    """lim_{a→0+} E[φ'(u)]: the mean of the one-sided derivatives at 0, ±oo at a jump."""
    slope = found.whole.slope
    for index, kink in enumerate(slope.kinks):
        if kink == 0:
            if slope.masses[index] != 0:
                return sp.oo * sp.sign(slope.masses[index])
            return (slope.branches[index].subs(Z, 0) + slope.branches[index + 1].subs(Z, 0)) / 2
    return slope.branches[sum(1 for kink in slope.kinks if kink < 0)].subs(Z, 0)


def first_moment(function: Function, variance: Exact, digits: int) -> arb:
    """E[f(v)] to the given digits of √E[f(v)²], or of itself where that is infinite."""
    size = _scale({variance}, function)
    value, extra = arb(0), 2.0
    for _ in range(_ATTEMPTS):
        log = float(size.log()) - digits * math.log(10) - extra
        with precision(max(64, bits_of(digits) + 64 + int(-log / math.log(2)))):
            value = mean(function, ball(variance).sqrt(), log)
        if value.rad() <= size * arb(10) ** -digits:
            return value
        if function.singular and value != 0:
            size = abs(value).lower()
        extra *= 2
    raise PrecisionError(f"{digits} digits of a mean are beyond the work limit: ask for fewer digits.", (value, value))
