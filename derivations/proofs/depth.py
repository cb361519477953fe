"""Deep normed stacks: two recursions for every pair of inputs, what a gate does to them, and where depth leads."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.depth_limit import relu_ntk, relu_rate
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows, ingredient
from derivations.tools.sums import Index, Tensor, delta, same, total
from derivations.tools.zero import positive, strictly, zero

k, rho, theta, D, r, b, x = sp.symbols("k rho theta D r b x", real=True)
q, q_2, m, m_2, chi, mu, v, n, p = sp.symbols("q q_2 m m_2 chi mu v n p", positive=True)
depth = sp.Symbol("l", integer=True, nonnegative=True)
f, g = sp.Function("f"), sp.Function("g")

#: Off the diagonal over the diagonal in the limit of a deep ReLU network, and its condition number less 1, over n.
SHARED = sp.Rational(1, 4)
SLOPE = SHARED / (1 - SHARED)


def correlation(old: sp.Expr, image: sp.Expr) -> sp.Expr:
    """ρ₊ of a residual block."""
    return (sp.sqrt(q * q_2) * old + sp.sqrt(m * m_2) * image) / sp.sqrt((q + m) * (q_2 + m_2))


def kernel(old: sp.Expr, slope: sp.Expr, image: sp.Expr) -> sp.Expr:
    """k₊ of a residual block."""
    made = old * slope + 2 * image
    return (sp.sqrt(q * q_2) * old + sp.sqrt(m * m_2) * made) / sp.sqrt((q + m) * (q_2 + m_2))


def alike(old: sp.Expr, slope: sp.Expr, image: sp.Expr) -> sp.Expr:
    """The same for rows of one variance."""
    return ((q + m * slope) * old + 2 * m * image) / (q + m)


def _block() -> Outcome:
    """Θ of a product, each branch fed with Θ = t + ρ: the sum over the branches is the derivative of the product."""
    t = sp.Symbol("t", real=True)
    first, second = f(rho), g(rho)
    fed = t + rho
    branches = fed * sp.diff(first, rho) * second + fed * sp.diff(second, rho) * first
    gated = fed * 1 * first + fed * sp.diff(first, rho) * rho
    # one more: of the product f the branches give (t + ρ)f', the new one g adds (t + ρ)g'f; of one alone f = f_1
    return both(
        follows(
            "the induction on the number of branches, its start and its step",
            zero(
                (branches, fed * sp.diff(first * second, rho)),
                (branches.subs(second, 1).doit(), fed * sp.diff(first, rho)),
            ),
        ),
        zero((gated, fed * sp.diff(rho * first, rho))),
    )


def _numbers() -> Outcome:
    """Layer by layer: norm, branches, product, dense, sum; K = Θ + Σ behind the readout."""
    sigma, ntk = sp.sqrt(q * q_2) * rho, sp.sqrt(q * q_2) * (k - rho)
    normed, below = sigma / sp.sqrt(q * q_2), ntk / sp.sqrt(q * q_2)
    image, slope = sp.Symbol("f"), sp.Symbol("g")
    scale = sp.sqrt(m * m_2)
    covariance = scale * image
    dense = (below + normed) * scale * slope + covariance
    new, theta_ = sigma + covariance, ntk + dense
    root = sp.sqrt((q + m) * (q_2 + m_2))
    return zero(
        (new / root, correlation(rho, image)),
        ((theta_ + new) / root, kernel(k, slope, image)),
        ((dense + covariance) / scale, k * slope + 2 * image),
        (kernel(k, slope, image).subs({q_2: q, m_2: m}), alike(k, slope, image)),
    )


def _diagonal() -> Outcome:
    above = 2 / (chi - 1)
    step = alike(D, chi, sp.S.One)
    return zero(
        (step + above, (D + above) * (q + m * chi) / (q + m)),
        (step.subs(chi, 1), D + 2 * m / (q + m)),
        (D * chi + 2 + above, (D + above) * chi),
    )


def _gate() -> Outcome:
    gated = rho * f(rho)
    slope = sp.diff(gated, rho)
    mean, rest = sp.symbols("mu s", nonnegative=True)
    variance = sp.Symbol("e", positive=True)
    return both(
        zero(
            gated.subs(rho, 0),
            (slope, f(rho) + rho * sp.diff(f(rho), rho)),
            (mean / (mean + variance), 1 - variance / (mean + variance)),
        ),
        zero((f(rho) + rho * rest).subs(rho, 0) - f(0), ((f(rho) + rho * rest).subs(rho, 1), f(1) + rest)),
        strictly(variance / (mean + variance)),
    )


def _linear() -> Outcome:
    new_r, new_b = r * (q + m * mu) / (q + m), (b * (q + m * mu) + 2 * m * mu * r) / (q + m)
    return zero(
        (new_b, alike(b, mu, mu * r)),
        (new_r, (q * r + m * mu * r) / (q + m)),
        (new_b / new_r, b / r + 2 * m * mu / (q + m * mu)),
    )


def _power() -> Outcome:
    """With q = 1 + lv and m = v the factors are quotients of Γ at arguments one apart."""

    def gammas(share: sp.Expr, number: sp.Expr) -> sp.Expr:
        return sp.gamma(number + 1 / v + share) / sp.gamma(number + 1 + 1 / v)

    def factor(share: sp.Expr) -> sp.Expr:
        return ((q + m * share) / (q + m)).subs({q: 1 + depth * v, m: v})

    def constant(share: sp.Expr) -> sp.Expr:
        return sp.gamma(1 + 1 / v) / sp.gamma(1 / v + share)

    flat = sp.Integer(2)  # v = 1, s = 2: the product is exactly L/2 + 1
    example = (constant(flat) * gammas(flat, depth)).subs(v, 1)
    return zero(
        *((factor(share) * gammas(share, depth), gammas(share, depth + 1)) for share in (mu, 1 + chi)),
        *(constant(share) * gammas(share, sp.S.Zero) - 1 for share in (mu, 1 + chi)),
        (example, depth / 2 + 1),
        # the logarithm's part of b/r has the factor μ
        (2 * v * mu / (1 + depth * v + v * mu)).subs(mu, 0),
    )


def _off() -> Outcome:
    """One step of c = |ρ| and of y = |k|/D: what is taken away is positive while c < 1."""
    c, left = sp.symbols("c e", positive=True)
    high = mu + (1 - mu) * c  # f(c) at most, its coefficients being positive
    s = sp.Symbol("s", nonnegative=True)
    return both(
        zero(
            (1 - (q + m * high) / (q + m), m * (1 - mu) * (1 - c) / (q + m)),
            ((q + m * (1 + chi)) - (q + m * s), m * (1 + chi - s)),
        ),
        strictly((m * (1 - mu) * (1 - c) / (q + m)).subs(1 - mu, left).subs(1 - c, left)),
    )


def _constant() -> Outcome:
    """(1 − x)I + x11ᵀ on 1 and on vectors of sum 0, which there are for n ≥ 2; λ_1 ≥ λ_2 > 0 for 0 ≤ x < 1."""
    i, j, w = Index("i"), Index("j"), Tensor("w")
    share, more = sp.Symbol("y", nonnegative=True), sp.Symbol("n", nonnegative=True)
    inside, rows = share / (1 + share), more + 2  # x in [0, 1) and n ≥ 2
    K = (1 - x) * delta(i, j) + x
    ones = total(K, j) - (1 - x + n * x)
    others = total(K * w[j], j) - (1 - x) * w[i] - x * total(w[j], j)
    return both(
        same(ones),
        same(others),
        zero(((1 - x + n * x) / (1 - x), 1 + n * x / (1 - x)), ((1 + n * SLOPE), (n + 3) / 3)),
        zero((1 - x + n * x) - (1 - x) - n * x, 1 - inside - 1 / (1 + share)),
        positive(rows * inside, rows - 2, SHARED),
        strictly(1 / (1 + share), 1 - SHARED),
    )


def _relu() -> Outcome:
    """The map in angles, its slope, and the limit k/D of a recursion k₊ = (1 − 3/l)k + 2, D₊ = D + 2."""
    image = (sp.sin(theta) + (sp.pi - theta) * sp.cos(theta)) / sp.pi
    lost = (sp.sin(theta) - theta * sp.cos(theta)) / sp.pi
    below, above = 2 / (1 + sp.Integer(3)), sp.Integer(2)
    return zero(
        (sp.diff(image, theta) / -sp.sin(theta), 1 - theta / sp.pi),
        (image, sp.cos(theta) + lost),
        (sp.diff(lost, theta), theta * sp.sin(theta) / sp.pi),
        below / above - SHARED,
    )


def _chaotic() -> Outcome:
    """A fixed point below 1: the chord to (1, 1) has slope 1, and a convex map is flatter to its left."""
    fixed, limit = sp.symbols("rho s", real=True)
    return zero((1 - fixed) / (1 - fixed) - 1, (2 * fixed / (1 - limit) * limit + 2 * fixed, 2 * fixed / (1 - limit)))


def _ordered() -> Outcome:
    limit = 2 / (1 - chi)
    return zero((limit * chi + 2, limit), (alike(limit, chi, sp.S.One), limit))


def _without() -> Outcome:
    """Homogeneous images of degree p/2: m = v q^p; S and ∂S/∂Σ; and the ratio of two rows' variances."""
    sigma = sp.Symbol("sigma", real=True)
    scale = v * (q * q_2) ** (p / 2)
    slope = sp.diff(scale * f(sigma / sp.sqrt(q * q_2)), sigma)
    inner = sp.Subs(sp.diff(f(x), x), x, sigma / sp.sqrt(q * q_2)).doit()
    K = sp.Symbol("K", real=True)
    rows = sp.Symbol("r", positive=True)  # ln(q_0/q_0'): one block multiplies it by p
    induced = zero((p**depth * rows).subs(depth, 0) - rows, (p * (p**depth * rows), p ** (depth + 1) * rows))
    recursion = zero(
        (slope, scale / sp.sqrt(q * q_2) * sp.diff(f(x), x).subs(x, sigma / sp.sqrt(q * q_2))),
        (K * slope / scale, K / sp.sqrt(q * q_2) * inner),
        ((v * q**p) / (v * q_2**p), (q**p) / (q_2**p)),
    )
    return both(recursion, follows("the induction on $l$, its start and its step", induced))


