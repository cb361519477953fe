"""Where gating helps for certain: min ‖x‖² > t(d), the reach n*(d) of that on Gaussian data, and the sphere."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import p, q, read, vanish, w
from derivations.tools.arcsine import theta as vartheta
from derivations.tools.half_line import X, chi_mean, half_mean, half_moment
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.matrices import weighted_sum
from derivations.tools.means import cases, spots
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, Proof, Step, both, every, ingredient
from derivations.tools.sums import Index, Tensor, delta, same, total
from derivations.tools.zero import positive, zero
from glutheory.networks import network
from glutheory.spectra import funk_hecke
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import kernels

d, n, t = sp.symbols("d n t", positive=True)
rho = sp.Symbol("rho", real=True)
theta = sp.Symbol("theta", real=True)
_QUARTER, _HALF = sp.Rational(1, 4), sp.Rational(1, 2)
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


def _kernel() -> Outcome:
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


def _certificate() -> Outcome:
    """L/l over L'/l' with l' ≥ g l: the quotient is at least (L/L') g."""
    top, other, low, norm = sp.symbols("L L' l g", positive=True)
    excess = sp.Symbol("e", nonnegative=True)
    gained = (top / low) / (other / (norm * low + excess)) - top / other * norm
    return both(weighted_sum(), zero(gained - top * excess / (low * other)), positive(top * excess / (low * other)))


def _half_mean() -> Outcome:
    """E z₊ = E‖g‖ · E(u_1)₊ for a Gaussian g = ‖g‖u; E‖g‖ from the density of χ_d."""
    size, norm, moment = chi_mean()
    return both(moment, zero((norm.subs(size, d) * HALF_MEAN, half_mean(X))))


def _moments() -> tuple[Outcome, sp.Expr, sp.Expr]:
    """Outcome, E ρ² and E ρ⁴ of a uniform direction: E‖z‖² = d, E‖z‖⁴ = d(d+2), E z_1² = 1, E z_1⁴ = 3, z = ‖z‖ρ."""
    i, j = Index("i", "d"), Index("j", "d")
    second, fourth = (2 * half_moment(power) for power in cases("power", (2, 4)))  # E z², E z⁴
    square = total(delta(i, i) * second, i) - d
    # E z_i² z_j² = 1 + (E z⁴ − 1) δ_ij
    quartic = total(1 + (fourth - 1) * delta(i, j), i, j) - d * (d + 2)
    return same(square, quartic), second / d, fourth / (d * (d + 2))


def _levels() -> Outcome:
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


def _odd_part() -> Outcome:
    """κ(ρ) − κ(−ρ) = ρ/2, κ'(ρ) + κ'(−ρ) = ½; then the means that E ρ² = 1/d leaves."""
    moments, second, _ = _moments()
    odd, slope = rho / 4, _QUARTER
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


def _tops() -> Outcome:
    """The bounds of all levels but 0; N_l ≥ d for odd l; level 2 of ρ² by P_2 = (dρ² − 1)/(d − 1), level 1 of (ρκ)'."""
    more = sp.Symbol("k", nonnegative=True)
    moments, square, quartic = _moments()
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
    small = [(FULL_PLAIN.subs(d, size), sp.Rational(1, 2 * size)) for size in cases("d", (2, 3))]
    small += [(FULL_PLAIN.subs(d, size), sp.Rational(1, (size - 1) * (size + 2))) for size in cases("d", (2, 3))]
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


def _threshold() -> Outcome:
    r2, r4 = d, d * (d + 2)
    moments, _, _ = _moments()
    wendel = _wendel(THRESHOLD)
    return both(
        moments,
        zero(
            (r4 / r2**2, FOURTH),
            (THRESHOLD * HALF_MEAN**2, (d + 2) / (4 * d**2)),
            (_step(THRESHOLD), (d + 4) * (d + 1) ** 2 / (d + 2) ** 3),
            (THRESHOLD.subs(d, 2), sp.pi**2 / 4),
            (THRESHOLD.subs(d, 3), sp.Rational(20, 9)),
            (wendel, sp.pi * (d + 2) / (2 * d)),
        ),
        tends(sp.pi * (d + 2) / (2 * d), d, sp.pi / 2),
    )


