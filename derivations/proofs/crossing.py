"""When two expected loss curves cross: Cor. 4.2 of arXiv 2605.20749 with conditions that suffice."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.abstract import activation_pair
from derivations.tools.latex import lines
from derivations.tools.limits import decay
from derivations.tools.matrices import K, e, i, j, q, r, spectral, u, values, x
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.sums import Form, Index, Tensor, delta, orthonormal, same, total, unit_diagonal
from derivations.tools.zero import positive, strictly, zero

m, d, t, rate, s = sp.symbols("m d t r s", positive=True)
SIGMA, C, Y = Tensor("Sigma", symmetric=True), Tensor("C", symmetric=True), Tensor("Y")
_UNIT = unit_diagonal("C")


def _start() -> Outcome:
    """L(0) = Tr M and L'(0) = −2 Tr KM of a flow in its eigenbasis; the part of the targets is the same in both."""
    M = Tensor("M", symmetric=True)
    lam = sp.Symbol("lambda", positive=True)
    mode = sp.exp(-2 * lam * t)

    def weighted(exponent: int) -> Form:
        """Σ_e λ_e^exponent q_eᵀ M q_e."""
        return total(values[e] ** exponent * total(q[i, e] * M[i, j] * q[j, e], i, j), e)

    start = orthonormal(weighted(0), "q", 1) - total(M[i, i], i)
    slope = weighted(1) - total(spectral(q, values, i, j) * M[i, j], i, j)
    other = Tensor("Sigma~", symmetric=True)
    moments = total(SIGMA[i, i] + Y[i] ** 2, i) - total(other[i, i] + Y[i] ** 2, i)
    cancelled = moments - total(SIGMA[i, i], i) + total(other[i, i], i)
    return both(same(start, slope, cancelled), zero((mode.subs(t, 0), 1), (sp.diff(mode, t), -2 * lam * mode)))


def _definite() -> Outcome:
    """Along v = x_i − (x_i·x_j/‖x_j‖²) x_j, orthogonal to x_j and not to x_i, φ(w·x) has the slope (v·x) φ'(w·x)."""
    along, inner, rest = sp.symbols("s c R", real=True)  # w = … + s v; c = v·x, R = w·x at s = 0
    phi, slope = activation_pair("phi")
    chain = (sp.diff(phi(rest + along * inner), along), inner * slope(rest + along * inner))
    first, second = sp.symbols("l_i l_j", positive=True)  # ‖x_i‖, ‖x_j‖
    # the cosine of x_i and x_j, which are not parallel: 1 − cos² is positive
    cosine, room = sp.Symbol("rho", real=True), sp.Symbol("e", positive=True)
    product = first * second * cosine  # x_i·x_j
    left = first**2 - product / second**2 * product  # v·x_i
    return both(
        zero(chain, (product / second**2 * second**2, product), (left, first**2 * (1 - cosine**2))),
        zero(chain[0].subs(inner, 0)),
        strictly(first**2 * room),  # room for 1 − rho²
    )


def _weights() -> Outcome:
    """Σ = Σ_f s_f p_f p_fᵀ: qᵀ(Σ + YYᵀ)q − s_1‖q‖² = Σ_f (s_f − s_1)(p_f·q)² + (q·Y)²."""
    p, spectrum, least = Tensor("p"), Tensor("sigma"), sp.Symbol("sigma_1", positive=True)
    form = total(u[i] * (spectral(p, spectrum, i, j) + Y[i] * Y[j]) * u[j], i, j) - least * total(u[i] ** 2, i)
    share = total(p[i, e] * u[i], i) ** 2
    parts = total((spectrum[e] - least) * share, e) + total(u[i] * Y[i], i) ** 2
    gap, square = sp.Symbol("g", nonnegative=True), sp.Symbol("y", real=True) ** 2
    return both(same(orthonormal(parts, "p", 1) - form), positive(gap * square, square))


def _end() -> Outcome:
    """e^{2λ_1t} times the slowest mode is its weight, at a tie the difference of both; times any other it decays."""
    lam, gap = sp.symbols("lambda h", positive=True)
    w, tied = sp.symbols("w x", real=True)
    first, other = sp.exp(-2 * lam * t), sp.exp(-2 * (lam + gap) * t)
    return both(
        zero(
            (sp.exp(2 * lam * t) * (w * first - tied * first), w - tied),
            sp.exp(2 * lam * t) * other - sp.exp(-2 * gap * t),
        ),
        decay(),
    )


