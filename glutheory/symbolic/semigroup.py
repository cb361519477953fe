"""The sum of a Hermite series through the Ornstein–Uhlenbeck semigroup: Σ h_k(a) h_k(b) ρ^k = E[F(w) G(w)].

With r = √|ρ|, g = 1 − |ρ| and k the density of N(0, g), Mehler's formula for half the way reads

    F(w) = Σ h_k(a) r^k He_k(w)/√k! = ∫ φ(√a z) k(z − r w) dz,       G likewise of φ(±√b z),
    T = ±E[F'(w) G'(w)]/(√(ab)|ρ|),   F'(w) = r ∫ φ(√a z) (z − r w)/g k(z − r w) dz,

for any φ, also where it jumps. F and G are entire, |F(w + iy)| ≤ e^{|ρ|y²/(2g)} ∫ |φ| k, so the trapezoidal rule for w
needs few nodes and errs by at most 2M/(e^{2πd/h} − 1) (Trefethen and Weideman 2014, Thm. 5.1), M the integral of the
modulus d above the axis. The integrals in z are those of `glutheory.symbolic.line_rules`.

The errors of the rules for z act on S through Σ h n(w)|G(w)||k(ζ − r w)|, which is bounded by way of
n(w) k(x − r w) = n(x) N(w; rx, g).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from glutheory.symbolic.line_rules import MAX_LATTICE, Nodes, Weight, lattice_step, line_rule
from glutheory.symbolic.piecewise import Envelope, Frame, Piecewise, normal_tail
from glutheory.symbolic.smoothing import Smoothed, near, smooth

Pair = tuple[arb, arb]
#: Nodes for w on either side beyond which nothing is planned.
MAX_HALF = 15_000
#: A node of a convolution costs as much as this many values of k.
_PRICE = 10


@dataclass(frozen=True)
class Outer:
    """The trapezoidal rule for w: nodes h·j, |j| ≤ half, and the bound of its errors in S and in T."""

    h: arb
    half: int
    errors: Pair

    @property
    def width(self) -> arb:
        """Of the interval that the nodes cover, one step more."""
        return self.h * (2 * self.half + 1)


def outer_rule(frame: Frame, one: Envelope, two: Envelope, goals: Sequence[arb], most: arb | None = None) -> Outer:
    """The coarsest rule with errors of about the goals and a step of at most `most`."""
    rho, g = frame.rho, frame.gap
    scale = frame.root_a * abs(frame.root_b)
    kappa, both = (1 + rho) / (2 * g), one.A * two.A
    squares = one.q**2 + two.q**2
    t = (one.q + two.q) * rho.sqrt()

    def alias(h: arb) -> list[arb]:
        # E|φ(u)φ(v)| ≤ √(E φ² E φ²); for T by Hölder, with (|ζ| + rd)/g beside each factor, ζ ~ N(0, g)
        d = arb.pi() / (kappa * h)
        lift = 2 * (kappa * d * d).exp() / ((2 * arb.pi() * d / h).exp() - 1)
        slopes = 4 * (3 * g * g + (rho * d * d) ** 2).sqrt() / (g * g * scale)
        return [lift * 2 * both * squares.exp(), lift * both * (2 * squares).exp() * slopes]

    def beyond(reach: arb) -> list[arb]:
        tail = (t * t / 2).exp() * normal_tail(reach - t)
        return [
            8 * both * (squares * g / 2).exp() * tail,
            4 * both * (squares * g).exp() / (g * scale) * tail,
        ]

    need = 8.0
    while True:
        h = arb((arb.pi() / (kappa * need).sqrt()).mid())
        errors = alias(h)
        lack = max(float((error / goal).log().upper()) for error, goal in zip(errors, goals, strict=True)) + 3
        if lack <= 0:
            break
        need += max(lack, 0.5)
    if most is not None and most < h:
        h, errors = most, alias(most)
    half = int(float(t / h)) + 1
    while True:
        tails = beyond(h * half)
        if all(tail < goal / 16 for tail, goal in zip(tails, goals, strict=True)):
            break
        half += max(1, half // 32)
    return Outer(h, half, (errors[0] + tails[0], errors[1] + tails[1]))


def _weight(frame: Frame, outer: Outer, own: arb, across: arb, other: Envelope) -> Weight:
    """How much an error of the rule for z, in F and in F₁ = F'/(r·own), counts in S and in T."""
    rho, g, B, p = frame.rho, frame.gap, other.A, other.q
    r = rho.sqrt()
    flat = (p * p * rho * g / 2).exp()
    sizes = 2 * B * (p * p * g / 2).exp(), arb(2).sqrt() * B * (p * p * g).exp() / (across * g.sqrt())
    reach = r * outer.width / 2
    return Weight(
        front=(sizes[0] * flat, sizes[1] * flat / (g * own)),
        lattice=1 + outer.h / (2 * arb.pi() * g).sqrt(),
        peak=outer.width / (2 * arb.pi() * g).sqrt(),
        rate=p * rho,
        reach=reach,
        gap=g,
        spread=r,
        sizes=sizes,
        own=own,
    )


