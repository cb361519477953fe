"""The road's one entrance: `enclose` picks a rule for the point, raises its accuracy until the balls are narrow."""

from __future__ import annotations

import math
from typing import Any

from flint import arb

from glutheory.activations import Activation, activation
from glutheory.balls import precision
from glutheory.errors import DomainError, PrecisionError
from glutheory.exact import Point, as_digits
from glutheory.quadrature.degenerate import degenerate
from glutheory.quadrature.model import Model, model
from glutheory.quadrature.rules import pair_means
from glutheory.quadrature.scale import scale
from glutheory.quadrature.strips import Envelope, mean_bound

Pair = tuple[arb, arb]
#: How often the accuracy is raised before giving up, and the digits that are tried when the full number is too much.
MAX_ATTEMPTS = 4
FEWER_DIGITS = (16, 9)
MAX_DIGITS = 1000


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
            the radius of T is below 10^−digits·|T|.

    Returns:
        (S, T) as ``flint.arb``.

    Raises:
        DomainError: an argument outside its domain, or an activation with symbolic constants.
        ExpressionError: a function without a growth bound, or with kinks that are not roots of straight lines.
        PrecisionError: the digits cannot be had within the work limits (`MAX_POINTS`, `MAX_KERNELS`, `MAX_ATTEMPTS`);
            its ``reached`` holds the balls that were reached.
    """
    made = activation(act)
    if made.symbols:
        names = ", ".join(str(symbol) for symbol in made.symbols)
        raise DomainError(f"activation {made.label!r} contains the symbol {names}: give it a numeric value.")
    wanted = as_digits(digits, MAX_DIGITS)
    point = Point.of(a, b, c)
    found = model(made.expr)
    if point.degenerate:
        return degenerate(point, found, wanted)
    reached = _trivial(point, found)
    for tried in (wanted, *(fewer for fewer in FEWER_DIGITS if fewer < wanted)):
        better, complete = _refine(point, found, tried)
        if better is not None:
            if complete and tried == wanted:
                return better
            reached = _narrower(reached[0], better[0]), _narrower(reached[1], better[1])
            break
    raise PrecisionError(
        f"{wanted} digits of {made.label} at a = {float(point.a):.6g}, b = {float(point.b):.6g}, "
        f"c = {float(point.c):.6g} are beyond the work limit: "
        "ask for fewer digits, or take the wider balls in `reached`.",
        reached,
    )


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


def _refine(point: Point, found: Model, digits: int) -> tuple[Pair | None, bool]:
    """(the balls, whether they are narrow enough); no balls where every rule is beyond its work limit."""
    scales = [scale({point.a, point.b}, function) for function in (found.whole.value, found.whole.slope)]
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


def _narrower(one: arb, two: arb) -> arb:
    return two if two.rad() < one.rad() else one


def _narrow(value: arb, limit: arb) -> bool:
    return bool(value.rad() <= limit) if value.is_finite() else not value.is_nan() and bool(value.rad() == 0)


def _log(size: arb) -> float:
    return float(size.log()) if size > 0 else 0.0
