"""The Hermite series of a dual activation: Mehler's formula, Parseval's tail bound, and the exact facts about gates."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.arc_cosine import CLOSED as ARC_COSINE
from derivations.proofs.arcsine_family import RAMP
from derivations.proofs.mehler import STANDARD, he, rho
from derivations.proofs.relu_expansion import even
from derivations.tools import theorems as by
from derivations.tools.arcsine import p, q, theta, w
from derivations.tools.gauss import alpha, cdf, normal, polynomial_mean, u, v
from derivations.tools.half_line import X, half_mean
from derivations.tools.hermite_balls import odd_coefficients, tail_bound
from derivations.tools.latex import lines
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows, some
from derivations.tools.sums import Index, Tensor, delta, same, total
from derivations.tools.zero import positive, zero
from glutheory.activations import Z, activation
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c

_DEGREE = 8


def _series() -> Outcome:
    """Σ_jk h_j g_k δ_jk ρ^k is Σ_k h_k g_k ρ^k; besides, exponentials for all k at once and monomials one by one."""
    first, second, h, other = Index("j", "K"), Index("k", "K"), Tensor("h"), Tensor("g")
    powers = Tensor("rho^")  # E[He_j He_k]/√(j! k!) = δ_jk ρ^k
    double = total(h[first] * other[second] * delta(first, second) * powers[second], first, second)
    general = same(double - total(h[second] * other[second] * powers[second], second))
    rate, k = sp.Symbol("lambda", real=True), sp.Symbol("k", integer=True, nonnegative=True)
    # E[e^{λ√a x} e^{αx − α²/2}] = e^{λ²a/2} e^{λ√a α}, so that h_k(a) = e^{λ²a/2} (λ√a)^k/√k!
    root = rate * sp.sqrt(a)
    generating = (root + alpha) ** 2 / 2 - alpha**2 / 2 - (root**2 / 2 + root * alpha)
    z = rate**2 * c
    # h_k(a) h_k(b) ρ^k, the term of the exponential series of λ²c
    ab = (rate**2) ** k * sp.sqrt(a) ** k * sp.sqrt(b) ** k / sp.factorial(k) * rho**k
    term = (ab.subs(rho, c / (sp.sqrt(a) * sp.sqrt(b))), z**k / sp.factorial(k))
    differences = [generating, tuple(sp.powdenest(sp.expand_power_base(side), force=False) for side in term)]
    for n in spots(range(1, 6)):
        means = [polynomial_mean(u**n * he(j, u), STANDARD) for j in spots(range(n + 1))]
        # h_j(a) h_j(b) ρ^j = (ab)^{(n−j)/2} c^j E[x^n He_j]²/j!
        value = sum(mean**2 / sp.factorial(j) * (a * b) ** sp.Rational(n - j, 2) * c**j for j, mean in enumerate(means))
        differences.append(polynomial_mean(u**n * v**n) - value)
    engine = [dual(activation(name)).S for name in ("monomial2", "monomial3", "exp")]
    mine = [polynomial_mean(u**2 * v**2), polynomial_mean(u**3 * v**3), sp.exp(a / 2) * sp.exp(b / 2) * sp.exp(c)]
    return both(general, zero(*differences, *(x - y for x, y in zip(engine, mine, strict=True))))


def _relu_taylor() -> Outcome:
    """E[x₊ He_k] = N(0) He_{k−2}(0) for k ≥ 2, by parts; squared over k!, the coefficient of relu_expansion, for all j.

    (N He_k)' = −N He_{k+1} is the derivative of N(x)e^{αx − α²/2} = N(x − α), in x the negative of that in α.
    """
    shifted = sp.exp(-((X - alpha) ** 2) / 2)
    j = sp.Symbol("j", integer=True, nonnegative=True)
    parts = sp.Function("G")(X)  # G = N He_{k−2}, G' = −N He_{k−1}, G'' = N He_k: x G'' = (x G' − G)'
    # He_{2j}(0)/(2j)! is the coefficient of α^{2j} in e^{−α²/2}
    at_zero = sp.factorial(2 * j) ** 2 / (4**j * sp.factorial(j) ** 2)  # squared
    square = normal(sp.S.Zero) ** 2 * at_zero / sp.factorial(2 * j + 2)
    generating = (alpha * X - alpha**2 / 2).subs(X, 0)
    closed = ARC_COSINE[1].subs({p: 1, q: 1, theta: sp.asin(c), w: sp.sqrt(1 - c**2)}).subs(c, rho)
    degrees = spots(range(_DEGREE + 1))
    taylor = [sp.diff(closed, rho, k).subs(rho, 0) / sp.factorial(k) for k in degrees]
    squares = [half_mean(sp.expand(X * he(k))) ** 2 / sp.factorial(k) for k in degrees]
    first = [(closed.subs(rho, 0), half_mean(X) ** 2), (sp.diff(closed, rho).subs(rho, 0), half_mean(X**2) ** 2)]
    return zero(
        (sp.diff(shifted, X), -sp.diff(shifted, alpha)),
        (X * sp.diff(parts, X, 2), sp.diff(X * sp.diff(parts, X) - parts, X)),
        (generating, -(alpha**2) / 2),
        (square, even(j)),
        (sp.diff(closed, rho, 2), 1 / (2 * sp.pi * sp.sqrt(1 - rho**2))),
        *first,
        *zip(taylor, squares, strict=True),
    )


def _cauchy_schwarz() -> Outcome:
    """Lagrange's identity for sums of any length; the sum of squares, every pair twice, shows the inequality."""
    i, j, x, y = Index("i", "n"), Index("j", "n"), Tensor("x"), Tensor("y")
    left = total(x[i] ** 2, i) * total(y[i] ** 2, i) - total(x[i] * y[i], i) ** 2
    squares = sp.Rational(1, 2) * total((x[i] * y[j] - x[j] * y[i]) ** 2, i, j)
    return both(same(left - squares), positive(sp.Symbol("z", real=True) ** 2))