@dataclass(frozen=True)
class Plan:
    """All rules, and how many values of k they take."""

    frame: Frame
    goals: tuple[arb, ...]
    outer: Outer
    nodes: tuple[Nodes, ...]
    weights: tuple[Weight, ...]
    entries: float

    def run(self) -> Pair:
        """(S, T) with errors of about the goals."""
        frame, outer = self.frame, self.outer
        roots = frame.root_a, frame.root_b
        smoothed = [
            smooth(nodes, frame, root, outer.h, outer.half, self.goals)
            for nodes, root in zip(self.nodes, roots, strict=False)
        ]
        nodes, weights = self.nodes, self.weights
        if frame.same:
            F = smoothed[0]
            smoothed.append(Smoothed(F.values[::-1], F.slopes[::-1], F.dropped) if frame.mirrored else F)
            nodes, weights = nodes * 2, weights * 2
        return _total(frame, outer, nodes, smoothed, weights)


def plan(found: Piecewise, frame: Frame, goals: Sequence[arb]) -> Plan | None:
    """The rules for errors of about the goals, 0 < |ρ| < 1; None where one has too many nodes."""
    one, two = found.envelope(frame.root_a), found.envelope(abs(frame.root_b))
    sides = ((frame.root_a, frame.root_b, two), (frame.root_b, frame.root_a, one))[: 1 if frame.same else 2]
    outer = outer_rule(frame, one, two, goals)
    r = frame.rho.sqrt()
    weights = [_weight(frame, outer, abs(root), abs(across), other) for root, across, other in sides]
    steps = [lattice_step(found, root, weight, goals) for (root, *_), weight in zip(sides, weights, strict=True)]
    coarsest = [step for step in steps if step is not None]
    step = None
    if len(coarsest) == len(sides):
        # z and r w on one lattice: the sums are convolutions
        step = arb(min([outer.h * r, *coarsest]).mid())
        outer = outer_rule(frame, one, two, goals, step / r)
        weights = [_weight(frame, outer, abs(root), abs(across), other) for root, across, other in sides]
    if outer.half > (MAX_HALF if step is None else MAX_LATTICE // 2):
        return None
    rules, entries = [], 0.0
    for (root, *_), weight in zip(sides, weights, strict=True):
        nodes = line_rule(found, root, weight, goals, step)
        if nodes is None:
            return None
        rules.append(nodes)
        entries += _entries(nodes, frame, outer, goals)
    return Plan(frame, tuple(goals), outer, tuple(rules), tuple(weights), entries)


def _entries(nodes: Nodes, frame: Frame, outer: Outer, goals: Sequence[arb]) -> float:
    if nodes.step is not None:
        return _PRICE * (nodes.count + 2 * outer.half + 1)
    share = min(1.0, float(near(nodes, frame, goals) / (frame.rho.sqrt() * outer.width)))
    return nodes.count * (2 * outer.half + 1) * share


def _total(
    frame: Frame,
    outer: Outer,
    nodes: Sequence[Nodes],
    smoothed: Sequence[Smoothed],
    weights: Sequence[Weight],
) -> Pair:
    """The outer sums, with all errors in the radius."""
    F, G = smoothed
    half, r, norm = outer.half, frame.rho.sqrt(), outer.h / (2 * arb.pi()).sqrt()
    density = [norm * (-((outer.h * j) ** 2) / 2).exp() for j in range(half + 1)]
    n = density[:0:-1] + density
    results = []
    for i, (f, k) in enumerate(((F.values, G.values), (F.slopes, G.slopes))):
        total = sum((d * x * y for d, x, y in zip(n, f, k, strict=True)), arb(0))
        error = outer.errors[i]
        # F̂Ĝ − FG = (F̂ − F)Ĝ + F(Ĝ − G): the bound that `Weight` has of G must hold for Ĝ too
        p = weights[0].rate / frame.rho
        growth = [(p * r * outer.h * abs(j)).exp() for j in range(-half, half + 1)]
        excess = arb(1)
        for x, e in zip(k, growth, strict=True):
            excess = arb.max(excess, abs(x) / (weights[0].sizes[i] * e))
        error += excess * nodes[0].errors[i] + nodes[1].errors[i]
        error += F.dropped[i] * sum((d * abs(y) for d, y in zip(n, k, strict=True)), arb(0))
        error += G.dropped[i] * sum((d * (abs(x) + F.dropped[i]) for d, x in zip(n, f, strict=True)), arb(0))
        error += G.dropped[i] * nodes[0].errors[i] / weights[0].sizes[i]
        results.append(total + arb(0, error.upper()))
    return results[0], results[1]
