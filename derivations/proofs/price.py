"""Price's theorem, Stein's lemma and the heat equation: three identities of the Gaussian density."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.gauss import DELTA, density, log_slope, moment, u, v
from derivations.tools.latex import lines
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.symbolic.gaussian import a, b, c

#: The moments of all monomials up to this degree are tried as well.
_DEGREE = 5


def _log_density() -> sp.Expr:
    return sp.log(1 / (2 * sp.pi)) - sp.log(DELTA) / 2 - (b * u**2 - 2 * c * u * v + a * v**2) / (2 * DELTA)


def _slopes_agree() -> Outcome:
    """The logarithm's derivatives are those of `density`, so that the steps below speak of the density."""
    L = _log_density()
    return zero(*(log_slope(density(), x) - sp.diff(L, x) for x in (u, v, a, c)))


def _price() -> Outcome:
    L = _log_density()
    mixed = sp.diff(L, u, v) + sp.diff(L, u) * sp.diff(L, v)  # ∂²p/∂u∂v divided by p
    return both(_slopes_agree(), zero(sp.diff(L, c) - mixed))


def _heat() -> Outcome:
    L = _log_density()
    return both(_slopes_agree(), zero(sp.diff(L, a) - (sp.diff(L, u, 2) + sp.diff(L, u) ** 2) / 2))


def _stein() -> Outcome:
    L = _log_density()
    return both(_slopes_agree(), zero(u + a * sp.diff(L, u) + c * sp.diff(L, v)))


def _power(n: sp.Expr, k: sp.Expr, r: sp.Expr) -> sp.Expr:
    """The term of E[u^n v^k] with c^r, by [gaussian_moments](gaussian_moments.md); 1/Γ(r + 1) is 0 below r = 0.

    With n = 2i + r and k = 2j + r: n! k! (a/2)^i (b/2)^j c^r / (i! j! r!).
    """
    i, j = (n - r) / 2, (k - r) / 2
    top = sp.gamma(n + 1) * sp.gamma(k + 1) * (a / 2) ** i * (b / 2) ** j * c**r
    return sp.expand_power_base(top / (sp.gamma(i + 1) * sp.gamma(j + 1) * sp.gamma(r + 1)))


def _monomials() -> Outcome:
    """Term by term for every n and k: c^(r−1) and a^(i−1) on both sides; and the first few, moment by moment."""
    n, k, r = sp.symbols("n k r", positive=True)
    term = _power(n, k, r)
    price = sp.diff(term, c) - n * k * _power(n - 1, k - 1, r - 1)
    heat = sp.diff(term, a) - n * (n - 1) * _power(n - 2, k, r) / 2
    stein = term - a * (n - 1) * _power(n - 2, k, r) - c * k * _power(n - 1, k - 1, r - 1)
    differences = []
    for n, k in ((n, k) for n in spots(range(1, _DEGREE + 1)) for k in spots(range(1, _DEGREE + 1))):
        value = moment(n, k)
        curved = n * (n - 1) * moment(n - 2, k) / 2 if n > 1 else 0
        flat = a * (n - 1) * moment(n - 2, k) if n > 1 else 0
        differences += [
            sp.diff(value, c) - n * k * moment(n - 1, k - 1),
            sp.diff(value, a) - curved,
            value - flat - c * k * moment(n - 1, k - 1),
        ]
    return zero(price, heat, stein, *differences)


def proof() -> Proof:
    return Proof(
        title="Price's theorem, the heat equation and Stein's lemma",
        source="R. Price 1958; C. Stein 1972",
        summary=(
            "The rules by which every closed form of this collection is found. Each is an identity of the Gaussian "
            "density, checked as such; the statement about expectations follows by integrating by parts, where the "
            "boundary terms vanish for all $f, g$ that grow at most exponentially. For functions with kinks or jumps "
            "the derivatives are those of distributions: replace $f$ by $f$ convolved with $N(0,\\varepsilon^2)$ and "
            "let $\\varepsilon \\to 0$."
        ),
        notation=(
            "$(u, v) \\sim N\\left(0, \\begin{pmatrix} a & c \\\\ c & b \\end{pmatrix}\\right)$ with density $p(u,v)$ "
            "and $\\Delta = ab - c^2 > 0$; $f^{(k)}$ is the $k$-th derivative."
        ),
        names={"p(u, v)": r"\frac{1}{2\pi\sqrt{ab-c^2}}\exp\frac{-bu^2+2cuv-av^2}{2(ab-c^2)}"},
        steps=(
            Step(
                "Price's theorem",
                lines(
                    r"\frac{\partial p}{\partial c} = \frac{\partial^2 p}{\partial u\,\partial v}",
                    r"\Longrightarrow\quad \frac{\partial^k}{\partial c^k} \mathbb{E}[f(u)\,g(v)] = "
                    r"\mathbb{E}[f^{(k)}(u)\,g^{(k)}(v)]",
                ),
                "differentiate $\\log p$; then integrate by parts once in $u$ and once in $v$, $k$ times over (Price "
                "1958)",
                _price,
                every(
                    "a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS("f g k").gives("then integrate by parts")
                ),
            ),
            Step(
                "heat equation",
                lines(
                    r"\frac{\partial p}{\partial a} = \frac12 \frac{\partial^2 p}{\partial u^2}",
                    r"\Longrightarrow\quad \frac{\partial}{\partial a} \mathbb{E}[f(u)\,g(v)] = \tfrac12\, "
                    r"\mathbb{E}[f''(u)\,g(v)]",
                ),
                "differentiate $\\log p$; then integrate by parts twice in $u$",
                _heat,
                every("a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS("f g").gives("then integrate by parts")),
            ),
            Step(
                "Stein's lemma",
                lines(
                    r"u\,p = -a\,\frac{\partial p}{\partial u} - c\,\frac{\partial p}{\partial v}",
                    r"\Longrightarrow\quad \mathbb{E}[u\,F(u,v)] = a\,\mathbb{E}[\partial_u F] + "
                    r"c\,\mathbb{E}[\partial_v F]",
                ),
                "differentiate $\\log p$; then integrate by parts once in each variable (Stein 1972)",
                _stein,
                every("a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS("F").gives("then integrate by parts")),
            ),
            Step(
                "the three rules on monomials",
                lines(
                    (
                        r"\frac{\partial}{\partial c}\mathbb{E}[u^nv^k] = nk\,\mathbb{E}[u^{n-1}v^{k-1}], \qquad "
                        r"\frac{\partial}{\partial a}\mathbb{E}[u^nv^k] = \tfrac12 n(n-1)\,\mathbb{E}[u^{n-2}v^k],"
                    ),
                    (
                        r"\mathbb{E}[u^nv^k] = a(n-1)\,\mathbb{E}[u^{n-2}v^k] + ck\,\mathbb{E}[u^{n-1}v^{k-1}] "
                        r"\qquad (n, k \ge 1)"
                    ),
                ),
                (
                    "a test of the three conclusions that does not use them: the moments are Isserlis' sums "
                    "([gaussian_moments](gaussian_moments.md)), compared term by term, the power of $c$ being "
                    r"$r$; for $n, k \le 5$ also as coefficients of the moment generating function"
                ),
                _monomials,
                every("a b c n k"),
                names={
                    "u": r"\text{Gaussian with variance } a",
                    "v": r"\text{Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
                },
            ),
        ),
    )
