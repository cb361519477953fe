"""Where gating helps for certain: min ‖x‖² > t(d), the reach n*(d) of that on Gaussian data, and the sphere."""

from __future__ import annotations

import sympy as sp

from derivations.tools import phase_levels, phase_limits, phase_tops
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.matrices import weighted_sum
from derivations.tools.proof import Outcome, Proof, Step, both, every, ingredient
from derivations.tools.zero import positive, zero


def _certificate() -> Outcome:
    """L/l over L'/l' with l' ≥ g l: the quotient is at least (L/L') g."""
    top, other, low, norm = sp.symbols("L L' l g", positive=True)
    excess = sp.Symbol("e", nonnegative=True)
    gained = (top / low) / (other / (norm * low + excess)) - top / other * norm
    return both(weighted_sum(), zero(gained - top * excess / (low * other)), positive(top * excess / (low * other)))


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
            "sphere it never hurts in the wide limit, and for many uniform directions the full kernels have $d = 3$ as "
            "the critical dimension."
        ),
        notation=(
            "$\\mathrm{wide}$: LeCun, $m\\to\\infty$, per $m$: $K = S$, $\\tilde K = \\tfrac1d G\\odot S$; "
            "$\\mathrm{full}$: the ntk parametrisation. $r_i = \\|x_i\\|$, $\\rho = \\cos\\theta$; "
            "$\\kappa(\\rho)$: $S$ of ReLU at unit variances. $\\lambda_l(f) = \\mathbb{E}[f(\\rho)P_l(\\rho)]$: the "
            "eigenvalue of $f$ on the harmonics of level $l$ of the sphere in $\\mathbb{R}^d$, whose dimension is "
            "$N_l$; $m_d = \\mathbb{E}\\max(u_1,0)$ there; $F_{\\chi^2_d}$: the distribution function of $\\|x\\|^2$ "
            "for a standard Gaussian $x$."
        ),
        names={
            r"\mathrm{wide}": r"\text{LeCun's kernels over the width in the wide limit}",
            r"\mathrm{full}": r"\text{the ntk parametrisation}",
            "r_i": r"\|x_i\|",
            "x_i": r"\text{the inputs}",
            "n": r"\text{the number of inputs}",
            r"\kappa(\rho)": r"\frac{\sqrt{1-\rho^2} + \rho\,(\pi/2 + \arcsin\rho)}{2\pi}",
            r"\rho": r"\text{the cosine of two directions in } \mathbb{R}^d",
            "d": r"\text{the dimension}",
            "m_d": r"\mathbb{E}\max(u_1, 0)",
            "u_1": r"\text{a coordinate of a uniform direction in } \mathbb{R}^d",
            r"\Gamma(x)": r"\int_0^\infty y^{x-1}e^{-y}\,dy",
            r"\gamma(s, x)": r"\int_0^xy^{s-1}e^{-y}\,dy",
            r"\lambda_l(f)": r"\mathbb{E}[f(\rho)\,P_l(\rho)]",
            "P_l": r"\text{the Legendre polynomials of } \mathbb{R}^d",
            "f": r"\text{one of } \kappa, \rho\kappa, (\rho\kappa)', (\rho^2\kappa)'",
            "N_l": r"\text{the number of harmonics of level } l",
            "K": r"\text{ReLU's kernel matrix}",
            r"\tilde K": r"\text{ReGLU's kernel matrix}",
            "T": r"\kappa'",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
            "R(d)": r"\lim\lambda_1(K)/\lambda_1(\tilde K) \text{ (full)}",
            "t(d)": r"\lim d\,\lambda_1(\tilde K)/\lambda_1(K)",
            "F(t)": r"\frac{\gamma(d/2, t/2)}{\Gamma(d/2)}",
            "r": r"\text{the norms of the inputs}",
        },
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
                "|z|$ and the inputs $\\pm\\sqrt2e_1, \\pm\\sqrt2e_2$. With equal norms $r_i^2 = d$ and in the wide "
                "limit $\\lambda_1(\\tilde K)\\le\\lambda_1(K)$ as well ([majorisation](majorisation.md)), so that "
                "gating never hurts",
                _certificate,
                every("n d K x u L l g", by.RAYLEIGH, by.MAJORISED.gives("so that gating never hurts")),
                names={"K": r"\text{any positive semidefinite matrix}", r"\tilde K": r"\text{its gated kernel}"},
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
                phase_levels.kernel,
                every("a b c rho"),
            ),
            Step(
                "the mean of a half coordinate",
                r"m_d = \mathbb{E}\max(u_1,0) = \frac{\Gamma(d/2)}{2\sqrt\pi\,\Gamma((d+1)/2)}",
                "a Gaussian vector is a uniform direction times an independent length: "
                "$\\mathbb{E}z_+ = \\mathbb{E}\\|g\\|\\cdot m_d$",
                phase_levels.mean_of_half,
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
                phase_levels.levels,
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
                phase_levels.odd_part,
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
                phase_tops.tops,
                every("d l k rho", by.FUNK_HECKE, by.ADDITION, by.SCHOENBERG.gives("hence all $\\lambda_l$"), by.POLAR),
            ),
            Step(
                "the threshold",
                lines(
                    r"x_i \sim \mathcal{N}(0, \mathbf 1) \text{ independent}: \qquad \frac{\lambda_1(K)}n \to "
                    r"\lambda_0(\kappa), \qquad \frac{\lambda_1(\tilde K)}n \to "
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
                phase_levels.threshold,
                every("d", by.KOLTCHINSKII("n"), by.POLAR, by.WENDEL),
            ),
            Step(
                "the reach on Gaussian data",
                lines(
                    r"x_i \sim \mathcal{N}(0, \mathbf 1) \text{ independent}: \qquad \mathbb{P}\bigl(\min_{i\le "
                    r"n}\|x_i\|^2 > t\bigr) = \bigl(1-F_{\chi^2_d}(t)\bigr)^n, \qquad "
                    r"F_{\chi^2_d}(t) = \frac{\gamma(d/2,\,t/2)}{\Gamma(d/2)},",
                    r"n^*(d) = \frac1{F_{\chi^2_d}(t(d))}: \qquad \mathbb{P} \to e^{-1} \text{ at } n = n^*, \quad "
                    r"\mathbb{P}\to1 "
                    r"\text{ for } n\ll n^* \qquad (n^* \to \infty)",
                ),
                "independent rows; the density of $\\chi^2_d$; $(1-1/N)^N\\to1/e$",
                phase_limits.reach,
                every("d t n", by.CALCULUS, by.EXPONENTIAL, by.INDEPENDENCE),
                beyond="the certificate needs $n\\gg d$ as well, so that $\\lambda_1$ has its limit",
            ),
            Step(
                "the sphere",
                lines(
                    r"x_i \text{ independent and uniform on } \|x\|^2 = d,\ n\to\infty, \text{ almost surely}: "
                    r"\qquad \frac{\lambda_1(K)}{\lambda_1(\tilde K)} \to 4d^2m_d^2 "
                    r"\sim \frac{2d}\pi \ (\mathrm{wide}), \qquad R(d) = \tfrac43\,d(d+1)\,m_d^2 \ (\mathrm{full}),",
                    r"R(2) = \frac8{\pi^2} < 1, \quad R(3) = 1, \quad R(4), R(5) > 1, \qquad \frac{R(d+2)}{R(d)} = "
                    r"1 + \frac{2d^2+3d-1}{(d+1)^3} > 1",
                ),
                "the levels 0 above: the mean over $n$ directions becomes the one over the sphere",
                phase_limits.sphere,
                every("d k", by.KOLTCHINSKII("n"), by.WENDEL),
                beyond="by the certificate $\\mathrm{cond}(K)/\\mathrm{cond}(\\tilde K)$ is at least this quotient: "
                "for $d\\ge4$ gating helps the full kernels as well, on uniform directions, once $n$ is large enough. "
                "Directions in a cap have other limits",
            ),
            Step(
                "the same singularity",
                lines(
                    (
                        r"\mathrm{wide}:\ \kappa, \rho\kappa \text{ at } \rho = \cos\theta:\quad "
                        r"\partial_\theta\big|_{\theta=0} = 0, \quad \tfrac1{3!}\,\partial_\theta^3\big|_{\theta=0} "
                        r"= \frac{1}{6\pi},"
                    ),
                    (
                        r"\mathrm{full}:\ (\rho\kappa)', (\rho^2\kappa)' \text{ at } \rho = \cos\theta:\quad "
                        r"\partial_\theta\big|_{\theta=0} = -\frac{1}{2\pi}"
                    ),
                ),
                (
                    r"differentiation: these are the first odd terms in $\theta \ge 0$, the singular part of a "
                    "kernel that its smallest eigenvalues on many points come from"
                ),
                phase_limits.kinks,
                every("theta"),
                names={r"\rho": r"\cos\theta"},
            ),
            Step(
                "other gates, to leading order",
                lines(
                    r"d\ll n: \quad \lambda_1(K)\approx n\,c_0, \quad \lambda_1(\tilde K)\approx\max\Bigl("
                    r"c_1\frac nd,\ c_0\bigl(1+\sqrt{n/d}\bigr)^2\Bigr), \qquad t \to \max\Bigl(\frac{c_1}{c_0},\,"
                    r"1\Bigr),",
                    r"\text{ReLU: } \frac{c_1}{c_0} = \frac\pi2, \qquad \text{GELU: } \frac{c_1}{c_0} = \pi",
                ),
                "independent inputs, uniform on the sphere or Gaussian; $c_0, c_1$: the first Taylor coefficients of "
                "$S(1,1,\\rho)$; spike and upper edge of the "
                "Marchenko–Pastur bulk. For $c_0 = 0$ (tanh, bilinear) both tops are of the order of $c_1n/d$, $t\\to "
                "d$, and the certificate is void on Gaussian data",
                phase_limits.gates,
                ingredient(
                    "the quotients, and the coefficients from the engine's duals",
                    why="the leading order in n and d rests on the law of the spectrum, put together in words",
                ),
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