def _abel() -> Outcome:
    """C(r) = Σ_j c_j 1[r ≥ r_j], so that the integral is Σ_j c_j ∫ e^{−rt} dr from r_j on: term by term."""
    start = sp.Symbol("r_j", positive=True)
    primitive = -sp.exp(-rate * t) / t  # it vanishes at infinity
    return both(
        zero((sp.diff(primitive, rate), sp.exp(-rate * t)), (0 - primitive.subs(rate, start), sp.exp(-start * t) / t)),
        decay(),
    )


def _once() -> Outcome:
    """The derivative of the integrand of e^{st} D(t)/t; its sign, which is strict where neither r − s nor C is 0."""
    weight = sp.Symbol("C", real=True)
    integrand = weight * sp.exp(-(rate - s) * t)
    above, size = sp.symbols("p q", nonnegative=True)  # (r − s) and C have the same sign
    strict, most = sp.symbols("p_1 q_1", positive=True)
    return both(
        zero((sp.diff(integrand, t), -(rate - s) * integrand)),
        positive(above * size, (-above) * (-size)),
        strictly(strict * most, (-strict) * (-most), sp.exp(-strict * t)),
    )


def _normalised_start() -> Outcome:
    """C_ii = 1: the traces agree, and Tr KM − Tr K̃M̃ is a sum of non-negative terms and the part of the targets."""
    gated = C[i, j] * SIGMA[i, j]
    traces = total(SIGMA[i, i] - C[i, i] * SIGMA[i, i], i).where(_UNIT)
    outer = Y[i] * Y[j]
    first, second = (total(m * entry * (entry + outer), i, j) for entry in (SIGMA[i, j], gated))
    lost = total(m * (1 - C[i, j] ** 2) * SIGMA[i, j] ** 2, i, j)
    targets = total(outer * m * (SIGMA[i, j] - gated), i, j)
    diagonal = ((1 - C[i, i] ** 2) * SIGMA[i, i] ** 2).where(_UNIT)
    angle, entry = sp.symbols("theta k", real=True)
    sine = zero(entry**2 * (1 - sp.cos(angle) ** 2) - entry**2 * sp.sin(angle) ** 2)
    return both(same(traces, first - second - lost - targets, diagonal), sine, positive(entry**2 * sp.sin(angle) ** 2))


def _strict() -> Outcome:
    """Equality at a simple λ_1: v_i x_ik = α_k u_i, hence C_ij² = 1 where v_i, v_j ≠ 0; and Σ_e (λ_e − λ_1)."""
    alpha, v, least = Tensor("alpha"), Tensor("v"), sp.Symbol("lambda_1", real=True)

    def gram(first: Index, second: Index) -> Form:
        """v_i v_j x_i·x_j with α_k u_i for v_i x_ik."""
        return total(alpha[r] * u[first] * alpha[r] * u[second], r)

    # it is what is said: v_i v_j takes part in every term
    meant = total(v[i] * x[i, r] * v[j] * x[j, r], r) - v[i] * v[j] * total(x[i, r] * x[j, r], r)
    parallel = gram(i, j) ** 2 - gram(i, i) * gram(j, j)
    # C_ij² < 1 for i ≠ j leaves one v_i ≠ 0, and u = e_i: λ_1 = K_ii = a, the whole diagonal
    trace = orthonormal(total(spectral(q, values, i, i), i), "q", 0) - total(values[e], e)
    excess = total(values[e] - least, e) - (total(values[e], e) - sp.Symbol("n", positive=True) * least)
    return same(meant, parallel, trace, excess)


def _normalised_end() -> Outcome:
    """vᵀ(A ⊙ XXᵀ/d)v is a sum of quadratic forms of A, and the diagonal of C is 1; when it is 0."""
    form = total(u[i] * K[i, j] * total(x[i, r] * x[j, r], r) * u[j], i, j)
    parts = total(total(u[i] * x[i, r] * K[i, j] * u[j] * x[j, r], i, j), r)
    level = sp.Symbol("lambda", real=True)
    # A ⊙ C with A = K − λI against K ⊙ C − λI, at i = j where δ is not 0
    shifted = (K[i, i] - level) * C[i, i] - (K[i, i] * C[i, i] - level)
    elsewhere = (K[i, j] - level * delta(i, j)) * C[i, j] - (K[i, j] * C[i, j] - level * delta(i, j) * C[i, j])
    return both(same(form - parts, shifted.where(_UNIT), elsewhere), _strict())


