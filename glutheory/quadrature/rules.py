"""Which rule for which point: S and T of a model at a point with positive variances.

A smooth activation takes the cheaper of the two trapezoidal rules (`toeplitz`, `jets`), each with its proved error; one
with kinks the line integral at ρ = ±1, a product at c = 0, a reduction to one dimension where it has a closed normal
form, a sum of these where it splits into both; and in general products of panels, or cells near |ρ| = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import sympy as sp
from flint import arb, ctx

from glutheory.ground.balls import precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.growth import Growth
from glutheory.ground.powers import slopes
from glutheory.quadrature import jets, toeplitz
from glutheory.quadrature.cells import celled
from glutheory.quadrature.compiled import compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function, density, mean, on_diagonal
from glutheory.quadrature.model import Model, Part, slope_terms
from glutheory.quadrature.panels import panelled
from glutheory.quadrature.polar import jump_mean, polar_mean
from glutheory.quadrature.reduction import reduced
from glutheory.quadrature.strips import Envelope, mean_bound, strips

#: Evaluations of the density up to which products of panels are taken at once, and beyond which they are refused.
FEW_KERNELS, MAX_KERNELS = 1_200_000, 6_000_000
#: Lattice points beyond which the work is refused (about half a minute).
MAX_POINTS = 2_000_000
_PLANNING = 64
Pair = tuple[arb, arb]


def pair_means(point: Point, found: Model, logs: Sequence[float]) -> Pair | None:
    """(S, T) with absolute errors of about e^{logs}; None where every rule is beyond its work limit."""
    whole = found.whole
    if found.smooth is whole:
        values = smooth_means(point, whole.functions, logs)
        if values is not None:
            return values[0], values[1]
    with precision(_bits(point, whole, logs)):
        frame = Frame.of(point)
        if found.powers is not None:
            return polar_mean(frame, found.powers, logs[0]), _polar_slope(point, frame, found, logs[1])
        if point.delta == 0:
            return on_diagonal(point, frame, whole.value, logs[0]), on_diagonal(point, frame, whole.slope, logs[1])
        if point.c == 0:
            return _product(frame, whole.value, logs[0]), _product(frame, whole.slope, logs[1])
        if found.kinked is whole:
            return _closed(frame, whole, logs)
        if found.kinked is not None and found.smooth is not None:
            return _mixed(point, frame, found.smooth, found.kinked, logs)
        return _general(point, frame, whole, logs)


def _polar_slope(point: Point, frame: Frame, found: Model, log: float) -> arb:
    """T of powers: the regular part by an angle, and what a jump adds."""
    slope, terms = found.whole.slope, slopes(found.powers or ())
    if not slope.singular:
        return polar_mean(frame, terms, log)
    if frame.far == 0:
        return on_diagonal(point, frame, slope, log)
    return polar_mean(frame, terms, log) + jump_mean(frame, ball(slope.masses[0]), terms)


def _bits(point: Point, part: Part, logs: Sequence[float]) -> int:
    """Working precision: the accuracy asked for, and the size of the summands above it."""
    with precision(64):
        a, b, _, _ = point.balls()
        need = 0.0
        for function, log in zip((part.value, part.slope), logs, strict=True):
            growth = function.growth()
            bound = mean_bound(Envelope.of(growth, a.sqrt()), Envelope.of(growth, b.sqrt()), arb(1))
            need = max(need, (max(float(bound.log()), 0.0) if bound > 0 else 0.0) - log)
    return int(need / math.log(2)) + 80


def smooth_means(point: Point, functions: tuple[sp.Expr, ...], logs: Sequence[float]) -> list[arb] | None:
    """E[f_i(u)f_i(v)] with absolute errors of about e^{logs[i]}, a, b > 0.

    None where no strip is known or the lattice would be larger than `MAX_POINTS`.
    """
    family = strips(functions)
    with precision(_PLANNING):
        frame = Frame.of(point)
        lattice = toeplitz.plan(frame, family, logs)
        diagonal = jets.plan(frame, family, logs)
        lattice_cost = math.inf if lattice is None else lattice.half * (1 if frame.same else 2)
        diagonal_cost = math.inf if diagonal is None else diagonal.half * (1 + diagonal.length / 3) * 2
        cost = min(lattice_cost, diagonal_cost)
        if cost > MAX_POINTS:
            return None
        size = max(_size(frame, family[-1].growths[i], log) for i, log in enumerate(logs))
        errors: list[arb] = []
        if lattice is not None and lattice_cost == cost:
            errors = [toeplitz.error(frame, family, lattice, i) for i in range(len(logs))]
        elif diagonal is not None:
            errors = [jets.error(frame, family, diagonal, i) for i in range(len(logs))]
    guard = 2 * int(cost).bit_length() + 40
    values: list[arb] = []
    with precision(max(_PLANNING, int(size / math.log(2)) + guard)):
        frame = Frame.of(point)
        if lattice is not None and lattice_cost == cost:
            values = toeplitz.double_sum(frame, functions, lattice, logs)
        elif diagonal is not None:
            values = jets.double_sum(frame, compiled(functions), diagonal, len(logs))
        return [value + arb(0, error.upper()) for value, error in zip(values, errors, strict=True)]


def _size(frame: Frame, bound: Growth, log: float) -> float:
    """Natural logarithm of the largest summand over the error."""
    one, two = Envelope.of(bound, frame.root_a), Envelope.of(bound, frame.root_b)
    return max(float(mean_bound(one, two, frame.rho).log()), 0.0) - log


def _product(frame: Frame, function: Function, log: float) -> arb:
    """E[f(u)]E[f(v)], for c = 0."""
    rough = [abs(mean(function, root, log)).upper() for root in (frame.root_a, frame.root_b)]
    finer = [log - 2 - max(0.0, float((1 + other).log())) for other in reversed(rough)]
    one = mean(function, frame.root_a, finer[0])
    return one * (one if frame.same else mean(function, frame.root_b, finer[1]))


def _closed(frame: Frame, part: Part, logs: Sequence[float]) -> Pair:
    """φ in closed normal form."""
    terms = part.terms or ()
    return (
        reduced(frame, part.value, part.value, terms, logs[0] - 1),
        reduced(frame, part.slope, part.slope, slope_terms(part), logs[1] - 1),
    )


def _mixed(point: Point, frame: Frame, smooth: Part, kinked: Part, logs: Sequence[float]) -> Pair | None:
    """φ = A + K: E[AA] by the trapezoidal rule, E[KK] and the cross terms by reduction with K's normal form."""
    finer = [log - 2 for log in logs]
    both = smooth_means(point, smooth.functions, finer)
    if both is None:
        return None
    own = _closed(frame, kinked, finer)
    swapped = frame.reversed()
    totals = []
    for i, (a, k, terms) in enumerate(
        ((smooth.value, kinked.value, kinked.terms or ()), (smooth.slope, kinked.slope, slope_terms(kinked)))
    ):
        cross = reduced(frame, a, k, terms, finer[i])
        cross += cross if frame.same else reduced(swapped, a, k, terms, finer[i])
        totals.append(both[i] + own[i] + cross)
    return totals[0], totals[1]


