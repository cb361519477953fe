"""The conditional mean E[k(v)] for v ~ N(μ, r), r > 0, of a function in normal form: closed, entire in μ.

    z^n exp(−βz²+αz)    complete the square, then Gaussian moments
    z^n Φ(z/s)          Stein: E[v·g] = μE[g] + rE[g'], down to Φ(μ/√(s²+r)) and moments of a product of two Gaussians
    N_s^(j)             convolution of densities: the j-th derivative of N(μ; 0, s²+r)

A scale s = 0 gives the Heaviside step and the delta function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import acb, arb

from glutheory.exact import ball
from glutheory.terms import ExpQuad, Kernel, NormalCdf, NormalPdf, Term

Mean = Callable[[acb], acb]


def conditional_mean(terms: Sequence[Term], r: arb) -> Mean:
    """μ ↦ E[Σ terms(v)], v ~ N(μ, r), with all constants at the current precision."""
    groups: dict[Kernel, dict[int, acb]] = {}
    for term in terms:
        groups.setdefault(term.kernel, {})[term.power] = acb(ball(term.coefficient))
    parts = [_with(kernel, powers, r) for kernel, powers in groups.items()]

    def mean(mu: acb) -> acb:
        return sum((part(mu) for part in parts), acb(0))

    return mean


def _with(kernel: Kernel, powers: dict[int, acb], r: arb) -> Mean:
    top = max(powers)
    if isinstance(kernel, ExpQuad):
        moments = _exponential(acb(ball(kernel.beta)), acb(ball(kernel.alpha)), r, top)
    elif isinstance(kernel, NormalCdf):
        moments = _distribution(ball(kernel.s), r, top)
    else:
        moments = _density(ball(kernel.s), r, kernel)

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


def _distribution(s: arb, r: arb, top: int) -> Callable[[acb], list[acb]]:
    total = s * s + r
    scale = -1 / (2 * total).sqrt()
    share, variance = s * s / total, r * s * s / total
    front = 1 / (2 * arb.pi() * total).sqrt()

    def moments(mu: acb) -> list[acb]:
        values = [(scale * mu).erfc() / 2]
        if top:
            density = front * (-mu * mu / (2 * total)).exp()
            products = _gaussian_moments(share * mu, variance, top - 1)
            for n in range(1, top + 1):
                before = (n - 1) * values[n - 2] if n > 1 else 0
                values.append(mu * values[n - 1] + r * (before + density * products[n - 1]))
        return values

    return moments


def _density(s: arb, r: arb, kernel: NormalPdf) -> Callable[[acb], list[acb]]:
    total = s * s + r
    front = 1 / (2 * arb.pi() * total).sqrt()

    def moments(mu: acb) -> list[acb]:
        values = [front * (-mu * mu / (2 * total)).exp()]
        for j in range(kernel.order):
            before = j * values[j - 1] if j else 0
            values.append(-(mu * values[j] + before) / total)
        return [values[kernel.order]]  # a density always stands with the power 0

    return moments
