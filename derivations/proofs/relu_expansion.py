"""ReLU and ReGLU as power series in ρ, their linear approximations with every constant, and exact Gaussian means."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import p, q, read, theta, vanish, w
from derivations.tools.half_line import X, chi_mean, half_mean, half_moment
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.proof import Outcome, Proof, Step, both, every, ingredient
from derivations.tools.sums import Index, Tensor, same, total
from derivations.tools.sums import delta as kronecker
from derivations.tools.zero import positive, zero
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import c

rho = sp.Symbol("rho", real=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
d, n, m = sp.symbols("d n m", positive=True)
#: δ = d/m, the price of a finite width; 0 in the wide limit.
delta = sp.Symbol("delta", nonnegative=True)

#: The kernel at unit norms, S = √(ab) s(ρ).
KAPPA = (sp.sqrt(1 - rho**2) + rho * (sp.pi / 2 + sp.asin(rho))) / (2 * sp.pi)
SLOPE = (sp.pi / 2 + sp.asin(rho)) / (2 * sp.pi)
_HALF, _QUARTER = sp.Rational(1, 2), sp.Rational(1, 4)


def coefficient(j: int) -> sp.Expr:
    """c_j: of ρ^j in s(ρ)."""
    if j < 2:
        return (1 / (2 * sp.pi), _QUARTER)[j]
    return sp.S.Zero if j % 2 else even(sp.Integer(j // 2 - 1))


def even(half: sp.Expr) -> sp.Expr:
    """c_(2k+2)."""
    central = sp.factorial(2 * half) / sp.factorial(half) ** 2
    return central / (4**half * 2 * sp.pi * (2 * half + 1) * (2 * half + 2))


#: Σ c_j and Σ j c_j over all j, the values s(1) and s'(1).
SUM, WEIGHTED = _HALF, _HALF
#: The floors: what degrees j ≥ 2 (K) and j ≥ 1 (K̃, one degree higher there) add to the diagonal.
FLOOR = SUM - coefficient(0) - coefficient(1)
GATED_FLOOR = SUM - coefficient(0)
#: The floors beyond n ~ d², one degree further down.
NEXT_FLOOR = FLOOR - coefficient(2)
#: E s(ρ) for independent directions in R^d.
LEVEL0 = sp.gamma(d / 2) ** 2 * d / (4 * sp.pi * sp.gamma((d + 1) / 2) ** 2)


def plain_weight(j: int) -> sp.Expr:
    """Of degree j in K/m = (ab)^{1/2} Σ_j …: the readout gives c_j, the hidden weights δ j c_j."""
    return (1 + j * delta) * coefficient(j)


def gated_weight(j: int) -> sp.Expr:
    """Of degree j+1 in K̃/m."""
    return (1 + (j + 1) * delta) * coefficient(j)


def _kernel() -> Outcome:
    found = derivation("relu").dual
    in_field = (w / (p * q) + c / (p * q) * (sp.pi / 2 + theta)) / (2 * sp.pi)
    slope = (sp.pi / 2 + theta) / (2 * sp.pi)
    # the two functions are written once in ρ and once in the field: ϑ = arcsin ρ, w = pq√(1 − ρ²)
    same = zero(
        KAPPA.subs(sp.asin(rho), theta) - (in_field.subs({w: p * q * sp.sqrt(1 - rho**2), c: rho * p * q})),
        SLOPE.subs(sp.asin(rho), theta) - slope,
    )
    return both(
        vanish(read(found.S) - p * q * in_field, read(found.T) - slope), same, zero((sp.diff(KAPPA, rho), SLOPE))
    )


def _series() -> Outcome:
    """(1 − x)^(−1/2) = Σ b_k x^k: both sides solve (1 − x) y' = y/2, y(0) = 1; then two integrations in ρ."""
    x = sp.Symbol("x", positive=True)
    root = 1 / sp.sqrt(1 - x)
    b = sp.factorial(2 * k) / sp.factorial(k) ** 2 / 4**k
    ratio = b.subs(k, k + 1) / b
    return zero(
        ((1 - x) * sp.diff(root, x), root / 2),
        (ratio, (k + _HALF) / (k + 1)),
        (sp.diff(SLOPE, rho), 1 / (2 * sp.pi * sp.sqrt(1 - rho**2))),
        (2 * sp.pi * (2 * k + 1) * (2 * k + 2) * even(k), b),
        KAPPA.subs(rho, 0) - coefficient(0),
        SLOPE.subs(rho, 0) - coefficient(1),
        coefficient(2) - 1 / (4 * sp.pi),
        coefficient(4) - 1 / (48 * sp.pi),
        coefficient(6) - 1 / (160 * sp.pi),
    )


