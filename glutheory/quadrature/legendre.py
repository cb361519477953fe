"""Gauss–Legendre rules, and the rule at the same nodes for the weight of the standard normal density."""

from __future__ import annotations

from functools import lru_cache

from flint import arb, ctx

from glutheory.quadrature.line import density

#: Nodes beyond half the points with which the moments of the density are integrated, at first.
_SPARE = 16
_ELLIPSES = (2.0, 3.0, 5.0, 9.0, 20.0)


def legendre(n: int) -> tuple[tuple[arb, arb], ...]:
    """Nodes and weights on [−1, 1], at the precision in force."""
    return _legendre(n, ctx.prec)


@lru_cache(maxsize=512)
def _legendre(n: int, prec: int) -> tuple[tuple[arb, arb], ...]:  # noqa: ARG001 (the precision in force)
    return tuple(arb.legendre_p_root(n, k, weight=True) for k in range(n))


def interpolatory(middle: arb, half: arb, count: int) -> list[tuple[arb, arb]]:
    """(t, weight) with Σ weight·g(t) = ∫ I(g)(t) n(t) dt over |t − middle| ≤ half.

    I(g) is the polynomial of degree count − 1 through g at the Gauss–Legendre nodes, n the standard normal density. In
    Legendre polynomials I(g) = Σ_k (k + ½) Σ_i w_i P_k(s_i) g_i P_k, for k < count.
    """
    moments = _moments(middle, half, count)
    found = []
    for node, weight in legendre(count):
        values = _polynomials(node, count)
        total = sum(((2 * k + 1) * p * m for k, (p, m) in enumerate(zip(values, moments, strict=True))), arb(0))
        found.append((middle + half * node, weight / 2 * total))
    return found


def _moments(middle: arb, half: arb, count: int) -> list[arb]:
    """∫ P_k((t − middle)/half) n(t) dt, k < count, by Gauss and Legendre with a proved error."""
    goal = arb(2) ** -ctx.prec
    nodes = count // 2 + _SPARE
    while True:
        error = min((_error(half, count, nodes, ellipse) for ellipse in _ELLIPSES), key=lambda e: float(e.log()))
        if error < goal or nodes > 64 + 4 * ctx.prec:
            break
        nodes += max(8, nodes // 4)
    totals = [arb(0)] * count
    for node, weight in legendre(nodes):
        factor = half * weight * density(middle + half * node)
        totals = [total + factor * p for total, p in zip(totals, _polynomials(node, count), strict=True)]
    return [total + arb(0, error.upper()) for total in totals]


def _error(half: arb, count: int, nodes: int, ellipse: float) -> arb:
    """|P_k| ≤ ϱ^k and |n| ≤ e^{Im²/2}/√(2π) on the ellipse."""
    rho = arb(ellipse)
    high = half * (rho - 1 / rho) / 2
    size = rho ** (count - 1) * (high * high / 2).exp() / (2 * arb.pi()).sqrt()
    return half * arb(64) / 15 * size * rho ** (-2 * nodes) / (1 - rho**-2)


def _polynomials(s: arb, count: int) -> list[arb]:
    """P_0(s) … P_{count−1}(s)."""
    values = [arb(1), s]
    for k in range(1, count - 1):
        values.append(((2 * k + 1) * s * values[k] - k * values[k - 1]) / (k + 1))
    return values[:count]
