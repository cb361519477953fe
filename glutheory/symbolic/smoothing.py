"""φ smoothed by a normal density: ∫ φ(√a z) k(z − r w) dz at evenly spaced w, from the nodes of a rule for z.

k is the density of N(0, g). Of nodes on a lattice of the step of r w the sums are convolutions: products of
polynomials in ball arithmetic, which is twenty times faster than term by term.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, arb, arb_poly

from glutheory.symbolic.line_rules import Nodes
from glutheory.symbolic.piecewise import Frame

Pair = tuple[arb, arb]
Items = Sequence[tuple[arb, arb]]


@dataclass(frozen=True)
class Smoothed:
    """F and F₁ at the nodes for w, and in `dropped` what the sums leave out, per unit of the other side."""

    values: list[arb]
    slopes: list[arb]
    dropped: Pair


def smooth(nodes: Nodes, frame: Frame, root: arb, h: arb, half: int, goals: Sequence[arb]) -> Smoothed:
    """Σ V k(z − r w) and Σ V (z − r w)/(g root) k(z − r w) at w = h·j, |j| ≤ half, over |z − r w| ≤ cut."""
    g = frame.gap
    step = frame.rho.sqrt() * h
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
    return Smoothed(values, slopes, (fade, fade * cut / (g * abs(root))))


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


def near(nodes: Nodes, frame: Frame, goals: Sequence[arb]) -> arb:
    """How wide the interval of r w is that a node z counts for."""
    return 2 * _cut(frame, _mass(nodes.make()), goals)
