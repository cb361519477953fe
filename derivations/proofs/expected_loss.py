"""The expected loss of gradient descent in the kernel regime, Prop. 4.1 of arXiv 2605.20749 made exact."""

from __future__ import annotations

import sympy as sp

from derivations.tools.finite_width import FRONT, Small, identity, polynomial, sigma_v
from derivations.tools.latex import lines
from derivations.tools.proof import PROOF, Outcome, Proof, Step, both
from derivations.tools.zero import zero
from glutheory.networks import network
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

m, d, eta = sp.symbols("m d eta", positive=True)
k, t = sp.symbols("k t", positive=True)
S, T, g = sp.symbols("S T g", real=True)
sigma_w, sigma_p = sp.symbols("sigma_w sigma_p", positive=True)
_SIZE = 3  # of the explicit matrices


def full(name: str, size: int = _SIZE) -> sp.Matrix:
    """A symmetric matrix of symbols."""
    return sp.Matrix(size, size, lambda i, j: sp.Symbol(f"{name}_{min(i, j)}{max(i, j)}", real=True))


def column(name: str, size: int = _SIZE) -> sp.Matrix:
    return sp.Matrix(sp.symbols(f"{name}0:{size}", real=True))


def rotation() -> sp.Matrix:
    """Every pair of eigenvectors in the plane."""
    angle = sp.Symbol("theta", real=True)
    return sp.Matrix([[sp.cos(angle), -sp.sin(angle)], [sp.sin(angle), sp.cos(angle)]])


def plain() -> sp.Expr:
    """Eq. 3 under LeCun."""
    return m * S + g * T


def gated() -> sp.Expr:
    """Eq. 4 under LeCun."""
    return (1 + m / d) * g * S + g**2 * T / d


def _step() -> Outcome:
    """θ ← θ − η ∇ ½‖f − Y‖² for f linear in two parameters."""
    J = sp.Matrix(_SIZE, 2, sp.symbols(f"J0:{2 * _SIZE}", real=True))
    theta, start, Y = column("theta", 2), column("f"), column("Y")
    residual = start + J * theta - Y
    loss = residual.dot(residual) / 2
    gradient = sp.Matrix([sp.diff(loss, x) for x in theta])
    after = start + J * (theta - eta * gradient) - Y
    return zero(*(after - (sp.eye(_SIZE) - eta * J * J.T) * residual))


def _powers() -> Outcome:
    """By induction on k, in the eigenbasis, for a symbolic k."""
    Q, e = rotation(), column("e", 2)
    mu = sp.symbols("mu0:2", positive=True)

    def power(n: sp.Expr) -> sp.Matrix:
        return Q * sp.diag(*(x**n for x in mu)) * Q.T

    base = power(sp.S.Zero) - sp.eye(2)
    induction = power(sp.S.One) * power(k) - power(k + 1)
    after = power(k) * e
    spectral = sum(x ** (2 * k) * (Q[:, i].dot(e)) ** 2 for i, x in enumerate(mu))
    return both(zero(*base, *induction), zero(sp.expand(after.dot(after)) - spectral))


def _start() -> Outcome:
    """E f₀ = 0 and E f₀(x) f₀(x') = Σ by brute force."""
    cubic, square = polynomial(3, "c"), polynomial(2, "c")
    networks = [Small((cubic,), (sigma_w,), sigma_v, width, 2) for width in (1, 2, 3)]
    networks += [Small((identity, square), (sigma_p, sigma_w), sigma_v, width, 2) for width in (1, 2)]

    def covariance(small: Small) -> sp.Expr:
        product = sp.prod([small.duals(i)[0] for i in range(len(small.branches))])
        return small.width * FRONT**2 * sigma_v**2 * product

    means = all(small.mean(small.outputs[0]) == small.ring.zero for small in networks)
    second = all(small.nngp() == small.ring.from_expr(sp.expand(covariance(small))) for small in networks)
    return Outcome(means and second, PROOF, "equality of polynomials in the inputs, coefficients and scales")


