"""One cell of the plane of x and t, between two neighbouring lines: Gauss–Legendre panels across it.

x = start(t) + τ·(stop(t) − start(t)), τ ∈ [0, 1]. With m nodes on a panel the rule errs by at most
half·(64/15)·M·ϱ^{−2m}/(1 − ϱ^{−2}), M the largest modulus on the Bernstein ellipse of parameter ϱ. It comes from ball
arithmetic on a box; that also proves that f is analytic there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul

from flint import acb, arb

from glutheory.quadrature.compiled import Compiled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.legendre import legendre

#: Nodes of a panel beyond which it is halved, and how often.
_MOST, _DEPTH = 36, 40
_ELLIPSES = (1.4, 1.8, 2.4, 3.2, 4.5, 6.5, 10.0)


@dataclass
class Budget:
    """How many boxes may still be looked at to find panels: where f's strip is narrow none is found in millions."""

    boxes: int


@dataclass(frozen=True)
class Line:
    """x = x[0] + x[1]·t, and there v/(±√b) = y[0] + y[1]·t; `side` 0 for a kink of u, 1 of v, None for the window."""

    x: tuple[arb, arb]
    y: tuple[arb, arb]
    side: int | None = None

    def at(self, t: arb) -> arb:
        """The x of this t."""
        return self.x[0] + self.x[1] * t

    def meets(self, other: Line) -> arb | None:
        """The t where both meet; only a kink of v is no vertical line, and all of these are parallel."""
        if (self.side == 1) == (other.side == 1):
            return None
        return (other.x[0] - self.x[0]) / (self.x[1] - other.x[1])


@dataclass(frozen=True)
class _Panel:
    """low + width·[0, 1] in τ, and the rule's nodes there."""

    low: arb
    width: arb
    nodes: int


