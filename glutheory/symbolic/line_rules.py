"""Rules for ∫ φ(√a z) k(z − r w) dz, the same nodes z for all w: an even lattice, or panels cut at the kinks.

The lattice is for φ analytic in a strip; its error follows from the integral of the modulus on the strip's edge
(Trefethen and Weideman 2014). Panels carry rules of Gauss and Legendre: with n nodes on a panel of half-length ℓ they
err by at most ℓ·(64/15)·M·ϱ^(−2n)/(1 − ϱ^(−2)), M the largest modulus on the Bernstein ellipse of parameter ϱ
(Trefethen 2008, Thm. 4.5), bounded by evaluating φ on a box in ball arithmetic, which also proves that φ is analytic
there. How much an error at z counts is said by a `Weight`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from flint import acb, arb, ctx

from glutheory.symbolic.piecewise import Envelope, Piecewise, normal_tail, program, strips

Pair = tuple[arb, arb]
#: Ellipses that are tried on a panel, the numbers of nodes it may have, and how often it is halved before it is kept.
_ELLIPSES = (1.5, 1.8, 2.2, 2.7, 3.3, 4.2, 5.5)
_COUNTS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 34, 38, 43, 48, 54, 60, 68, 76, 84, 92, 100, 110, 120)
_DEPTH = 400
#: What keeps rounded depths inside their strips.
_INSIDE = 1 - 2.0**-40
#: The widest panel, in units of √g.
_WIDEST = 24
#: Halvings from which on a panel's size is looked at.
_DEEP = 12
#: Nodes beyond which the work is refused, on panels and on a lattice.
MAX_NODES, MAX_LATTICE = 60_000, 400_000


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


def lack(errors: Sequence[arb], goals: Sequence[arb]) -> float:
    """The logarithm of the largest error over its goal."""
    return max((float((e / g).log().upper()) for e, g in zip(errors, goals, strict=True) if e > 0), default=-math.inf)


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


def panels(
    low: arb,
    high: arb,
    sizes: Callable[[acb, bool], Sequence[arb]],
    goals: Sequence[arb],
    widest: float,
    most: int = MAX_NODES,
) -> Iterator[tuple[arb, arb, int, list[arb]]]:
    """(middle, half width, nodes, errors) of panels over an interval.

    `sizes(box, analytic)` bounds the integrands on a box; with `analytic` it is not finite where they may not be that.
    A panel at a branch point such as that of z^(3/2) is halved until the size there is small enough for its error. With
    more than `most` panels the errors are infinite.
    """
    count = max(1, math.ceil(float((high - low).upper()) / widest))
    step = (high - low) / count
    queue = [(low + step * k, low + step * (k + 1), 0) for k in reversed(range(count))]
    done = 0
    while queue:
        left, right, depth = queue.pop()
        done += 1
        middle, half = (left + right) / 2, (right - left) / 2
        best: tuple[int, float, list[arb]] | None = None
        for rho in _ELLIPSES:
            wide, tall = half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2
            bounds = sizes(acb(middle + wide * arb(0, 1), tall * arb(0, 1)), True)
            if not all(bound.is_finite() for bound in bounds):
                break
            bounds = [half.upper() * bound * arb(64) / 15 / (1 - arb(rho) ** -2) for bound in bounds]
            nodes = max(2, math.ceil(lack(bounds, goals) / (2 * math.log(rho)))) if lack(bounds, goals) > 0 else 2
            if best is None or nodes < best[0]:
                best = nodes, rho, bounds
        if best is None and depth >= _DEEP:
            # the integral and the rule, whose weights are positive, are each at most the width times the size
            crude = [4 * half.upper() * bound for bound in sizes(acb(middle + half * arb(0, 1)), False)]
            if lack(crude, goals) <= 0:
                yield middle, half, 2, crude
                continue
        last = depth == _DEPTH or len(queue) + done > most
        if best is not None and (best[0] <= _COUNTS[-1] or last):
            nodes = next((n for n in _COUNTS if n >= best[0]), _COUNTS[-1])
            yield middle, half, nodes, [bound * arb(best[1]) ** (-2 * nodes) for bound in best[2]]
        elif last:
            yield middle, half, 2, [arb("inf") for _ in goals]
        else:
            queue += [(middle, right, depth + 1), (left, middle, depth + 1)]


@lru_cache(maxsize=256)
def legendre(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:  # noqa: ARG001 (the precision in force)
    """Nodes and weights on [−1, 1]."""
    half = [arb.legendre_p_root(nodes, k, weight=True) for k in range((nodes + 1) // 2)]
    return (*half, *((-x, w) for x, w in half[: nodes // 2]))


__all__ = ["Nodes", "Weight", "lack", "legendre", "line_rule", "panels"]