def _sums() -> Outcome:
    return both(zero(KAPPA.subs(rho, 1) - SUM, SLOPE.subs(rho, 1) - WEIGHTED), positive(even(k)))


def _floors() -> Outcome:
    pi = sp.pi
    return zero(
        FLOOR - (_QUARTER - 1 / (2 * pi)),
        GATED_FLOOR - (_HALF - 1 / (2 * pi)),
        NEXT_FLOOR - (_QUARTER - 3 / (4 * pi)),
        GATED_FLOOR - coefficient(1) - FLOOR,
    )


def _width() -> Outcome:
    """K/m = s + δρs' and K̃/m = ρ[(1 + δ)s + δρs'], the norms aside, term by term and in their floors."""
    term = rho**k
    plain = term + delta * rho * sp.diff(term, rho)
    gate = rho * ((1 + delta) * term + delta * rho * sp.diff(term, rho))
    plain_floor = SUM + delta * WEIGHTED - plain_weight(0) - plain_weight(1)
    gated_floor = (1 + delta) * SUM + delta * WEIGHTED - gated_weight(0)
    return zero(
        (plain, (1 + k * delta) * term),
        gate - (1 + (k + 1) * delta) * rho * term,
        plain_floor - (FLOOR + delta / 4),
        gated_floor - (GATED_FLOOR + delta * (1 - 1 / (2 * sp.pi))),
    )


def _directions() -> Outcome:
    """E(x·x')^2k = E|x|^2k · E z^2k · …: given x, x·x' is N(0, |x|²); and ρ is independent of the norms."""
    r2, r4 = d, 3 * d + d * (d - 1)  # E|x|², E|x|⁴ from E z² = 1, E z⁴ = 3
    i, j, size = Index("i", "d"), Index("j", "d"), sp.Symbol("d", positive=True)
    fourths = same(total(1 + 2 * kronecker(i, j), i, j) - size * (size + 2))  # Σ_ij E z_i² z_j² with E z⁴ = 1 + 2
    second, fourth = (2 * half_moment(power) for power in (sp.Integer(2), sp.Integer(4)))  # E z², E z⁴
    mean2 = second * r2 / r2**2
    mean4 = fourth * r4 / r4**2
    return both(fourths, zero(second - 1, fourth - 3, (mean2, 1 / d), (mean4, 3 / (d * (d + 2)))))


def _means() -> Outcome:
    """E_x φ(w·x) = |w| E z₊ and E_x x φ(w·x) = w E z z₊ (rotate w to the first axis); E xxᵀ1 = I/2 by symmetry."""
    first, slope, step = half_mean(X), half_mean(X**2), half_moment(0)
    length = sp.Symbol("W", positive=True)  # |w|², whose mean is 1
    scalar, vector = first**2 * length, slope**2 * length / d  # the second is p·w/2 squared, averaged over p
    matrix = d * step**2 / d  # ‖I/2‖_F²/d
    i, j, weights = Index("i", "d"), Index("j", "d"), Tensor("w")
    # E_p (p·w)² with E p_ip_j = δ_ij/d, and ‖I‖_F² = Σ_ij δ_ij²
    averaged = total(weights[i] * weights[j] * kronecker(i, j) * (1 / d), i, j) - (1 / d) * total(weights[i] ** 2, i)
    frobenius = total(kronecker(i, j) ** 2, i, j) - d
    return both(
        same(averaged, frobenius),
        zero(
            first - 1 / sp.sqrt(2 * sp.pi),
            slope - _HALF,
            step - _HALF,
            (scalar.subs(length, 1), 1 / (2 * sp.pi)),
            (vector.subs(length, 1), 1 / (4 * d)),
            (matrix, _QUARTER),
        ),
    )


