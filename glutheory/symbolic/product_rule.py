"""∫ L(q) n(q) dq over an interval from L at Chebyshev points, n the standard normal density.

L is replaced by its interpolant of degree n − 1, whose error is at most 4M ϱ^(1−n)/(ϱ − 1) for |L| ≤ M on the Bernstein
ellipse of parameter ϱ (Trefethen 2013, Thm. 8.2), and that is integrated exactly: moments of the density follow from

    half·σ_{j+1} = (j/half)·σ_{j−1} − middle·σ_j − [s^j n],   σ_j = ∫ s^j n(q) dq, q = middle + half·s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from flint import arb, ctx

from glutheory.ground.balls import precision
from glutheory.symbolic.panels import lack
from glutheory.symbolic.piecewise import normal_tail

#: Ellipses that are tried, and the most points.
ELLIPSES = (1.6, 2.0, 2.5, 3.2, 4.5, 7.0, 12.0, 25.0, 60.0, 150.0)
MAX_POINTS = 110
Bounds = Callable[[arb, arb], Sequence[arb]]


def points_needed(half: arb, bounds: Bounds, goals: Sequence[arb]) -> tuple[int, list[arb]] | None:
    """(points, errors per unit of mass), None where no ellipse serves.

    `bounds(wide, tall)` bounds L on an ellipse of these half-axes around the middle.
    """
    best: tuple[int, list[arb]] | None = None
    for rho in ELLIPSES:
        found = bounds(half * (rho + 1 / rho) / 2, half * (rho - 1 / rho) / 2)
        if not all(bound.is_finite() for bound in found):
            break
        sizes = [4 * bound / (arb(rho) - 1) for bound in found]
        count = 1 + max(1, math.ceil(lack(sizes, goals) / math.log(rho))) if lack(sizes, goals) > 0 else 2
        if best is None or count < best[0]:
            best = count, [size * arb(rho) ** (1 - count) for size in sizes]
    return best if best is not None and best[0] <= MAX_POINTS else None


def product_rule(low: arb, high: arb, count: int) -> list[tuple[arb, arb]]:
    """(q, weight) of the interpolatory rule with this many points; short intervals need ends with many digits."""
    # the polynomials' coefficients in powers of s grow like (1 + √2)^n, the moments lose as much again for small halves
    spare = max(0.0, -math.log2(float((high - low) / 2)))
    with precision(ctx.prec + 2 * count + int((2 * spare + 6) * count) + 64):
        middle, half = (low + high) / 2, (high - low) / 2
        edges = [(arb(s), _density(middle + s * half)) for s in (-1, 1)]
        moments = [normal_tail(low) - normal_tail(high) if low > 0 else normal_tail(-high) - normal_tail(-low)]
        previous = arb(0)
        for j in range(count - 1):
            boundary = edges[1][1] - edges[0][1] * (-1) ** j
            following = (j / half * previous - middle * moments[-1] - boundary) / half
            previous = moments[-1]
            moments.append(following)
        one, two = [1], [0, 1]
        means = []
        for _ in range(count):
            means.append(sum((c * m for c, m in zip(one, moments, strict=False) if c), arb(0)))
            one, two = two, [2 * x - y for x, y in zip([0, *two], [*one, 0, 0], strict=False)]
        means[0] /= 2
        rule = []
        for k in range(count):
            angle = arb.pi() * (2 * k + 1) / (2 * count)
            weight = sum((mean * (m * angle).cos() for m, mean in enumerate(means)), arb(0)) * 2 / count
            rule.append((middle + half * angle.cos(), weight))
    return [(q + 0, weight + 0) for q, weight in rule]


def _density(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
