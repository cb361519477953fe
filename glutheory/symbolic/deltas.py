"""What the delta functions of φ' add to T = E[φ'(u) φ'(v)] where φ jumps: densities times conditional means.

With the jumps m_i at the kinks k_i and φ' = ρ + Σ m_i δ(z − k_i), ρ regular,

    T = E[ρ(u) ρ(v)] + Σ m_i p(u = k_i) E[ρ(v) | u = k_i] + the same with u and v exchanged + Σ m_i m_j p(k_i, k_j).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import sympy as sp
from flint import acb, arb, ctx

from glutheory.ground.exact import ball
from glutheory.symbolic.line import infinite_sum
from glutheory.symbolic.panels import legendre, panels
from glutheory.symbolic.piecewise import Frame, Piecewise, normal_tail, program


def density(x: arb) -> arb:
    """The standard normal density."""
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def delta_part(found: Piecewise, frame: Frame, goal: arb) -> arb:
    """All that the delta functions add, with an error of about the goal, 0 < |ρ| < 1."""
    total = arb(0)
    gap = frame.gap * (1 + frame.rho)
    spread = gap.sqrt()
    jumps = [(ball(kink), ball(jump)) for kink, jump in zip(found.kinks, found.jumps, strict=True) if jump != 0]
    for own, other in ((frame.root_a, frame.root_b), (frame.root_b, frame.root_a)):
        for kink, jump in jumps:
            place = kink / own
            weight = jump * density(place) / abs(own)
            if weight != 0:
                total += weight * _mean(found, other, frame.rho * place, spread, goal / (8 * len(jumps) * abs(weight)))
    for one, first in jumps:
        for two, second in jumps:
            x, y = one / frame.root_a, two / frame.root_b
            joint = density(x) * density((y - frame.rho * x) / spread) / spread
            total += first * second * joint / (frame.root_a * abs(frame.root_b))
    return total


def _mean(found: Piecewise, root: arb, centre: arb, spread: arb, goal: arb) -> arb:
    """E[ρ(root·(centre + spread·t))] for a standard normal t, without delta functions."""
    envelope = found.envelope(abs(root), 1)
    height, rate = envelope.A * (envelope.q * abs(centre)).exp(), envelope.q * spread
    edge = arb(3)
    places = [(place - centre) / spread for place in found.places(root)]
    while not (tail := 2 * height * (rate * rate / 2).exp() * normal_tail(edge - rate)) < goal / 8 or any(
        abs(place).overlaps(edge) for place in places
    ):
        edge = arb((edge + 0.25).mid())
    skipped = sum(1 for place in places if not place > -edge)
    cuts = [-edge, *(place for place in places if abs(place) < edge), edge]
    total = arb(0, tail.upper())
    for k, (low, high) in enumerate(pairwise(cuts)):
        run = program((found.branch(skipped + k, root)[1],)).bind()

        def sizes(box: acb, analytic: bool, run: object = run) -> Sequence[arb]:
            value = acb(run([root * (centre + spread * box)], analytic)[0])  # type: ignore[operator]
            return [abs(value * (-box * box / 2).exp()).upper()]

        for middle, half, count, own in panels(low, high, sizes, [goal / 64], 3.0):
            total += arb(0, own[0].upper())
            for node, share in legendre(count, ctx.prec):
                t = middle + half * node
                total += half * share * density(t) * acb(run([root * (centre + spread * t)])[0]).real
    return total


def infinite(found: Piecewise, a: sp.Expr, b: sp.Expr, negative: bool) -> arb | None:
    """What delta functions that coincide at |ρ| = 1 make of T: ±∞; None where none do."""
    pairs = []
    for kink, jump in zip(found.kinks, found.jumps, strict=True):
        for other, second in zip(found.kinks, found.jumps, strict=True):
            apart = kink * sp.sqrt(b) - (-other if negative else other) * sp.sqrt(a)
            if jump * second != 0 and (apart == 0 or apart.equals(0)):
                pairs.append((jump * second, kink))
    return infinite_sum(pairs, a)
