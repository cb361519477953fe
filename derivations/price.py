"""Price's theorem, Stein's lemma, the heat equation and Isserlis' moments, from the Gaussian density itself."""

from __future__ import annotations

import sympy as sp

from derivations.gauss import DELTA, alpha, beta, density, integrate_exponential, log_slope, moment, u, v
from derivations.latex import equation, lines
from derivations.proof import Outcome, Proof, Step, both
from derivations.zero import zero
from glutheory.symbolic.gaussian import a, b, c, isserlis, pdf_pair, sigma, tau

_S, _T = sp.symbols("s t", positive=True)
#: Up to this degree the engine's moments and derivatives are compared one by one.
_DEGREE = 6


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


def _one_integral() -> Outcome:
    x, rate = sp.Symbol("x", real=True), sp.Symbol("r", positive=True)
    value = sp.integrate(sp.exp(-rate * x**2), (x, -sp.oo, sp.oo))
    square = -rate * (x - beta / (2 * rate)) ** 2 + beta**2 / (4 * rate)
    return zero(value - sp.sqrt(sp.pi / rate), square - (-rate * x**2 + beta * x))


def _generating_function() -> Outcome:
    exponent = alpha * u + beta * v - (b * u**2 - 2 * c * u * v + a * v**2) / (2 * DELTA)
    square, rest = integrate_exponential(exponent, (u, v))
    # the density's front factor is 1/(2π√Δ): its square times the integrals' squares must be 1
    return zero(square / (4 * sp.pi**2 * DELTA) - 1, rest - (a * alpha**2 + 2 * c * alpha * beta + b * beta**2) / 2)


def _moments() -> Outcome:
    differences = []
    for n in range(_DEGREE + 1):
        for k in range(_DEGREE + 1):
            engine = sum(count * a**i * b**j * c**r for count, i, j, r in isserlis(n, k))
            differences.append(moment(n, k) - engine)
    return zero(*differences)


def _smoothing() -> Outcome:
    """Adding sξ and tη multiplies the generating function by exp((s²α² + t²β²)/2)."""
    before = (a * alpha**2 + 2 * c * alpha * beta + b * beta**2) / 2
    after = ((a + _S**2) * alpha**2 + 2 * c * alpha * beta + (b + _T**2) * beta**2) / 2
    return zero(before + (_S**2 * alpha**2 + _T**2 * beta**2) / 2 - after)