def _step(expr: sp.Expr) -> sp.Expr:
    """Its value at d + 2 over that at d."""
    return expr.subs(d, d + 2) / expr


def _wendel(expr: sp.Expr) -> sp.Expr:
    """A multiple of a power of m_d with Γ((d+1)/2)/Γ(d/2) replaced by √(d/2)."""
    return expr.subs(sp.gamma(d / 2 + sp.Rational(1, 2)), sp.sqrt(d / 2) * sp.gamma(d / 2))


def _reach() -> Outcome:
    """F' is the density of χ²_d, F(0) = 0; and (1 − 1/N)^N → 1/e."""
    F = sp.lowergamma(d / 2, t / 2) / sp.gamma(d / 2)
    density = t ** (d / 2 - 1) * sp.exp(-t / 2) / (2 ** (d / 2) * sp.gamma(d / 2))
    # N ln(1 − 1/N) is a difference quotient of ln(1 − h) at h = 0
    step = sp.Symbol("h", positive=True)
    return zero(
        (sp.expand_power_base(sp.diff(F, t)), sp.expand_power_base(density)),
        (sp.diff(sp.log(1 - step), step).subs(step, 0), sp.S.NegativeOne),
    )


def _sphere() -> Outcome:
    rest = 2 * d**2 + 3 * d - 1
    above = sp.expand(rest.subs(d, 2 + sp.Symbol("k", nonnegative=True)))
    numbers = [
        (sp.S.One, FULL_LIMIT.subs(d, 2)),
        *((FULL_LIMIT.subs(d, size), sp.S.One) for size in cases("d", (4, 5))),
    ]
    return both(
        zero(
            (FULL_LIMIT.subs(d, 2), 8 / sp.pi**2),
            (FULL_LIMIT.subs(d, 3), sp.S.One),
            (WIDE_LIMIT.subs(d, 2), 16 / sp.pi**2),
            (_step(FULL_LIMIT) - 1, rest / (d + 1) ** 3),
            (_wendel(WIDE_LIMIT), 2 * d / sp.pi),
        ),
        positive(above),
        larger(*numbers),
    )


def _kinks() -> Outcome:
    """The first term that is not even in θ at ρ = cos θ → 1."""

    def odd(expr: sp.Expr, order: int) -> sp.Expr:
        angle = expr.subs(sp.asin(rho), sp.pi / 2 - theta).subs(sp.sqrt(1 - rho**2), sp.sin(theta))
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


def _gates() -> Outcome:
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


