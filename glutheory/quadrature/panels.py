"""E[f(u)f(v)] for any f that is analytic between its kinks: products of Gauss–Legendre panels, |ρ| < 1.

In standard coordinates u = √a x, v = ±√b y with density p(x, y). Both axes are cut at the kinks into panels no wider
than a few √(1−ρ²), the scale on which p bends. With n nodes on a panel of half-length ℓ and F bounded by M on the
Bernstein ellipse of parameter ϱ, the error is at most ℓ·(64/15)·M·ϱ^{−2n}/(1 − ϱ^{−2}) (n ≥ 2). M comes from evaluating
f on a box around the ellipse in ball arithmetic, which also proves that f is analytic there, and from
|p(x + iη, y)| = p(x, y)·exp(η²/(2(1−ρ²))). The first rule (in x) acts on f(x)∫g(y)p(x, y)dy, the second on
g(y)p(x_i, y) at each node x_i, where p(x_i, y) ≤ density(y)/√(2π(1−ρ²)).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flint import acb, arb

from glutheory.ground.exact import ball
from glutheory.quadrature.compiled import compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.legendre import legendre
from glutheory.quadrature.line import Function, density, split, tail
from glutheory.quadrature.strips import Envelope

_WIDTH = 1.5
_MAX_NODES = 48
_MAX_PANELS = 3_000
_ELLIPSES = (1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.5, 8.0)


@dataclass(frozen=True)
class _Panel:
    """A piece of an axis with a Gauss–Legendre rule.

    `errors[i]` bounds the rule's error for ∫ f_i(x)k(x) dx when |k(x + iη)| ≤ e^{−x²/2 + rate·|x| + η²/(2 gap)}.
    """

    centre: arb
    half: arb
    nodes: int
    branch: int
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
        backwards = self.scale < 0
        kinks = [ball(kink) / self.scale for kink in self.functions[0].kinks]
        ends, indices = split(kinks[::-1] if backwards else kinks, self.radius)
        panels: list[_Panel] = []
        for (low, high), index in zip(pairwise(ends), indices, strict=True):
            branch = len(kinks) - index if backwards else index
            run = compiled(tuple(function.branches[branch] for function in self.functions)).values()
            count = max(1, math.ceil(float((high - low) / (2 * _WIDTH * self.gap.sqrt()))))
            if count > _MAX_PANELS:
                return []
            cuts = [low + (high - low) * k / count for k in range(count + 1)]
            todo = list(pairwise(cuts))
            while todo:
                left, right = todo.pop()
                panel = self.panel(run, left, right, branch)
                if panel is None:
                    middle = (left + right) / 2
                    todo += [(left, middle), (middle, right)]
                else:
                    panels.append(panel)
                if len(panels) + len(todo) > _MAX_PANELS:
                    return []
        return panels

    def panel(self, run: Callable[..., list[acb]], left: arb, right: arb, branch: int) -> _Panel | None:
        """The panel with the fewest nodes, None if it must be halved."""
        centre, half = (left + right) / 2, (right - left) / 2
        best: tuple[int, arb, list[arb]] | None = None
        for ellipse in _ELLIPSES:
            rho = arb(ellipse)
            wide, high = half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2
            box = acb(centre + arb(0, 1) * wide, arb(0, 1) * high)
            sizes = [abs(value).upper() for value in run([self.scale * box], True)]
            if not all(size.is_finite() for size in sizes):
                break
            nearest, farthest = arb.max(abs(centre) - wide, arb(0)), abs(centre) + wide
            weight = (-nearest * nearest / 2 + self.rate * farthest + high * high / (2 * self.gap)).exp()
            bounds = [half * arb(64) / 15 / (1 - 1 / (rho * rho)) * weight * size for size in sizes]
            largest = max((float(bound.log()) for bound in bounds if bound > 0), default=self.log)
            nodes = max(2, math.ceil((largest - self.log) / (2 * math.log(ellipse))))
            if best is None or nodes < best[0]:
                best = nodes, rho, bounds
        if best is None or best[0] > _MAX_NODES:
            return None
        nodes, rho, bounds = best
        return _Panel(centre, half, nodes, branch, tuple(bound / rho ** (2 * nodes) for bound in bounds))

    def nodes(self, panels: Sequence[_Panel]) -> list[tuple[float, arb, list[arb]]]:
        """(x as a float, x, weight·f_i(x)) for every node, ascending."""
        found = []
        runs = {}
        for panel in panels:
            if panel.branch not in runs:
                branches = tuple(function.branches[panel.branch] for function in self.functions)
                runs[panel.branch] = compiled(branches).values()
            for node, weight in legendre(panel.nodes):
                x = panel.centre + panel.half * node
                values = [panel.half * weight * value for value in runs[panel.branch]([self.scale * x])]
                found.append((float(x), x, values))
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
