"""The scale that accuracy refers to: lower bounds of √E[f(u)²], by a coarse integral over a window."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from flint import acb, arb

from glutheory.balls import precision
from glutheory.exact import Exact, ball
from glutheory.quadrature.line import Function, Integrand, integral, split

#: Evaluations of one integrand on one piece.
MAX_EVALUATIONS = 40_000
_SHRINKINGS = 24
#: A growth rate (times the standard deviation) beyond which the weight lies in three separate windows.
_APART = 8.0
#: Precisions at which a second moment is tried: small values may hide behind cancellation.
_BITS = (64, 128, 256, 512, 1024)


def second_moment(function: Function, root: arb) -> arb:
    """A lower bound of E[f(root·x)²], usually within a part in a hundred; deltas are left out, root ≥ 0."""
    bound = function.growth()
    rate = float(bound.p * root)
    ends, branches = split([ball(kink) / root for kink in function.kinks], 8 + 2 * rate)
    programs = function.programs()

    def part(branch: int) -> Integrand:
        run = programs[branch]

        def square(x: acb, analytic: bool) -> acb:
            value = run(root * x, analytic)
            return value * value

        return square

    pieces = [
        (low, high, part(k))
        for (low, high), k in zip(pairwise(ends), branches, strict=True)
        if function.branches[k] != 0
    ]
    if rate > _APART and not function.kinks:
        # e^{2·rate·|x|} moves the weight to ±2·rate; a lower bound may skip what lies between the windows
        pieces = [(arb(x) - 8, arb(x) + 8, part(0)) for x in (-2 * rate, 0.0, 2 * rate)]
    # an absolute tolerance is needed: far out, where nothing matters, no relative one is ever met
    log = float(((bound.C * bound.C + 1) * (1 + root) ** (2 * bound.n)).log()) + 2 * rate * rate
    for _ in range(_SHRINKINGS):
        total = integral(pieces, log - 8, MAX_EVALUATIONS)
        narrow = total > 0 and total.rad() < total.lower() / 64
        if narrow or not total.rad() < arb(log).exp():
            break  # done, or the tolerance cannot be met at this precision
        log = min(log - 20, float(abs(total).upper().log())) if total != 0 else log - 20
    return arb.max(total.lower(), arb(0))


def scale(variances: Collection[Exact], function: Function) -> arb:
    """A lower bound of √(E[f(u)²]·E[f(v)²]) for one (u = v) or two variances.

    1 where it is infinite (delta functions), 0 where none is found.
    """
    if function.singular:
        return arb(1)
    for bits in _BITS:
        with precision(bits):
            sizes = [second_moment(function, ball(variance).sqrt()) for variance in variances]
            if all(size > 0 for size in sizes):
                return (sizes[0] * sizes[-1]).sqrt().lower()
    return arb(0)
