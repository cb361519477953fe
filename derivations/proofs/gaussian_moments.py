"""Gaussian integrals from one integral: generating function, Isserlis' moments, smoothing, densities at the origin."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.gauss import DELTA, alpha, beta, density, integrate_exponential, moment, u, v
from derivations.tools.latex import equation, lines
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, Proof, Step, every
from derivations.tools.zero import zero
from glutheory.symbolic.gaussian import a, b, c, isserlis, pdf_pair, sigma, tau

_S, _T = sp.symbols("s t", positive=True)
#: Up to these degrees the engine's moments and derivatives are compared one by one.
_DEGREE, _ORDER = 6, 3


def _one_integral() -> Outcome:
    """The completed square; and (∫ e^{−rx²} dx)² = 2π ∫ ρ e^{−rρ²} dρ = π/r in polar coordinates (Poisson)."""
    x, rate, radius = sp.Symbol("x", real=True), sp.Symbol("r", positive=True), sp.Symbol("rho", positive=True)
    square = -rate * (x - beta / (2 * rate)) ** 2 + beta**2 / (4 * rate)
    primitive = -sp.exp(-rate * radius**2) / (2 * rate)
    plane = 2 * sp.pi * (0 - primitive.subs(radius, 0))  # at infinity it vanishes
    return zero(
        square - (-rate * x**2 + beta * x),
        sp.diff(primitive, radius) - radius * sp.exp(-rate * radius**2),
        plane - sp.sqrt(sp.pi / rate) ** 2,
    )


def _generating_function() -> Outcome:
    exponent = alpha * u + beta * v - (b * u**2 - 2 * c * u * v + a * v**2) / (2 * DELTA)
    square, rest = integrate_exponential(exponent, (u, v))
    # the density's front factor is 1/(2π√Δ): its square times the integrals' squares must be 1
    return zero(square / (4 * sp.pi**2 * DELTA) - 1, (rest, (a * alpha**2 + 2 * c * alpha * beta + b * beta**2) / 2))


def _moments() -> Outcome:
    i, j, r = sp.symbols("i j r", integer=True, nonnegative=True)
    first, second = 2 * i + r, 2 * j + r  # n and k
    series = sp.factorial(first) * sp.factorial(second) * a**i * b**j * c**r
    series /= 2 ** (i + j) * sp.factorial(i) * sp.factorial(j) * sp.factorial(r)
    odd = [sp.factorial(2 * x) / (2**x * sp.factorial(x)) for x in (i, j)]  # (2i − 1)!!
    binomials = [sp.factorial(x) / (sp.factorial(r) * sp.factorial(x - r)) for x in (first, second)]
    claimed = sp.Mul(*binomials, *odd) * sp.factorial(r) * a**i * b**j * c**r
    differences = [(series, claimed)]
    for n in spots(range(_DEGREE + 1)):
        for k in spots(range(_DEGREE + 1)):
            engine = sum(count * a**i * b**j * c**r for count, i, j, r in isserlis(n, k))
            differences.append(moment(n, k) - engine)
    return zero(*differences)


def _smoothing() -> Outcome:
    """Adding sξ and tη multiplies the generating function by exp((s²α² + t²β²)/2)."""
    before = (a * alpha**2 + 2 * c * alpha * beta + b * beta**2) / 2
    after = ((a + _S**2) * alpha**2 + 2 * c * alpha * beta + (b + _T**2) * beta**2) / 2
    return zero((before + (_S**2 * alpha**2 + _T**2 * beta**2) / 2, after))


def _ratio(i: int, j: int, first: sp.Expr = a, second: sp.Expr = b) -> sp.Expr:
    """∂_u^i ∂_v^j p divided by p, at the origin, for variances `first` and `second`."""
    L = -(second * u**2 - 2 * c * u * v + first * v**2) / (2 * (first * second - c**2))
    row = sp.S.One
    for x in (u,) * i + (v,) * j:
        row = sp.diff(row, x) + row * sp.diff(L, x)
    return row.subs({u: 0, v: 0})


def _origin() -> Outcome:
    named = [
        _ratio(2, 0) + b / DELTA,
        _ratio(1, 1) - c / DELTA,
        _ratio(2, 2) - (a * b + 2 * c**2) / DELTA**2,
        density().subs({u: 0, v: 0}) - 1 / (2 * sp.pi * sp.sqrt(DELTA)),
    ]
    first, second = a + sigma, b + tau
    D = first * second - c**2
    differences = []
    for i in spots(range(_ORDER + 1)):
        for j in spots(range(_ORDER + 1)):
            engine = sum(element.as_expr(a, b, sigma, tau) * c**power for power, element in pdf_pair(i, j).items())
            differences.append((-1) ** (i + j) * _ratio(i, j, first, second) - engine / D ** ((i + j) // 2))
    return zero(*named, *differences)


def proof() -> Proof:
    return Proof(
        title="Gaussian moments and integrals",
        source="L. Isserlis 1918",
        summary=(
            "Everything elementary that the other proofs use, from the one integral $\\int e^{-rx^2 + \\beta x}\\,dx$ "
            "by completing squares."
        ),
        notation=(
            "$(u, v) \\sim N\\left(0, \\begin{pmatrix} a & c \\\\ c & b \\end{pmatrix}\\right)$ with density "
            "$p_{a,b,c}$ and $\\Delta = ab - c^2 > 0$; $\\xi, \\eta$ are independent standard normal; $N_s$ is the "
            "$N(0, s^2)$ density and $N_s^{(i)}$ its $i$-th derivative, $N_0 = \\delta$; $(-1)!! = 1$."
        ),
        names={
            "u": r"\text{Gaussian with variance } a",
            "v": r"\text{Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            r"\Delta": "ab - c^2",
            "p": r"\text{the density of } (u, v)",
            r"\xi": r"\text{standard normal}",
            r"\eta": r"\text{standard normal}",
            "N_s(z)": r"\frac{1}{s\sqrt{2\pi}}e^{-z^2/2s^2}",
        },
        steps=(
            Step(
                "the one integral",
                r"\int_{-\infty}^{\infty} e^{-r x^2 + \beta x}\,dx = \sqrt{\pi/r}\; e^{\beta^2/(4r)}, \qquad r > 0",
                "complete the square; integration. By analytic continuation it holds for complex $\\beta$ as well",
                _one_integral,
                every("r beta", by.SUBSTITUTION, by.FUBINI, by.CONTINUATION),
            ),
            Step(
                "moment generating function",
                r"\mathbb{E}\left[e^{\alpha u + \beta v}\right] = \exp\tfrac12\left(a\alpha^2 + 2c\,\alpha\beta + "
                r"b\,\beta^2\right)",
                (
                    r"complete the square in $u$ and in $v$; at $\alpha = \beta = 0$ it says that $p$ "
                    "integrates to 1"
                ),
                _generating_function,
                every("a b c alpha beta"),
            ),
            Step(
                "Isserlis' moments",
                equation(
                    r"\mathbb{E}[u^n v^k] = \sum_r \binom{n}{r}\binom{k}{r}\, r!\,(n-r-1)!!\,(k-r-1)!!\; a^{(n-r)/2} "
                    r"b^{(k-r)/2} c^r, \qquad \text{e.g. } \mathbb{E}[u^4v^4]",
                    moment(4, 4),
                ),
                "coefficient of $\\alpha^n\\beta^k$ in the generating function; the sum runs over $r \\equiv n "
                "\\equiv k \\pmod 2$ (Isserlis 1918)",
                _moments,
                every("i j r a b c", by.MOMENT_SERIES, by.CAUCHY),
                names={"n": "2i + r", "k": "2j + r"},
            ),
            Step(
                "smoothing adds variances",
                lines(
                    r"\mathbb{E}\left[e^{\alpha(u + s\xi) + \beta(v + t\eta)}\right] = "
                    r"\exp\tfrac12\left((a+s^2)\alpha^2 + 2c\,\alpha\beta + (b+t^2)\beta^2\right)",
                    r"\Longrightarrow\quad \mathbb{E}\left[N_s^{(i)}(u)\,N_t^{(j)}(v)\right] = (-1)^{i+j}\, "
                    r"\partial_x^i \partial_y^j\, p_{a+s^2,\,b+t^2,\,c}(x, y)\Big|_{x=y=0}",
                ),
                "generating functions of independent variables multiply; $\\mathbb{E}[N_s(x - u)\\,N_t(y - v)]$ is "
                "the density of $(u + s\\xi, v + t\\eta)$, and $N_s$ is even",
                _smoothing,
                every("a b c s t alpha beta", by.INDEPENDENCE, by.CHARACTERISTIC),
                names={
                    "i": r"\text{an order}",
                    "j": r"\text{an order}",
                    "x": r"\text{the argument}",
                    "y": r"\text{the argument}",
                },
            ),
            Step(
                "derivatives of the density at the origin",
                lines(
                    r"p(0,0) = \frac{1}{2\pi\sqrt{\Delta}}, \qquad \frac{\partial_u^2 p}{p}\Big|_0 = "
                    r"-\frac{b}{\Delta},",
                    r"\frac{\partial_u\partial_v p}{p}\Big|_0 = \frac{c}{\Delta}, \qquad "
                    r"\frac{\partial_u^2\partial_v^2 p}{p}\Big|_0 = \frac{ab + 2c^2}{\Delta^2}",
                ),
                "differentiation; the expectations of the previous step are these with $a + s^2$, $b + t^2$ for "
                "$a$, $b$, "
                f"and equal the engine's table of them for all orders $i, j \\le {_ORDER}$",
                _origin,
                every("a b c"),
            ),
        ),
    )