def _opposite() -> Outcome:
    """Two inputs with C_12 = −1 and constant targets: the spectra, and the two exponentials that are left."""
    a, b, y = sp.symbols("a b y", positive=True)
    one, eye = sp.ones(2, 2), sp.eye(2)
    kernel, cosines = (a - b) * eye + b * one, 2 * eye - one
    gated = sp.matrix_multiply_elementwise(kernel, cosines)
    mean, rest = one / 2, eye - one / 2  # the eigenspaces of both
    spectra = kernel - ((a + b) * mean + (a - b) * rest), gated - ((a - b) * mean + (a + b) * rest)
    moments = [matrix + y**2 * one for matrix in (kernel, gated)]  # Σ = K/m with m = 1, Y = y(1, 1)
    slow = (rest * moments[0]).trace() - (mean * moments[1]).trace()
    fast = (mean * moments[0]).trace() - (rest * moments[1]).trace()
    found = slow * sp.exp(-2 * (a - b) * t) + fast * sp.exp(-2 * (a + b) * t)
    form = y**2 * sum(kernel - gated)
    # −D/(2y²) is a positive factor times 1 − e^{−s}, s = 4bt, which is 0 at 0 and has a positive slope
    rises = 1 - sp.exp(-s)
    return both(
        zero(
            *spectra[0],
            *spectra[1],
            form - 4 * b * y**2,
            found + 2 * y**2 * sp.exp(-2 * (a - b) * t) * rises.subs(s, 4 * b * t),
            found - 2 * y**2 * (sp.exp(-2 * (a + b) * t) - sp.exp(-2 * (a - b) * t)),
            rises.subs(s, 0),
            (sp.diff(rises, s), sp.exp(-s)),
        ),
        strictly(4 * b * y**2, 2 * y**2, 4 * b * t, sp.exp(-s)),
    )


def _tie() -> Outcome:
    """Three inputs with C_ij = −1/2 and constant targets: the spectra, the sum of exponentials, the signs of C."""
    a, b, y, more = sp.symbols("a b y e", positive=True)
    one, eye = sp.ones(3, 3), sp.eye(3)
    kernel, cosines = (a - b) * eye + b * one, sp.Rational(3, 2) * eye - one / 2
    gated = sp.matrix_multiply_elementwise(kernel, cosines)
    mean, rest = one / 3, eye - one / 3  # the eigenspaces of both
    spectra = kernel - ((a + 2 * b) * mean + (a - b) * rest), gated - ((a - b) * mean + (a + b / 2) * rest)
    rates, weights = zip(
        # slowest first, for b > 0; Σ = K/m with m = 1, Y = y(1, 1, 1)
        (a - b, (rest * kernel).trace() - (mean * (gated + y**2 * one)).trace()),
        (a + b / 2, -(rest * gated).trace()),
        (a + 2 * b, (mean * (kernel + y**2 * one)).trace()),
        strict=True,
    )
    sums = [sum(weights[: j + 1]) for j in range(3)]
    asked = 3 * y**2 + b - more  # a, from 3y² = a − b + e
    negative = [-sums[0].subs(a, asked), -sp.expand(sums[1])]
    order = [sp.expand(high - low) for low, high in pairwise(rates)]
    targets = y * sp.ones(3, 1)
    b_relu = (sp.sqrt(1 - sp.Rational(1, 4)) - (sp.pi - sp.acos(-sp.Rational(1, 2))) / 2) / (2 * sp.pi)
    return both(
        zero(*spectra[0], *spectra[1], sums[2], (targets.T * (kernel - gated) * targets)[0] - 9 * b * y**2),
        strictly(*(sp.expand(item) for item in (*negative, *order))),
        larger((sp.Rational(1, 2), b_relu), (b_relu, sp.S.Zero)),
    )


