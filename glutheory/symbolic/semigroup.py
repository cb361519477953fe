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

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, arb, arb_poly

from glutheory.symbolic.line_rules import MAX_LATTICE, Nodes, Weight, lattice_step, line_rule
from glutheory.symbolic.piecewise import Envelope, Frame, Piecewise, normal_tail

Pair = tuple[arb, arb]
Items = Sequence[tuple[arb, arb]]
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
class _Smoothed:
    """F and F₁ at the nodes for w, and in `dropped` what the sums leave out, per unit of the other side."""

    values: list[arb]
    slopes: list[arb]
    dropped: Pair


def _smooth(nodes: Nodes, frame: Frame, root: arb, outer: Outer, goals: Sequence[arb]) -> _Smoothed:
    """Σ V k(z − r w) and Σ V (z − r w)/(g root) k(z − r w), over |z − r w| ≤ cut."""
    g, half = frame.gap, outer.half
    step = frame.rho.sqrt() * outer.h
    items = nodes.make()
    mass = _mass(items)
    cut = _cut(frame, mass, goals)
    if nodes.step is None:
        sums, moments = _one_by_one(items, g, step, half, cut)
    else:
        sums, moments = _convolved(items, g, nodes.step, half, cut)
    front = 1 / (2 * arb.pi() * g).sqrt()
    short = cut * (1 - arb(2) ** -30)  # places are rounded to doubles
    fade = front * (-short * short / (2 * g)).exp() * mass
    values = [front * total for total in sums]
    slopes = [
        front * (moment - j * step * total) / (g * root)
        for j, (total, moment) in enumerate(zip(sums, moments, strict=True), start=-half)
    ]
    # beyond the cut t·k(t) falls as well, once t² > g
    return _Smoothed(values, slopes, (fade, fade * cut / (g * abs(root))))


def _mass(items: Items) -> arb:
    return sum((abs(V) for _, V in items), arb(0))


def _convolved(items: Items, g: arb, step: arb, half: int, cut: arb) -> tuple[list[arb], list[arb]]:
    """Σ V e^(−(z − r w)²/(2g)) and Σ V z e^(…), where z and r w are on one lattice: a product of polynomials."""
    near = math.floor(float(cut / step))
    kernel = arb_poly([(-((step * i) ** 2) / (2 * g)).exp() for i in range(-near, near + 1)])
    first = len(items) // 2 + near - half  # the coefficient of r w = −half·step
    columns = []
    for column in ([V for _, V in items], [z * V for z, V in items]):
        product = arb_poly(column) * kernel
        columns.append([product[i] if i >= 0 else arb(0) for i in range(first, first + 2 * half + 1)])
    return columns[0], columns[1]


def _one_by_one(items: Items, g: arb, step: arb, half: int, cut: arb) -> tuple[list[arb], list[arb]]:
    """Σ V e^(−(z − r w)²/(2g)) and Σ V z e^(…), term by term."""
    places, width = float(step), float(cut)
    # the two sums as the parts of one complex number, which halves the calls
    sums = [acb(0)] * (2 * half + 1)
    bend = (-step * step / g).exp()
    slope, start = step / g, -step * step / (2 * g)
    for z, V in items:
        centre = float(z) / places
        low, high = max(-half, math.ceil(centre - width / places)), min(half, math.floor(centre + width / places))
        if low > high:
            continue
        middle = min(max(round(centre), low), high)
        far = z - middle * step
        # k at the next node is k times a ratio, and that ratio at the next one times a constant
        peak = acb(V, z * V) * (-far * far / (2 * g)).exp()
        up, down = ((sign * far * slope + start).exp() for sign in (1, -1))
        value, ratio = peak, up
        for index in range(half + middle, half + high + 1):
            sums[index] += value
            value *= ratio
            ratio *= bend
        value, ratio = peak * down, down * bend
        for index in range(half + middle - 1, half + low - 1, -1):
            sums[index] += value
            value *= ratio
            ratio *= bend
    return [total.real for total in sums], [total.imag for total in sums]


def _cut(frame: Frame, mass: arb, goals: Sequence[arb]) -> arb:
    """Where k is cut off."""
    low = min(float(goal.log()) for goal in goals)
    need = float((1 + mass).log()) * 2 - 2 * float(frame.gap.log()) - low + 16
    return arb(float(frame.gap.sqrt()) * math.sqrt(2 * max(need, 1.0)))


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
            _smooth(nodes, frame, root, outer, self.goals) for nodes, root in zip(self.nodes, roots, strict=False)
        ]
        nodes, weights = self.nodes, self.weights
        if frame.same:
            F = smoothed[0]
            smoothed.append(_Smoothed(F.values[::-1], F.slopes[::-1], F.dropped) if frame.mirrored else F)
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
    share = min(1.0, float(2 * _cut(frame, _mass(nodes.make()), goals) / (frame.rho.sqrt() * outer.width)))
    return nodes.count * (2 * outer.half + 1) * share


def _total(
    frame: Frame,
    outer: Outer,
    nodes: Sequence[Nodes],
    smoothed: Sequence[_Smoothed],
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