def proof() -> Proof:
    return Proof(
        title="Depth: what it does to plain and to gated kernels",
        source="this project; for plain networks Xiao, Pennington & Schoenholz (2020) and arXiv 2305.08813",
        summary=(
            "In a wide stack of normed blocks a pair of inputs is two numbers, a correlation $\\rho$ and a kernel "
            "$k$. A gate multiplies the map of correlations by $\\rho$, whatever the activation: 0 becomes a fixed "
            "point that attracts, 1 one that repels. So every gated kernel of rows no two of which are "
            "parallel or opposite tends to a diagonal matrix, $L$ blocks "
            "with residuals like $L^{\\mu-1-\\chi}\\ln L$ (without the logarithm where $\\mu = 0$). What the gate "
            "gains against the plain stack is decided by "
            "$\\chi$, the slope of the plain map at 1: without bound for $\\chi < 1$ (sigmoid), $(n+3)/3$ in the "
            "limit for ReLU, $\\chi = 1$, and nothing in the limit for $\\chi > 1$ (GELU, SiLU, tanh)."
        ),
        notation=(
            "$q, q'$: variances of the stream at two inputs; $m, m'$: mean squares of a block's images; $\\rho$: "
            "correlation; $K = \\Theta + \\Sigma$, the NTK behind a readout, $k = K/\\sqrt{qq'}$, and $D$ the same on "
            "the diagonal; $f$: the map of correlations of a plain block, $f(1) = 1$, with Taylor coefficients $\\ge "
            "0$; $\\mu = f(0) = (E\\phi)^2/E\\phi^2$, $\\chi = f'(1) = E\\phi'^2/E\\phi^2$, $v = E\\phi^2$; a tilde: "
            "gated; index $+$: after one block more. ntk parametrisation, all variances 1, all weights trained."
        ),
        names={
            r"\tilde f": r"\rho f",
            r"\alpha": r"\frac{2}{\chi-1}",
            r"\chi": "f'(1)",
            r"\mu": "f(0)",
            r"\phi": r"\text{any activation with the map } f",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
        },
        steps=(
            Step(
                "a product is passed by its derivative",
                r"\sum_i (t+\rho)\,f_i'(\rho)\prod_{j\ne i} f_j(\rho) = (t+\rho)\,\frac{d}{d\rho}\prod_i f_i(\rho); "
                r"\qquad \text{gated: } \tilde f(\rho) = \rho f(\rho)",
                (
                    r"every branch is fed with the same $\Theta = t + \rho$; the induction on the number of branches, "
                    "its start and its step: a product and one more branch"
                ),
                _block,
                every("rho t f g"),
            ),
            Step(
                "two numbers for every pair",
                lines(
                    r"\sqrt{q_+q_+'}\,\rho_+ = \sqrt{qq'}\,\rho + \sqrt{mm'}\,f(\rho), \qquad q_+ = q + m,",
                    r"\sqrt{q_+q_+'}\,k_+ = \sqrt{qq'}\,k + \sqrt{mm'}\,\bigl(k f'(\rho) + 2f(\rho)\bigr); \qquad "
                    r"\text{without residual: } \rho_+ = f, \ k_+ = kf' + 2f; \qquad \rho_0 = \cos, \ k_0 = 2\rho_0",
                ),
                "layer by layer: the norm divides, the branches add $\\rho$, the product multiplies by $f'$, the "
                "dense layer adds its input's covariance, the residual adds; the images of independent centred "
                "weights are uncorrelated with the stream",
                _numbers,
                every("k rho q q_2 m m_2 f g", by.INDEPENDENCE),
            ),
            Step(
                "the diagonal",
                r"D_+ + \alpha = (D + \alpha)\,\frac{q + m\chi}{q + m}, \quad \alpha = \frac2{\chi-1}; \qquad \chi = "
                r"1: \ D_+ = D + \frac{2m}{q+m}; \qquad \text{without residual: } D_+ + \alpha = \chi\,(D+\alpha)",
                "$\\rho = f = 1$",
                _diagonal,
                every("D q m chi"),
            ),
            Step(
                "what a gate does to the map",
                r"\tilde f(0) = 0, \qquad \tilde f'(0) = f(0) = \mu, \qquad \tilde f'(1) = 1 + \chi, \qquad \mu = "
                r"1 - \frac{\mathrm{Var}\,\phi}{\mathbb{E}\,\phi^2} < 1",
                "the product rule; $\\phi$ is not constant",
                _gate,
                every("rho f s mu e"),
            ),
            Step(
                "the linear part of a gated kernel",
                r"\rho_l = r\rho + O(\rho^2),\ k_l = b\rho + O(\rho^2): \qquad r_+ = r\,\frac{q+m\mu}{q+m}, \qquad "
                r"\frac{b_+}{r_+} = \frac br + \frac{2m\mu}{q+m\mu}",
                r"$\tilde f = \mu\rho + O(\rho^2)$, without a constant part",
                _linear,
                every("r b q m mu", by.TAYLOR),
                names={
                    "k_l": r"b\rho + O(\rho^2)",
                    r"\rho_l": r"r\rho + O(\rho^2)",
                    r"\rho": r"\text{the correlation at the start}",
                    "l": r"\text{a block}",
                },
            ),
            Step(
                "a power of the depth",
                lines(
                    r"q = 1 + lv,\ m = v: \qquad \prod_{l<L}\frac{q+m s}{q+m} = "
                    r"c_s\,\frac{\Gamma(L+\frac1v+s)}{\Gamma(L+1+\frac1v)} \sim c_s\,L^{s-1}, \qquad c_s = "
                    r"\frac{\Gamma(1+\frac1v)}{\Gamma(\frac1v+s)};",
                    r"\frac{b_L}{\tilde D_L} \sim C\,L^{\mu-1-\chi}\ln L \ \text{ for } \mu > 0, \qquad "
                    r"\frac{b_L}{\tilde D_L} \sim C\,L^{-1-\chi} \ \text{ for } \mu = 0",
                ),
                "rows of norm $\\sqrt d$ with residuals; $s = \\mu$ above and $s = 1 + \\chi$ on the diagonal, "
                "$b_L/r_L = 2 + \\sum 2v\\mu/(1+lv+v\\mu)$, which is 2 where $\\mu = 0$; $C$ depends on $\\phi$ "
                "alone. Without residuals $C L(\\mu/(1+\\chi))^L$ for $\\mu > 0$; where $\\mu = 0$ the map of "
                "correlations starts with a square or a higher power, and the kernel falls doubly exponentially",
                _power,
                ingredient(
                    "the factors as quotients of $\\Gamma$ at arguments one apart",
                    by.WENDEL,
                    why="the logarithm comes from a sum over the blocks that is estimated in words",
                ),
            ),
            Step(
                "gated kernels tend to diagonal matrices",
                r"|\rho| = c < 1: \quad c_+ \le c\Bigl(1 - \frac{m(1-\mu)(1-c)}{q+m}\Bigr), \qquad "
                r"\frac{|k_L|}{\tilde D_L} \to 0, \qquad \mathrm{cond}\,\tilde K_L \to \max_i \lim \tilde D_i/\tilde "
                r"D_j",
                "$f(c) \\le \\mu + (1-\\mu)c$ because the coefficients of $f$ are not negative and sum to 1, and "
                "$|\\tilde f(\\rho)| \\le cf(c)$; $\\tilde f'(c) \\to \\mu < 1+\\chi$; discs around the diagonal. Any "
                "rows no two of which are parallel or opposite, with residuals or without",
                _off,
                ingredient(
                    "the contraction of one step",
                    by.GERSHGORIN,
                    by.CHUNG,
                    by.SCHOENBERG,
                    why="the limit over the depth rests on a lemma on recursions and on discs, put together in words",
                ),
            ),
            Step(
                "spike and bulk of a constant correlation",
                r"n \ge 2, \ 0 \le x < 1, \ (1-x)I + x\,11^\top: \qquad \lambda_1 = 1 - x + nx, \quad \lambda_2 = "
                r"\dots = \lambda_n = 1 - x, "
                r"\quad \mathrm{cond} = 1 + \frac{nx}{1-x}; \qquad x = \tfrac14: \ \mathrm{cond} = \frac{n+3}3",
                "the vector of ones, and vectors of sum 0; of one row alone the condition number is 1",
                _constant,
                every("n x w y"),
                names={
                    r"\lambda_k": r"\text{the eigenvalues of } (1-x)I + x\,11^\top \text{ in falling order}",
                    "I": r"\mathbf 1",
                    r"\mathrm{cond}": r"\lambda_1/\lambda_n",
                },
            ),
            Step(
                "ReLU: the marginal case",
                r"f = \cos\theta + \frac{\sin\theta - \theta\cos\theta}\pi, \qquad f' = 1 - \frac\theta\pi; \qquad "
                r"\theta_0 > 0: \ \theta_L \sim \frac{3\pi}L, \quad \frac{k_L}{D_L} \to \frac14, \qquad n \ge 2, "
                r"\text{ no two "
                r"rows parallel}: \ \mathrm{cond}\,K_L \to \frac{n+3}3",
                (
                    r"$k_+ = (1-(3+o(1))/l)k + 2 + o(1)$, $k_L \sim L/2$ and $D_L = 2L + 2$, as in "
                    r"[depth_limit](depth_limit.md), whose $\Theta$ is $k - \rho$; with residuals $\ln q_L$ "
                    "stands for $L$"
                ),
                lambda: both(_relu(), relu_rate(), relu_ntk()),
                every("theta Theta L n", by.TAYLOR, by.CESARO, by.CHUNG, by.WEYL),
                names={
                    r"\mathrm{cond}": r"\text{the largest over the least eigenvalue}",
                    "f": r"\text{ReLU's map}",
                    "k_L": r"\Theta_{ij} + \cos\theta",
                    "D_L": r"\Theta_{ii} + 1",
                    "K_L": r"\text{the matrix of } k_L \text{ and } D_L",
                },
            ),
            Step(
                "χ > 1: the plain kernel tends to a diagonal matrix as well",
                r"f(\rho_*) = \rho_* < 1, \ f'(\rho_*) < 1,\ |\rho_0| < 1 \text{ for all pairs}: \qquad k_L \to "
                r"\frac{2\rho_*}{1-f'(\rho_*)}, \qquad "
                r"D_L \to \infty, \qquad \mathrm{cond}\,K_L \to \max_i \lim D_i/D_j",
                "a convex map with slope above 1 at 1 crosses the diagonal once below 1, with a slope below that of "
                "the chord; $D$ grows like $\\chi^L$, with residuals like $L^{\\chi-1}$",
                _chaotic,
                ingredient(
                    "the slope of the chord and the limit",
                    by.CHUNG,
                    why="the limits over the depth are those of a recursion that is not solved",
                ),
            ),
            Step(
                "χ < 1: the plain kernel tends to a constant",
                r"|\rho_0| < 1, \ n \ge 2: \qquad \rho_L \to 1, \qquad k_L,\ D_L \to \frac2{1-\chi}, \qquad "
                r"\mathrm{cond}\,K_L \to \infty",
                "$\\rho = 1$ is the only fixed point, and attracts; all entries have one limit",
                _ordered,
                ingredient(
                    "the fixed point of the diagonal, with residuals and without",
                    by.CHUNG,
                    why="the limits over the depth are those of a recursion that is not solved",
                ),
            ),
            Step(
                "homogeneous activations without norms",
                r"m = v q^p: \qquad "
                r"\frac{\partial}{\partial\Sigma}\Bigl[v(qq')^{p/2}f\Bigl(\frac\Sigma{\sqrt{qq'}}\Bigr)\Bigr]\,K = "
                r"\sqrt{mm'}\,k f'(\rho); \qquad \text{without residual: } \frac{q_L}{q_L'} = "
                r"\Bigl(\frac{q_0}{q_0'}\Bigr)^{p^L}, \quad \mathrm{cond}\,K_L \ge \Bigl(\frac{\max q_0}{\min "
                r"q_0}\Bigr)^{p^L}",
                "homogeneity, and the induction on $l$, its start and its step; $p = 1$ for ReLU, $p = 2$ for ReGLU; "
                "the condition number is at least the quotient of two "
                "entries of the diagonal",
                _without,
                every("q q_2 v p f sigma K l", by.RAYLEIGH, by.RAYLEIGH(r"\mathrm{cond}")),
                beyond="the recursions are the same, so that $K_L$ is the normed kernel between the roots of the rows' "
                "variances",
                names={
                    "m": r"v\,q^p",
                    "k": r"K/\sqrt{qq'}",
                    r"\rho": r"\Sigma/\sqrt{qq'}",
                    r"\Sigma": r"\text{the covariance } \sigma",
                    "L": "l",
                },
            ),
        ),
        remarks=(
            (
                "How large $L$ must be is another matter: with residuals a block is a smaller and smaller part of the "
                "stream and $\\ln L$ is the time; two inputs with $1-\\rho = \\epsilon$ are told apart after about "
                "$\\epsilon^{-1/\\chi}$ gated blocks."
            ),
            "arXiv 2305.08813 has $(n+4)/3$ for its own deep ReLU network: the constant beside $n/3$ is the set-up's.",
        ),
    )
