"""Panels of Gauss and Legendre over an interval, each as wide and with as few nodes as its error allows.

With n nodes on a panel of half-length ℓ they err by at most ℓ·(64/15)·M·ϱ^(−2n)/(1 − ϱ^(−2)), M the largest modulus on
the Bernstein ellipse of parameter ϱ (Trefethen 2008, Thm. 4.5), bounded by evaluating the integrand on a box in ball
arithmetic, which also proves that it is analytic there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from flint import acb, arb

#: Ellipses that are tried on a panel, the numbers of nodes it may have, and how often it is halved before it is kept.
_ELLIPSES = (1.5, 1.8, 2.2, 2.7, 3.3, 4.2, 5.5)
_COUNTS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 34, 38, 43, 48, 54, 60, 68, 76, 84, 92, 100, 110, 120)
_DEPTH = 400
#: Halvings from which on a panel's size is looked at.
_DEEP = 12
#: Panels beyond which there is no end.
MAX_NODES = 60_000


def lack(errors: Sequence[arb], goals: Sequence[arb]) -> float:
    """The logarithm of the largest error over its goal."""
    return max((float((e / g).log().upper()) for e, g in zip(errors, goals, strict=True) if e > 0), default=-math.inf)


def panels(
    low: arb,
    high: arb,
    sizes: Callable[[acb, bool], Sequence[arb]],
    goals: Sequence[arb],
    widest: float,
    most: int = MAX_NODES,
) -> Iterator[tuple[arb, arb, int, list[arb]]]:
    """(middle, half width, nodes, errors) of panels over an interval.

    `sizes(box, analytic)` bounds the integrands on a box; with `analytic` it is not finite where they may not be that.
    A panel at a branch point such as that of z^(3/2) is halved until the size there is small enough for its error. With
    more than `most` panels the errors are infinite.
    """
    count = max(1, math.ceil(float((high - low).upper()) / widest))
    step = (high - low) / count
    queue = [(low + step * k, low + step * (k + 1), 0) for k in reversed(range(count))]
    done = 0
    while queue:
        left, right, depth = queue.pop()
        done += 1
        middle, half = (left + right) / 2, (right - left) / 2
        best: tuple[int, float, list[arb]] | None = None
        for rho in _ELLIPSES:
            wide, tall = half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2
            bounds = sizes(acb(middle + wide * arb(0, 1), tall * arb(0, 1)), True)
            if not all(bound.is_finite() for bound in bounds):
                break
            bounds = [half.upper() * bound * arb(64) / 15 / (1 - arb(rho) ** -2) for bound in bounds]
            nodes = max(2, math.ceil(lack(bounds, goals) / (2 * math.log(rho)))) if lack(bounds, goals) > 0 else 2
            if best is None or nodes < best[0]:
                best = nodes, rho, bounds
        if best is None and depth >= _DEEP:
            # the integral and the rule, whose weights are positive, are each at most the width times the size
            crude = [4 * half.upper() * bound for bound in sizes(acb(middle + half * arb(0, 1)), False)]
            if lack(crude, goals) <= 0:
                yield middle, half, 2, crude
                continue
        last = depth == _DEPTH or len(queue) + done > most
        if best is not None and (best[0] <= _COUNTS[-1] or last):
            nodes = next((n for n in _COUNTS if n >= best[0]), _COUNTS[-1])
            yield middle, half, nodes, [bound * arb(best[1]) ** (-2 * nodes) for bound in best[2]]
        elif last:
            yield middle, half, 2, [arb("inf") for _ in goals]
        else:
            queue += [(middle, right, depth + 1), (left, middle, depth + 1)]


@lru_cache(maxsize=256)
def legendre(nodes: int, bits: int) -> tuple[tuple[arb, arb], ...]:  # noqa: ARG001 (the precision in force)
    """Nodes and weights on [−1, 1]."""
    half = [arb.legendre_p_root(nodes, k, weight=True) for k in range((nodes + 1) // 2)]
    return (*half, *((-x, w) for x, w in half[: nodes // 2]))
