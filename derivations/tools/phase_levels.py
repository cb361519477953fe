"""The levels of ReLU's and ReGLU's kernels on the sphere, and the threshold of min ‖x‖² that level 0 gives."""

from __future__ import annotations

import sympy as sp

from derivations.tools.arcsine import p, q, read, vanish, w
from derivations.tools.arcsine import theta as vartheta
from derivations.tools.half_line import X, chi_mean, half_mean, half_moment
from derivations.tools.limits import tends
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, both
from derivations.tools.sums import Index, Tensor, delta, same, total
from derivations.tools.zero import zero
from glutheory.networks import network
from glutheory.spectra import funk_hecke
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import kernels

d = sp.Symbol("d", positive=True)
rho = sp.Symbol("rho", real=True)
#: Dimensions in which a formula is compared with Funk and Hecke's integrals, computed exactly by the engine.
_DIMENSIONS = (2, 3, 4, 5, 6, 7, 8)

#: κ(ρ) and κ'(ρ): S = √(ab) κ and T for ReLU.
KAPPA = (sp.sqrt(1 - rho**2) + rho * (sp.pi / 2 + sp.asin(rho))) / (2 * sp.pi)
SLOPE = (sp.pi / 2 + sp.asin(rho)) / (2 * sp.pi)
#: E max(u_1, 0) on the unit sphere of R^d.
HALF_MEAN = sp.gamma(d / 2) / (2 * sp.sqrt(sp.pi) * sp.gamma((d + 1) / 2))
#: The levels 0 of κ and ρκ, and of the full kernels (ρκ)' and (ρ²κ)'.
PLAIN, GATED = d * HALF_MEAN**2, 1 / (4 * d)
FULL_PLAIN, FULL_GATED = (d + 1) * HALF_MEAN**2, 3 / (4 * d)
#: E‖x‖⁴/d² over the sphere's value 1, for Gaussian x.
FOURTH = 1 + 2 / d
THRESHOLD = d * FOURTH * GATED / PLAIN
#: The limits of λ_1(K)/λ_1(K̃) on the sphere.
WIDE_LIMIT, FULL_LIMIT = PLAIN / GATED, FULL_PLAIN / FULL_GATED


def kernel() -> Outcome:
    """S from the engine as pq κ, with a = p², b = q²; and the value branch, whose covariance is that of the gate."""
    found = derivation("relu").dual
    # the field of the arc-cosine kernels: ϑ = arcsin ρ, w = pq√(1 − ρ²)
    in_field = (w / (p * q) + c / (p * q) * (sp.pi / 2 + vartheta)) / (2 * sp.pi)
    same = KAPPA.subs(sp.asin(rho), vartheta) - in_field.subs({w: p * q * sp.sqrt(1 - rho**2), c: rho * p * q})
    value, gate = kernels(network("reglu"), "standard").branches
    return both(
        vanish(read(found.S) - p * q * in_field),
        zero(
            same,
            sp.diff(KAPPA, rho) - SLOPE,
            found.T.subs({a: 1, b: 1, c: rho}) - SLOPE,
            value.covariance / value.sigma**2 - gate.covariance / gate.sigma**2,
        ),
    )


def mean_of_half() -> Outcome:
    """E z₊ = E‖g‖ · E(u_1)₊ for a Gaussian g = ‖g‖u; E‖g‖ from the density of χ_d."""
    size, norm, moment = chi_mean()
    return both(moment, zero((norm.subs(size, d) * HALF_MEAN, half_mean(X))))


def direction_moments() -> tuple[Outcome, sp.Expr, sp.Expr]:
    """Outcome, E ρ² and E ρ⁴ of a uniform direction: E‖z‖² = d, E‖z‖⁴ = d(d+2), E z_1² = 1, E z_1⁴ = 3, z = ‖z‖ρ."""
    i, j = Index("i", "d"), Index("j", "d")
    second, fourth = (2 * half_moment(power) for power in (sp.Integer(2), sp.Integer(4)))  # E z², E z⁴
    square = total(delta(i, i) * second, i) - d
    # E z_i² z_j² = 1 + (E z⁴ − 1) δ_ij
    quartic = total(1 + (fourth - 1) * delta(i, j), i, j) - d * (d + 2)
    return same(square, quartic), second / d, fourth / (d * (d + 2))


def levels() -> Outcome:
    """λ_0(κ) + E[ρκ'] for (ρκ)', in any d; and all four against the integrals over the sphere for some d.

    E_u φ(w·u) = ‖w‖ m_d, whose square has the mean m_d² Σ_i E w_i²; E_u u φ'(w·u) is m_d times the direction of w.
    """
    i, direction, mean = Index("i", "d"), Tensor("e"), sp.Symbol("m_d", positive=True)
    squared = total(delta(i, i), i) * mean**2 - d * mean**2
    slope = total((mean * direction[i]) ** 2, i) - mean**2 * total(direction[i] ** 2, i)
    differences = [(PLAIN + HALF_MEAN**2, FULL_PLAIN)]
    for size in spots(_DIMENSIONS):
        for net, kind, formula in (
            ("relu", "nngp", PLAIN),
            ("reglu", "nngp", GATED),
            ("relu", "ntk", FULL_PLAIN),
            ("reglu", "ntk", FULL_GATED),
        ):
            (level,) = funk_hecke(net, size, (0,), kind=kind)
            differences.append((formula.subs(d, size), level.exact))
    return both(same(squared, slope), zero(*differences))


def odd_part() -> Outcome:
    """κ(ρ) − κ(−ρ) = ρ/2, κ'(ρ) + κ'(−ρ) = ½; then the means that E ρ² = 1/d leaves."""
    moments, second, _ = direction_moments()
    odd, slope = rho / 4, sp.Rational(1, 4)
    mean = sp.expand(rho * odd).coeff(rho, 2) * second
    full = sp.expand(2 * rho * odd + rho**2 * slope).coeff(rho, 2) * second
    return both(
        moments,
        zero(
            KAPPA - KAPPA.subs(rho, -rho) - 2 * odd,
            SLOPE + SLOPE.subs(rho, -rho) - 2 * slope,
            (mean, GATED),
            (full, FULL_GATED),
        ),
    )


def threshold() -> Outcome:
    """t(d) and its limit, from the moments of the norm of a Gaussian row and of a direction."""
    r2, r4 = d, d * (d + 2)
    moments, _, _ = direction_moments()
    wendel = with_wendel(THRESHOLD)
    return both(
        moments,
        zero(
            (r4 / r2**2, FOURTH),
            (THRESHOLD * HALF_MEAN**2, (d + 2) / (4 * d**2)),
            (step(THRESHOLD), (d + 4) * (d + 1) ** 2 / (d + 2) ** 3),
            (THRESHOLD.subs(d, 2), sp.pi**2 / 4),
            (THRESHOLD.subs(d, 3), sp.Rational(20, 9)),
            (wendel, sp.pi * (d + 2) / (2 * d)),
        ),
        tends(sp.pi * (d + 2) / (2 * d), d, sp.pi / 2),
    )


def step(expr: sp.Expr) -> sp.Expr:
    """Its value at d + 2 over that at d."""
    return expr.subs(d, d + 2) / expr


def with_wendel(expr: sp.Expr) -> sp.Expr:
    """A multiple of a power of m_d with Γ((d+1)/2)/Γ(d/2) replaced by √(d/2)."""
    return expr.subs(sp.gamma(d / 2 + sp.Rational(1, 2)), sp.sqrt(d / 2) * sp.gamma(d / 2))
