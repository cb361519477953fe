"""Rules for ∫ φ(√a z) k(z − r w) dz, the same nodes z for all w: an even lattice, or panels cut at the kinks.

The lattice is for φ analytic in a strip; its error follows from the integral of the modulus on the strip's edge
(Trefethen and Weideman 2014); for the others see `panels`. How much an error at z counts is said by a `Weight`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from flint import acb, arb, ctx

from glutheory.symbolic.panels import MAX_NODES, lack, legendre, panels
from glutheory.symbolic.piecewise import Envelope, Piecewise, normal_tail, program, strips

Pair = tuple[arb, arb]
#: What keeps rounded depths inside their strips.
_INSIDE = 1 - 2.0**-40
#: The widest panel, in units of √g.
_WIDEST = 24
#: Nodes of a lattice beyond which the work is refused.
MAX_LATTICE = 400_000


@dataclass(frozen=True)
class Weight:
    """How much an error of ∫ φ(√a z) k(z − r w) dz counts in S, and one of the same with (z − r w)/(g √a) in T.

    Summed over the nodes w against n(w)|G(w)|, |G(w)| ≤ size·e^{p r|w|}; p is the other side's rate.

    Attributes:
        front: of both.
        lattice: at least 1 + h/√(2π g), for sums over the nodes in place of integrals.
        peak: (the width of all nodes)/√(2π g), for a bound that holds at each of them.
        rate: p|ρ|.
        reach: the largest |r w|.
        gap: g = 1 − |ρ|.
        spread: r.
        sizes: the sizes of G and of its slope.
        own: √a.
    """

    front: Pair
    lattice: arb
    peak: arb
    rate: arb
    reach: arb
    gap: arb
    spread: arb
    sizes: Pair
    own: arb

    def box(self, nearest: arb, farthest: arb, y: arb) -> Pair:
        """On a box of nearest ≤ |x| ≤ farthest, |Im| ≤ y."""
        common = self.peak * (self.rate * farthest - nearest * nearest / 2 + y * y / (2 * self.gap)).exp()
        common /= (2 * arb.pi()).sqrt()
        return self.front[0] * common, self.front[1] * common * (farthest + y + self.reach)

    def beyond(self, own: Envelope, edge: arb) -> Pair:
        """What |z| > edge adds to S and T, for an integral or for a lattice that ends there."""
        t = own.q + self.rate
        one, two = ((s * s / 2).exp() * normal_tail(edge - s) for s in (t, t + 1))
        front = 4 * own.A * self.lattice
        return front * self.front[0] * one, front * self.front[1] * (1 + self.reach) * two

    def alias(self, own: Envelope, d: arb, h: arb) -> Pair:
        """The errors of a lattice of step h, by the bound `own` of φ on |Im z| ≤ d."""
        p = self.rate / (self.spread * self.spread)
        t = (own.q + p) * self.spread
        common = 2 * (d * d / (2 * self.gap)).exp() / ((2 * arb.pi() * d / h).exp() - 1)
        common *= 4 * own.A * self.lattice * (t * t / 2).exp()
        flat = own.q**2 * self.gap
        slope = (self.gap + d * d).sqrt() / (self.gap * self.own)
        return common * self.sizes[0] * (flat / 2).exp(), common * self.sizes[1] * flat.exp() * slope


@dataclass(frozen=True)
class Nodes:
    """Nodes z with V = weight·φ(√a z), and the rule's errors in S and T.

    Attributes:
        make: computes (z, V), ascending.
        count: how many.
        errors: in S and in T.
        step: h of a lattice z = h·i, |i| ≤ half.
    """

    make: Callable[[], list[tuple[arb, arb]]]
    count: int
    errors: Pair
    step: arb | None = None


def line_rule(
    found: Piecewise, root: arb, weight: Weight, goals: Sequence[arb], step: arb | None = None
) -> Nodes | None:
    """A rule with errors of about the goals, on the lattice of a `step` if given; None beyond the work limit."""
    edge = arb(2)
    envelope = found.envelope(abs(root))
    while not _within(tails := weight.beyond(envelope, edge), goals, 16):
        edge = arb((edge + 0.25).mid())
    made = (
        _panels(found, root, weight, edge, goals) if step is None else _lattice(found, root, weight, edge, goals, step)
    )
    if made is None:
        return None
    return replace(made, errors=(made.errors[0] + tails[0], made.errors[1] + tails[1]))


def _within(errors: Pair, goals: Sequence[arb], part: int) -> bool:
    return all(error < goal / part for error, goal in zip(errors, goals, strict=True))


def lattice_step(found: Piecewise, root: arb, weight: Weight, goals: Sequence[arb]) -> arb | None:
    """The step of the coarsest lattice that any strip proves to be within the goals; None where φ has no strip."""
    best: arb | None = None
    g = float(weight.gap)
    for own, top in _strips(found, root):
        need = 20.0
        for _ in range(40):
            d = min(math.sqrt(2 * g * need), top)
            h = arb(2 * math.pi * d / (need + d * d / (2 * g)))
            missing = lack(weight.alias(own, arb(d) * _INSIDE, h), goals) + 3
            if missing <= 0:
                best = h if best is None else arb.max(best, h)
                break
            need += max(missing, 0.5)
    return best


def _strips(found: Piecewise, root: arb) -> Iterator[tuple[Envelope, float]]:
    """The bound of φ(√a z) on each strip, and how far that reaches."""
    size = abs(root)
    for strip in () if found.kinks else strips(found.branches[0], found.slopes[0]):
        yield Envelope.of(strip.bounds[0], size), strip.tau / float(size)


def _lattice(found: Piecewise, root: arb, weight: Weight, edge: arb, goals: Sequence[arb], h: arb) -> Nodes | None:
    """The nodes h·i, |h·i| ≤ edge, and the smallest error that a strip proves."""
    half = math.ceil(float(edge / h))
    if 2 * half + 1 > MAX_LATTICE:
        return None
    errors = []
    for own, top in _strips(found, root):
        # 2πd/h − d²/(2g) is largest at d = 2πg/h
        d = arb(min(2 * math.pi * float(weight.gap) / float(h), top)) * _INSIDE
        errors.append(weight.alias(own, d, h))

    def make() -> list[tuple[arb, arb]]:
        places = [h * i for i in range(-half, half + 1)]
        (values,) = program(found.branches).bind_column()([root * z for z in places])
        return [(z, h * acb(value).real) for z, value in zip(places, values, strict=True)]

    return Nodes(make, 2 * half + 1, min(errors, key=lambda pair: lack(pair, goals)), h)


def _panels(found: Piecewise, root: arb, weight: Weight, edge: arb, goals: Sequence[arb]) -> Nodes | None:
    """Panels over |z| ≤ edge."""
    items: list[tuple[arb, arb]] = []
    errors = [arb(0), arb(0)]
    places = found.places(root)
    skipped = sum(1 for place in places if not place > -edge)
    cuts = [-edge, *(place for place in places if abs(place) < edge), edge]
    finer = [goal / 256 for goal in goals]
    widest = _WIDEST * float(weight.gap.sqrt())
    for k, (low, high) in enumerate(pairwise(cuts)):
        tape = program(found.branch(skipped + k, root)[:1])
        run, column = tape.bind(), tape.bind_column()

        def sizes(box: acb, analytic: bool, run: Callable[..., list] = run) -> list[arb]:  # type: ignore[type-arg]
            size = abs(acb(run([root * box], analytic)[0])).upper()
            x = box.real
            return [size * w for w in weight.box(x.abs_lower(), x.abs_upper(), box.imag.abs_upper())]

        for middle, half, count, own in panels(low, high, sizes, finer, widest):
            errors = [total + error.upper() for total, error in zip(errors, own, strict=True)]
            rule = legendre(count, ctx.prec)
            nodes = [middle + half * node for node, _ in rule]
            (values,) = column([root * z for z in nodes])
            items += [(z, half * w * acb(v).real) for z, (_, w), v in zip(nodes, rule, values, strict=True)]
            if len(items) > MAX_NODES:
                return None
    return Nodes(lambda: items, len(items), (errors[0], errors[1]))