def _densities_at_origin() -> Outcome:
    P, Q = a + sigma, b + tau
    D = P * Q - c**2
    L = -(Q * u**2 - 2 * c * u * v + P * v**2) / (2 * D)
    differences = []
    for i in range(4):
        row = sp.S.One  # ∂_u^i e^L / e^L, then the same in v
        for _ in range(i):
            row = sp.diff(row, u) + row * sp.diff(L, u)
        for j in range(4):
            if (i + j) % 2 == 0:
                engine = sum(
                    element.as_expr(a, b, sigma, tau) * c**power for power, element in pdf_pair(i, j).items()
                )
                mine = row.subs({u: 0, v: 0}) * (-1) ** (i + j)
                differences.append(mine - engine / D ** ((i + j) // 2))
            row = sp.diff(row, v) + row * sp.diff(L, v)
    return zero(*differences)


def _named_derivatives() -> Outcome:
    """The three derivatives written in the statement."""
    L = _log_density()

    def ratio(*symbols: sp.Symbol) -> sp.Expr:
        row = sp.S.One
        for x in symbols:
            row = sp.diff(row, x) + row * sp.diff(L, x)
        return row.subs({u: 0, v: 0})

    return zero(
        ratio(u, u) + b / DELTA,
        ratio(u, v) - c / DELTA,
        ratio(u, u, v, v) - (a * b + 2 * c**2) / DELTA**2,
        density().subs({u: 0, v: 0}) - 1 / (2 * sp.pi * sp.sqrt(DELTA)),
    )


def proof() -> Proof:
    mgf = r"\exp\tfrac12\left(a\alpha^2 + 2c\,\alpha\beta + b\,\beta^2\right)"
    return Proof(
        title="Price's theorem and the Gaussian toolbox",
        source="R. Price 1958; C. Stein 1972; L. Isserlis 1918",
        summary=(
            "The four rules by which every closed form of this collection is found. Each is an identity of the density, "
            "checked as such; the statement about expectations follows by integrating by parts, where the boundary terms "
            "vanish for all $f, g$ that grow at most exponentially. For functions with kinks or jumps the derivatives are "
            "those of distributions: replace $f$ by $f$ convolved with $N(0,\\varepsilon^2)$ and let $\\varepsilon \\to 0$."
        ),
        notation=(
            "$(u, v) \\sim N\\left(0, \\begin{pmatrix} a & c \\\\ c & b \\end{pmatrix}\\right)$ with density $p(u,v)$ and "
            "$\\Delta = ab - c^2 > 0$; $N_s$ is the $N(0, s^2)$ density, $N_0 = \\delta$; $f^{(i)}$ is a derivative."
        ),
        steps=(
            Step(
                "Price's theorem",
                lines(
                    r"\frac{\partial p}{\partial c} = \frac{\partial^2 p}{\partial u\,\partial v}",
                    r"\Longrightarrow\quad \frac{\partial^k}{\partial c^k} \mathbb{E}[f(u)\,g(v)] = \mathbb{E}[f^{(k)}(u)\,g^{(k)}(v)]",
                ),
                "differentiate $\\log p$, a rational function; then $k$ integrations by parts in $u$ and in $v$ (Price 1958)",
                _price,
            ),
            Step(
                "heat equation",
                lines(
                    r"\frac{\partial p}{\partial a} = \frac12 \frac{\partial^2 p}{\partial u^2}",
                    r"\Longrightarrow\quad \frac{\partial}{\partial a} \mathbb{E}[f(u)\,g(v)] = \tfrac12\, \mathbb{E}[f''(u)\,g(v)]",
                ),
                "differentiate $\\log p$; two integrations by parts in $u$",
                _heat,
            ),
            Step(
                "Stein's lemma",
                lines(
                    r"u\,p = -a\,\frac{\partial p}{\partial u} - c\,\frac{\partial p}{\partial v}",
                    r"\Longrightarrow\quad \mathbb{E}[u\,F(u,v)] = a\,\mathbb{E}[\partial_u F] + c\,\mathbb{E}[\partial_v F]",
                ),
                "differentiate $\\log p$; one integration by parts (Stein 1972)",
                _stein,
            ),
            Step(
                "the one integral",
                r"\int_{-\infty}^{\infty} e^{-r x^2 + \beta x}\,dx = \sqrt{\pi/r}\; e^{\beta^2/(4r)}, \qquad r > 0",
                "complete the square; integration",
                _one_integral,
            ),
            Step(
                "moment generating function",
                rf"\mathbb{{E}}\left[e^{{\alpha u + \beta v}}\right] = {mgf}",
                "complete the square in $u$, then in $v$; at $\\alpha = \\beta = 0$ it says that $p$ integrates to 1",
                _generating_function,
            ),
            Step(
                "Isserlis' moments",
                equation(
                    r"\mathbb{E}[u^n v^k] = \sum_r \binom{n}{r}\binom{k}{r}\, r!\,(n-r-1)!!\,(k-r-1)!!\; a^{(n-r)/2} b^{(k-r)/2} c^r,"
                    r"\qquad \text{e.g. } \mathbb{E}[u^4v^4]",
                    moment(4, 4),
                ),
                f"coefficient of $\\alpha^n\\beta^k$ in the generating function; $r \\equiv n \\equiv k \\pmod 2$ (Isserlis 1918). "
                f"The engine's table equals it for all $n, k \\le {_DEGREE}$",
                _moments,
            ),
            Step(
                "smoothing adds variances",
                lines(
                    r"\mathbb{E}\left[e^{\alpha(u + s\xi) + \beta(v + t\eta)}\right] = "
                    r"\exp\tfrac12\left((a+s^2)\alpha^2 + 2c\,\alpha\beta + (b+t^2)\beta^2\right)",
                    r"\Longrightarrow\quad \mathbb{E}\left[N_s^{(i)}(u)\,N_t^{(j)}(v)\right] = (-1)^{i+j}\, \partial_x^i \partial_y^j\, "
                    r"p_{a+s^2,\,b+t^2,\,c}(x, y)\Big|_{x=y=0}",
                ),
                "independent standard normal $\\xi, \\eta$: generating functions multiply; $N_s(u)$ is the density of $-s\\xi$ at $u$",
                _smoothing,
            ),
            Step(
                "derivatives of the density at the origin",
                lines(
                    r"\frac{\partial_u^2 p}{p}\Big|_0 = -\frac{b}{\Delta}, \qquad \frac{\partial_u\partial_v p}{p}\Big|_0 = \frac{c}{\Delta}, "
                    r"\qquad \frac{\partial_u^2\partial_v^2 p}{p}\Big|_0 = \frac{ab + 2c^2}{\Delta^2}",
                    r"p(0,0) = \frac{1}{2\pi\sqrt{\Delta}}",
                ),
                "differentiation; equal to the engine's `pdf_pair` for all orders $i, j \\le 3$ (with $a+s^2$, $b+t^2$ for $a$, $b$)",
                lambda: both(_densities_at_origin(), _named_derivatives()),
            ),
        ),
    )