def proof() -> Proof:
    return Proof(
        title="Where gating helps for certain",
        source="this project; with results of Funk and Hecke, of Koltchinskii and Giné (Bernoulli 6 (2000) 113)",
        summary=(
            "Gating makes the smallest eigenvalue at least $\\min\\|x_i\\|^2/d$ times what it was, and changes the "
            "largest one by a factor that can be computed. So it helps wherever $K$ is positive definite and "
            "$\\min\\|x_i\\|^2 > d\\,\\lambda_1(\\tilde K)/\\lambda_1(K)$. For ReLU and many Gaussian inputs the "
            "right side is $t(d) \\to "
            "\\pi/2$, so that gating certainly helps up to about $n^*(d) = 1/F_{\\chi^2_d}(t(d))$ inputs. On the "
            "sphere it never hurts in the wide limit, and the full kernels have $d = 3$ as the critical dimension."
        ),
        notation=(
            "$\\mathrm{wide}$: LeCun, $m\\to\\infty$, per $m$: $K = S$, $\\tilde K = \\tfrac1d G\\odot S$; "
            "$\\mathrm{full}$: the ntk parametrisation. $r_i = \\|x_i\\|$, $\\rho = \\cos\\theta$; "
            "$\\kappa(\\rho)$: $S$ of ReLU at unit variances. $\\lambda_l(f) = \\mathbb{E}[f(\\rho)P_l(\\rho)]$: the "
            "eigenvalue of $f$ on the harmonics of level $l$ of the sphere in $\\mathbb{R}^d$, whose dimension is "
            "$N_l$; $m_d = \\mathbb{E}\\max(u_1,0)$ there; $F_{\\chi^2_d}$: the distribution function of $\\|x\\|^2$ "
            "for a standard Gaussian $x$."
        ),
        steps=(
            Step(
                "the certificate",
                lines(
                    r"\lambda_{\min}(\tilde K) \ge \min_i\frac{r_i^2}{d}\,\lambda_{\min}(K), \qquad\text{so, if } "
                    r"\lambda_{\min}(K) > 0, \qquad",
                    r"\frac{\mathrm{cond}(K)}{\mathrm{cond}(\tilde K)} \ge "
                    r"\frac{\lambda_1(K)}{\lambda_1(\tilde K)}\,\min_i\frac{r_i^2}{d}",
                ),
                "Theorem A of [smallest_eigenvalue](smallest_eigenvalue.md), wide or full, for every data set and "
                "activation. Where $K$ is singular $\\tilde K$ may be as well, and nothing is gained: $\\phi(z) = "
                "|z|$ and "
                "the inputs $\\pm\\sqrt2e_1, \\pm\\sqrt2e_2$. With equal norms $r_i^2 = d$ and in the wide limit "
                "$\\lambda_1(\\tilde K)\\le\\lambda_1(K)"
                "$ as well ([majorisation](majorisation.md)), so that gating never hurts",
                _certificate,
                every("n d K x u L l g", by.RAYLEIGH),
            ),
            Step(
                "ReLU: norms and angles apart",
                lines(
                    r"K = \frac{r\,r'}{d}\,\kappa(\rho), \qquad \tilde K = \Bigl(\frac{r\,r'}{d}\Bigr)^2\rho\,"
                    r"\kappa(\rho) \qquad (\mathrm{wide}),",
                    r"2\pi\kappa = \sqrt{1-\rho^2} + \rho\,(\pi/2 + \arcsin\rho), \qquad \kappa' = T",
                ),
                "the arc-cosine kernel as derived by the engine, homogeneous of degree 1 in each input; the value "
                "branch has the same covariance as the gate. With equal norms the full kernels are $(\\rho\\kappa)'$ "
                "and $(\\rho^2\\kappa)'$ ([degree_shift](degree_shift.md))",
                _kernel,
                every("a b c rho"),
            ),
            Step(
                "the mean of a half coordinate",
                r"m_d = \mathbb{E}\max(u_1,0) = \frac{\Gamma(d/2)}{2\sqrt\pi\,\Gamma((d+1)/2)}",
                "a Gaussian vector is a uniform direction times an independent length: "
                "$\\mathbb{E}z_+ = \\mathbb{E}\\|g\\|\\cdot m_d$",
                _half_mean,
                every("d", by.POLAR, by.SUBSTITUTION),
            ),
            Step(
                "level 0",
                lines(
                    r"\lambda_0(\kappa) = d\,m_d^2, \quad \lambda_0(\rho\kappa) = \frac1{4d}, \qquad "
                    r"\lambda_0\bigl((\rho\kappa)'\bigr) = (d+1)\,m_d^2, \quad "
                    r"\lambda_0\bigl((\rho^2\kappa)'\bigr) = \frac3{4d}",
                ),
                "$\\kappa = \\mathbb{E}_w\\phi(w\\cdot u)\\phi(w\\cdot u')$, whose mean is "
                "$\\mathbb{E}_w(\\|w\\|m_d)^2$ with $\\mathbb{E}\\|w\\|^2 = d$; $\\mathbb{E}[\\rho\\kappa'] = "
                "\\mathbb{E}_w\\|\\mathbb{E}_u u\\phi'(w\\cdot u)\\|^2 = m_d^2$; the gated ones in the next step",
                _levels,
                every("d m_d", by.FUBINI, by.POLAR),
            ),
            Step(
                "only the odd part counts",
                lines(
                    r"\kappa(\rho) - \kappa(-\rho) = \frac\rho2, \quad \kappa'(\rho)+\kappa'(-\rho) = \frac12, \qquad "
                    r"\mathbb{E}\rho^2 = \frac1d,",
                    r"\mathbb{E}[\rho\kappa] = \frac{\mathbb{E}\rho^2}4 = \frac1{4d}, \qquad "
                    r"\mathbb{E}[2\rho\kappa + \rho^2\kappa'] = \frac{3\,\mathbb{E}\rho^2}4 = \frac3{4d}",
                ),
                "$\\rho$ has a symmetric distribution; the squares of the $d$ coordinates of a direction sum to 1",
                _odd_part,
                every("rho d", by.POLAR),
            ),
            Step(
                "level 0 is the largest",
                lines(
                    r"d \ge 2:\quad \sum_{l\ \mathrm{odd}}N_l\lambda_l = \tfrac12\bigl(f(1)-f(-1)\bigr), \qquad "
                    r"\sum_{l\ \mathrm{even}}N_l\lambda_l = \tfrac12\bigl(f(1)+f(-1)\bigr), \qquad \lambda_l\ge0,",
                    r"f=\rho\kappa:\ \lambda_l \le \frac1{4N_l} \le \frac1{4d}\ (l\text{ odd}), \quad \lambda_2 = "
                    r"\frac14\cdot\frac2{d(d+2)}; \qquad f = (\rho^2\kappa)':\ \text{three times these},",
                    r"f = \kappa:\ |\lambda_l|\le\mathbb{E}|\kappa| = \lambda_0; \qquad f=(\rho\kappa)':\ \lambda_1 = "
                    r"\frac1{2d},\ \lambda_l \le \frac1{2N_2}\ (l \ge 2),\ \lambda_0\ge\frac1{2\pi}",
                ),
                "Taylor coefficients are nonnegative, hence all $\\lambda_l$; traces of the odd and the even part; "
                "$N_l\\ge d$ for odd $l$, $N_l \\ge N_2 = (d-1)(d+2)/2$ for even $l \\ge 2$, $d\\ge2$; the even part "
                "of $\\rho\\kappa$ is $\\rho^2/4$ and has levels 0 and 2 only; $|P_l|\\le1$ and $\\kappa\\ge0$. For "
                "$(\\rho\\kappa)'$: $1/2d \\le 1/8 < 1/2\\pi$ and $1/2N_2\\le1/18<1/2\\pi$ for $d\\ge4$, and "
                "explicitly for $d = 2, 3$; $\\mathbb{E}\\rho^4 = 3/(d(d+2))$",
                _tops,
                every("d l k rho", by.FUNK_HECKE, by.ADDITION, by.SCHOENBERG, by.POLAR),
            ),
            Step(
                "the threshold",
                lines(
                    r"\frac{\lambda_1(K)}n \to \lambda_0(\kappa), \qquad \frac{\lambda_1(\tilde K)}n \to "
                    r"\frac{\mathbb{E}r^4}{d^2}\,\lambda_0(\rho\kappa) = \Bigl(1+\frac2d\Bigr)\frac1{4d} \qquad "
                    r"(n\to\infty,\ d\text{ fixed, almost surely}),",
                    r"t(d) = d\,\frac{\lambda_1(\tilde K)}{\lambda_1(K)} \to \frac{d+2}{4\,d^2\,m_d^2} = "
                    r"\frac{\pi\,(d+2)\,\Gamma\bigl(\frac{d+1}2\bigr)^2}{d^2\,\Gamma\bigl(\frac d2\bigr)^2}, \qquad "
                    r"\frac{t(d+2)}{t(d)} = \frac{(d+4)(d+1)^2}{(d+2)^3}, \quad t(2) = \frac{\pi^2}4,\ t(3) = "
                    r"\frac{20}9,\ t(\infty) = \frac\pi2",
                ),
                "for Gaussian data the kernel is a rank-one function of the lengths times one of the angle, which are "
                "independent: its eigenvalues are $\\mathbb{E}[r^2]/d$ and $\\mathbb{E}[r^4]/d^2$ times those on the "
                "sphere; the eigenvalues of kernel matrices over $n$ converge to those of the operator (Koltchinskii "
                "and Giné). $\\Gamma(x+\\frac12)^2/\\Gamma(x)^2\\sim x$ (Wendel 1948) gives the limit",
                _threshold,
                every("d", by.KOLTCHINSKII, by.POLAR, by.WENDEL),
            ),
            Step(
                "the reach on Gaussian data",
                lines(
                    r"P\bigl(\min_{i\le n}\|x_i\|^2 > t\bigr) = \bigl(1-F_{\chi^2_d}(t)\bigr)^n, \qquad "
                    r"F_{\chi^2_d}(t) = \frac{\gamma(d/2,\,t/2)}{\Gamma(d/2)},",
                    r"n^*(d) = \frac1{F_{\chi^2_d}(t(d))}: \qquad P \to \frac1e \text{ at } n = n^*, \quad P\to1 "
                    r"\text{ for } n\ll n^* \qquad (d \to \infty)",
                ),
                "independent rows; the density of $\\chi^2_d$; $(1-1/N)^N\\to1/e$. The certificate needs $n\\gg d$ as "
                "well, so that $\\lambda_1$ has its limit",
                _reach,
                every("d t", by.CALCULUS, by.EXPONENTIAL),
            ),
            Step(
                "the sphere",
                lines(
                    r"\|x_i\|^2=d,\ n\to\infty: \qquad \frac{\lambda_1(K)}{\lambda_1(\tilde K)} \to 4d^2m_d^2 "
                    r"\sim \frac{2d}\pi \ (\mathrm{wide}), \qquad R(d) = \tfrac43\,d(d+1)\,m_d^2 \ (\mathrm{full}),",
                    r"R(2) = \frac8{\pi^2} < 1, \quad R(3) = 1, \quad R(4), R(5) > 1, \qquad \frac{R(d+2)}{R(d)} = "
                    r"1 + \frac{2d^2+3d-1}{(d+1)^3} > 1",
                ),
                "the levels 0 above. By the certificate $\\mathrm{cond}(K)/\\mathrm{cond}(\\tilde K)$ is at least this "
                "quotient: for $d\\ge4$ gating helps the full kernels as well once $n$ is large enough",
                _sphere,
                every("d k", by.KOLTCHINSKII, by.WENDEL),
            ),
            Step(
                "the same singularity",
                lines(
                    r"\mathrm{wide}:\ \kappa \text{ and } \rho\kappa \text{ have the first odd term } "
                    r"\frac{\theta^3}{6\pi} \text{ at } \theta\to0,",
                    r"\mathrm{full}:\ (\rho\kappa)' \text{ and } (\rho^2\kappa)' \text{ have } -\frac\theta{2\pi}",
                ),
                "Taylor expansion; it is the singular part of a kernel that its smallest eigenvalues on many points "
                "come from",
                _kinks,
                every(),
            ),
            Step(
                "other gates, to leading order",
                lines(
                    r"d\ll n: \quad \lambda_1(K)\approx n\,c_0, \quad \lambda_1(\tilde K)\approx\max\Bigl("
                    r"c_1\frac nd,\ c_0\bigl(1+\sqrt{n/d}\bigr)^2\Bigr), \qquad t \to \max\Bigl(\frac{c_1}{c_0},\,"
                    r"1\Bigr),",
                    r"\text{ReLU: } \frac{c_1}{c_0} = \frac\pi2, \qquad \text{GELU: } \frac{c_1}{c_0} = \pi",
                ),
                "$c_0, c_1$: the first Taylor coefficients of $S(1,1,\\rho)$; spike and upper edge of the "
                "Marchenko–Pastur bulk. For $c_0 = 0$ (tanh, bilinear) both tops are of the order of $c_1n/d$, $t\\to "
                "d$, and the certificate is void on Gaussian data",
                _gates,
                ingredient("the quotients, and the coefficients from the engine's duals"),
            ),
        ),
        remarks=(
            (
                "The certificate is sufficient, not necessary: $\\lambda_{\\min}(\\tilde K)$ exceeds its bound, since "
                "the gated kernel resolves one degree less and keeps a higher floor. Gating stops helping at several "
                "times $n^*(d)$; the check `phase-diagram` measures where."
            ),
            (
                "That $\\mathrm{cond}(K)/\\mathrm{cond}(\\tilde K)$ tends to the quotient of the largest eigenvalues "
                "on the sphere would follow if the smallest ones became equal, as the equal singularities suggest. "
                "This is not proved here."
            ),
        ),
    )
