"""E[f(u)f(v)] for any f that is analytic between its kinks, however near |ρ| is to 1: cells between the kinks' lines.

With independent standard normal x and t, u = √a x and v = ±√b(ρx + √(1−ρ²) t). A kink of f(u) or of f(v) is a line in
the plane of x and t, and

    E[f(u)f(v)] = ∫ L(t) n(t) dt,   L(t) = E_x[f(u)f(v)],   n the standard normal density,

where L is analytic in t between the values of t at which two lines meet. In x the cells between lines have rules of
their own (`cell`). The nearer |ρ| is to 1 the flatter is L, so t takes a rule that knows n: L is replaced by its
interpolant I at Gauss–Legendre nodes, and I·n is integrated.

The error of interpolation, with p the best polynomial of degree n − 1 and E = max|L − p|, at most 2Mϱ^{1−n}/(ϱ − 1) for
|L| ≤ M on the Bernstein ellipse of parameter ϱ: L − I(L) = (L − p) − I(L − p), and ∫ I(g)² = Σ w_i g_i² ≤ 2 max|g|²
because the rule is exact for I(g)²; so that ∫|L − I(L)| n ≤ E·(∫n + √2·(∫n²)^{1/2}), here in s = (t − middle)/half.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import acb, arb

from glutheory.ground.exact import ball
from glutheory.ground.order import apart, in_order
from glutheory.quadrature.cell import Budget, Cell, Line, excess
from glutheory.quadrature.compiled import compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.legendre import interpolatory
from glutheory.quadrature.line import Function, tail
from glutheory.quadrature.strips import Envelope

#: Points (x, t) beyond which the work is refused (some ten seconds).
MAX_NODES = 1_000_000
#: Boxes looked at for panels beyond which it is refused (some three seconds): what was summed in the end took 1,400.
MAX_BOXES = 6_000
#: Nodes of a panel of t beyond which it is halved, and how often.
_MOST, _DEPTH = 60, 12
_ELLIPSES = (1e9, 1e7, 1e5, 3e3, 300.0, 100.0, 50.0, 30.0, 20.0, 14.0, 10.0, 7.0, 5.0, 3.7, 2.7, 2.0, 1.5)
#: Boxes that cover the real part of a panel of t.
_SLICES = 4


@dataclass(frozen=True)
class _Slab:
    """A panel of t with the cells on it."""

    middle: arb
    half: arb
    count: int
    errors: list[arb]
    cells: list[Cell]

    @property
    def size(self) -> int:
        return self.count * sum(cell.size for cell in self.cells)

    def run(self) -> list[arb]:
        """∫ L n over the panel, one per function."""
        totals = [arb(0)] * len(self.errors)
        nodes = [cell.nodes() for cell in self.cells]
        for t, weight in interpolatory(self.middle, self.half, self.count):
            for cell, own in zip(self.cells, nodes, strict=True):
                values = cell.values(own, t)
                totals = [total + weight * value for total, value in zip(totals, values, strict=True)]
        return [total + arb(0, error.upper()) for total, error in zip(totals, self.errors, strict=True)]


def celled(frame: Frame, functions: Sequence[Function], logs: Sequence[float]) -> list[arb] | None:
    """E[f_i(u)f_i(v)] of the regular parts, 0 < |ρ| < 1, with absolute errors of about e^{logs[i]}.

    None beyond the work limit. All functions have the same kinks (φ and φ').
    """
    growths = [function.growth() for function in functions]
    pairs = [(Envelope.of(growth, frame.root_a), Envelope.of(growth, frame.root_b)) for growth in growths]
    window = _window(frame, functions[0], pairs, logs)
    lines = _lines(frame, functions[0], window[0])
    finer = [log - 6 for log in logs]
    slabs: list[_Slab] = []
    intervals, left_out = apart(_cuts(lines, window[1]))
    totals = [_outside(frame, *pair, *window) + left_out * _height(frame, *pair) for pair in pairs]
    queue = [(interval.low, interval.high, 0) for interval in intervals]
    work, budget = 0, Budget(MAX_BOXES)
    while queue:
        low, high, depth = queue.pop()
        between = _between(lines, low, high)
        if between is None:
            return None
        slab = _slab(frame, functions, between, (low, high), finer, budget)
        if slab is None:
            if depth == _DEPTH or budget.boxes < 0:
                return None
            middle = (low + high) / 2
            queue += [(low, middle, depth + 1), (middle, high, depth + 1)]
            continue
        slabs.append(slab)
        work += slab.size
        if work > MAX_NODES:
            return None
    results = [arb(0, total.upper()) for total in totals]
    for slab in slabs:
        results = [result + value for result, value in zip(results, slab.run(), strict=True)]
    return results


def _window(
    frame: Frame, function: Function, pairs: Sequence[tuple[Envelope, Envelope]], logs: Sequence[float]
) -> tuple[arb, arb]:
    """|x| ≤ window[0] and |t| ≤ window[1]: what lies beyond is below what is asked for. No kink lies on its edge."""
    reach = [arb(4), arb(4)]
    for pair, log in zip(pairs, logs, strict=True):
        goal = arb(log - 3).exp()
        while not _beyond_x(frame, *pair, reach[0]) < goal:
            reach[0] = arb((reach[0] + 0.25).mid())
        while not _beyond_t(frame, *pair, reach[1]) < goal:
            reach[1] = arb((reach[1] + 0.25).mid())
    places = [abs(ball(kink) / frame.root_a) for kink in function.kinks]
    while any(place.overlaps(reach[0]) for place in places):
        reach[0] = arb((reach[0] + 0.25).mid())
    return reach[0], reach[1]


def _beyond_x(frame: Frame, one: Envelope, two: Envelope, edge: arb) -> arb:
    rate, other = one.q + two.q * frame.rho, two.q * frame.gap.sqrt()
    return tail(2 * one.A * two.A * (other * other / 2).exp(), rate, edge)


def _beyond_t(frame: Frame, one: Envelope, two: Envelope, edge: arb) -> arb:
    rate, other = one.q + two.q * frame.rho, two.q * frame.gap.sqrt()
    return tail(2 * one.A * two.A * (rate * rate / 2).exp(), other, edge)


def _outside(frame: Frame, one: Envelope, two: Envelope, wide: arb, tall: arb) -> arb:
    return _beyond_x(frame, one, two, wide) + _beyond_t(frame, one, two, tall)


def _height(frame: Frame, one: Envelope, two: Envelope) -> arb:
    """A bound of L(t)n(t): e^{rate|t| − t²/2} ≤ e^{rate²/2}."""
    rate, other = one.q + two.q * frame.rho, two.q * frame.gap.sqrt()
    return one.A * two.A * ((rate * rate + other * other) / 2).exp()


def _lines(frame: Frame, function: Function, edge: arb) -> list[Line]:
    rho, spread = frame.rho, frame.gap.sqrt()
    lines = [Line((place, arb(0)), (rho * place, spread)) for place in (-edge, edge)]
    for kink in function.kinks:
        place, other = ball(kink) / frame.root_a, frame.sign * ball(kink) / frame.root_b
        lines.append(Line((place, arb(0)), (rho * place, spread), 0))
        lines.append(Line((other / rho, -spread / rho), (other, arb(0)), 1))
    return lines


def _cuts(lines: Sequence[Line], edge: arb) -> list[arb]:
    """Where two lines meet in the window, and its ends."""
    found = [one.meets(two) for i, one in enumerate(lines) for two in lines[:i]]
    return [-edge, *(t for t in found if t is not None and not abs(t) > edge), edge]


def _between(lines: Sequence[Line], low: arb, high: arb) -> list[tuple[Line, Line, int, int]] | None:
    """Neighbouring lines within the window for these t, and how many kinks of u and of ±v lie to the left.

    None where their order is not decided at this precision.
    """
    middle = ((low + high) / 2).mid()
    ordered = in_order(lines, lambda line: line.at(middle))
    if ordered is None:
        return None
    counts = [0, 0]
    cells: list[tuple[Line, Line, int, int]] = []
    start: Line | None = None
    for line in ordered:
        if start is not None:
            cells.append((start, line, counts[0], counts[1]))
        start = line if start is not None or line.side is None else None
        if line.side is None and cells:
            break
        if line.side is not None:
            counts[line.side] += 1
    return cells


def _slab(
    frame: Frame,
    functions: Sequence[Function],
    between: Sequence[tuple[Line, Line, int, int]],
    ends: tuple[arb, arb],
    logs: Sequence[float],
    budget: Budget,
) -> _Slab | None:
    """The rules on a panel of t; None where it must be halved."""
    low, high = ends
    middle, half = (low + high) / 2, (high - low) / 2
    nearest = arb(0) if low < 0 < high else arb.min(low.abs_lower(), high.abs_lower())
    density = (-nearest * nearest / 2).exp() / (2 * arb.pi()).sqrt()
    # n is at most `density`: errors in L count that much less
    share = float((2 * half * density).log()) + math.log(len(between))
    slices = [acb(middle + half * (2 * k + 1 + arb(0, 1)) / _SLICES - half) for k in range(_SLICES)]
    last = len(functions[0].kinks)
    cells = []
    for start, stop, i, j in between:
        right = j if frame.sign > 0 else last - j
        programs = tuple(compiled(tuple(function.branches[k] for function in functions)) for k in (i, right))
        cell = Cell(frame, (start, stop), (programs[0], programs[1]))
        if any(all(function.branches[k] == 0 for function in functions) for k in (i, right)):
            continue
        if not cell.plan(slices, [log - share for log in logs], budget):
            return None
        cells.append(cell)
    norm = half * (2 + 2 * arb(2).sqrt()) * density  # ∫n and √2(∫n²)^{1/2} in s over [−1, 1], times half
    made = _points(cells, middle, half, norm, logs)
    if made is None:
        return None
    count, errors = made
    for cell in cells:
        errors = [error + 2 * norm * own for error, own in zip(errors, cell.errors, strict=True)]
    return _Slab(middle, half, count, errors, cells)


def _points(
    cells: Sequence[Cell], middle: arb, half: arb, norm: arb, logs: Sequence[float]
) -> tuple[int, list[arb]] | None:
    """Interpolation points in t that suffice, and their errors."""
    best: tuple[int, float, list[arb]] | None = None
    for ellipse in _ELLIPSES:
        wide, high = half * (ellipse + 1 / ellipse) / 2, half * (ellipse - 1 / ellipse) / 2
        bounds = [arb(0)] * len(logs)
        for box in _boxes(wide, high):
            totals = _sum_of_bounds(cells, middle + box, len(logs))
            if totals is None:
                break
            bounds = [arb.max(m, total.upper()) for m, total in zip(bounds, totals, strict=True)]
        else:
            sizes = [2 * norm * bound / (arb(ellipse) - 1) for bound in bounds]
            count = 1 + max(1, math.ceil(excess(sizes, logs) / math.log(ellipse)))
            if best is not None and count > best[0]:
                break
            best = count, ellipse, sizes
    if best is None or best[0] > _MOST:
        return None
    count, ellipse, sizes = best
    return count, [size * arb(ellipse) ** (1 - count) for size in sizes]


def _sum_of_bounds(cells: Sequence[Cell], t: acb, number: int) -> list[arb] | None:
    totals = [arb(0)] * number
    for cell in cells:
        own = cell.bounds(t)
        if own is None:
            return None
        totals = [total + size for total, size in zip(totals, own, strict=True)]
    return totals


def _boxes(wide: arb, high: arb) -> Iterator[acb]:
    """Boxes that cover an ellipse of these half-axes around 0, narrow because wide ones bound badly."""
    for k in range(-_SLICES, _SLICES):
        nearest = arb(min(abs(k), abs(k + 1))) / _SLICES
        yield acb(
            wide * (arb(2 * k + 1) + arb(0, 1)) / (2 * _SLICES), high * (1 - nearest * nearest).sqrt() * arb(0, 1)
        )