def _general(point: Point, frame: Frame, part: Part, logs: Sequence[float]) -> Pair | None:
    """Any piecewise analytic φ; the delta functions of φ' are taken out first."""
    functions, goals = (part.value, part.slope), [log - 1 for log in logs]
    values = panelled(frame, functions, goals, FEW_KERNELS)
    if values is None:
        # the lines of a kink of u and of v are as near as the gap where they meet
        with precision(ctx.prec - math.floor(float(frame.gap.log()) / math.log(2))):
            values = celled(Frame.of(point), functions, goals)
    if values is None:
        values = panelled(frame, functions, goals, MAX_KERNELS)
    if values is None:
        return None
    regular = Function(part.slope.kinks, part.slope.branches, tuple(0 * mass for mass in part.slope.masses))
    spread = frame.gap.sqrt()
    total = values[1]
    for one, other, inner in (
        (frame.root_a, frame.root_b, part.slope),
        (frame.root_b, frame.root_a, regular),
    ):
        for kink, mass in zip(part.slope.kinks, part.slope.masses, strict=True):
            if mass != 0:
                place = ball(kink) / one
                shift = frame.sign * frame.rho * other * place
                weight = ball(mass) * density(place) / one
                size = abs(weight).upper()
                finer = logs[1] - 3 - (max(0.0, float(size.log())) if size > 0 else 0.0)
                total += weight * mean(inner, other * spread, finer, shift)
    return values[0], total
