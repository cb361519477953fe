"""The Kolmogorov distribution: that it is one, and its Laplace transform E[exp(−2κ²t²)] = πt/sinh(πt)."""

from __future__ import annotations

import sympy as sp
from flint import arb, fmpq

from derivations.tools import theorems as by
from derivations.tools.gauss import integrate_exponential
from derivations.tools.latex import lines
from derivations.tools.limits import decay, tends
from derivations.tools.means import Means
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, Proof, Step, both, confirmed, every, some
from derivations.tools.zero import positive, zero
from glutheory.ground.balls import precision
from glutheory.symbolic.kolmogorov import density, rule

x, t, y = sp.symbols("x t y", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
k = sp.Symbol("k", integer=True)
_BITS = 128
#: Where the two series of the density are compared.
_POINTS = (fmpq(1, 2), fmpq(4, 5), fmpq(1), fmpq(3, 2))


def _poisson() -> Outcome:
    """∫ e^{iπy − 2x²y²} e^{−2πiky} dy = √(π/2)/x · e^{−(2k−1)²π²/(8x²)}."""
    real = sp.Symbol("y", real=True)
    exponent = sp.I * sp.pi * real - 2 * x**2 * real**2 - 2 * sp.pi * sp.I * k * real
    square, rest = integrate_exponential(exponent, (real,))
    return zero((square, sp.pi / (2 * x**2)), (rest, -((2 * k - 1) ** 2) * sp.pi**2 / (8 * x**2)))


def _densities() -> Outcome:
    first, second = -2 * sp.exp(-2 * n**2 * x**2), sp.sqrt(2 * sp.pi) / x * sp.exp(-(n**2) * sp.pi**2 / (8 * x**2))
    return zero(
        (sp.diff(first, x), 8 * n**2 * x * sp.exp(-2 * n**2 * x**2)),
        sp.diff(second, x)
        - sp.sqrt(2 * sp.pi) * (n**2 * sp.pi**2 / (4 * x**4) - 1 / x**2) * sp.exp(-(n**2) * sp.pi**2 / (8 * x**2)),
    )


def _positive() -> Outcome:
    """The sign conditions on both sides of κ = 1, with e^6 ≥ 1 + 6 in place of a numerical value."""
    factor = n**2 * sp.pi**2 / (4 * x**4) - 1 / x**2
    small = zero(factor - (n * sp.pi - 2 * x) * (n * sp.pi + 2 * x) / (4 * x**4))
    ratio = ((n + 1) ** 2 * sp.exp(-2 * (n + 1) ** 2 * x**2)) / (n**2 * sp.exp(-2 * n**2 * x**2))
    large = zero((ratio, ((n + 1) / n) ** 2 * sp.exp(-2 * (2 * n + 1) * x**2)))
    # (n+1)/n ≤ 2 and 2n+1 ≥ 3 for n = 1 + j, j ≥ 0
    j = sp.Symbol("j", nonnegative=True)
    bounds = [(2 * n - (n + 1)).subs(n, 1 + j), (2 * n + 1 - 3).subs(n, 1 + j)]
    return both(small, large, positive(*bounds), larger((sp.pi, sp.Integer(2)), (sp.Integer(7), sp.Integer(4))))


def _ends() -> Outcome:
    """e^{−2x²} → 0; and e^{−π²/(8x²)}/x ≤ y/(1 + π²y²/8) → 0 with y = 1/x, by e^z ≥ 1 + z."""
    limits = both(decay(), tends(y / (1 + sp.pi**2 * y**2 / 8), y))
    # geometric domination: n² ≥ n, so that every later term is at most the first one times a power
    j = sp.Symbol("j", nonnegative=True)
    return both(limits, positive(sp.expand((1 + j) ** 2 - (1 + j))))


def _laplace_term() -> Outcome:
    parts = sp.diff(sp.exp(-2 * x**2 * t**2), x) + 4 * x * t**2 * sp.exp(-2 * x**2 * t**2)
    primitive = -2 * t**2 / (n**2 + t**2) * sp.exp(-2 * (n**2 + t**2) * x**2)  # at infinity it vanishes
    integrand = 4 * x * t**2 * 2 * sp.exp(-2 * (n**2 + t**2) * x**2)
    return zero(parts, (sp.diff(primitive, x), integrand), (-primitive.subs(x, 0), 2 * t**2 / (n**2 + t**2)))


def _fourier() -> Outcome:
    """The Fourier coefficients of cosh(ty) on [−π, π]: an antiderivative, differentiated back and evaluated."""
    real = sp.Symbol("y", real=True)
    anti = (t * sp.sinh(t * real) * sp.cos(n * real) + n * sp.cosh(t * real) * sp.sin(n * real)) / (t**2 + n**2)
    coefficient = (anti.subs(real, sp.pi) - anti.subs(real, -sp.pi)) / sp.pi
    mean = (sp.sinh(t * sp.pi) - sp.sinh(-t * sp.pi)) / t / (2 * sp.pi)
    return zero(
        sp.diff(anti, real) - sp.cosh(t * real) * sp.cos(n * real),
        sp.diff(sp.sinh(t * real) / t, real) - sp.cosh(t * real),
        coefficient - sp.sinh(sp.pi * t) / sp.pi * 2 * t * (-1) ** n / (t**2 + n**2),
        mean - sp.sinh(sp.pi * t) / (sp.pi * t),
        sp.cosh(t * sp.pi) - sp.cosh(-t * sp.pi),
    )


def _result() -> Outcome:
    """At y = 0 the Fourier series says 1 = sinh(πt)/(πt)·(1 + 2t²Σ), and the transform is the bracket."""
    total = sp.Symbol("Sigma", real=True)  # Σ (−1)^n/(t²+n²)
    hyperbolic = sp.sinh(sp.pi * t)
    at_zero = hyperbolic / (sp.pi * t) + hyperbolic / sp.pi * 2 * t * total
    transform = 1 + 2 * t**2 * total
    return zero(transform * hyperbolic / (sp.pi * t) - at_zero)


def _first_series(kappa: arb) -> arb:
    """8κ Σ (−1)^(n−1) n² e^{−2n²κ²}, what is left out in the radius (the terms more than halve from n = 30 on)."""
    terms = [8 * kappa * i * i * (-2 * i * i * kappa**2).exp() for i in range(1, 31)]
    return sum((term if i % 2 == 0 else -term for i, term in enumerate(terms)), arb(0)) + arb(
        0, (2 * terms[-1]).upper()
    )


def _engine() -> Outcome:
    with precision(_BITS):
        fine = arb(2) ** (-_BITS // 2)
        balls = [(_first_series(arb(point)), density(arb(point))) for point in _POINTS]
        passed = all(mine.overlaps(engine) and mine.rad() < fine and engine.rad() < fine for mine, engine in balls)
        nodes = rule(96)
        mass = sum((weight for _, weight in nodes.nodes), arb(0)) + arb(0, nodes.error(0, 0))
        passed = passed and mass.contains(1) and bool(mass.rad() < arb(2) ** -80)
    return confirmed(
        bool(passed),
        Means.POINTS,
        f"balls that overlap and are narrow, at {len(_POINTS)} points; a ball that contains 1",
    )


def proof() -> Proof:
    return Proof(
        title="The Kolmogorov distribution",
        source="A. N. Kolmogorov 1933; the theta identity is Jacobi's",
        summary=(
            "The mixing distribution of the logistic family. Its distribution function has two series, which shows "
            "that it is one, and its Laplace transform in $\\kappa^2$ is elementary: $\\mathbb{E}[e^{-2\\kappa^2t^2}] "
            "= \\pi t/\\sinh \\pi t$."
        ),
        notation=(
            "$\\kappa > 0$ is the random variable, $F(x) = P(\\kappa \\le x) = 1 - 2\\sum_{n\\ge1} (-1)^{n-1} "
            "e^{-2n^2x^2}$, $x > 0$."
        ),
        names={
            r"\kappa": r"\text{a positive random variable with the distribution function } F",
            "F(x)": r"1 - 2\sum_{n\ge1}(-1)^{n-1}e^{-2n^2x^2}",
        },
        steps=(
            Step(
                "two series",
                r"F(x) = \sum_{n=-\infty}^{\infty} (-1)^n e^{-2n^2x^2} = \frac{\sqrt{2\pi}}{x} \sum_{m = 1, 3, 5, "
                r"\dots} e^{-m^2\pi^2/(8x^2)}",
                "Poisson summation (Jacobi): the Fourier transform of $e^{i\\pi y - 2x^2y^2}$ at $2\\pi k$ is "
                "$\\sqrt{\\pi/2}\\,x^{-1} e^{-(2k-1)^2\\pi^2/(8x^2)}$; $2k - 1$ runs over all odd integers",
                _poisson,
                every("x k", by.POISSON),
            ),
            Step(
                "two series of the density",
                r"F'(x) = 8x \sum_{n\ge1} (-1)^{n-1} n^2 e^{-2n^2x^2} = \sqrt{2\pi} \sum_{m = 1, 3, \dots} "
                r"\left(\frac{m^2\pi^2}{4x^4} - \frac{1}{x^2}\right) e^{-m^2\pi^2/(8x^2)}",
                "differentiate term by term; both series converge uniformly on every $[x_0, x_1]$ with $0 < x_0$",
                _densities,
                every("x n", by.TERMWISE),
            ),
            Step(
                "the density is positive",
                lines(
                    r"x \le 1:\quad \frac{m^2\pi^2}{4x^4} - \frac1{x^2} = \frac{(m\pi - 2x)(m\pi + 2x)}{4x^4} > 0 "
                    r"\quad\text{for all } m \ge 1,",
                    r"x \ge 1:\quad \frac{(n+1)^2 e^{-2(n+1)^2x^2}}{n^2 e^{-2n^2x^2}} = \left(\frac{n+1}{n}\right)^2 "
                    r"e^{-2(2n+1)x^2} \le 4e^{-6} < 1",
                ),
                "second series: all terms are positive, with $\\pi > 2$; first series: alternating with decreasing "
                "terms, the first one positive (Leibniz), with $e^6 \\ge 1 + 6 > 4$",
                _positive,
                every("n x", by.LEIBNIZ),
                names={"m": r"n, \text{ where odd}"},
            ),
            Step(
                "a distribution function",
                r"F(x) \to 0 \quad (x \to 0), \qquad F(x) \to 1 \quad (x \to \infty)",
                "limits of the leading terms, $e^{-\\pi^2/(8x^2)}/x \\to 0$ and $e^{-2x^2} \\to 0$; the others are "
                "dominated by a geometric series, $n^2 \\ge n$",
                _ends,
                every("j", by.EXPONENTIAL),
            ),
            Step(
                "Laplace transform, term by term",
                lines(
                    r"\mathbb{E}\left[e^{-2\kappa^2t^2}\right] = 1 - \int_0^\infty 4xt^2 e^{-2x^2t^2}\,(1 - "
                    r"F(x))\,dx, \qquad \int_0^\infty 4xt^2 e^{-2x^2t^2}\cdot 2e^{-2n^2x^2}\,dx = "
                    r"\frac{2t^2}{n^2+t^2}",
                    r"\Longrightarrow\quad \mathbb{E}\left[e^{-2\kappa^2t^2}\right] = 1 + "
                    r"2t^2\sum_{n\ge1}\frac{(-1)^n}{n^2+t^2}",
                ),
                "integration by parts; the partial sums of $1 - F = 2\\sum (-1)^{n-1}e^{-2n^2x^2}$ alternate and lie "
                "between $0$ and $2e^{-2x^2}$, so sum and integral may be exchanged (dominated convergence)",
                _laplace_term,
                every("t n x", by.INTEGRATION_BY_PARTS, by.DOMINATED),
            ),
            Step(
                "Fourier series of cosh",
                r"\cosh(ty) = \frac{\sinh\pi t}{\pi}\left(\frac1t + 2t\sum_{n\ge1} "
                r"\frac{(-1)^n\cos(ny)}{t^2+n^2}\right), \qquad \text{for } -\pi \le y \le \pi",
                "coefficients by integration; the periodic continuation is continuous and piecewise smooth, so the "
                "series converges to it everywhere (Dirichlet)",
                _fourier,
                every("t n y", by.DIRICHLET.gives("so the series converges to it")),
            ),
            Step(
                "the transform in closed form",
                r"\mathbb{E}\left[e^{-2\kappa^2t^2}\right] = \frac{\pi t}{\sinh\pi t}",
                "the Fourier series at $y = 0$",
                _result,
                every("t"),
                names={"F(x)": r"\text{the function above}"},
            ),
            Step(
                "the engine's density and quadrature",
                r"F'(\kappa) \text{ at } \kappa = \tfrac12, \tfrac45, 1, \tfrac32, \qquad \int_0^\infty "
                r"F'(\kappa)\,d\kappa = 1",
                "`glutheory` evaluates $F'$ by whichever series converges faster and integrates by a trapezoidal rule "
                "in $\\log\\kappa$; compared with the first series, and with 1",
                _engine,
                some(
                    "four points, and the total mass",
                    why="what a quadrature in floating point returns is compared, not decided",
                ),
            ),
        ),
    )
