"""When two expected loss curves cross: Cor. 4.2 of arXiv 2605.20749 with conditions that suffice."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from derivations.proofs.expected_loss import full, rotation
from derivations.tools.latex import lines
from derivations.tools.proof import PROOF, Outcome, Proof, Step, both
from derivations.tools.zero import zero

m, d, t, r, s = sp.symbols("m d t r s", positive=True)
_SIZE = 3  # of the explicit matrices


def _start() -> Outcome:
    """D(0) and D'(0) for two flows with their own eigenvectors."""
    Q, first, second = rotation(), full("M", 2), full("N", 2)
    P = Q.subs(sp.Symbol("theta", real=True), sp.Symbol("omega", real=True))
    lam, mu = sp.symbols("lambda0:2", positive=True), sp.symbols("mu0:2", positive=True)

    def flow(basis: sp.Matrix, values: tuple[sp.Symbol, ...], moment: sp.Matrix) -> sp.Expr:
        return (basis * sp.diag(*(sp.exp(-2 * x * t) for x in values)) * basis.T * moment).trace()

    D = flow(Q, lam, first) - flow(P, mu, second)
    K, other = Q * sp.diag(*lam) * Q.T, P * sp.diag(*mu) * P.T
    slope = -2 * ((K * first).trace() - (other * second).trace())
    return zero(D.subs(t, 0) - first.trace() + second.trace(), sp.diff(D, t).subs(t, 0) - slope)


def _weights() -> Outcome:
    """Σ = λI + RRᵀ and a unit vector q = (cos, sin): qᵀ(Σ + YYᵀ)q − λ is a sum of squares."""
    q, least = rotation()[:, 0], sp.Symbol("lambda", positive=True)
    R = sp.Matrix(2, 2, sp.symbols("R0:4", real=True))
    Y = sp.Matrix(sp.symbols("Y0:2", real=True))
    moment = least * sp.eye(2) + R * R.T + Y * Y.T
    squares = [*(R.T * q), q.dot(Y)]
    sign = Outcome(all(bool((x**2).is_nonnegative) for x in squares), PROOF, "squares of real numbers")
    return both(zero((q.T * moment * q)[0] - least - sum(x**2 for x in squares)), sign)


def _end() -> Outcome:
    """The slowest exponential of both curves together decides; at a tie the difference of its weights."""
    w, v, u, lam, gap, more, tied = sp.symbols("w v u lambda h g x", positive=True)
    D = w * sp.exp(-2 * lam * t) + u * sp.exp(-2 * (lam + more) * t) - v * sp.exp(-2 * (lam + gap) * t)
    apart, tie = (sp.expand(sp.exp(2 * lam * t) * x) for x in (D, D - tied * sp.exp(-2 * lam * t)))
    return zero(sp.limit(apart, t, sp.oo) - w, sp.limit(tie, t, sp.oo) - (w - tied))


def _abel() -> Outcome:
    """Summation by parts, and ∫ t e^{−rt} dr over each step of C."""
    rates, c = sp.symbols("r1:4", positive=True), sp.symbols("c1:4", real=True)
    total = [sum(c[: j + 1]) for j in range(3)]
    D = sum(x * sp.exp(-rate * t) for x, rate in zip(c, rates, strict=True))

    def piece(value: sp.Expr, low: sp.Expr, high: sp.Expr | None) -> sp.Expr:
        primitive = -sp.exp(-r * t)
        checked = sp.diff(primitive, r) - t * sp.exp(-r * t)
        top = 0 if high is None else primitive.subs(r, high)  # e^{−rt} → 0
        return value * (top - primitive.subs(r, low)) + checked

    steps = [piece(total[0], rates[0], rates[1]), piece(total[1], rates[1], rates[2]), piece(total[2], rates[2], None)]
    return zero(D - sum(steps))


def _once() -> Outcome:
    """The derivative of the integrand of e^{st} D(t)/t; its sign, which is strict where neither r − s nor C is 0."""
    C = sp.Symbol("C", real=True)
    derivative = sp.diff(C * sp.exp(-(r - s) * t), t) + (r - s) * C * sp.exp(-(r - s) * t)
    above, size = sp.symbols("p q", nonnegative=True)  # (r − s) and C have the same sign
    strict, most = sp.symbols("p' q'", positive=True)
    signs = [bool((x * sp.exp(-x * t) * y).is_nonnegative) for x, y in ((above, size), (-above, -size))]
    signs += [bool((x * sp.exp(-x * t) * y).is_positive) for x, y in ((strict, most), (-strict, -most))]
    return both(zero(derivative), Outcome(all(signs), PROOF, "the sign follows from the signs of the factors"))


def _normalised_start() -> Outcome:
    """c_ii = 1: the traces agree, and Tr KΣ − Tr K̃Σ̃ is a sum of non-negative terms."""
    S = full("S")
    angle = sp.Matrix(_SIZE, _SIZE, lambda i, j: sp.Symbol(f"theta_{min(i, j)}{max(i, j)}", real=True))
    C = sp.Matrix(_SIZE, _SIZE, lambda i, j: 1 if i == j else sp.cos(angle[i, j]))
    product = sp.matrix_multiply_elementwise
    gated = product(C, S)
    terms = [m * sp.sin(angle[i, j]) ** 2 * S[i, j] ** 2 for i in range(_SIZE) for j in range(_SIZE) if i != j]
    sign = Outcome(all(bool(term.is_nonnegative) for term in terms), PROOF, "squares of real numbers")
    return both(
        zero(S.trace() - gated.trace(), (m * S * S).trace() - (m * gated * gated).trace() - sum(terms)),
        sign,
    )


