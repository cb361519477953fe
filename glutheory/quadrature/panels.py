"""E[f(u)f(v)] for any f that is analytic between its kinks: products of Gauss–Legendre panels, |ρ| < 1.

In standard coordinates u = √a x, v = ±√b y with density p(x, y). Both axes are cut at the kinks into panels no wider
than a few √(1−ρ²), the scale on which p bends. With n nodes on a panel of half-length ℓ and F bounded by M on the
Bernstein ellipse of parameter ϱ, the error is at most ℓ·(64/15)·M·ϱ^{−2n}/(1 − ϱ^{−2}) (n ≥ 2). M comes from evaluating
f on a box around the ellipse in ball arithmetic, which also proves that f is analytic there, and from
|p(x + iη, y)| = p(x, y)·exp(η²/(2(1−ρ²))). Next to a branch point x = place ± w² makes f analytic in w. The first rule
(in x) acts on f(x)∫g(y)p(x, y)dy, the second on g(y)p(x_i, y) at each node x_i, where p(x_i, y) is at most
density(y)/√(2π(1−ρ²)).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp
from flint import acb, arb

from glutheory.activations import Z
from glutheory.ground.branch_points import branched, unfolded
from glutheory.ground.exact import ball
from glutheory.quadrature.compiled import Compiled, compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.legendre import legendre
from glutheory.quadrature.line import Function, density, split, tail
from glutheory.quadrature.strips import Envelope

_WIDTH = 1.5
_MAX_NODES = 48
_MAX_PANELS = 3_000
_ELLIPSES = (1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.5, 8.0)


@dataclass(frozen=True)
class _Chart:
    """x = w for side 0; next to a branch point x = place + side·w², w ≥ 0.

    Attributes:
        functions: of root·w.
    """

    functions: Compiled
    root: arb
    place: arb
    side: int = 0

    def x(self, w: arb | acb) -> arb | acb:
        return w if self.side == 0 else self.place + self.side * w * w

    def slope(self, w: arb | acb) -> arb | acb | int:
        """|dx/dw|."""
        return 1 if self.side == 0 else 2 * w


@dataclass(frozen=True)
class _Panel:
    """A piece of an axis with a Gauss–Legendre rule, in the w of its chart.

    `errors[i]` bounds the rule's error for ∫ f_i(x)k(x) dx when |k(x + iη)| ≤ e^{−x²/2 + rate·|x| + η²/(2 gap)}.
    """

    centre: arb
    half: arb
    nodes: int
    chart: _Chart
    errors: tuple[arb, ...]


@dataclass(frozen=True)
class _Axis:
    """One coordinate: u = scale·x; the functions with their kinks, the width of the density, what is asked for."""

    functions: Sequence[Function]
    scale: arb
    gap: arb
    rate: float
    radius: float
    log: float

    def panels(self) -> list[_Panel]:
        """Panels over [−R, R]; an empty list if there would be too many."""
        panels: list[_Panel] = []
        width = 2 * _WIDTH * self.gap.sqrt()
        for chart, low, high in self.charts(width):
            count = 1 if chart.side else max(1, math.ceil(float((high - low) / width)))
            if count > _MAX_PANELS:
                return []
            run = chart.functions.values()
            todo = list(pairwise([low + (high - low) * k / count for k in range(count + 1)]))
            while todo:
                left, right = todo.pop()
                panel = self.panel(chart, run, left, right)
                if panel is None:
                    middle = (left + right) / 2
                    todo += [(left, middle), (middle, right)]
                else:
                    panels.append(panel)
                if len(panels) + len(todo) > _MAX_PANELS:
                    return []
        return panels

    def charts(self, width: arb) -> Iterator[tuple[_Chart, arb, arb]]:
        """The intervals between the kinks, cut so that a branch point is at w = 0: (chart, its two ends in w)."""
        function, backwards = self.functions[0], self.scale < 0
        kinks = function.kinks[::-1] if backwards else function.kinks
        places = [ball(kink) / self.scale for kink in kinks]
        ends, indices = split(places, self.radius)
        for (low, high), index in zip(pairwise(ends), indices, strict=True):
            branch = len(kinks) - index if backwards else index
            length = high - low
            found: dict[int, _Chart] = {}
            for side, here in ((1, index > indices[0]), (-1, index < indices[-1])):
                own = self.square(kinks[index - (side > 0)], branch, side, low if side > 0 else high) if here else None
                if own is not None:
                    found[side] = own
            reach = length / max(1, len(found))
            if reach > width:
                reach = width
            if 1 in found:
                yield found[1], arb(0), reach.sqrt()
                low = low + reach
            if -1 in found:
                yield found[-1], arb(0), reach.sqrt()
                high = high - reach
            if len(found) * reach < length:
                expressions = tuple(one.branches[branch] for one in self.functions)
                yield _Chart(compiled(expressions), self.scale, arb(0)), low, high

    def square(self, kink: sp.Expr, branch: int, side: int, place: arb) -> _Chart | None:
        """The chart at a branch point; None where there is none."""
        own = side if self.scale > 0 else -side
        branches = [one.branches[branch] for one in self.functions]
        if not any(branched(one, kink) for one in branches):
            return None
        made = [unfolded(one, kink, own) if branched(one, kink) else one.subs(Z, kink + own * Z**2) for one in branches]
        if any(one is None for one in made):
            return None
        return _Chart(compiled(tuple(made)), abs(self.scale).sqrt(), place, side)

    def panel(self, chart: _Chart, run: Callable[..., list[acb]], left: arb, right: arb) -> _Panel | None:
        """The panel with the fewest nodes, None if it must be halved."""
        centre, half = (left + right) / 2, (right - left) / 2
        best: tuple[int, arb, list[arb]] | None = None
        for ellipse in _ELLIPSES:
            rho = arb(ellipse)
            wide, high = half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2
            box = acb(centre + arb(0, 1) * wide, arb(0, 1) * high)
            sizes = [abs(value * chart.slope(box)).upper() for value in run([chart.root * box], True)]
            if not all(size.is_finite() for size in sizes):
                break
            x = acb(chart.x(box))
            nearest, farthest, off = x.real.abs_lower(), x.real.abs_upper(), x.imag.abs_upper()
            weight = (-nearest * nearest / 2 + self.rate * farthest + off * off / (2 * self.gap)).exp()
            bounds = [half * arb(64) / 15 / (1 - 1 / (rho * rho)) * weight * size for size in sizes]
            largest = max((float(bound.log()) for bound in bounds if bound > 0), default=self.log)
            nodes = max(2, math.ceil((largest - self.log) / (2 * math.log(ellipse))))
            if best is None or nodes < best[0]:
                best = nodes, rho, bounds
        if best is None or best[0] > _MAX_NODES:
            return None
        nodes, rho, bounds = best
        return _Panel(centre, half, nodes, chart, tuple(bound / rho ** (2 * nodes) for bound in bounds))

    def nodes(self, panels: Sequence[_Panel]) -> list[tuple[float, arb, list[arb]]]:
        """(x as a float, x, weight·f_i(x)) for every node, ascending."""
        found = []
        runs: dict[int, Callable[..., list[arb]]] = {}
        for panel in panels:
            chart = panel.chart
            run = runs.setdefault(id(chart), chart.functions.values())
            for node, weight in legendre(panel.nodes):
                w = panel.centre + panel.half * node
                front = acb(panel.half * weight * chart.slope(w)).real
                x = acb(chart.x(w)).real
                found.append((float(x), x, [front * value for value in run([chart.root * w])]))
        return sorted(found, key=lambda item: item[0])


def panelled(frame: Frame, functions: Sequence[Function], logs: Sequence[float], most: int) -> list[arb] | None:
    """E[f_i(u)f_i(v)] of the regular parts with absolute errors of about e^{logs[i]}.

    None where the density would be evaluated more than `most` times.

    All functions have the same kinks (φ and φ').
    """
    gap, rho = frame.gap, frame.rho
    growths = [function.growth() for function in functions]
    ones = [Envelope.of(bound, frame.root_a) for bound in growths]
    twos = [Envelope.of(bound, frame.root_b) for bound in growths]
    pairs = list(zip(ones, twos, strict=True))
    radius, size = 1.0, 0.0
    for log, (one, two) in zip(logs, pairs, strict=True):
        both = float((1 + one.A * two.A).log())
        fast = float(one.q + two.q)
        size = max(size, both + fast * fast / 2)
        radius = max(radius, fast + math.sqrt(2 * (both + fast * fast / 2 + fast * fast + 4 - log)))
    finest = min(logs) - 12 + float(gap.log()) / 2
    reach = math.sqrt(2 * (size + 12 - min(logs)) * float(gap))
    rates = max(float(two.q * rho) for two in twos), max(float(one.q * rho) for one in ones)
    heights = [max(float((1 + e.A).log()) for e in side) for side in (twos, ones)]
    first = _Axis(functions, frame.root_a, gap, rates[0], radius, finest - heights[0])
    second = _Axis(functions, frame.sign * frame.root_b, gap, rates[1], radius, finest - heights[1])
    rows = first.panels()
    columns = rows if frame.same and frame.sign > 0 else second.panels()
    count = [sum(panel.nodes for panel in panels) for panels in (rows, columns)]
    if not rows or not columns or count[0] * count[1] * min(1.0, reach / radius) > most:
        return None
    left = first.nodes(rows)
    right = left if columns is rows else second.nodes(columns)
    values, dropped = _bilinear(frame, left, right, reach, len(functions))
    results = []
    for i, (one, two) in enumerate(pairs):
        inner = 2 * two.A * (two.q * two.q * gap / 2).exp()
        outer = 2 * one.A * (one.q * one.q * gap / 2).exp()
        bound = tail(one.A * inner, one.q + rho * two.q, radius) + tail(two.A * outer, two.q + rho * one.q, radius)
        bound += inner / (2 * arb.pi()).sqrt() * sum((panel.errors[i] for panel in rows), arb(0))
        weights = sum((abs(item[2][i]) for item in left), arb(0))
        bound += weights / (2 * arb.pi() * gap.sqrt()) * sum((panel.errors[i] for panel in columns), arb(0))
        results.append(values[i] + arb(0, (bound + dropped[i]).upper()))
    return results


def _bilinear(
    frame: Frame,
    left: list[tuple[float, arb, list[arb]]],
    right: list[tuple[float, arb, list[arb]]],
    reach: float,
    count: int,
) -> tuple[list[arb], list[arb]]:
    """Σ_ij W_i V_j p(x_i, y_j) per function, and a bound of what was dropped beyond |y − ρx| > reach."""
    rho, gap = frame.rho, frame.gap
    rate, places = -1 / (2 * gap), [item[0] for item in right]
    totals, sizes = [arb(0)] * count, [arb(0)] * count
    slope = float(rho)
    for place, x, values in left:
        weight, mean = density(x), rho * x
        low = bisect_left(places, slope * place - reach)
        high = bisect_right(places, slope * place + reach)
        sums = [arb(0)] * count
        for _, y, others in right[low:high]:
            distance = y - mean
            kernel = (rate * distance * distance).exp()
            for i in range(count):
                sums[i] += others[i] * kernel
        for i in range(count):
            totals[i] += weight * values[i] * sums[i]
            sizes[i] += weight * abs(values[i])
    front = 1 / (2 * arb.pi() * gap).sqrt()
    widest = max(abs(item[0]) for item in (*left, *right))
    short = arb.max(arb(reach) - arb(2) ** -50 * widest, arb(0))  # the places are rounded to doubles
    fade = (rate * short * short).exp()
    dropped = [front * fade * size * sum((abs(item[2][i]) for item in right), arb(0)) for i, size in enumerate(sizes)]
    return [front * total for total in totals], dropped