def _gates() -> Outcome:
    gate, odd = sp.Symbol("G"), [k for k in spots(range(_DEGREE)) if k % 2]
    # He_k(−x) = (−1)^k He_k(x) for all k: the generating function at −x is that at −α
    generating = alpha * X - alpha**2 / 2
    parities = (generating.subs(X, -X), generating.subs(alpha, -alpha))
    even_part = Z * (gate - sp.Rational(1, 2))
    first = sp.diff(sp.exp(alpha * Z - alpha**2 / 2), alpha).subs(alpha, 0) / 2  # He_1 from its definition
    mirrored = even_part.subs({Z: -Z, gate: 1 - gate}, simultaneous=True)
    linear = [polynomial_mean(u / 2 * he(k, u), STANDARD) - (sp.Rational(1, 2) if k == 1 else 0) for k in odd]
    grown = sp.Symbol("E", positive=True)  # e^{βz}
    logistic = 1 / (1 + 1 / grown) + 1 / (1 + grown) - 1
    relu = [half_mean(sp.expand(X * he(k))) - (sp.Rational(1, 2) if k == 1 else 0) for k in odd]
    parity = [he(k).subs(X, -X) + he(k) for k in odd]
    return both(
        follows("$z(G - \\frac12)$ is even", zero((mirrored, even_part))),
        follows(
            "$\\mathrm{He}_k$ is odd for odd $k$, and $z/2 = \\frac12\\mathrm{He}_1$", zero(parities, (Z / 2, first))
        ),
        zero(*linear, *parity, (cdf(-Z), 1 - cdf(Z)), logistic, *relu),
    )