def _normalised_end() -> Outcome:
    """vᵀ(A ⊙ XXᵀ/d)v is a sum of quadratic forms of A, and the diagonal of C is 1."""
    A, size = full("A"), 2
    X = sp.Matrix(_SIZE, size, sp.symbols(f"x0:{_SIZE * size}", real=True))
    v = sp.Matrix(sp.symbols(f"v0:{_SIZE}", real=True))
    product = sp.matrix_multiply_elementwise
    form = (v.T * product(A, X * X.T / d) * v)[0]
    parts = [product(v, X[:, k]) for k in range(size)]
    K, C, lam = full("K"), full("C"), sp.Symbol("lambda", real=True)
    C = C.subs({C[i, i]: 1 for i in range(_SIZE)})
    shifted = product(K - lam * sp.eye(_SIZE), C) - (product(K, C) - lam * sp.eye(_SIZE))
    return zero(form - sum((part.T * A * part)[0] for part in parts) / d, *shifted)


def _tie() -> Outcome:
    """Three inputs with C_ij = −1/2 and constant targets: the spectra, the sum of exponentials, the signs of C."""
    a, b, y, more = sp.symbols("a b y e", positive=True)
    one, eye = sp.ones(3, 3), sp.eye(3)
    K, C = (a - b) * eye + b * one, sp.Rational(3, 2) * eye - one / 2
    gated = sp.matrix_multiply_elementwise(K, C)
    mean, rest = one / 3, eye - one / 3  # the eigenspaces of both
    spectra = K - ((a + 2 * b) * mean + (a - b) * rest), gated - ((a - b) * mean + (a + b / 2) * rest)
    rates, weights = zip(
        # slowest first, for b > 0; Σ = K/m with m = 1, Y = y(1, 1, 1)
        (a - b, (rest * K).trace() - (mean * (gated + y**2 * one)).trace()),
        (a + b / 2, -(rest * gated).trace()),
        (a + 2 * b, (mean * (K + y**2 * one)).trace()),
        strict=True,
    )
    sums = [sum(weights[: j + 1]) for j in range(3)]
    asked = sp.solve(sp.Eq(3 * y**2, a - b + more), a)[0]  # 3y² = a − b + e
    negative = [-sums[0].subs(a, asked), -sp.expand(sums[1])]
    order = [sp.expand(high - low) for low, high in pairwise(rates)]
    signs = all(bool(sp.expand(x).is_positive) for x in (*negative, *order))
    Y = y * sp.ones(3, 1)
    b_relu = (sp.sqrt(1 - sp.Rational(1, 4)) - (sp.pi - sp.acos(-sp.Rational(1, 2))) / 2) / (2 * sp.pi)
    values = bool(sp.Rational(1, 2) > b_relu) and bool(b_relu > 0)
    return both(
        zero(*spectra[0], *spectra[1], sums[2], (Y.T * (K - gated) * Y)[0] - 9 * b * y**2),
        Outcome(signs, PROOF, "the signs follow from the signs of the terms"),
        Outcome(values, PROOF, "explicit numbers compared by their digits, enclosed by SymPy"),
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
            "first half of Cor. 4.2, for every $n$ and $d$. It does not give the second: there $\\lambda_1 \\le "
            "\\tilde\\lambda_1$ always, and the gated loss is lower in the end if $\\lambda_1 < \\tilde\\lambda_1$, "
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
                "two inputs, every two pairs of eigenvectors",
            ),
            Step(
                "every mode carries loss",
                r"w_i = q_i^\top(\Sigma + YY^\top)\,q_i \ge \lambda_{\min}(\Sigma) > 0",
                "Rayleigh. $\\Sigma$ is positive definite for pairwise non-parallel inputs if $\\phi$ is not a "
                "polynomial (S. Du et al. 2019), $\\tilde\\Sigma$ then as well, by Schur's product theorem",
                _weights,
                "two inputs, every pair of eigenvectors",
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
                "the slowest mode of one curve, or of both, with one more mode of each",
            ),
            Step(
                "cumulated weights",
                r"\frac{D(t)}{t} = \int_0^\infty C(r)\,e^{-rt}\,dr",
                "summation by parts",
                _abel,
                "three rates",
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
                "the integrand and its sign",
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
                "three inputs, all symbols, the part without $Y$",
            ),
            Step(
                "normalised inputs, at last",
                lines(
                    r"A = K - \lambda_1 I \succeq 0:\qquad \tilde K - \lambda_1 I = A\odot C, \qquad "
                    r"v^\top(A\odot C)\,v = \frac1d\sum_k (v\odot x^{(k)})^\top A\,(v\odot x^{(k)}) \ge 0,",
                    r"\text{so}\quad \tilde\lambda_1 \ge \lambda_1",
                ),
                "Schur's product theorem, $x^{(k)}$ the columns of $X$. Equality needs a $v \\ne 0$ with every $v "
                "\\odot "
                "x^{(k)}$ in the kernel of $A$. If $\\lambda_1$ is *simple*, with eigenvector $u$, all $x_i$ with $v_i "
                "\\ne 0$ are then parallel, and for pairwise non-parallel inputs $u$ is a coordinate vector. So it is "
                "strict for pairwise non-parallel inputs with all $\\Sigma_{ij} \\ne 0$ and a simple $\\lambda_1$",
                _normalised_end,
                "three inputs in two dimensions, all symbols",
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
