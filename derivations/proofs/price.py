"""Price's theorem, Stein's lemma and the heat equation: three identities of the Gaussian density."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.gauss import DELTA, density, log_slope, moment, u, v
from derivations.tools.latex import lines
from derivations.tools.means import cases
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.symbolic.gaussian import a, b, c

#: The three rules are tried on all monomials up to this degree.
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


def _monomials() -> Outcome:
    differences = []
    for n in cases("n", range(1, _DEGREE + 1)):
        for k in cases("k", range(1, _DEGREE + 1)):
            value = moment(n, k)
            curved = n * (n - 1) * moment(n - 2, k) / 2 if n > 1 else 0
            flat = a * (n - 1) * moment(n - 2, k) if n > 1 else 0
            differences += [
                sp.diff(value, c) - n * k * moment(n - 1, k - 1),
                sp.diff(value, a) - curved,
                value - flat - c * k * moment(n - 1, k - 1),
            ]
    return zero(*differences)


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
                every("a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS),
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
                every("a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS),
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
                every("a b c u v", by.UNDER_INTEGRAL, by.INTEGRATION_BY_PARTS),
            ),
            Step(
                "the three rules on monomials",
                r"f(u) = u^n,\quad g(v) = v^k,\quad F(u, v) = u^{n-1}v^k, \qquad "
                rf"1 \le n, k \le {_DEGREE}",
                "an independent test of the three conclusions: the moments come from the moment generating function "
                "([gaussian_moments](gaussian_moments.md)), not from these rules",
                _monomials,
                every("a b c"),
            ),
        ),
    )