def _even_rest() -> Outcome:
    """h_1(a) h_1(b) ρ = c/4 and (−ρ)^{2j} = ρ^{2j}; visible in the arcsine family."""
    j = sp.Symbol("j", integer=True, nonnegative=True)
    first = sp.sqrt(a) / 2 * sp.sqrt(b) / 2 * c / (sp.sqrt(a) * sp.sqrt(b))
    rest = RAMP - c / 4
    family = rest - rest.subs({c: -c, theta: -theta}, simultaneous=True)
    return zero((first, c / 4), ((-1) ** (2 * j) * rho ** (2 * j), rho ** (2 * j)), family)


def proof() -> Proof:
    return Proof(
        title="The Hermite series of a dual activation",
        source="F. G. Mehler 1866; A. Daniely, R. Frostig, Y. Singer 2016 for dual activations",
        summary=(
            "$S(a,b,c) = \\sum_k h_k(a)\\,h_k(b)\\,\\rho^k$ with a tail bound that needs only the norms, and, for "
            "every gate $zG(z)$ with $G(z) + G(-z) = 1$ (ReLU, GELU, SiLU), $h_1 = \\sqrt a/2$ and no other odd "
            "coefficient."
        ),
        notation=(
            "$x, y$ are standard normal with correlation $\\rho$; $u = \\sqrt a\\,x$, $v = \\sqrt b\\,y$, $c = "
            "\\rho\\sqrt{ab}$; $\\mathrm{He}_k$ is defined by $e^{\\alpha x - \\alpha^2/2} = \\sum_k "
            "\\mathrm{He}_k(x)\\,\\alpha^k/k!$; $h_k(a) = \\mathbb{E}[\\phi(\\sqrt "
            "a\\,x)\\,\\mathrm{He}_k(x)]/\\sqrt{k!}$."
        ),
        names={
            "S": r"\mathbb{E}[\phi(u)\,\phi(v)]",
            "u": r"\sqrt a\,x",
            "v": r"\sqrt b\,y",
            "x": r"\text{standard normal}",
            "y": r"\text{standard normal with } \mathbb{E}[xy] = \rho",
            r"\rho": r"\frac{c}{\sqrt{ab}}",
            "h_k(a)": r"\frac{\mathbb{E}[\phi(\sqrt a\,x)\,\mathrm{He}_k(x)]}{\sqrt{k!}}",
        },
        steps=(
            Step(
                "the series",
                r"S(a,b,c) = \mathbb{E}[\phi(u)\,\phi(v)] = \sum_{k\ge0} h_k(a)\,h_k(b)\,\rho^k",
                "expand $\\phi(\\sqrt a\\,x)$ and $\\phi(\\sqrt b\\,y)$ in the complete orthonormal system "
                "$\\mathrm{He}_k/\\sqrt{k!}$ of $L^2(N)$; orthogonality at correlation $\\rho$ ([mehler](mehler.md))",
                _series,
                every("K h g lambda a b c k", by.HERMITE(r"\phi"), by.PARSEVAL),
            ),
            Step(
                "ReLU, coefficient by coefficient",
                (
                    r"\frac{\rho\,(\pi/2 + \arcsin\rho) + \sqrt{1-\rho^2}}{2\pi} = \sum_k h_k(1)^2\,\rho^k = "
                    r"\frac{1}{2\pi} + \frac{\rho}{4} + "
                    r"\sum_{j\ge0}\frac{(2j)!}{2\pi\,4^j\,j!^2\,(2j+1)(2j+2)}\,\rho^{2j+2}"
                ),
                (
                    "the Taylor series of the arc-cosine kernel ([relu_expansion](relu_expansion.md)); "
                    r"$\mathbb{E}[x_+\mathrm{He}_k(x)] = N(0)\,\mathrm{He}_{k-2}(0)$ for $k \ge 2$, by parts "
                    r"twice, with $(N\,\mathrm{He}_k)' = -N\,\mathrm{He}_{k+1}$ and $\mathrm{He}_{2j}(0) = "
                    "(-1)^j(2j)!/(2^jj!)$; the first coefficients also one by one"
                ),
                _relu_taylor,
                every("rho j alpha x", by.CALCULUS, by.POWER_SERIES),
                names={"h_k": r"\mathbb{E}[x_+\mathrm{He}_k(x)]/\sqrt{k!}"},
            ),
            Step(
                "Parseval bounds the tail",
                lines(
                    r"\left|\sum_{k>K} h_k(a)h_k(b)\rho^k\right| \le |\rho|^{K+1} \left(\mathbb{E}[\phi(u)^2] - "
                    r"\sum_{k\le K} h_k(a)^2\right)^{1/2} \left(\mathbb{E}[\phi(v)^2] - \sum_{k\le K} "
                    r"h_k(b)^2\right)^{1/2}",
                    r"\sum x_i^2 \sum y_i^2 - \left(\sum x_iy_i\right)^2 = \sum_{i<j} (x_iy_j - x_jy_i)^2 \ge 0",
                ),
                "$|\\rho|^k \\le |\\rho|^{K+1}$; Cauchy–Schwarz, that is Lagrange's identity; Parseval's $\\sum_k "
                "h_k(a)^2 = \\mathbb{E}[\\phi(u)^2]$",
                _cauchy_schwarz,
                every("n x y", by.PARSEVAL(r"\phi K a b \rho")),
            ),
            Step(
                "the tail bound in numbers",
                r"\left|S_{\mathrm{SiLU}} - \sum_{k<K} h_k(a)\,h_k(b)\,\rho^k\right| \le \text{bound}, \qquad (a,b,c) "
                r"= (1, 1, \tfrac12),\ (1, \tfrac14, -\tfrac25)",
                "the exact value by the normal scale mixture ([logistic_mixture](logistic_mixture.md)), the "
                "coefficients by rigorous integration",
                tail_bound,
                some(
                    "two points, with 4, 8 and 12 terms",
                    why="it is a statement about numbers, of which two points were taken",
                ),
            ),
            Step(
                "gates have one odd coefficient",
                lines(
                    r"\phi(z) = z\,G(z),\quad G(z) + G(-z) = 1 \quad\Longrightarrow\quad \phi(z) = \frac z2 + "
                    r"\text{an even function}",
                    r"\Longrightarrow\quad h_1(a) = \frac{\sqrt a}{2}, \qquad h_3 = h_5 = \dots = 0",
                ),
                "$z(G(z) - \\tfrac12)$ is even, $\\mathrm{He}_k$ is odd for odd $k$, and $z/2 = "
                "\\tfrac12\\mathrm{He}_1(z)$",
                _gates,
                every("z G alpha x"),
                names={
                    r"\phi(z)": r"z\,G(z)",
                    "h_k(a)": r"\mathbb{E}[\phi(\sqrt a\,x)\,\mathrm{He}_k(x)]/\sqrt{k!}",
                    "a": r"\text{any variance}",
                },
            ),
            Step(
                "the dual of a gate is c/4 plus an even function of c",
                r"S(a,b,c) - \frac c4 = S(a,b,-c) + \frac c4",
                "the previous step; visible in the arcsine family, where $c \\to -c$ turns $\\vartheta$ into "
                "$-\\vartheta$ and leaves $w$ as it is",
                _even_rest,
                every("c rho j"),
                names={
                    "S": r"\frac c4 + \sum_jh_{2j}(a)\,h_{2j}(b)\,\rho^{2j}",
                    "h_k": r"\text{the coefficients of the gate}",
                    "a": r"\text{any variance}",
                    "b": r"\text{any variance}",
                },
            ),
            Step(
                "SiLU's coefficients in numbers",
                r"h_1(a) = \frac{\sqrt a}{2}, \quad h_3(a) = h_5(a) = 0 \qquad (a = 1,\ \tfrac94)",
                "rigorous integration of the definition",
                odd_coefficients,
                some("two variances", why="it is a statement about numbers, of which two variances were taken"),
            ),
        ),
    )
