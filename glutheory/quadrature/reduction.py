"""E[f(u)g(v)] as a one-dimensional integral over u, for g in closed normal form and f with kinks: |ρ| < 1.

    E[f(u)g(v)] = ∫ f(√a x)·E[g(v) | x]·density(x) dx,    v | x ~ N(±√b ρ x, b(1−ρ²))

f is evaluated branch by branch from its definition; only g is taken from its normal form. Delta functions of f are
evaluated, those of g are smoothed by the conditional law.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flint import acb, arb

from glutheory.exact import ball
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function, Integrand, density, integral, radius_for, split, tail
from glutheory.quadrature.smoothing import conditional_mean
from glutheory.quadrature.strips import Envelope
from glutheory.terms import Term


def reduced(frame: Frame, f: Function, g: Function, terms: Sequence[Term], log: float) -> arb:
    """E[f(u)g(v)] with an absolute error of about e^log; `terms` is the normal form of g, deltas included."""
    spread = frame.root_b * frame.root_b * frame.gap
    inner = conditional_mean(terms, spread)
    slope = frame.sign * frame.rho * frame.root_b
    envelope = Envelope.of(f.growth(), frame.root_a)
    height, rate = _inner_bound(frame, g)
    height, rate = height * envelope.A, rate + envelope.q
    radius = radius_for(float(height.log()) if height > 0 else 0.0, float(rate), log - 1)
    kinks = [ball(kink) / frame.root_a for kink in f.kinks]
    ends, branches = split(kinks, radius)
    programs = f.programs()

    def part(branch: int) -> Integrand:
        run = programs[branch]
        return lambda x, analytic: run(frame.root_a * x, analytic) * inner(slope * x)

    pieces = [
        (low, high, part(k)) for (low, high), k in zip(pairwise(ends), branches, strict=True) if f.branches[k] != 0
    ]
    total = integral(pieces, log - 1) + arb(0, tail(height, rate, radius).upper())
    for kink, mass in zip(kinks, f.masses, strict=True):
        if mass != 0:
            total += ball(mass) * density(kink) / frame.root_a * inner(acb(slope * kink)).real
    return total


def _inner_bound(frame: Frame, g: Function) -> tuple[arb, arb]:
    """(H, q) with |E[g(v) | x]| ≤ H·e^{q|x|}: its regular part by the growth bound, its deltas by the density."""
    envelope = Envelope.of(g.growth(), frame.root_b)
    height = 2 * envelope.A * (envelope.q * envelope.q * frame.gap / 2).exp()
    peak = 1 / (frame.root_b * (2 * arb.pi() * frame.gap).sqrt())
    for mass in g.masses:
        height += abs(ball(mass)) * peak
    return height, envelope.q * frame.rho
