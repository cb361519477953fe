"""What follows from the levels: the reach on Gaussian data, the sphere, the singularity at ρ = 1, other gates."""

from __future__ import annotations

import sympy as sp

from derivations.tools.limits import tends
from derivations.tools.means import decided
from derivations.tools.numbers import larger
from derivations.tools.phase_levels import FULL_LIMIT, KAPPA, SLOPE, WIDE_LIMIT, d, rho, step, with_wendel
from derivations.tools.proof import Outcome, both
from derivations.tools.zero import positive, zero
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

n, t = sp.symbols("n t", positive=True)
theta = sp.Symbol("theta", real=True)


def reach() -> Outcome:
    """F' is the density of χ²_d, F(0) = 0; and (1 − 1/N)^N → 1/e."""
    F = sp.lowergamma(d / 2, t / 2) / sp.gamma(d / 2)
    density = t ** (d / 2 - 1) * sp.exp(-t / 2) / (2 ** (d / 2) * sp.gamma(d / 2))
    # N ln(1 − 1/N) is a difference quotient of ln(1 − h) at h = 0
    step = sp.Symbol("h", positive=True)
    # all n norms exceed t: independent, one more multiplies by 1 − F
    n, each = sp.Symbol("n", integer=True, positive=True), sp.Symbol("g", positive=True)
    return zero(
        (each ** (n + 1), each**n * each),
        (sp.expand_power_base(sp.diff(F, t)), sp.expand_power_base(density)),
        (sp.diff(sp.log(1 - step), step).subs(step, 0), sp.S.NegativeOne),
    )


def sphere() -> Outcome:
    """The limits of λ_1(K)/λ_1(K̃) with equal norms: their values, their growth, and d = 3."""
    rest = 2 * d**2 + 3 * d - 1
    above = sp.expand(rest.subs(d, 2 + sp.Symbol("k", nonnegative=True)))
    numbers = [
        (sp.S.One, FULL_LIMIT.subs(d, 2)),
        (FULL_LIMIT.subs(d, 4), sp.S.One),
        (FULL_LIMIT.subs(d, 5), sp.S.One),
    ]
    return both(
        zero(
            (FULL_LIMIT.subs(d, 2), 8 / sp.pi**2),
            (FULL_LIMIT.subs(d, 3), sp.S.One),
            (WIDE_LIMIT.subs(d, 2), 16 / sp.pi**2),
            (step(FULL_LIMIT) - 1, rest / (d + 1) ** 3),
            (with_wendel(WIDE_LIMIT), 2 * d / sp.pi),
        ),
        positive(above),
        larger(*numbers),
    )


def kinks() -> Outcome:
    """The first term that is not even in θ at ρ = cos θ → 1."""

    def odd(expr: sp.Expr, order: int) -> sp.Expr:
        angle = expr.subs(sp.asin(rho), sp.pi / 2 - theta).subs(sp.sqrt(1 - rho**2), sp.sin(theta))
        decided(angle.subs(rho, sp.cos(theta)))
        return sp.diff(angle.subs(rho, sp.cos(theta)), theta, order).subs(theta, 0) / sp.factorial(order)

    full, gated = KAPPA + rho * SLOPE, 2 * rho * KAPPA + rho**2 * SLOPE
    return zero(
        odd(KAPPA, 1),
        odd(rho * KAPPA, 1),
        odd(KAPPA, 3) - 1 / (6 * sp.pi),
        odd(rho * KAPPA, 3) - 1 / (6 * sp.pi),
        odd(full, 1) + 1 / (2 * sp.pi),
        odd(gated, 1) + 1 / (2 * sp.pi),
    )


def gates() -> Outcome:
    """The threshold c_1/c_0 of ReLU and GELU from the engine's duals at ρ = 0, and the two tops."""
    c0, c1, ratio = sp.symbols("c_0 c_1 gamma", positive=True)
    differences = []
    for name, wanted in (("relu", sp.pi / 2), ("gelu", sp.pi)):
        found = derivation(name).dual
        at = {a: 1, b: 1, c: 0}
        differences.append((found.T.subs(at) / found.S.subs(at), wanted))
    bulk = tends(d * c0 * (1 + sp.sqrt(ratio)) ** 2 / (ratio * d * c0), ratio, sp.S.One, root=2)
    spike = d * (c1 * n / d) / (n * c0)
    return both(bulk, zero(*differences, (spike, c1 / c0)))