def proof() -> Proof:
    return Proof(
        title="When two loss curves cross (Cor. 4.2)",
        source="Cor. 4.2 of arXiv 2605.20749, with conditions that suffice; E. Laguerre 1883 for the count of zeros; "
        "I. Schur 1911 for the product",
        summary=(
            "The difference of two expected losses is a sum of exponentials. Its sign at first is that of the initial "
            "losses, then of the slopes; its sign at last is decided by the smaller of the two least eigenvalues "
            "*alone*, because every mode carries loss when $\\Sigma$ is positive definite; where the two are equal, by "
            "the weights of their modes. If these signs differ the "
            "curves cross an odd number of times, and exactly once if the cumulated spectral weights cross once. "
            "On normalised inputs, in the wide limit, the paper's hypothesis $Y^\\top(K-\\tilde K)Y \\ge 0$ gives the "
            "first half of Cor. 4.2 as soon as two inputs with $\\Sigma_{ij} \\ne 0$ are not parallel, for every $n$ "
            "and $d$. It does not give the second: there $\\lambda_1 \\le "
            "\\tilde\\lambda_1$ always, and the gated loss is lower in the end if $\\lambda_1 < \\tilde\\lambda_1$, "
            "as for $n \\ge 2$ inputs of which no two are parallel and a simple $\\lambda_1$; "
            "but at a tie it can be the higher one at all times. On Gaussian inputs not even the order of the least "
            "eigenvalues is sure (see the checks `crossing-early` and `crossing-late`)."
        ),
        notation=(
            "As in [expected_loss](expected_loss.md): $L$ with $K, \\Sigma$ for the non-gated network, $\\tilde L$ "
            "with $\\tilde K, \\tilde\\Sigma$ for the gated one, $M = \\Sigma + YY^\\top$, $\\tilde M$ likewise; "
            "$D = L - \\tilde L = \\sum_j c_j e^{-r_j t}$ with $r_1 < r_2 < \\dots$ the rates of both; "
            "$C(r) = \\sum_{r_j \\le r} c_j$; $\\lambda_1, \\tilde\\lambda_1$ the least eigenvalues. Gradient descent "
            "is the same with $r = -2\\ln|1-\\eta\\lambda|$ in place of $2\\lambda$ and $k$ in place of $t$; the "
            "slowest mode is the least eigenvalue's while $\\eta < 2/(\\lambda_1 + \\lambda_n)$ for both."
        ),
        steps=(
            Step(
                "at first",
                r"D(0) = \mathrm{Tr}\,\Sigma - \mathrm{Tr}\,\tilde\Sigma, \qquad "
                r"D'(0) = -2\left(\mathrm{Tr}[KM] - \mathrm{Tr}[\tilde K\tilde M]\right)",
                "the targets' part of $D(0)$ cancels; differentiate the flow",
                _start,
                every("n t lambda q M Sigma Y", by.SPECTRAL),
            ),
            Step(
                "the covariances are positive definite",
                r"\phi \text{ no polynomial},\ x_i \ne 0,\ \text{no two parallel} \quad\Longrightarrow\quad \Sigma "
                r"\succ 0, "
                r"\ \tilde\Sigma \succ 0",
                "$u^\\top\\Sigma u = 0$ says that $\\sum_i u_i\\phi(w\\cdot x_i) = 0$ for almost every $w$. For each "
                "$j "
                "\\ne i$ differentiate along $v_j = x_i - (x_i\\cdot x_j/\\|x_j\\|^2)\\,x_j$, as distributions: what "
                "belongs to $j$ goes, since $v_j\\cdot x_j = 0$, and $u_i\\prod_j(v_j\\cdot "
                "x_i)\\,\\phi^{(n-1)}(w\\cdot "
                "x_i) = 0$ is left, where $v_j\\cdot x_i > 0$; so $u_i = 0$, or $\\phi$ is a polynomial (for analytic "
                "$\\phi$: S. Du et al. 2019). Then $\\tilde\\Sigma \\propto \\Sigma\\odot XX^\\top$ as well, by "
                "Schur's "
                "product theorem, since $\\|x_i\\| > 0$",
                _definite,
                every("s c R l_i l_j rho", by.CONSTANT, by.SCHUR),
            ),
            Step(
                "every mode carries loss",
                r"\Sigma \succ 0: \qquad w_i = q_i^\top(\Sigma + YY^\top)\,q_i \ge \lambda_{\min}(\Sigma) > 0",
                "Rayleigh",
                _weights,
                every("n sigma p u Y", by.SPECTRAL),
            ),
            Step(
                "at last",
                lines(
                    r"\lambda_1 < \tilde\lambda_1 \;\Longrightarrow\; e^{2\lambda_1t}D(t) \to w_1 > 0: \text{ gated "
                    r"lower in the end;}\qquad \lambda_1 > \tilde\lambda_1: \text{ non-gated;}",
                    r"\lambda_1 = \tilde\lambda_1 \;\Longrightarrow\; e^{2\lambda_1t}D(t) \to \mathrm{Tr}[PM] - "
                    r"\mathrm{Tr}[\tilde P\tilde M], \qquad P, \tilde P \text{ the projectors on their eigenspaces}",
                ),
                "the slowest exponential outlasts all others; $w_1 = \\mathrm{Tr}[PM]$. If the two weights of a tie "
                "are "
                "equal as well, the next rate decides: the sign of $D$ at last is that of the first $c_j \\ne 0$. With "
                "$D < 0$ at first, $D$ is continuous and changes sign an odd number of times if it is positive at "
                "last, "
                "an even number of times if it is negative",
                _end,
                every("t lambda h w x", by.SUMS_OF_LIMITS),
            ),
            Step(
                "cumulated weights",
                r"\frac{D(t)}{t} = \int_0^\infty C(r)\,e^{-rt}\,dr",
                "summation by parts",
                _abel,
                every("r t r_j"),
            ),
            Step(
                "at most one crossing",
                r"(r-s)\,C(r) \ge 0 \text{ for all } r,\ D \not\equiv 0 \;\Longrightarrow\; "
                r"\frac{d}{dt}\left[e^{st}\,\frac{D(t)}{t}"
                r"\right] = -\int_0^\infty (r-s)\,C(r)\,e^{-(r-s)t}\,dr < 0",
                "differentiate under the integral. $C$ is a step function and not 0 everywhere, since $D$ is not; so "
                "$(r-s)\\,C(r)$ is positive on an interval, and the integral is. A strictly monotone function has at "
                "most one zero. Likewise $C \\le 0$ throughout gives $D < 0$ for all $t > 0$. In general the zeros "
                "$t > 0$ are no more than the sign changes of $C$ (Laguerre 1883)",
                _once,
                every("r s t C", by.UNDER_INTEGRAL, by.LAGUERRE),
            ),
            Step(
                "normalised inputs, at first",
                lines(
                    r"\|x_i\|^2 = d,\ K = m\Sigma,\ \tilde K = m\tilde\Sigma,\ \tilde\Sigma = \Sigma\odot C,\ "
                    r"C = XX^\top/d:\qquad D(0) = 0,",
                    r"\mathrm{Tr}[KM] - \mathrm{Tr}[\tilde K\tilde M] = m\sum_{i\ne j}(1-C_{ij}^2)\,\Sigma_{ij}^2 + "
                    r"Y^\top(K-\tilde K)\,Y",
                ),
                "$C_{ii} = 1$, $|C_{ij}| \\le 1$: with $Y^\\top(K-\\tilde K)Y \\ge 0$ it is not negative, so that "
                "$D'(0) \\le 0$; it is positive, and the non-gated loss lower at first, if two inputs with "
                "$\\Sigma_{ij} \\ne 0$ are not parallel",
                _normalised_start,
                every("n m Sigma C Y"),
            ),
            Step(
                "normalised inputs, at last",
                lines(
                    r"A = K - \lambda_1 I \succeq 0:\qquad \tilde K - \lambda_1 I = A\odot C, \qquad "
                    r"v^\top(A\odot C)\,v = \frac1d\sum_k (v\odot x^{(k)})^\top A\,(v\odot x^{(k)}) \ge 0,",
                    r"\text{so}\quad \tilde\lambda_1 \ge \lambda_1; \qquad n \ge 2,\ \text{no two } x_i \text{ "
                    r"parallel},\ "
                    r"\lambda_1 \text{ simple} \quad\Longrightarrow\quad \tilde\lambda_1 > \lambda_1",
                ),
                "Schur's product theorem, $x^{(k)}$ the columns of $X$. Equality needs a $v \\ne 0$ with every $v "
                "\\odot x^{(k)}$ in the kernel of $A$, that is $v_ix_{ik} = \\alpha_ku_i$ if $\\lambda_1$ is *simple* "
                "with "
                "eigenvector $u$. Then $v_i^2v_j^2\\,[(x_i\\cdot x_j)^2 - \\|x_i\\|^2\\|x_j\\|^2] = 0$, so one $v_i$ "
                "alone is "
                "not 0, and $u$ is a coordinate vector; $\\lambda_1 = K_{ii}$ is the diagonal, $\\sum_e(\\lambda_e - "
                "\\lambda_1) = 0$, and all eigenvalues are equal: for $n \\ge 2$ it is not simple",
                _normalised_end,
                every("n d K x u C alpha v lambda", by.SCHUR, by.SPECTRAL),
            ),
            Step(
                "normalised inputs, a tie",
                lines(
                    r"d = 2,\ n = 3,\ \angle(x_i, x_j) = 120^\circ,\ Y = y(1,1,1):\qquad K/m = (a-b)\,I + "
                    r"b\,\mathbf 1\mathbf 1^\top, \qquad Y^\top(K-\tilde K)Y = 9\,b\,y^2\,m,",
                    r"\text{eigenvalues over } m \quad K:\ a-b,\ a-b,\ a+2b, \qquad \tilde K:\ a-b,\ a+\tfrac b2,\ "
                    r"a+\tfrac b2,",
                    r"a > b > 0,\ 3y^2 > a-b:\qquad C = a-b-3y^2,\ -(a+2b+3y^2),\ 0 \;\Longrightarrow\; D(t) < 0 "
                    r"\text{ for all } t > 0",
                ),
                "both have the eigenspaces of the constants and of the sums 0; cumulate the weights, slowest first. "
                "For "
                "ReLU $a = \\frac12$, $b = (\\frac{\\sqrt3}2 - \\frac\\pi6)/2\\pi$. The hypothesis holds, and the "
                "gated "
                "loss is the higher one at all times: $\\lambda_1 < \\tilde\\lambda_1$ cannot be left out",
                _tie,
                every("a b y e"),
            ),
            Step(
                "normalised inputs, opposite ones",
                lines(
                    r"x_2 = -x_1,\ Y = y(1,1),\ a > b > 0:\qquad \frac Km = \begin{pmatrix} a & b \\ b & a "
                    r"\end{pmatrix}, "
                    r"\quad \frac{\tilde K}m = \begin{pmatrix} a & -b \\ -b & a \end{pmatrix}, \qquad Y^\top(K-\tilde "
                    r"K)Y = "
                    r"4\,b\,y^2\,m > 0,",
                    r"\text{eigenvalues over } m \text{ of both: } a-b,\ a+b; \qquad D(t) = 2y^2\bigl(e^{-2(a+b)t} - "
                    r"e^{-2(a-b)t}\bigr) < 0 \text{ for all } t > 0 \quad (m = 1)",
                ),
                "gating exchanges the eigenvectors. The least eigenvalue is simple, $\\Sigma$ positive definite and "
                "the "
                "hypothesis holds, for every $y$: that no two inputs are parallel cannot be left out either. So for "
                "the logistic function, $b = \\mathbb{E}[\\sigma(z)\\sigma(-z)] > 0$. One input alone, $n = 1$, has "
                "$\\tilde K = K$ and $D = 0$",
                _opposite,
                every("a b y t s"),
            ),
        ),
        remarks=(
            (
                "At finite width $\\tilde K = C\\odot(K + dS)$ on normalised inputs, so that $\\tilde\\lambda_1 \\ge "
                "\\lambda_1 + d\\,\\lambda_{\\min}(S)$: where $S$ is positive definite there are no ties. The step at "
                "first then asks for $\\mathrm{Tr}[KM] > \\mathrm{Tr}[\\tilde K\\tilde M]$ itself."
            ),
            (
                "For inputs of different norms neither $\\mathrm{Tr}\\,\\Sigma = \\mathrm{Tr}\\,\\tilde\\Sigma$ nor "
                "$\\tilde\\lambda_1 \\ge \\lambda_1$ need hold; both are to be computed."
            ),
        ),
    )
