"""The sum of a Hermite series through the Ornstein–Uhlenbeck semigroup: Σ h_k(a) h_k(b) ρ^k = E[F(w) G(w)].

With r = √|ρ|, g = 1 − |ρ| and k the density of N(0, g), Mehler's formula for half the way reads

    F(w) = Σ h_k(a) r^k He_k(w)/√k! = ∫ φ(√a z) k(z − r w) dz,       G likewise of φ(±√b z),
    T = ±E[F'(w) G'(w)]/(√(ab)|ρ|),   F'(w) = r ∫ φ(√a z) (z − r w)/g k(z − r w) dz,

for any φ, also where it jumps. F and G are entire, |F(w + iy)| ≤ e^{|ρ|y²/(2g)} ∫ |φ| k, so the trapezoidal rule for w
needs few nodes and errs by at most 2M/(e^{2πd/h} − 1) (Trefethen and Weideman 2014, Thm. 5.1), M the integral of the
modulus d above the axis. The integrals in z are those of `glutheory.symbolic.line_rules`.

The errors of the rules for z act on S through Σ h n(w)|G(w)||k(ζ − r w)|, bounded by n(w) k(x − r w) = n(x) N(w; rx, g).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from glutheory.symbolic.line_rules import Nodes, Weight, line_rule
from glutheory.symbolic.piecewise import Envelope, Frame, Piecewise, normal_tail

Pair = tuple[arb, arb]
#: Values of the kernel k beyond which the work is refused.
MAX_ENTRIES = 6_000_000


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


def outer_rule(frame: Frame, one: Envelope, two: Envelope, goals: Sequence[arb]) -> Outer:
    """The coarsest rule with errors of about the goals."""
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
    g, r, half = frame.gap, frame.rho.sqrt(), outer.half
    step = r * outer.h
    mass = sum((abs(V) for _, V in nodes.items), arb(0))
    cut = _cut(frame, mass, goals)
    places, width = float(step), float(cut)
    zeros, firsts = [arb(0)] * (2 * half + 1), [arb(0)] * (2 * half + 1)
    bend = (-step * step / g).exp()
    slope, start = step / g, -step * step / (2 * g)
    for z, V in nodes.items:
        centre = float(z) / places
        low, high = max(-half, math.ceil(centre - width / places)), min(half, math.floor(centre + width / places))
        if low > high:
            continue
        middle = min(max(round(centre), low), high)
        far = z - middle * step
        peak = V * (-far * far / (2 * g)).exp()
        zV = z
        for sign, stop in ((1, high - middle), (-1, middle - low)):
            value, ratio = peak, (sign * far * slope + start).exp()
            index = half + middle
            if sign < 0:
                value, ratio = value * ratio, ratio * bend
                index -= 1
            for _ in range(stop + (sign > 0)):
                zeros[index] += value
                firsts[index] += zV * value
                value *= ratio
                ratio *= bend
                index += sign
    front = 1 / (2 * arb.pi() * g).sqrt()
    short = cut * (1 - arb(2) ** -30)  # places are rounded to doubles
    fade = front * (-short * short / (2 * g)).exp() * mass
    values, slopes = [], []
    for j, (zero, first) in enumerate(zip(zeros, firsts, strict=True), start=-half):
        values.append(front * zero)
        slopes.append(front * (first - j * step * zero) / (g * root))
    # beyond the cut t·k(t) falls as well, once t² > g
    return _Smoothed(values, slopes, (fade, fade * cut / (g * abs(root))))


def _cut(frame: Frame, mass: arb, goals: Sequence[arb]) -> arb:
    """Where k is cut off."""
    low = min(float(goal.log()) for goal in goals)
    need = float((1 + mass).log()) * 2 - 2 * float(frame.gap.log()) - low + 16
    return arb(float(frame.gap.sqrt()) * math.sqrt(2 * max(need, 1.0)))


def semigroup(found: Piecewise, frame: Frame, goals: Sequence[arb], most: int = MAX_ENTRIES) -> Pair | None:
    """(S, T) with errors of about the goals, 0 < |ρ| < 1; None where that takes more values of k."""
    one, two = found.envelope(frame.root_a), found.envelope(abs(frame.root_b))
    outer = outer_rule(frame, one, two, goals)
    sides = []
    for root, across, other in ((frame.root_a, frame.root_b, two), (frame.root_b, frame.root_a, one)):
        weight = _weight(frame, outer, abs(root), abs(across), other)
        nodes = line_rule(found, root, weight, goals)
        if nodes is None or _entries(nodes, frame, outer, goals) > most:
            return None
        sides.append((nodes, _smooth(nodes, frame, root, outer, goals), weight))
        if frame.same:
            break
    if frame.same:
        nodes, values, weight = sides[0]
        if frame.mirrored:
            values = _Smoothed(values.values[::-1], values.slopes[::-1], values.dropped)
        sides.append((nodes, values, weight))
    (left, F, first), (right, G, second) = sides
    return _total(frame, outer, (left, right), (F, G), (first, second))


def _entries(nodes: Nodes, frame: Frame, outer: Outer, goals: Sequence[arb]) -> float:
    mass = sum((abs(V) for _, V in nodes.items), arb(0))
    share = min(1.0, float(2 * _cut(frame, mass, goals) / (frame.rho.sqrt() * outer.width)))
    return len(nodes.items) * (2 * outer.half + 1) * share


def _total(
    frame: Frame,
    outer: Outer,
    nodes: tuple[Nodes, Nodes],
    smoothed: tuple[_Smoothed, _Smoothed],
    weights: tuple[Weight, Weight],
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
