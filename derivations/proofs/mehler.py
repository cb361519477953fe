"""Hermite polynomials of correlated normals: orthogonality, the moment representation, and Mehler's formula."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.gauss import alpha, beta, integrate_exponential, polynomial_mean, u, v
from derivations.tools.half_line import X
from derivations.tools.latex import lines
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, Proof, Step, every
from derivations.tools.zero import zero

rho = sp.Symbol("rho", real=True)
#: The covariance of a pair of independent standard normals.
STANDARD = (sp.S.One, sp.S.One, sp.S.Zero)
#: Identities that hold for all degrees are also tried up to this one.
_DEGREE = 7


def he(k: int, x: sp.Expr = X) -> sp.Expr:
    """The probabilists' Hermite polynomial: k! times the α^k coefficient of exp(αx − α²/2)."""
    rows = ((-1) ** j * sp.factorial(k) / (sp.factorial(j) * sp.factorial(k - 2 * j) * 2**j) for j in range(k // 2 + 1))
    return sp.expand(sum(value * x ** (k - 2 * j) for j, value in enumerate(rows)))


def _definition() -> Outcome:
    """The product of two exponential series term by term, for all k; and `he` by differentiating k times at α = 0."""
    k, j = sp.symbols("k j", integer=True, nonnegative=True)
    first = (alpha * X) ** (k - 2 * j) / sp.factorial(k - 2 * j)
    second = alpha ** (2 * j) * (-1) ** j / 2**j / sp.factorial(j)  # (−α²/2)^j/j!
    term = sp.factorial(k) * (-1) ** j * X ** (k - 2 * j) / (2**j * sp.factorial(j) * sp.factorial(k - 2 * j))
    function = sp.exp(alpha * X - alpha**2 / 2)
    tried = (sp.diff(function, alpha, order).subs(alpha, 0) - he(order) for order in spots(range(_DEGREE + 1)))
    return zero((sp.expand_power_base(first * second), alpha**k / sp.factorial(k) * term), *tried)


def _orthogonality() -> Outcome:
    exponent = (alpha**2 + 2 * rho * alpha * beta + beta**2) / 2 - alpha**2 / 2 - beta**2 / 2
    degree = sp.Symbol("k", integer=True, nonnegative=True)
    # the terms of e^{ραβ}, and those of the double series whose coefficients are δ_jk k! ρ^k
    left = rho**degree * alpha**degree * beta**degree / sp.factorial(degree)
    right = sp.factorial(degree) * rho**degree * alpha**degree * beta**degree / sp.factorial(degree) ** 2
    small = []
    for j in spots(range(5)):
        for k in spots(range(5)):
            expected = sp.factorial(k) * rho**k if j == k else 0
            small.append(polynomial_mean(he(j, u) * he(k, v), (sp.S.One, sp.S.One, rho)) - expected)
    return zero((exponent, rho * alpha * beta), (left, right), *small)


def _imaginary() -> Outcome:
    square, rest = integrate_exponential(alpha * (X + sp.I * u) - u**2 / 2, (u,))
    moments = (polynomial_mean((X + sp.I * u) ** k, STANDARD) - he(k) for k in spots(range(_DEGREE + 1)))
    return zero(square / (2 * sp.pi) - 1, (rest, alpha * X - alpha**2 / 2), *moments)


def _mehler() -> Outcome:
    y = sp.Symbol("y", real=True)
    exponent = rho * (X + sp.I * u) * (y + sp.I * v) - u**2 / 2 - v**2 / 2
    square, rest = integrate_exponential(exponent, (u, v))
    kernel = (2 * rho * X * y - rho**2 * (X**2 + y**2)) / (2 * (1 - rho**2))
    ratio = -(X**2 - 2 * rho * X * y + y**2) / (2 * (1 - rho**2)) + (X**2 + y**2) / 2
    return zero(square / (2 * sp.pi) ** 2 - 1 / (1 - rho**2), (rest, kernel), ratio - kernel)


def proof() -> Proof:
    return Proof(
        title="Mehler's formula",
        source="F. G. Mehler 1866",
        summary=(
            "Hermite polynomials of two standard normals with correlation $\\rho$ are orthogonal with "
            "$\\mathbb{E}[\\mathrm{He}_k(x)\\mathrm{He}_k(y)] = k!\\,\\rho^k$, and the joint density is their series."
        ),
        notation=(
            "$x, y$ are standard normal with correlation $\\rho$, $|\\rho| < 1$, and joint density $p_\\rho$; $N$ is "
            "the standard normal density; $\\xi, \\eta$ are independent standard normal; $\\mathrm{He}_k$ is defined "
            "by $e^{\\alpha x - \\alpha^2/2} = \\sum_k \\mathrm{He}_k(x)\\,\\alpha^k/k!$."
        ),
        names={
            "x": r"\text{standard normal}",
            "y": r"\text{standard normal with } \mathbb{E}[xy] = \rho",
            r"\xi": r"\text{standard normal}",
            r"\eta": r"\text{standard normal}",
            "i": r"\sqrt{-1}",
            "N(x)": r"\frac{1}{\sqrt{2\pi}}e^{-x^2/2}",
            r"p_\rho": r"\text{the joint density, with correlation } \rho",
            r"\delta_{jk}": r"1 \text{ where } j = k, \text{ else } 0",
        },
        steps=(
            Step(
                "Hermite polynomials",
                r"\mathrm{He}_k(x) = k!\sum_{j \le k/2} \frac{(-1)^j\,x^{k-2j}}{2^j\,j!\,(k-2j)!}",
                "product of the series of $e^{\\alpha x}$ and $e^{-\\alpha^2/2}$",
                _definition,
                every("k j alpha x", by.CAUCHY),
            ),
            Step(
                "orthogonality at correlation ρ",
                lines(
                    r"\mathbb{E}\left[e^{\alpha x - \alpha^2/2}\,e^{\beta y - \beta^2/2}\right] = e^{\rho\alpha\beta}",
                    r"\Longrightarrow\quad \mathbb{E}[\mathrm{He}_j(x)\,\mathrm{He}_k(y)] = \delta_{jk}\,k!\,\rho^k",
                ),
                "moment generating function ([gaussian_moments](gaussian_moments.md)); compare the coefficients of "
                "$\\alpha^j\\beta^k$",
                _orthogonality,
                every("k rho alpha beta", by.MOMENT_SERIES),
            ),
            Step(
                "Hermite polynomials as moments",
                lines(
                    r"\mathbb{E}_\xi\left[e^{\alpha(x + i\xi)}\right] = e^{\alpha x - \alpha^2/2}",
                    r"\Longrightarrow\quad \mathrm{He}_k(x) = \mathbb{E}_\xi\left[(x + i\xi)^k\right]",
                ),
                "complete the square; compare the coefficients of $\\alpha^k$",
                _imaginary,
                every("alpha x", by.MOMENT_SERIES("k")),
            ),
            Step(
                "Mehler's formula",
                lines(
                    r"\sum_{k\ge0} \frac{\rho^k}{k!}\,\mathrm{He}_k(x)\,\mathrm{He}_k(y) = "
                    r"\mathbb{E}_{\xi,\eta}\left[e^{\rho(x+i\xi)(y+i\eta)}\right]",
                    r"= \frac{1}{\sqrt{1-\rho^2}} \exp\frac{2\rho xy - \rho^2(x^2+y^2)}{2(1-\rho^2)} = "
                    r"\frac{p_\rho(x,y)}{N(x)\,N(y)}",
                ),
                "exponential series, exchanged with the expectation since $\\mathbb{E}[e^{|\\rho\\,(x + i\\xi)(y + "
                "i\\eta)|}] < \\infty$ for $|\\rho| < 1$; complete the square in $\\xi$ and in $\\eta$",
                _mehler,
                every("rho x y", by.DOMINATED.gives("exchanged with the expectation since"), by.FUBINI),
            ),
        ),
    )
