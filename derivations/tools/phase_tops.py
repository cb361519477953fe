"""That level 0 is the largest of ReLU's and ReGLU's kernels on the sphere."""

from __future__ import annotations

import sympy as sp

from derivations.tools.numbers import larger
from derivations.tools.phase_levels import FULL_GATED, FULL_PLAIN, GATED, KAPPA, d, direction_moments, rho
from derivations.tools.proof import Outcome, both
from derivations.tools.zero import positive, zero

_QUARTER, _HALF = sp.Rational(1, 4), sp.Rational(1, 2)


def tops() -> Outcome:
    """The bounds of all levels but 0; N_l ≥ d for odd l; level 2 of ρ² by P_2 = (dρ² − 1)/(d − 1), level 1 of (ρκ)'."""
    more = sp.Symbol("k", nonnegative=True)
    moments, square, quartic = direction_moments()
    second = sp.Rational(2) / (d * (d + 2))
    # even parts of ρκ and (ρ²κ)', odd part of (ρκ)': polynomials, since κ − ρ/4 is even
    full, gated = sp.diff(rho * KAPPA, rho), sp.diff(rho**2 * KAPPA, rho)
    parts = [
        rho * KAPPA + (rho * KAPPA).subs(rho, -rho) - rho**2 / 2,
        gated + gated.subs(rho, -rho) - sp.Rational(3, 2) * rho**2,
        full - full.subs(rho, -rho) - rho,
        (sp.Rational(1, 2) * square, 1 / (2 * d)),
    ]
    traces = [
        (KAPPA * rho).subs(rho, 1) - _HALF,
        (KAPPA * rho).subs(rho, -1),
        sp.diff(rho**2 * KAPPA, rho).subs(rho, 1) - sp.Rational(3, 2),
        sp.diff(rho**2 * KAPPA, rho).subs(rho, -1),
        sp.diff(rho * KAPPA, rho).subs(rho, 1) - 1,
        sp.diff(rho * KAPPA, rho).subs(rho, -1),
    ]
    # halves of f(1) ± f(−1) over N ≥ d, against level 0; d + k stands for N
    gaps = [
        GATED - _QUARTER / (d + more),
        GATED - _QUARTER * second,
        FULL_GATED - sp.Rational(3, 4) / (d + more),
        FULL_GATED - sp.Rational(3, 4) * second,
    ]
    signs = [sp.factor(sp.together(gap)) for gap in gaps]
    # (ρκ)': level 1 is 1/(2d), even levels at most 1/(2N_2); level 0 is at least c_0 = 1/(2π)
    # for d = 2 and 3 by themselves, for d ≥ 4 below
    two, three = FULL_PLAIN.subs(d, 2), FULL_PLAIN.subs(d, 3)
    small = [(two, _QUARTER), (three, sp.Rational(1, 6)), (two, _QUARTER), (three, sp.Rational(1, 10))]
    large = [(1 / (2 * sp.pi), sp.Rational(1, 8)), (1 / (2 * sp.pi), sp.Rational(1, 18))]
    # d = 4 + k: 1/8 ≥ 1/(2d), 1/18 ≥ 1/(2N_2)
    far = [sp.Rational(1, 8) - 1 / (2 * d), sp.Rational(1, 18) - 1 / ((d - 1) * (d + 2))]
    signs += [sp.factor(sp.together(gap.subs(d, 4 + more))) for gap in far]
    # N_l does not fall with l ≥ 1, for d = 2 + k: the ratio of two is 1 + k(2l + 1 + k)/((2l + k)(l + 1))
    level = sp.Symbol("l", positive=True)
    dimension = (2 * level + d - 2) * sp.gamma(level + d - 2) / (sp.gamma(level + 1) * sp.gamma(d - 1))
    grown = (dimension.subs(level, level + 1) / dimension - 1).subs(d, 2 + more)
    rise = more * (2 * level + 1 + more) / ((2 * level + more) * (level + 1))
    starts = ((dimension.subs(level, 1), d), (dimension.subs(level, 2), (d - 1) * (d + 2) / 2))
    level_two = ((d * quartic - square) / (d - 1), second)
    return both(
        moments,
        zero(*traces, *parts, level_two, (grown, rise), *starts),
        positive(*signs, rise),
        larger(*small, *large),
    )
