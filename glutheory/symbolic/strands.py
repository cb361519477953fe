"""L(q) = E_p[φ(u) φ(v)] in rotated coordinates, or a part of it, on an interval of q: between lines, or on all of p.

Between lines the integral in p is cut at them, p = p₁(q) + t·(p₂(q) − p₁(q)) with the same panels in t for all q of an
interval; where φ is analytic in a strip it is a lattice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from operator import mul
from typing import Protocol

import sympy as sp
from flint import acb, arb, ctx

from glutheory.symbolic.panels import lack, legendre, panels
from glutheory.symbolic.piecewise import Envelope, Piecewise, Strip, program
from glutheory.symbolic.rotation import Line, Pair, Rotation

#: The panels of one piece, and the halves of the slices in which q is bounded.
_PANELS, _SLICES = 200, 4


class Strand(Protocol):
    """L, or a part of it, on an interval of q."""

    #: The rule's error in each of the two values at any q of the interval.
    errors: Pair
    size: int

    def bounds(self, q: acb) -> list[arb]:
        """Of |L| for a box of q, not finite where L may not be analytic."""

    def at(self, q: arb) -> Pair:
        """The values for φ and φ'."""


class Piece:
    """Between two lines, by panels in t."""

    def __init__(
        self,
        rotation: Rotation,
        lines: tuple[Line, Line],
        branches: tuple[tuple[sp.Expr, ...], ...],
        slices: Sequence[acb],
        goals: Sequence[arb],
    ) -> None:
        self._rotation, self._lines = rotation, lines
        self._tapes = [program(branch) for branch in branches]
        self._runs = [tape.bind() for tape in self._tapes]
        self._columns = [tape.bind_column() for tape in self._tapes]
        made = list(panels(arb(0), arb(1), lambda t, analytic: self._over(t, slices, analytic), goals, 2.0, _PANELS))
        self._nodes = [
            (middle + half * node, half * share)
            for middle, half, count, _ in made
            for node, share in legendre(count, ctx.prec)
        ]
        self._boxes = [(acb(middle + half * arb(0, 1)), 2 * half) for middle, half, _, _ in made]
        errors = [sum((own[i].upper() for _, _, _, own in made), arb(0)) for i in range(2)]
        self.errors = errors[0], errors[1]
        self.size = len(self._nodes)

    def _values(self, t: acb, q: acb, analytic: bool) -> list[acb]:
        r, (start, stop) = self._rotation, self._lines
        # q and t each once where it can be, so that boxes of them stay narrow
        place = start.place + t * (stop.place - start.place)
        slope = start.slope + t * (stop.slope - start.slope)
        width = stop.place - start.place + (stop.slope - start.slope) * q
        p = place + slope * q
        weight = width * (-p * p / 2).exp() / (2 * arb.pi()).sqrt()
        results = []
        for run, root, c, s in zip(self._runs, (r.frame.root_a, r.frame.root_b), r.cosines, r.sines, strict=True):
            results.append(run([root * (c * place + (c * slope + s) * q)], analytic))
        return [weight * f * g for f, g in zip(*results, strict=True)]

    def _over(self, t: acb, slices: Sequence[acb], analytic: bool) -> list[arb]:
        return largest(self._sizes(t, q, analytic) for q in slices)

    def _sizes(self, t: acb, q: acb, analytic: bool = True) -> list[arb]:
        return [abs(acb(value)).upper() for value in self._values(t, q, analytic)]

    def bounds(self, q: acb) -> list[arb]:
        """See `Strand`."""
        totals = [arb(0), arb(0)]
        for box, width in self._boxes:
            sizes = self._sizes(box, q)
            if not all(size.is_finite() for size in sizes):
                return sizes
            totals = [total + width * size for total, size in zip(totals, sizes, strict=True)]
        return totals

    def at(self, q: arb) -> Pair:
        """See `Strand`."""
        r = self._rotation
        start, stop = (line.at(q) for line in self._lines)
        width = stop - start
        places = [start + t * width for t, _ in self._nodes]
        weights = [share * (-p * p / 2).exp() for p, (_, share) in zip(places, self._nodes, strict=True)]
        first, second = (
            column([root * (c * p + s * q) for p in places])
            for column, root, c, s in zip(
                self._columns, (r.frame.root_a, r.frame.root_b), r.cosines, r.sines, strict=True
            )
        )
        norm = width / (2 * arb.pi()).sqrt()
        S, T = (norm * _dot(weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


class Lattice:
    """The whole line, for φ analytic in a strip."""

    def __init__(self, found: Piecewise, rotation: Rotation, strip: Strip, far: arb, goals: Sequence[arb]) -> None:
        self._rotation, self._strip = rotation, strip
        self._roots = rotation.frame.root_a, rotation.frame.root_b
        self._pairs = [[Envelope.of(bound, abs(root)) for root in self._roots] for bound in strip.bounds]
        sizes = [abs(root) for root in self._roots]
        top = strip.tau / max(float(size * c) for size, c in zip(sizes, rotation.cosines, strict=True))
        self._steep = arb.max(*(size * abs(s) for size, s in zip(sizes, rotation.sines, strict=True))).upper()
        need = 20.0
        for _ in range(60):
            d = min(math.sqrt(2 * need), top)
            h = arb(2 * math.pi * d / (need + d * d / 2))
            self.errors = self._alias(arb(d) * (1 - arb(2) ** -40), h, far)
            missing = lack(self.errors, goals) + 3
            if missing <= 0:
                break
            need += max(missing, 0.5)
        self.size = 2 * math.ceil(float(rotation.reach / h)) + 1
        self._step = h
        self._found = found

    def ready(self) -> Lattice:
        """With its nodes."""
        h, half = self._step, self.size // 2
        norm = h / (2 * arb.pi()).sqrt()
        self._weights = [norm * (-((h * i) ** 2) / 2).exp() for i in range(-half, half + 1)]
        self._places = [h * i for i in range(-half, half + 1)]
        self._column = program((self._found.branches[0], self._found.slopes[0])).bind_column()
        return self

    def _mean(self, i: int, q: arb) -> arb:
        """A bound of the integral of |φφ| n(p), on the strip's edge, for |Re q| up to this."""
        one, two = self._pairs[i]
        s, t = self._rotation.rates(one, two)
        return 2 * one.A * two.A * (s * s / 2 + t * q).exp()

    def _alias(self, d: arb, h: arb, far: arb) -> Pair:
        lift = 2 * (d * d / 2).exp() / ((2 * arb.pi() * d / h).exp() - 1)
        return lift * self._mean(0, far), lift * self._mean(1, far)

    def bounds(self, q: acb) -> list[arb]:
        """See `Strand`."""
        if not abs(q.imag).upper() * self._steep <= arb(self._strip.tau):
            return [arb("inf"), arb("inf")]
        far = abs(q.real).upper()
        return [self._mean(0, far), self._mean(1, far)]

    def at(self, q: arb) -> Pair:
        """See `Strand`."""
        r = self._rotation
        first, second = (
            self._column([root * (c * p + s * q) for p in self._places])
            for root, c, s in zip(self._roots, r.cosines, r.sines, strict=True)
        )
        S, T = (_dot(self._weights, f, g) for f, g in zip(first, second, strict=True))
        return acb(S).real, acb(T).real


def _dot(weights: Sequence[arb], first: Sequence[acb], second: Sequence[acb]) -> acb:
    return acb(sum(map(mul, weights, map(mul, first, second)), arb(0)))


def slices(wide: arb, tall: arb) -> Iterator[acb]:
    """Boxes that cover an ellipse, narrow because wide ones bound badly."""
    for k in range(-_SLICES, _SLICES):
        nearest = arb(min(abs(k), abs(k + 1))) / _SLICES
        height = tall * (1 - nearest * nearest).sqrt()
        yield acb(wide * (arb(2 * k + 1) + arb(0, 1)) / (2 * _SLICES), height * arb(0, 1))


def largest(found: Iterable[Sequence[arb]]) -> list[arb]:
    """The largest of each entry, not finite where one is not."""
    most = [arb(0), arb(0)]
    for sizes in found:
        if not all(size.is_finite() for size in sizes):
            return [arb("inf"), arb("inf")]
        most = [arb.max(m, size) for m, size in zip(most, sizes, strict=True)]
    return most