def _finite_means() -> Outcome:
    """E xᵀ-part of gT: E_x x 1(w·x > 0) = ŵ E z₊, of squared length 1/(2π)."""
    unit = half_mean(X)
    plain, gated = m * 1 / (2 * sp.pi) + unit**2, m / (4 * d) + _QUARTER + _QUARTER  # mS + gT; (m/d + 1) gS + g²T/d
    return zero(unit**2 - 1 / (2 * sp.pi), (plain, (m + 1) / (2 * sp.pi)), (gated, (m + d) / (4 * d) + _QUARTER))


def _level_zero() -> Outcome:
    """E s = (1/2π) d/(E r)² with E r = √2 Γ((d+1)/2)/Γ(d/2), and the expansion of that by its functional equation."""
    size, mean, moment = chi_mean()
    mean = mean.subs(size, d)
    square = mean**2  # f(d): f(d) f(d+1) = d², which fixes the coefficients of its expansion in 1/d
    series = 1 + 1 / (2 * d) + 1 / (8 * d**2)  # of d/f(d)
    product = d * (d + 1) / (series * series.subs(d, d + 1))
    return both(
        moment,
        zero((LEVEL0, d / (2 * sp.pi * square)), (square * square.subs(d, d + 1), d**2)),
        tends((product / d**2 - 1) * d**2, d),
    )


def _norms() -> Outcome:
    """Σ_i over n inputs of E‖x_i‖⁴ = Σ_jk E z_j²z_k², E z⁴ = 3 where j = k."""
    one, j, k = Index("i", "n"), Index("j", "d"), Index("k", "d")
    fourth = 2 * half_moment(4)
    sums = total(1 + (fourth - 1) * kronecker(j, k), one, j, k)
    return both(same(sums - n * d * (d + 2)), zero((n * d * (d + 2) / d**2, n * (1 + 2 / d)), fourth - 3))


#: What the steps about the entries of the kernels speak of.
_ENTRIES = {
    "x": r"\text{standard Gaussian in } \mathbb{R}^d",
    "i": r"\text{an input}",
    "j": r"\text{another input}",
    "G_{ij}": r"x_i\cdot x_j",
    "S_{ij}": r"\mathbb{E}_w[\phi(w\cdot x_i)\,\phi(w\cdot x_j)]",
    "T_{ij}": r"\mathbb{E}_w[\phi'(w\cdot x_i)\,\phi'(w\cdot x_j)]",
    r"\phi(z)": "z_+",
    "z": r"\text{the argument}",
    "w": r"\text{Gaussian of covariance } \mathbf 1/d",
    "p": r"\text{as } w \text{, independent of it}",
    "I": r"\mathbf 1",
}