def _quadratic() -> Outcome:
    """E eᵀMe for e = f − Y: the product expanded, then E f_i = 0, E f_i f_j = Σ_ij."""
    M, sigma, f, Y = full("M"), full("Sigma"), column("f"), column("Y")
    e = f - Y
    form = sp.Poly(sp.expand((e.T * M * e)[0]), *f)
    mean = sp.S.Zero
    for powers, value in form.terms():
        held = [i for i, n in enumerate(powers) for _ in range(n)]
        if len(held) != 1:
            mean += value * (sigma[held[0], held[1]] if held else 1)
    return zero(mean - (M * sigma).trace() - (Y.T * M * Y)[0])


def _spectral() -> Outcome:
    """Tr[A^{2k} Σ] + YᵀA^{2k}Y in the eigenbasis, for a symbolic k."""
    Q, sigma, Y = rotation(), full("Sigma", 2), column("Y", 2)
    mu = sp.symbols("mu0:2", positive=True)
    power = Q * sp.diag(*(x ** (2 * k) for x in mu)) * Q.T
    weights = [(Q[:, i].T * sigma * Q[:, i])[0] + Q[:, i].dot(Y) ** 2 for i in range(2)]
    total = sum(x ** (2 * k) * w for x, w in zip(mu, weights, strict=True))
    return zero((power * sigma).trace() + (Y.T * power * Y)[0] - total)


def _flow() -> Outcome:
    lam = sp.Symbol("lambda", positive=True)
    limit = sp.limit((1 - eta * lam) ** (2 * t / eta), eta, 0)
    return zero(sp.log(limit) + 2 * lam * t, sp.diff(sp.exp(-2 * lam * t), t) + 2 * lam * sp.exp(-2 * lam * t))


def _lecun() -> Outcome:
    """The kernels and covariances of the engine, LeCun put in."""
    from glutheory.symbolic.kernels import kernels

    one, two = (kernels(network(name), "standard") for name in ("gelu", "geglu"))
    (hidden,), (value, gate) = one.branches, two.branches
    lecun = {sp.Symbol("sigma_v", positive=True): 1 / sp.sqrt(m), sp.Symbol("sigma_p", positive=True): 1 / sp.sqrt(d)}
    first = {hidden.S: S, hidden.T: T}
    second = {value.S: value.covariance, value.T: 1, gate.S: S, gate.T: T}
    return zero(
        sp.Add(*one.blocks.values()).subs(first).subs(lecun) - plain(),
        sp.Add(*two.blocks.values()).subs(second).subs(lecun) - gated(),
        one.nngp.subs(first).subs(lecun) - S,
        two.nngp.subs(second).subs(lecun) - g * S / d,
        S - (plain() / m - g * T / m),
        g * S / d - (gated() / m - g / m * (S + g * T / d)),
    )


def _literal() -> Outcome:
    """Both terms of the difference K − Σ are positive on the diagonal, where S, g > 0 and T ≥ 0, for m > 1."""
    more = sp.Symbol("n", positive=True)  # m = 1 + n
    value, slope, inner = sp.Symbol("s", positive=True), sp.Symbol("u", nonnegative=True), sp.Symbol("h", positive=True)
    rest = more * value + inner * slope
    identity_ = (plain() - S).subs({S: value, T: slope, g: inner}).subs(m, 1 + more) - rest
    sign = Outcome(bool(rest.is_positive), PROOF, "the sign follows from the signs of the factors")
    return both(zero(identity_), sign)


def _relu() -> Outcome:
    """On the diagonal S = r²/2, T = 1/2, g = d r²."""
    found, variance = derivation("relu").dual, sp.Symbol("r", positive=True) ** 2
    known = {S: variance / 2, T: sp.Rational(1, 2), g: d * variance}
    value = found.S.subs({b: a, c: a}).subs(a, variance)
    slope = found.T.subs({b: a, c: a}).subs(a, variance)
    return zero(
        value - known[S],
        slope - known[T],
        (plain() / m / S - 1 - d / m).subs(known),
        (gated() / m / (g * S / d) - 1 - 2 * d / m).subs(known),
    )


def _early() -> Outcome:
    """The first step, and the slope of the flow, in a basis of eigenvectors."""
    Q, M = rotation(), full("M", 2)
    lam = sp.symbols("lambda0:2", positive=True)
    K = Q * sp.diag(*lam) * Q.T
    A = sp.eye(2) - eta * K
    decay = Q * sp.diag(*(sp.exp(-2 * x * t) for x in lam)) * Q.T
    slope = sp.diff((decay * M).trace(), t).subs(t, 0)
    first = (A * A * M).trace() - M.trace() + 2 * eta * (K * M).trace() - eta**2 * (K * K * M).trace()
    return zero(first, slope + 2 * (K * M).trace())


