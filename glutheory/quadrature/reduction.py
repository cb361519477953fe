"""E[f(u)g(v)] as a one-dimensional integral over u, for g in closed normal form and f with kinks: |ρ| < 1.

    E[f(u)g(v)] = ∫ f(√a x)·E[g(v) | x]·density(x) dx,    v | x ~ N(±√b ρ x, b(1−ρ²))

f is evaluated branch by branch from its definition; only g is taken from its normal form. Delta functions of f are
evaluated, those of g are smoothed by the conditional law. The conditional mean of a function in normal form, for
v ~ N(μ, r) and r > 0, is closed and entire in μ:

    z^n exp(−βz²+αz)       complete the square, then Gaussian moments
    z^n e^{αz}Φ(±(z−m)/s)  the mean moves to μ + αr; then Stein: E[v·g] = μE[g] + rE[g'], down to
                           Φ(±(μ−m)/√(s²+r)) and moments of a product of two Gaussians
    N_s^(j)(z−m)           convolution of densities: the j-th derivative of N(μ; m, s²+r)

A scale s = 0 gives the Heaviside step and the delta function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from flint import acb, arb

from glutheory.ground.exact import ball
from glutheory.ground.normal_form import ExpQuad, Kernel, NormalCdf, NormalPdf, Term
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import Function, Integrand, density, integral, radius_for, split, tail
from glutheory.quadrature.strips import Envelope

_Mean = Callable[[acb], acb]


def reduced(frame: Frame, f: Function, g: Function, terms: Sequence[Term], log: float) -> arb:
    """E[f(u)g(v)] with an absolute error of about e^log; `terms` is the normal form of g, deltas included."""
    spread = frame.root_b * frame.root_b * frame.gap
    inner = _conditional_mean(terms, spread)
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


def _conditional_mean(terms: Sequence[Term], r: arb) -> _Mean:
    """μ ↦ E[Σ terms(v)], v ~ N(μ, r), with all constants at the current precision."""
    groups: dict[Kernel, dict[int, acb]] = {}
    for term in terms:
        groups.setdefault(term.kernel, {})[term.power] = acb(ball(term.coefficient))
    parts = [_with(kernel, powers, r) for kernel, powers in groups.items()]

    def mean(mu: acb) -> acb:
        return sum((part(mu) for part in parts), acb(0))

    return mean


def _with(kernel: Kernel, powers: dict[int, acb], r: arb) -> _Mean:
    top = max(powers)
    if isinstance(kernel, ExpQuad):
        moments = _exponential(acb(ball(kernel.beta)), acb(ball(kernel.alpha)), r, top)
    elif isinstance(kernel, NormalCdf):
        moments = _tilted(kernel, r, top)
    else:
        moments = _density(kernel, r)

    def part(mu: acb) -> acb:
        values = moments(mu)
        return sum((coefficient * values[n] for n, coefficient in powers.items()), acb(0))

    return part


def _gaussian_moments(mean: acb, variance: acb | arb, top: int) -> list[acb]:
    """E[y^n], n = 0 … top, for y ~ N(mean, variance)."""
    values = [acb(1), mean]
    for n in range(2, top + 1):
        values.append(mean * values[n - 1] + (n - 1) * variance * values[n - 2])
    return values[: top + 1]


def _exponential(beta: acb, alpha: acb, r: arb, top: int) -> Callable[[acb], list[acb]]:
    spread = 1 + 2 * beta * r
    front = 1 / spread.sqrt()

    def moments(mu: acb) -> list[acb]:
        weight = front * ((alpha * alpha * r / 2 + alpha * mu - beta * mu * mu) / spread).exp()
        return [weight * value for value in _gaussian_moments((mu + alpha * r) / spread, r / spread, top)]

    return moments


def _tilted(kernel: NormalCdf, r: arb, top: int) -> Callable[[acb], list[acb]]:
    """e^{αv} moves the mean μ to μ + αr and leaves the factor e^{αμ + α²r/2}."""
    straight, alpha = _distribution(kernel, r, top), ball(kernel.alpha)
    if kernel.alpha == 0:
        return straight

    def moments(mu: acb) -> list[acb]:
        weight = (alpha * mu + alpha * alpha * r / 2).exp()
        return [weight * value for value in straight(mu + alpha * r)]

    return moments


def _distribution(kernel: NormalCdf, r: arb, top: int) -> Callable[[acb], list[acb]]:
    s, shift, side = ball(kernel.s), ball(kernel.shift), kernel.side
    total = s * s + r
    scale = -side / (2 * total).sqrt()
    share, variance = s * s / total, r * s * s / total
    offset = shift * r / total
    front = side / (2 * arb.pi() * total).sqrt()

    def moments(mu: acb) -> list[acb]:
        distance = mu - shift
        values = [(scale * distance).erfc() / 2]
        if top:
            density = front * (-distance * distance / (2 * total)).exp()
            products = _gaussian_moments(share * mu + offset, variance, top - 1)
            for n in range(1, top + 1):
                before = (n - 1) * values[n - 2] if n > 1 else 0
                values.append(mu * values[n - 1] + r * (before + density * products[n - 1]))
        return values

    return moments


def _density(kernel: NormalPdf, r: arb) -> Callable[[acb], list[acb]]:
    total = ball(kernel.s) ** 2 + r
    front = 1 / (2 * arb.pi() * total).sqrt()
    shift = ball(kernel.shift)

    def moments(centre: acb) -> list[acb]:
        mu = centre - shift
        values = [front * (-mu * mu / (2 * total)).exp()]
        for j in range(kernel.order):
            before = j * values[j - 1] if j else 0
            values.append(-(mu * values[j] + before) / total)
        return [values[kernel.order]]  # a density always stands with the power 0

    return moments