class Cell:
    """Between two neighbouring lines: the integrands of all functions, in t and τ ∈ [0, 1]."""

    def __init__(self, frame: Frame, lines: tuple[Line, Line], programs: tuple[Compiled, Compiled]) -> None:
        self._roots = frame.root_a, frame.sign * frame.root_b
        self._lines = lines
        self._columns = [program.columns() for program in programs]
        self._runs = [program.values() for program in programs]
        self.panels: list[_Panel] = []
        self.errors: list[arb] = []

    def sizes(self, tau: acb, t: acb, *, analytic: bool = True) -> list[arb]:
        """Bounds of |integrand| on a box, without n(t); not finite where it may not be analytic."""
        (x0, x1), (y0, y1), width = self._places(tau, t)
        x, y = x0 + x1 * t, y0 + y1 * t
        left = self._runs[0]([self._roots[0] * x], analytic)
        right = self._runs[1]([self._roots[1] * y], analytic)
        real, imag = acb(x).real.abs_lower(), acb(x).imag.abs_upper()
        front = abs(width).upper() * ((imag * imag - real * real) / 2).exp() / (2 * arb.pi()).sqrt()
        return [(front * abs(f) * abs(g)).upper() for f, g in zip(left, right, strict=True)]

    def _places(self, tau: acb, t: acb) -> tuple[tuple[acb, acb], tuple[acb, acb], acb]:
        start, stop = self._lines
        x = tuple(p + tau * (q - p) for p, q in zip(start.x, stop.x, strict=True))
        y = tuple(p + tau * (q - p) for p, q in zip(start.y, stop.y, strict=True))
        width = stop.x[0] - start.x[0] + (stop.x[1] - start.x[1]) * t
        return (x[0], x[1]), (y[0], y[1]), width

    def plan(self, slices: Sequence[acb], logs: Sequence[float], budget: Budget) -> bool:
        """Panels in τ that serve all t of the slices; False where there are none, or the budget is spent."""
        self.panels, self.errors = [], [arb(0)] * len(logs)
        todo = [(arb(0), arb(1), 0)]
        while todo:
            low, width, depth = todo.pop()
            budget.boxes -= 1
            if budget.boxes < 0:
                return False
            made = self._panel(low, width, slices, logs)
            if made is None:
                if depth == _DEPTH:
                    return False
                todo += [(low + width / 2, width / 2, depth + 1), (low, width / 2, depth + 1)]
                continue
            nodes, errors = made
            self.panels.append(_Panel(low, width, nodes))
            self.errors = [one + two for one, two in zip(self.errors, errors, strict=True)]
        return True

    def _panel(
        self, low: arb, width: arb, slices: Sequence[acb], logs: Sequence[float]
    ) -> tuple[int, list[arb]] | None:
        best: tuple[int, float, list[arb]] | None = None
        middle, half = low + width / 2, width / 2
        for ellipse in _ELLIPSES:
            wide, high = half * (ellipse + 1 / ellipse) / 2, half * (ellipse - 1 / ellipse) / 2
            box = acb(middle + arb(0, 1) * wide, arb(0, 1) * high)
            sizes = largest(self.sizes(box, t) for t in slices)
            if sizes is None:
                break
            front = half * arb(64) / 15 / (1 - arb(ellipse) ** -2)
            bounds = [(front * size).upper() for size in sizes]
            nodes = max(2, math.ceil(excess(bounds, logs) / (2 * math.log(ellipse))))
            if best is None or nodes < best[0]:
                best = nodes, ellipse, bounds
        if best is None or best[0] > _MOST:
            return None
        nodes, ellipse, bounds = best
        return nodes, [bound * arb(ellipse) ** (-2 * nodes) for bound in bounds]

    @property
    def size(self) -> int:
        """How many nodes."""
        return sum(panel.nodes for panel in self.panels)

    def bounds(self, t: acb) -> list[arb] | None:
        """Bounds of what the panels sum to, for t in a box; None where it may not be analytic."""
        totals = [arb(0)] * len(self.errors)
        for panel in self.panels:
            sizes = self.sizes(acb(panel.low + panel.width * arb(0.5, 0.5)), t)
            if not all(size.is_finite() for size in sizes):
                return None
            totals = [total + panel.width * size for total, size in zip(totals, sizes, strict=True)]
        return totals

    def nodes(self) -> list[tuple[arb, arb, arb, arb, arb]]:
        """(weight, x[0], x[1], y[0], y[1]) of every node in τ."""
        start, stop = self._lines
        found = []
        for panel in self.panels:
            half = panel.width / 2
            for node, weight in legendre(panel.nodes):
                tau = panel.low + half + half * node
                x = [p + tau * (q - p) for p, q in zip(start.x, stop.x, strict=True)]
                y = [p + tau * (q - p) for p, q in zip(start.y, stop.y, strict=True)]
                found.append((half * weight, x[0], x[1], y[0], y[1]))
        return found

    def values(self, nodes: Sequence[tuple[arb, arb, arb, arb, arb]], t: arb) -> list[arb]:
        """The sums over the nodes at this t, one per function."""
        width = self._lines[1].at(t) - self._lines[0].at(t)
        front, damp = width / (2 * arb.pi()).sqrt(), arb(-0.5)
        places = [x + s * t for _, x, s, _, _ in nodes]
        weights = [weight * (damp * x * x).exp() for (weight, *_), x in zip(nodes, places, strict=True)]
        first = self._columns[0]([self._roots[0] * x for x in places])
        second = self._columns[1]([self._roots[1] * (y + s * t) for _, _, _, y, s in nodes])
        return [
            front * _real(sum(map(mul, weights, map(mul, f, g)), arb(0))) for f, g in zip(first, second, strict=True)
        ]


def _real(value: arb | acb) -> arb:
    return value.real if isinstance(value, acb) else value


def largest(found: Iterator[list[arb]]) -> list[arb] | None:
    """The largest of each entry; None where one is not finite."""
    most: list[arb] | None = None
    for sizes in found:
        if not all(size.is_finite() for size in sizes):
            return None
        most = sizes if most is None else [arb.max(m, size) for m, size in zip(most, sizes, strict=True)]
    return most


def excess(bounds: Sequence[arb], logs: Sequence[float]) -> float:
    """By how much the largest bound exceeds what is asked for, as a logarithm."""
    return max((float(b.log()) - log for b, log in zip(bounds, logs, strict=True) if b > 0), default=0.0)