def _late() -> Outcome:
    """Two modes: the slower one remains."""
    w, v, lam, gap = sp.symbols("w v lambda h", positive=True)
    loss = w * sp.exp(-2 * lam * t) + v * sp.exp(-2 * (lam + gap) * t)
    return zero(sp.limit(sp.expand(sp.exp(2 * lam * t) * loss), t, sp.oo) - w)


def _best() -> Outcome:
    least, gap = sp.symbols("lambda h", positive=True)
    most = least + gap
    best = 2 / (least + most)
    return zero(
        (1 - best * least) + (1 - best * most),
        (1 - best * least) - (most - least) / (most + least),
        sp.diff(1 - eta * least, eta) + least,
        sp.diff(eta * most - 1, eta) - most,
    )


def proof() -> Proof:
    return Proof(
        title="The expected loss in the kernel regime (Prop. 4.1)",
        source="Prop. 4.1 of arXiv 2605.20749, with the covariance that belongs there; J. Lee et al. 2019 for the "
        "linearised network",
        summary=(
            "$\\mathbb{E}\\,L_k = \\mathrm{Tr}[(I-\\eta K)^{2k}\\,\\Sigma] + Y^\\top(I-\\eta K)^{2k}\\,Y$, where "
            "$\\Sigma$ is the covariance of the outputs at initialisation (the NNGP kernel) and not $K$. The paper's "
            "display has $K$ in the trace, up to a factor: with LeCun scales that term is too large by a factor of "
            "about $m$, while the second term is right, so no common factor repairs it; divided by $m$ it is "
            "right within a multiple of $d/m$ (for ReLU on the diagonal $d/m$, with a gate $2d/m$)."
        ),
        notation=(
            "$f \\in \\mathbb{R}^n$ the outputs on the training inputs, $Y$ the targets, $e = f - Y$, $L = \\|e\\|^2$ "
            "(descent on $\\tfrac12 L$ with step $\\eta$), $J = \\partial f/\\partial\\theta$, $K = JJ^\\top = Q\\,"
            "\\mathrm{diag}(\\lambda)\\,Q^\\top$, columns $q_i$; $\\Sigma = \\mathbb{E}f_0f_0^\\top$; $S, T$, "
            "$g = x\\cdot x'$ as in [hadamard](hadamard.md); a tilde marks the gated network."
        ),
        steps=(
            Step(
                "one step",
                r"f = f_0 + J(\theta - \theta_0),\quad \theta \leftarrow \theta - \eta\,\nabla_\theta\tfrac12\|f-Y\|^2"
                r"\quad\Longrightarrow\quad e_{k+1} = (I - \eta K)\,e_k",
                "the gradient is $J^\\top e$; linearised around $\\theta_0$, which is the kernel regime",
                _step,
                "three inputs and two parameters, all symbols",
            ),
            Step(
                "k steps",
                r"L_k = \|(I-\eta K)^k e_0\|^2 = e_0^\top (I-\eta K)^{2k}\, e_0 = \sum_i (1-\eta\lambda_i)^{2k}\,"
                r"(q_i\cdot e_0)^2",
                "induction; $K$ is symmetric, and its powers are taken in its eigenbasis",
                _powers,
                "two inputs, every pair of eigenvectors, a symbolic $k$",
            ),
            Step(
                "the start",
                r"\mathbb{E}\,f_0 = 0,\qquad \mathbb{E}\,f_0(x)f_0(x') = \Sigma(x,x') = m\,\sigma_v^2\prod_i S_i(x,x')",
                "the readout weights have mean 0 and are independent of the rest: exact at every width",
                _start,
                "networks with $m \\le 3$, $d = 2$ and polynomial activations with symbolic coefficients, written out",
            ),
            Step(
                "the mean of a quadratic form",
                r"\mathbb{E}\,e_0^\top M e_0 = \mathrm{Tr}[M\Sigma] + Y^\top M\,Y",
                "expand; the cross terms have mean 0. Only the first two moments of $f_0$ enter, so nothing need be "
                "Gaussian",
                _quadratic,
                "three inputs, all symbols",
            ),
            Step(
                "the expected loss",
                lines(
                    r"\mathbb{E}\,L_k = \mathrm{Tr}[(I-\eta K)^{2k}\,\Sigma] + Y^\top(I-\eta K)^{2k}\,Y = "
                    r"\sum_i w_i\,(1-\eta\lambda_i)^{2k},",
                    r"w_i = q_i^\top\Sigma\,q_i + (q_i\cdot Y)^2",
                ),
                "the two previous steps with $M = (I-\\eta K)^{2k}$, for a $K$ that does not depend on $f_0$",
                _spectral,
                "the spectral form, for two inputs and a symbolic $k$",
            ),
            Step(
                "gradient flow",
                r"k = t/\eta,\ \eta \to 0:\qquad (1-\eta\lambda)^{2t/\eta} \to e^{-2\lambda t},\qquad "
                r"\mathbb{E}\,L(t) = \sum_i w_i\,e^{-2\lambda_i t}",
                "the exponential limit",
                _flow,
            ),
            Step(
                "the covariance is not the kernel",
                lines(
                    r"\text{LeCun:}\quad \Sigma = S = \frac Km - \frac{gT}{m}, \qquad "
                    r"\tilde\Sigma = \frac{g}{d}S = \frac{\tilde K}{m} - \frac gm\left(S + \frac{gT}{d}\right)",
                ),
                "Eqs. 3 and 4 with $\\sigma_v^2 = 1/m$, $\\sigma_w^2 = \\sigma_p^2 = 1/d$, compared with the engine",
                _lecun,
            ),
            Step(
                "no common factor",
                lines(
                    r"\kappa\,\bigl(\mathrm{Tr}[K] + Y^\top Y\bigr) = \mathrm{Tr}[\Sigma] + Y^\top Y \text{ for all } Y"
                    r"\;\Longrightarrow\; \kappa = 1,\ \mathrm{Tr}[K-\Sigma] = 0;",
                    r"\text{but}\quad K_{ii} - \Sigma_{ii} = (m-1)\,S_{ii} + g_{ii}T_{ii} > 0 \quad (m > 1)",
                ),
                "at $k = 0$: let $\\|Y\\| \\to \\infty$, then $Y = 0$; the diagonal has $S, g > 0$, $T \\ge 0$",
                _literal,
                "the sign on the diagonal",
            ),
            Step(
                "what division by m leaves",
                r"\text{ReLU, diagonal:}\quad \frac{K/m}{\Sigma} = 1 + \frac dm,\qquad "
                r"\frac{\tilde K/m}{\tilde\Sigma} = 1 + \frac{2d}{m}",
                "$S = a/2$, $T = \\tfrac12$, $g = da$ with $a = \\|x\\|^2/d$, as derived by the engine",
                _relu,
            ),
            Step(
                "early",
                lines(
                    r"M = \Sigma + YY^\top:\qquad L_1 - L_0 = -2\eta\,\mathrm{Tr}[KM] + \eta^2\,\mathrm{Tr}[K^2M],",
                    r"\frac{d}{dt}L(0) = -2\,\mathrm{Tr}[KM]",
                ),
                "expand; differentiate the flow at 0",
                _early,
                "two inputs, every pair of eigenvectors",
            ),
            Step(
                "late",
                r"L(t)\,e^{2\lambda_1 t} \to w_1 \qquad (\lambda_1 < \lambda_2 \le \dots)",
                "every other exponential is smaller",
                _late,
                "two modes",
            ),
            Step(
                "the best step",
                r"\eta = \frac{2}{\lambda_1+\lambda_n}:\qquad 1-\eta\lambda_1 = -(1-\eta\lambda_n) = "
                r"\frac{\lambda_n-\lambda_1}{\lambda_n+\lambda_1}",
                "$1-\\eta\\lambda_1$ falls and $\\eta\\lambda_n - 1$ rises with $\\eta$, so their maximum is least "
                "where they meet",
                _best,
            ),
        ),
        remarks=(
            (
                "What a finite network adds to this is not proved here: its own kernel differs from $K$ by "
                "$O(m^{-1/2})$ and moves during training. The check `expected-loss` trains networks and measures both."
            ),
        ),
    )