def proof() -> Proof:
    return Proof(
        title="ReLU and ReGLU near linear kernels",
        source=(
            "Appendix B of arXiv 2605.20749 made explicit; the linear approximation is that of N. El Karoui, Ann. "
            "Statist. 38 (2010) 1"
        ),
        summary=(
            "The kernels of ReLU and ReGLU as power series in the cosine $\\rho$ of the inputs, with all coefficients "
            "nonnegative. From them come the constants of the approximation $K/m \\approx \\alpha XX^\\top + \\beta "
            "rr^\\top + \\gamma D$, its gated counterpart, and what a finite width adds. For Gaussian inputs the means "
            "of all entries are exact in every dimension."
        ),
        notation=(
            "LeCun variances; $a = \\|x\\|^2/d$, $b = \\|x'\\|^2/d$, $\\rho$ the cosine between $x$ and $x'$; $S = "
            "\\mathbb{E}[\\phi(u)\\phi(v)]$, $T = \\partial S/\\partial c$ for ReLU; $r_i = \\|x_i\\|$, $G = "
            "XX^\\top$, $D = \\mathrm{diag}(r_i^2)/d$; $U$ has the rows $x_i/r_i$ and $U_k$ is the entrywise power "
            "$(UU^\\top)^{\\odot k}$; $\\delta = d/m$, which is 0 in the wide limit; $w, p$ are independent "
            "$N(0, I/d)$."
        ),
        names={
            r"s(\rho)": r"\frac{\sqrt{1-\rho^2} + \rho\,(\frac\pi2 + \arcsin\rho)}{2\pi}",
            "c_j": r"\text{the coefficients of } s",
            r"\gamma": r"\sum_{j\ge2}c_j",
            r"\tilde\gamma": r"\sum_{j\ge1}c_j",
            r"\gamma_\delta": r"\sum_{j\ge2}(1+j\delta)\,c_j",
            r"\tilde\gamma_\delta": r"\sum_{j\ge1}(1+(j+1)\delta)\,c_j",
        },
        steps=(
            Step(
                "the kernel as a function of ρ",
                r"S = \sqrt{ab}\,s(\rho), \quad s = \frac{\sqrt{1-\rho^2} + \rho\,(\frac\pi2 + \arcsin\rho)}{2\pi}, "
                r"\qquad T = s'(\rho) = \frac{\frac\pi2 + \arcsin\rho}{2\pi}",
                "the arc-cosine kernel as derived by the engine ([arc_cosine](arc_cosine.md)); differentiation",
                _kernel,
                every("a b c rho"),
                names={
                    "S": r"\mathbb{E}[u_+v_+]",
                    "T": r"\partial S/\partial c",
                    "u": r"\text{Gaussian with variance } a",
                    "v": r"\text{Gaussian with variance } b \text{ and } \mathbb{E}[uv] = c",
                },
            ),
            Step(
                "power series",
                lines(
                    r"s'' = \frac{1}{2\pi\sqrt{1-\rho^2}} \quad\Longrightarrow\quad s(\rho) = \sum_j c_j\rho^j = "
                    r"\frac1{2\pi} + \frac\rho4 + \frac1{2\pi}\sum_{k\ge0} \binom{2k}{k} "
                    r"\frac{\rho^{2k+2}}{4^k(2k+1)(2k+2)},",
                    r"s = \frac1{2\pi} + \frac\rho4 + \frac{\rho^2}{4\pi} + \frac{\rho^4}{48\pi} + "
                    r"\frac{\rho^6}{160\pi} + \dots",
                ),
                "binomial series: both sides of $(1-x)^{-1/2} = \\sum_k \\binom{2k}{k}(x/4)^k$ solve $(1-x)y' = y/2$, "
                "$y(0) = 1$; integrated twice inside the disc of convergence",
                _series,
                every("k rho x", by.POWER_SERIES),
                names={"c_j": r"\text{the coefficients of } s(\rho)"},
            ),
            Step(
                "signs and sums",
                r"c_j \ge 0, \qquad \sum_j c_j = s(1) = \tfrac12, \qquad \sum_j j\,c_j = s'(1) = \tfrac12",
                "all factors are positive; Abel's theorem, the terms being nonnegative",
                _sums,
                every("k", by.ABEL),
                names={
                    "c_j": (
                        r"\frac{1}{2\pi}\binom{2k}{k}\frac{1}{4^k(2k+1)(2k+2)} \text{ at } j = 2k+2, \ c_0, c_1, "
                        r"\text{ else } 0"
                    ),
                    r"s(\rho)": r"\sum_jc_j\rho^j",
                },
            ),
            Step(
                "the approximation and its floors",
                lines(
                    r"\frac Km = \frac{1}{2\pi d}\,rr^\top + \frac{1}{4d}\,XX^\top + D^{1/2}\Bigl(\sum_{j\ge2} c_jU_j"
                    r"\Bigr)D^{1/2} \approx \beta\,rr^\top + \alpha\,XX^\top + \gamma D,",
                    r"\alpha = \frac1{4d}, \quad \beta = \frac{1}{2\pi d}\,(1 + O(1/d)), \quad \gamma = \sum_{j\ge2} "
                    r"c_j = \frac14 - \frac1{2\pi} \approx 0.0908;",
                    r"\frac{\tilde K}m = D\Bigl(\frac{1}{2\pi}U_1 + \frac14U_2 + \sum_{j\ge2} c_jU_{j+1}\Bigr)D, "
                    r"\qquad \tilde\gamma = \sum_{j\ge1} c_j = \frac12 - \frac1{2\pi} \approx 0.3408;",
                    r"\text{beyond } n \sim d^2: \quad \gamma - c_2 = \frac14 - \frac3{4\pi} \approx 0.0113, \qquad "
                    r"\tilde\gamma - c_1 = \gamma",
                ),
                "wide limit $K/m = S$, $\\tilde K/m = \\frac1d G\\odot S$; the series entry by entry; the diagonal of "
                "every $U_j$ is 1",
                _floors,
                ingredient("the constants", why="in which sense the approximation holds is not made precise"),
            ),
            Step(
                "finite width",
                lines(
                    r"\frac Km = D^{1/2}\Bigl(\sum_j (1 + j\delta)\,c_jU_j\Bigr)D^{1/2}, \qquad \frac{\tilde K}m = "
                    r"D\Bigl(\sum_j (1 + (j+1)\delta)\,c_jU_{j+1}\Bigr)D,",
                    r"\gamma_\delta = \gamma + \frac\delta4, \qquad \tilde\gamma_\delta = \tilde\gamma + "
                    r"\delta\Bigl(1 - \frac1{2\pi}\Bigr)",
                ),
                "$K = mS + G\\odot T$ and $\\tilde K = \\frac1dG\\odot(K + dS)$ ([hadamard](hadamard.md)); $x\\cdot x' "
                "= d\\sqrt{ab}\\,\\rho$",
                _width,
                every("k rho delta"),
                names={
                    "U_j": r"(\rho^j)",
                    "D": r"\mathrm{diag}(r_i^2)/d",
                    "r_i": r"\|x_i\|",
                    "x_i": r"\text{the inputs}",
                    "d": r"\text{their dimension}",
                    "m": r"d/\delta",
                    "K": r"m\,D^{1/2}\bigl(s + \delta\rho s'\bigr)D^{1/2}",
                    r"\tilde K": r"m\,D\,\rho\bigl((1+\delta)\,s + \delta\rho s'\bigr)D",
                },
            ),
            Step(
                "powers of ρ on average",
                r"\mathbb{E}\,\rho^2 = \frac1d, \qquad \mathbb{E}\,\rho^4 = \frac{3}{d(d+2)} \qquad (x, x' \text{ "
                r"independent Gaussian})",
                "given $x$, $x\\cdot x'$ is $N(0, \\|x\\|^2)$; norms and directions are independent; "
                "$\\mathbb{E}\\|x\\|^4 = 3d + d(d-1)$",
                _directions,
                every("d", by.POLAR, by.INDEPENDENCE),
                names={r"\rho": r"\frac{x\cdot x'}{\|x\|\,\|x'\|}", "x": r"\text{standard Gaussian in } \mathbb{R}^d"},
            ),
            Step(
                "entries on average, exactly",
                lines(
                    r"\mathbb{E}\,S_{ij} = \mathbb{E}_w\bigl(\mathbb{E}_x\phi(w\cdot x)\bigr)^2 = "
                    r"\frac{\mathbb{E}\|w\|^2}{2\pi} = \frac1{2\pi},",
                    r"\mathbb{E}\,\tfrac1d G_{ij}S_{ij} = \mathbb{E}_{w,p}\bigl(p\cdot\mathbb{E}_x[x\,\phi(w\cdot "
                    r"x)]\bigr)^2 = \mathbb{E}_{w,p}\bigl(\tfrac12\,p\cdot w\bigr)^2 = \frac1{4d},",
                    r"\mathbb{E}\,\tfrac1dG_{ij}^2T_{ij} = \frac1d\,\bigl\|\mathbb{E}_x[xx^\top1_{w\cdot x>0}]"
                    r"\bigr\|_F^2 = \frac1d\,\bigl\|\tfrac12I\bigr\|_F^2 = \frac14 \qquad (i \ne j)",
                ),
                "exchange the expectations: a kernel entry is a product averaged over the weights, and $x_i, x_j$ are "
                "independent; rotate $w$ to the first axis; $\\mathbb{E}\\|w\\|^2 = 1$",
                _means,
                every("d w", by.FUBINI.gives("exchange the expectations"), by.INDEPENDENCE),
                names=_ENTRIES,
            ),
            Step(
                "the readout's partner at finite width",
                r"\mathbb{E}\,G_{ij}T_{ij} = \mathbb{E}_w\bigl\|\mathbb{E}_x[x\,1_{w\cdot x>0}]\bigr\|^2 = "
                r"\frac1{2\pi} \quad\Longrightarrow\quad \mathbb{E}K_{ij} = \frac{m+1}{2\pi}, \qquad "
                r"\mathbb{E}\tilde K_{ij} = \frac{m+d}{4d} + \frac14 \qquad (i \ne j)",
                "as before; $\\mathbb{E}[z_+] = 1/\\sqrt{2\\pi}$ along $w$",
                _finite_means,
                every("m d", by.FUBINI),
                names={
                    **_ENTRIES,
                    "K_{ij}": "mS_{ij} + G_{ij}T_{ij}",
                    r"\tilde K_{ij}": r"(1+\tfrac md)\,G_{ij}S_{ij} + \tfrac1dG_{ij}^2T_{ij}",
                },
            ),
            Step(
                "β in every dimension",
                r"\mathbb{E}\,s(\rho) = \frac{1}{2\pi}\cdot\frac{d}{(\mathbb{E}\,r)^2} = "
                r"\frac{d\;\Gamma(\frac d2)^2}{4\pi\,\Gamma(\frac{d+1}2)^2} = \frac1{2\pi}\Bigl(1 + \frac1{2d} + "
                r"\frac1{8d^2} + \dots\Bigr), \qquad \mathbb{E}\,\rho\,s(\rho) = \frac1{4d}",
                "norms and directions are independent, so $\\mathbb{E}S_{ij} = (\\mathbb{E}r)^2\\,\\mathbb{E}s/d$ and "
                "$\\mathbb{E}\\frac1dG_{ij}S_{ij} = \\mathbb{E}\\,\\rho s$; with $f(d) = (\\mathbb{E}r)^2$, "
                "$f(d)f(d+1) = d^2$, which determines the expansion of $f$ in $1/d$",
                _level_zero,
                every(
                    "d", by.POLAR.gives("norms and directions are independent, so"), by.SUBSTITUTION, by.GAMMA_EXPANSION
                ),
                names={
                    r"\rho": r"\text{the cosine of two Gaussian vectors in } \mathbb{R}^d",
                    "r": r"\text{the length of a Gaussian vector in } \mathbb{R}^d",
                    r"\Gamma(x)": r"\int_0^\infty y^{x-1}e^{-y}\,dy",
                },
            ),
            Step(
                "what the norms add",
                r"\mathbb{E}\sum_{i=1}^n\frac{r_i^4}{d^2} = n\Bigl(1 + \frac2d\Bigr)",
                (
                    r"$\mathbb{E}z^4 = 3$, and $\mathbb{E}z_j^2z_k^2 = 1$ for $j \ne k$; times $\frac14$ and "
                    r"over $d$ it is the strength of the spike of $\tilde K/m$, up to $O(1)$"
                ),
                _norms,
                every("n d", by.INDEPENDENCE),
                names={"r_i": r"\text{the length of a standard Gaussian vector in } \mathbb{R}^d"},
            ),
        ),
        remarks=(
            (
                "That the remainder $\\sum_{j\\ge2}$ acts like $\\gamma D$ in operator norm for $n = O(d)$ is El "
                "Karoui's theorem. Its error is measured by the check `decomposition`; it does not vanish where $n "
                "\\gtrsim d^2$, see [spectral_orders](spectral_orders.md)."
            ),
            ("Only $c_0 = (\\mathbb{E}\\phi)^2 > 0$ makes the spike: an activation with mean 0 (tanh, erf) has none."),
        ),
    )
