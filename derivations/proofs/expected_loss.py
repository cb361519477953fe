"""The expected loss of gradient descent in the kernel regime, Prop. 4.1 of arXiv 2605.20749 made exact."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.finite_width import FRONT, Small, identity, polynomial, sigma_v
from derivations.tools.latex import lines
from derivations.tools.limits import decay
from derivations.tools.matrices import e, i, j, k, q, spectral, values
from derivations.tools.means import Means, reading, spots
from derivations.tools.proof import Outcome, Proof, Step, both, confirmed, every, follows
from derivations.tools.sums import Component, Form, Index, Tensor, delta, form, orthonormal, same, total
from derivations.tools.zero import strictly, zero
from glutheory.networks import network
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

m, d, eta = sp.symbols("m d eta", positive=True)
steps, t = sp.symbols("k t", positive=True)
S, T, g = sp.symbols("S T g", real=True)
sigma_w, sigma_p = sp.symbols("sigma_w sigma_p", positive=True)
#: Covariance of the outputs at the start, targets, outputs, error.
SIGMA, Y, F, E = Tensor("Sigma", symmetric=True), Tensor("Y"), Tensor("f"), Tensor("e")


def plain() -> sp.Expr:
    """Eq. 3 under LeCun."""
    return m * S + g * T


def gated() -> sp.Expr:
    """Eq. 4 under LeCun."""
    return (1 + m / d) * g * S + g**2 * T / d


def _step() -> Outcome:
    """θ ← θ − η ∇ ½‖f − Y‖² for f linear in any number p of parameters, on any number n of inputs."""
    J, parameter, start = Tensor("J"), Tensor("theta"), Tensor("f_0")
    a, b = Index("a", "p"), Index("b", "p")

    def residual(at: Index) -> Form:
        return start[at] + total(J[at, b] * parameter[b], b) - Y[at]

    loss = sp.Rational(1, 2) * total(residual(i) ** 2, i)
    gradient = loss.derivative("theta", a)
    after = residual(j) - eta * total(J[j, a] * gradient, a)
    kernel = total(J[j, a] * J[i, a], a)
    step = same(
        gradient - total(J[i, a] * residual(i), i), after - total((delta(i, j) - eta * kernel) * residual(i), i)
    )
    reading({"e_{k+1}": after, r"(I - \eta K)\,e_k": total((delta(i, j) - eta * kernel) * residual(i), i)})
    return follows("the error after the step", step)


def power(first: Index, second: Index, exponent: sp.Expr) -> Form:
    """(A^exponent)_ij with A = Σ_e μ_e q_e q_eᵀ."""
    return spectral(q, Tensor("mu"), first, second, exponent)


def _powers() -> Outcome:
    """By induction on k, in the eigenbasis, for a symbolic k and any n: A⁰ = I, A·A^k = A^{k+1}."""
    base = orthonormal(power(i, j, sp.S.Zero), "q", 1) - delta(i, j)
    induction = orthonormal(total(power(i, k, sp.S.One) * power(k, j, steps), k), "q", 0) - power(i, j, steps + 1)
    after = total(power(i, j, steps) * E[j], j)
    square = orthonormal(total(after**2, i), "q", 0)
    quadratic = total(E[i] * power(i, j, 2 * steps) * E[j], i, j)
    modes = total(Tensor("mu")[e] ** (2 * steps) * total(q[i, e] * E[i], i) ** 2, e)
    induced = follows("the induction on $k$, its start and its step", same(base, induction))
    norm, sum_ = r"\|(I-\eta K)^k e_0\|^2", r"\sum_i (1-\eta\lambda_i)^{2k}\,(q_i\cdot e_0)^2"
    reading({"L_k": square, norm: square, r"e_0^\top (I-\eta K)^{2k}\, e_0": quadratic, sum_: modes})
    return both(induced, same(square - quadratic, quadratic - modes))


def _start() -> Outcome:
    """E[v_r] = 0, E[v_r v_s] = σ_v² δ_rs for any m; E f₀ = 0, E f₀(x) f₀(x') = Σ for small networks by brute force."""
    first, second = Index("r", "m"), Index("s", "m")
    hidden, units = Tensor("H"), sp.Symbol("H", real=True)  # E[h_r(x) h_s(x')], H on the diagonal: equal laws
    covariance = total(sigma_v**2 * delta(first, second) * hidden[first, second], first, second)
    alike = covariance.where(lambda components: form(units) if any(key[0] == "H" for key in components) else None)
    weights = Tensor("v")  # E[v_r] = 0: every term of Σ_r E[v_r] E[h_r(x)] has one

    def centred(components: Mapping[Component, sp.Expr]) -> Form | None:
        return form(0) if any(key[0] == "v" for key in components) else None

    mean = total(weights[first] * Tensor("h")[first], first).where(centred)
    cubic, square = polynomial(3, "c"), polynomial(2, "c")
    networks = [Small((cubic,), (sigma_w,), sigma_v, width, 2) for width in spots((1, 2, 3))]
    networks += [Small((identity, square), (sigma_p, sigma_w), sigma_v, width, 2) for width in spots((1, 2))]

    def predicted(small: Small) -> sp.Expr:
        product = sp.prod([small.duals(i)[0] for i in range(len(small.branches))])
        return small.width * FRONT**2 * sigma_v**2 * product

    means = all(small.mean(small.outputs[0]) == small.ring.zero for small in networks)
    second_ = all(small.nngp() == small.ring.from_expr(sp.expand(predicted(small))) for small in networks)
    written = confirmed(
        means and second_, Means.REWRITING, "networks with m ≤ 3 and polynomial activations written out"
    )
    return both(same(alike - m * sigma_v**2 * units, mean), written)


def _quadratic() -> Outcome:
    """E eᵀMe for e = f − Y: the product expanded, then E f_i = 0, E f_i f_j = Σ_ij."""
    M = Tensor("M", symmetric=True)
    expanded = total((F[i] - Y[i]) * M[i, j] * (F[j] - Y[j]), i, j)

    def mean(components: Mapping[Component, sp.Expr]) -> Form | None:
        held = [key for key, power_ in components.items() if key[0] == "f" for _ in range(int(power_))]
        if not held:
            return None
        rest = Form({(frozenset(item for item in components.items() if item[0][0] != "f"), frozenset()): sp.S.One})
        return rest * SIGMA[held[0][1][0], held[1][1][0]] if len(held) == 2 else form(0)

    expected = total(M[i, j] * SIGMA[i, j], i, j) + total(Y[i] * M[i, j] * Y[j], i, j)
    traces = total(M[i, j] * SIGMA[i, j], i, j), total(Y[i] * M[i, j] * Y[j], i, j)
    reading({r"\mathbb{E}\,e_0^\top M e_0": expanded.where(mean), r"\mathrm{Tr}[M\Sigma]": traces[0]})
    reading({r"Y^\top M\,Y": traces[1]})
    return same(expanded.where(mean) - expected)


_MODES = r"\sum_i w_i\,(1-\eta\lambda_i)^{2k}"


def _spectral() -> Outcome:
    """Tr[A^{2k} Σ] + YᵀA^{2k}Y in the eigenbasis, for a symbolic k and any n."""
    left = total(power(i, j, 2 * steps) * (SIGMA[i, j] + Y[i] * Y[j]), i, j)
    weight = total(q[i, e] * SIGMA[i, j] * q[j, e], i, j) + total(q[i, e] * Y[i], i) ** 2
    traces = [total(power(i, j, 2 * steps) * each, i, j) for each in (SIGMA[i, j], Y[i] * Y[j])]
    reading({r"\mathrm{Tr}[(I-\eta K)^{2k}\,\Sigma]": traces[0], r"Y^\top(I-\eta K)^{2k}\,Y": traces[1]})
    reading({r"\mathbb{E}\,L_k": left, _MODES: total(Tensor("mu")[e] ** (2 * steps) * weight, e)})
    reading({"w_i": weight, r"q_i^\top\Sigma\,q_i": total(q[i, e] * SIGMA[i, j] * q[j, e], i, j)})
    reading({r"(q_i\cdot Y)^2": total(q[i, e] * Y[i], i) ** 2})
    return same(left - total(Tensor("mu")[e] ** (2 * steps) * weight, e))


def _flow() -> Outcome:
    """Ln (1 − ηλ)^{2t/η} is 2t times a difference quotient of ln(1 − ηλ) at η = 0, whose limit is the derivative."""
    lam = sp.Symbol("lambda", positive=True)
    logarithm = sp.log(1 - eta * lam)
    slope = 2 * t * sp.diff(logarithm, eta).subs(eta, 0)
    return zero(
        logarithm.subs(eta, 0), (slope, -2 * lam * t), sp.diff(sp.exp(-2 * lam * t), t) + 2 * lam * sp.exp(-2 * lam * t)
    )


def _lecun() -> Outcome:
    """The kernels and covariances of the engine, LeCun put in."""
    from glutheory.symbolic.kernels import kernels

    one, two = (kernels(network(name), "standard") for name in ("gelu", "geglu"))
    (hidden,), (value, gate) = one.branches, two.branches
    lecun = {sp.Symbol("sigma_v", positive=True): 1 / sp.sqrt(m), sp.Symbol("sigma_p", positive=True): 1 / sp.sqrt(d)}
    first = {hidden.S: S, hidden.T: T}
    second = {value.S: value.covariance, value.T: 1, gate.S: S, gate.T: T}
    return zero(
        (sp.Add(*one.blocks.values()).subs(first).subs(lecun), plain()),
        (sp.Add(*two.blocks.values()).subs(second).subs(lecun), gated()),
        (one.nngp.subs(first).subs(lecun), S),
        (two.nngp.subs(second).subs(lecun), g * S / d),
        S - (plain() / m - g * T / m),
        g * S / d - (gated() / m - g / m * (S + g * T / d)),
    )


def _literal() -> Outcome:
    """Both terms of the difference K − Σ are positive on the diagonal, where S, g > 0 and T ≥ 0, for m > 1."""
    more = sp.Symbol("n", positive=True)  # m = 1 + n
    value, slope, inner = sp.Symbol("s", positive=True), sp.Symbol("u", nonnegative=True), sp.Symbol("h", positive=True)
    rest = more * value + inner * slope
    diagonal = {S: value, T: slope, g: inner}
    identity_ = (plain() - S).subs(diagonal).subs(m, 1 + more) - rest
    reading({"K_{ii}": plain().subs(diagonal), r"\Sigma_{ii}": value, "m": m})
    reading({"S_{ii}": value, "T_{ii}": slope, "g_{ii}": inner})
    # what the hypothesis comes to at Y = 0 and at ‖Y‖ = 1
    always = r"\kappa(\mathrm{Tr}[K] + Y^\top Y) = \mathrm{Tr}[\Sigma] + Y^\top Y\text{for all}Y"
    reading({r"\kappa": 1, r"\mathrm{Tr}[K-\Sigma]": 0}, always)
    # κ (Tr K + y) = Tr Σ + y for y = ‖Y‖² ≥ 0: which is needed at y = 0 and at y = 1
    kappa, trace, sigma = sp.symbols("kappa tau sigma", real=True)
    at_zero, at_one = (kappa * (trace + y) - sigma - y for y in (sp.S.Zero, sp.S.One))
    needed = zero((at_one - at_zero, kappa - 1), (at_zero.subs(kappa, 1), trace - sigma))
    chosen = follows("what the hypothesis says at $Y = 0$ and at $\\|Y\\| = 1$", needed)
    return both(zero(identity_), chosen, strictly(rest))


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
    """The first step, and the slope of the flow, in the eigenbasis, for any n."""
    M = Tensor("M", symmetric=True)

    def moment(exponent: int) -> Form:
        return total(spectral(q, values, i, j, sp.Integer(exponent)) * M[i, j], i, j)

    weight = total(q[i, e] * M[i, j] * q[j, e], i, j)
    once = total((1 - eta * values[e]) ** 2 * weight, e)
    identity_ = orthonormal(moment(0), "q", 1) - total(M[i, i], i)
    first = once - moment(0) + 2 * eta * moment(1) - eta**2 * moment(2)
    lam = sp.Symbol("lambda", positive=True)
    slope = sp.diff(sp.exp(-2 * lam * t), t).subs(t, 0)  # of every mode
    slopes = total(values[e] * weight, e) * (slope / lam)
    squares = {r"\mathrm{Tr}[KM]": moment(1), r"\mathrm{Tr}[K^2M]": moment(2)}
    reading({**squares, r"L_1 - L_0": once - moment(0), r"\frac{d}{dt}L(0)": slopes, r"\eta": eta})
    return both(same(identity_, first, total(values[e] * weight, e) - moment(1)), zero((slope, -2 * lam)))


def _late() -> Outcome:
    """Any number of other modes, each by its own gap h > 0: e^{2λ_1t} L = w_1 + Σ v_e e^{−2h_e t}."""
    lam, gap = sp.symbols("lambda h", positive=True)
    first, rest = sp.exp(-2 * lam * t), sp.exp(-2 * (lam + gap) * t)
    scaled = zero(sp.exp(2 * lam * t) * first - 1, sp.exp(2 * lam * t) * rest - sp.exp(-2 * gap * t))
    return both(scaled, decay())


def _best() -> Outcome:
    least, gap = sp.symbols("lambda h", positive=True)
    most = least + gap
    best = 2 / (least + most)
    reading({r"\lambda_1": least, r"\lambda_n": most})
    return zero(
        (1 - best * least) + (1 - best * most),
        (1 - best * least) - (most - least) / (most + least),
        (sp.diff(1 - eta * least, eta), -least),
        (sp.diff(eta * most - 1, eta), most),
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
        names={"K": r"\sum_i\lambda_iq_iq_i^\top", "I": r"\mathbf 1", "M": r"\Sigma + YY^\top"},
        steps=(
            Step(
                "one step",
                r"f = f_0 + J(\theta - \theta_0),\quad \theta \leftarrow \theta - \eta\,\nabla_\theta\tfrac12\|f-Y\|^2"
                r"\quad\Longrightarrow\quad e_{k+1} = (I - \eta K)\,e_k",
                "the gradient is $J^\\top e$; linearised around $\\theta_0$, which is the kernel regime",
                _step,
                every("n p eta J theta"),
                names={"e_k": "f - Y", "f": r"f_0 + J(\theta-\theta_0)", "K": r"JJ^\top"},
            ),
            Step(
                "k steps",
                r"L_k = \|(I-\eta K)^k e_0\|^2 = e_0^\top (I-\eta K)^{2k}\, e_0 = \sum_i (1-\eta\lambda_i)^{2k}\,"
                r"(q_i\cdot e_0)^2",
                "the induction on $k$, its start and its step; $K$ is symmetric, and its powers are taken in its "
                "eigenbasis",
                _powers,
                every("n k q mu e", by.SPECTRAL),
                names={r"\lambda_i": r"\frac{1-\mu_i}{\eta}", r"\eta": r"\text{any rate}", "L_k": r"\|e_k\|^2"},
            ),
            Step(
                "the start",
                r"\mathbb{E}\,f_0 = 0,\qquad \mathbb{E}\,f_0(x)f_0(x') = \Sigma(x,x') = m\,\sigma_v^2\prod_i S_i(x,x')",
                "the readout weights have mean 0 and are independent of the rest: exact at every width",
                _start,
                every("m v sigma_v H", by.INDEPENDENCE),
                names={
                    "f_0(x)": r"\sum_rv_r\,h_r(x)",
                    "x": r"\text{any input}",
                    r"\Sigma": r"\mathbb{E}[f_0f_0^\top]",
                    "S_i": r"\text{with } \prod_iS_i = H",
                },
            ),
            Step(
                "the mean of a quadratic form",
                r"\mathbb{E}\,e_0^\top M e_0 = \mathrm{Tr}[M\Sigma] + Y^\top M\,Y",
                (
                    "expand; the cross terms have mean 0. Only the first two moments of $f_0$ enter: nothing "
                    "need be Gaussian"
                ),
                _quadratic,
                every("n M Sigma Y"),
                names={"e_0": "f - Y"},
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
                every("n k q mu Sigma Y"),
                names={
                    r"\lambda_i": r"\frac{1-\mu_i}{\eta}",
                    r"\eta": r"\text{any rate}",
                    "L_k": r"\|(I-\eta K)^k(f_0 - Y)\|^2",
                    "f_0": r"\text{of mean } 0 \text{ and covariance } \Sigma",
                    "w_i": r"q_i^\top\Sigma q_i + (q_i\cdot Y)^2",
                },
            ),
            Step(
                "gradient flow",
                r"k = t/\eta,\ \eta \to 0:\qquad (1-\eta\lambda)^{2t/\eta} \to e^{-2\lambda t},\qquad "
                r"\mathbb{E}\,L(t) = \sum_i w_i\,e^{-2\lambda_i t}",
                "the exponential limit",
                _flow,
                every("t lambda", by.EXPONENTIAL),
                names={
                    r"\eta": r"\text{tending to } 0",
                    "k": r"t/\eta",
                    "w_i": r"\text{the weights above}",
                    "L": r"\sum_iw_i\,(1-\eta\lambda_i)^{2k}",
                },
            ),
            Step(
                "the covariance is not the kernel",
                lines(
                    r"\text{LeCun:}\quad \Sigma = S = \frac Km - \frac{gT}{m}, \qquad "
                    r"\tilde\Sigma = \frac{g}{d}S = \frac{\tilde K}{m} - \frac gm\left(S + \frac{gT}{d}\right)",
                ),
                "Eqs. 3 and 4 with $\\sigma_v^2 = 1/m$, $\\sigma_w^2 = \\sigma_p^2 = 1/d$, compared with the engine",
                _lecun,
                every("m d g S T"),
                names={
                    "K": "mS + gT",
                    r"\tilde K": r"(1+\tfrac md)\,gS + \tfrac1dg^2T",
                    r"\Sigma": r"m\sigma_v^2S",
                    r"\tilde\Sigma": r"m\sigma_v^2\sigma_p^2\,gS",
                    r"\sigma_v": "m^{-1/2}",
                    r"\sigma_p": "d^{-1/2}",
                },
            ),
            Step(
                "no common factor",
                lines(
                    r"\kappa\,\bigl(\mathrm{Tr}[K] + Y^\top Y\bigr) = \mathrm{Tr}[\Sigma] + Y^\top Y \text{ for all } Y"
                    r"\;\Longrightarrow\; \kappa = 1,\ \mathrm{Tr}[K-\Sigma] = 0;",
                    r"\text{but}\quad K_{ii} - \Sigma_{ii} = (m-1)\,S_{ii} + g_{ii}T_{ii} > 0 \quad (m > 1)",
                ),
                (
                    r"at $k = 0$, for $Y = 0$ and for one $Y$ of length 1; the diagonal has $S, g > 0$, $T \ge "
                    "0$"
                ),
                _literal,
                every("kappa n s u h"),
                names={
                    "K": r"\text{the kernel, of trace } \tau",
                    r"\Sigma": r"\text{the covariance, of trace } \sigma",
                    "Y": r"\text{any targets}",
                    "S": "s",
                    "T": "u",
                    "g": "h",
                    "m": "1 + n",
                },
            ),
            Step(
                "what division by m leaves",
                r"\text{ReLU, diagonal:}\quad \frac{K/m}{\Sigma} = 1 + \frac dm,\qquad "
                r"\frac{\tilde K/m}{\tilde\Sigma} = 1 + \frac{2d}{m}",
                "$S = a/2$, $T = \\tfrac12$, $g = da$ with $a = \\|x\\|^2/d$, as derived by the engine",
                _relu,
                every("m d r"),
                names={
                    "K": "mS + gT",
                    r"\tilde K": r"(1+\tfrac md)\,gS + \tfrac1dg^2T",
                    r"\Sigma": "S",
                    r"\tilde\Sigma": r"\tfrac gdS",
                    "S": r"\tfrac12r^2",
                    "T": r"\tfrac12",
                    "g": r"d\,r^2",
                },
            ),
            Step(
                "early",
                lines(
                    r"M = \Sigma + YY^\top:\qquad L_1 - L_0 = -2\eta\,\mathrm{Tr}[KM] + \eta^2\,\mathrm{Tr}[K^2M],",
                    r"\frac{d}{dt}L(0) = -2\,\mathrm{Tr}[KM]",
                ),
                "expand; differentiate the flow at 0",
                _early,
                every("n eta lambda q M"),
                names={
                    "L": r"\text{the loss, } L_0 = \mathrm{Tr}\,M",
                    r"\Sigma": r"M - YY^\top",
                    "Y": r"\text{any targets}",
                    "t": r"\text{the time of the flow}",
                },
            ),
            Step(
                "late",
                r"L(t)\,e^{2\lambda_1 t} \to w_1 \qquad (\lambda_1 < \lambda_2 \le \dots)",
                "every other exponential is smaller",
                _late,
                every("t lambda h", by.SUMS_OF_LIMITS),
                names={"L": r"\sum_iw_i\,e^{-2\lambda_it}", "w_i": r"\text{any weights}"},
            ),
            Step(
                "the best step",
                r"\eta = \frac{2}{\lambda_1+\lambda_n}:\qquad 1-\eta\lambda_1 = -(1-\eta\lambda_n) = "
                r"\frac{\lambda_n-\lambda_1}{\lambda_n+\lambda_1}",
                "$1-\\eta\\lambda_1$ falls and $\\eta\\lambda_n - 1$ rises with $\\eta$, so their maximum is least "
                "where they meet",
                _best,
                every("lambda h", by.MONOTONE_FUNCTION.gives("so their maximum is least where they meet")),
                names={r"\eta": r"\frac{2}{\lambda_1+\lambda_n}"},
            ),
        ),
        remarks=(
            (
                "What a finite network adds to this is not proved here: its own kernel differs from $K$ by "
                "$O(m^{-1/2})$ and moves during training. The check `expected-loss` trains networks and measures both."
            ),
        ),
    )
