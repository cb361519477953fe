"""All Hermite coefficients of a function at once: one rule of Gauss and Legendre on panels, with a proved error.

On a panel [m − δ, m + δ] let the integrand g be analytic in the Bernstein ellipse E of parameter ρ. N nodes err by at
most δ·8 ρ^(1−2N)/(ρ−1)·sup_E |g|: the Chebyshev series of g, cut at degree 2N − 1, errs by 2 ρ^(1−2N)/(ρ−1)·sup_E |g|,
and both the integral and the rule of positive weights pass on at most 2δ times that. The bound of
g = f(√a z) He_k(z)/√k! N(z) comes from |f| on a rectangle around E and, by Taylor's formula and Cramér's inequality on
the real line, from

    |He_k(x + iy)|/√k! ≤ Σ_j √(k!/(k−j)!)/j!·|y|^j·1.0866 e^{x²/4} ≤ 1.0866 e^{x²/4 + √k |y|}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from flint import acb, arb, ctx

from glutheory.ground.balls import Ball

#: (from, to, function of the argument √a·x): f between two kinks, in x.
Piece = tuple[arb, arb, Callable[..., list[Ball]]]

CRAMER = "1.0866"
#: The ellipses that are tried: the wide one bounds best, the narrow one avoids singularities.
_ELLIPSES = (4, 3, 2)
#: Half the width of the first panels, and how often one is halved.
_HALF, _HALVINGS = 1.0, 24


@lru_cache(maxsize=32)
def _rule(nodes: int, bits: int) -> tuple[tuple[arb, ...], tuple[arb, ...]]:  # noqa: ARG001 (the precision in force)
    """Nodes and weights on [−1, 1]."""
    pairs = [arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes)]
    return tuple(node for node, _ in pairs), tuple(weight for _, weight in pairs)


def _error(run: Callable[..., list[Ball]], middle: arb, half: arb, root: arb, top: int, nodes: int) -> arb:
    """A bound of the rule's error on a panel, for every k up to `top`; not finite where f may have a singularity."""
    best = arb("inf")
    for rho in _ELLIPSES:
        wide, high = half * (arb(rho) + arb(1) / rho) / 2, half * (arb(rho) - arb(1) / rho) / 2
        x, y = middle + wide * arb(0, 1), high * arb(0, 1)
        size = abs(acb(run([acb(x, y) * root], True)[0])).upper()
        if not size.is_finite():
            continue
        # |e^{−z²/2}|·e^{x²/4 + √k|y|} = e^{−x²/4 + y²/2 + √k|y|}
        near, far = x.abs_lower(), high.upper()
        rest = (-near * near / 4 + far * far / 2 + arb(top).sqrt() * far).exp() * arb(CRAMER) / (2 * arb.pi()).sqrt()
        best = arb.min(best, half * 8 * size * rest / (rho - 1) * arb(rho) ** (1 - 2 * nodes))
    return best.upper()


def _panels(
    pieces: Iterable[Piece], root: arb, top: int, nodes: int, goal: arb
) -> tuple[list[tuple[arb, arb, int]], arb]:
    """(middle, half width, index of the piece) of every panel, and the bound of all their errors."""
    panels, total = [], arb(0)
    for index, (low, high, run) in enumerate(pieces):
        count = max(1, int(float((high - low).upper()) / (2 * _HALF)) + 1)
        half = (high - low) / (2 * count)
        queue = [(low + half * (2 * k + 1), half, 0) for k in range(count)]
        while queue:
            middle, half, depth = queue.pop()
            error = _error(run, middle, half, root, top, nodes)
            if error < goal or depth == _HALVINGS:
                panels.append((middle, half, index))
                total += error
            else:
                queue += [(middle + sign * half / 2, half / 2, depth + 1) for sign in (-1, 1)]
    return panels, total


def hermite_integrals(pieces: Sequence[Piece], root: arb, terms: int, bits: int) -> list[arb]:
    """∫ f(root·x) He_k(x)/√k! N(x) dx over the pieces for k < terms, to about 2^−bits, at the precision in force."""
    nodes = 12 + bits // 2
    panels, error = _panels(pieces, root, terms - 1, nodes, arb(2) ** (-bits - 6))
    places, weights = _rule(nodes, ctx.prec)
    norm = (2 * arb.pi()).rsqrt()
    xs: list[arb] = []
    current: list[arb] = []
    for middle, half, index in panels:
        run, scale = pieces[index][2], half * norm
        for place, weight in zip(places, weights, strict=True):
            x = middle + half * place
            xs.append(x)
            current.append(acb(run([acb(x * root)])[0]).real * (-x * x / 2).exp() * weight * scale)
    # He_k/√k! times the weighted values, by the three-term recurrence in k at all nodes together
    previous, found = [arb(0)] * len(xs), []
    for k in range(terms):
        found.append(sum(current, arb(0, error)))
        down, up = arb(k).sqrt(), arb(k + 1).rsqrt()
        previous, current = current, [(x * h - down * g) * up for x, h, g in zip(xs, current, previous, strict=True)]
    return found
