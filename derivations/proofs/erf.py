"""The dual of the error function: the arcsine kernel (Williams 1997)."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import d_dc, p, q, read, rules_step, solves, theta, vanish, w
from derivations.tools.gauss import DELTA, integrate_exponential, u, v
from derivations.tools.latex import equation, lines
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.activations import Activation, Z, activation
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c

_RATE = sp.Symbol("lambda", positive=True)
_HALF = sp.Rational(1, 2)

#: erf(z) = 2Φ(√2 z) − 1: the squared scale is s² = t² = 1/2, so that P = a + 1/2 and Q = b + 1/2.
CLOSED = 2 * theta / sp.pi
#: E[exp(−u² − v²)] = ((1 + 2a)(1 + 2b) − 4c²)^(−1/2) = 1/(2w).
_GAUSSIAN = 1 / (2 * w)


def williams(rate: sp.Expr = sp.S.One) -> sp.Expr:
    """(2/π) arcsin(2λ²c/√((1 + 2λ²a)(1 + 2λ²b)))."""
    return 2 / sp.pi * sp.asin(2 * rate**2 * c / sp.sqrt((1 + 2 * rate**2 * a) * (1 + 2 * rate**2 * b)))


def _derivative() -> Outcome:
    return zero((sp.diff(sp.erf(Z), Z), 2 / sp.sqrt(sp.pi) * sp.exp(-(Z**2))), (sp.erf(-Z), -sp.erf(Z)))


def _gaussian_integral() -> Outcome:
    exponent = -(b * u**2 - 2 * c * u * v + a * v**2) / (2 * DELTA) - u**2 - v**2
    square, rest = integrate_exponential(exponent, (u, v))
    covariance = sp.Matrix([[a, c], [c, b]])
    determinant = (sp.eye(2) + 2 * covariance).det()
    integral = zero(square / (4 * sp.pi**2 * DELTA) - 1 / determinant, rest)
    plain = zero(determinant - ((1 + 2 * a) * (1 + 2 * b) - 4 * c**2))
    return both(integral, plain, vanish(determinant.subs({a: p**2 - _HALF, b: q**2 - _HALF}) - 1 / _GAUSSIAN**2))


def _solution() -> Outcome:
    return solves(CLOSED, 4 / sp.pi * _GAUSSIAN, start=(sp.S.Zero,))()


def _williams() -> Outcome:
    return vanish(read(williams(), _HALF, _HALF) - CLOSED)


def _scaled() -> Outcome:
    """erf(λz): the pair (λu, λv) has covariance λ²Σ."""
    moved = williams().subs({a: _RATE**2 * a, b: _RATE**2 * b, c: _RATE**2 * c}, simultaneous=True)
    # λ → ∞: the sine of the angle, as a function of 1/λ, at 1/λ = 0
    inverse = sp.Symbol("epsilon", positive=True)
    sine = c / sp.sqrt((inverse**2 / 2 + a) * (inverse**2 / 2 + b))
    same = zero(
        moved - williams(_RATE),
        sine.subs(inverse, 1 / _RATE) ** 2
        - (2 * _RATE**2 * c) ** 2 / ((1 + 2 * _RATE**2 * a) * (1 + 2 * _RATE**2 * b)),
    )
    sign = read(dual(activation("sign")).S) - 2 * theta / sp.pi
    return both(same, zero(sine.subs(inverse, 0) - c / sp.sqrt(a * b)), vanish(sign))


def _engine() -> Outcome:
    found = dual(activation("erf"))
    scaled = dual(Activation("scaled", sp.erf(_RATE * Z)))
    square = 1 / (2 * _RATE**2)
    return vanish(
        read(found.S, _HALF, _HALF) - CLOSED,
        read(found.T, _HALF, _HALF) - d_dc(CLOSED),
        read(scaled.S, square, square) - CLOSED,
        read(scaled.T, square, square) - d_dc(CLOSED),
    )


def proof() -> Proof:
    return Proof(
        title="The arcsine kernel: erf",
        source="C. K. I. Williams, Computing with Infinite Networks, NIPS 1997",
        summary=(
            "$S = \\mathbb{E}[\\mathrm{erf}(u)\\,\\mathrm{erf}(v)]$ is an arcsine. Price's theorem once leads to the "
            "integral of a Gaussian, and one integration in $c$ leads back."
        ),
        notation=(
            "$(u, v)$ is centred Gaussian with variances $a, b$ and covariance $c$; $\\Delta = ab - c^2$; $P = a + "
            "\\tfrac12$, $Q = b + \\tfrac12$, $w = \\sqrt{PQ - c^2}$, $\\vartheta = \\arcsin(c/\\sqrt{PQ})$."
        ),
        names={
            "u": r"\text{centred Gaussian with variance } a",
            "v": r"\text{centred Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            "P": r"a + \tfrac12",
            "Q": r"b + \tfrac12",
            "w": r"\sqrt{PQ - c^2}",
            r"\vartheta": r"\arcsin\frac{c}{\sqrt{PQ}}",
            "S": r"\mathbb{E}[\mathrm{erf}(u)\,\mathrm{erf}(v)]",
        },
        steps=(
            Step(
                "derivative and symmetry",
                r"\mathrm{erf}'(z) = \frac{2}{\sqrt\pi}\, e^{-z^2}, \qquad \mathrm{erf}(-z) = -\mathrm{erf}(z)",
                "definition of the error function",
                _derivative,
                every("z"),
            ),
            rules_step(),
            Step(
                "the elementary expectation",
                lines(
                    r"\frac{\partial S}{\partial c} = \mathbb{E}[\mathrm{erf}'(u)\,\mathrm{erf}'(v)] = \frac4\pi\, "
                    r"\mathbb{E}\left[e^{-u^2-v^2}\right],",
                    r"\mathbb{E}\left[e^{-u^2-v^2}\right] = \det(\mathbf 1 + 2\Sigma)^{-1/2} = "
                    r"\frac{1}{\sqrt{(1+2a)(1+2b) - "
                    r"4c^2}} = \frac{1}{2w},\qquad \Sigma = \begin{pmatrix} a & c \\ c & b \end{pmatrix}",
                ),
                "Price's theorem; complete the square in $u$ and in $v$",
                _gaussian_integral,
                every("a b c", by.PRICE),
                names={r"\Sigma": r"\begin{pmatrix} a & c \\ c & b \end{pmatrix}"},
            ),
            Step(
                "integrate in c",
                lines(
                    r"\frac{\partial S}{\partial c} = \frac{2}{\pi w}, \qquad S\big|_{c=0} = "
                    r"\mathbb{E}[\mathrm{erf}(u)]\,\mathbb{E}[\mathrm{erf}(v)] = 0",
                    equation(r"\Longrightarrow\quad S", CLOSED),
                ),
                "independence and oddness at $c = 0$; fundamental theorem of calculus",
                _solution,
                every("a b c", by.CALCULUS),
            ),
            Step(
                "Williams' formula",
                equation(
                    r"\mathbb{E}[\mathrm{erf}(u)\,\mathrm{erf}(v)]",
                    r"\frac{2}{\pi} \arcsin\frac{2c}{\sqrt{(1+2a)(1+2b)}}",
                ),
                "substitution $P = a + \\tfrac12$, $Q = b + \\tfrac12$ (his $2\\tilde x^\\top\\Sigma\\tilde x' = 2c$)",
                _williams,
                every("a b c"),
            ),
            Step(
                "scaled argument and the sign function",
                lines(
                    r"\mathbb{E}[\mathrm{erf}(\lambda u)\,\mathrm{erf}(\lambda v)] = \frac2\pi "
                    r"\arcsin\frac{2\lambda^2 c}{\sqrt{(1+2\lambda^2 a)(1+2\lambda^2 b)}}",
                    r"\xrightarrow{\;\lambda\to\infty\;}\ \frac2\pi \arcsin\frac{c}{\sqrt{ab}} = "
                    r"\mathbb{E}[\mathrm{sign}(u)\,\mathrm{sign}(v)]",
                ),
                "$(\\lambda u, \\lambda v)$ has covariance $\\lambda^2\\Sigma$; the limit is Van Vleck's arcsine law, "
                "compared with the engine's dual of sign",
                _scaled,
                every("a b c lambda", by.CONTINUOUS),
            ),
            Step(
                "the engine agrees",
                lines(
                    r"S_{\mathrm{erf}} = \frac{2\vartheta}{\pi}, \qquad T_{\mathrm{erf}} = \frac{\partial S}{\partial "
                    r"c} = \frac{2}{\pi w},",
                    r"\text{and for } \mathrm{erf}(\lambda z) \text{ with } P = a + \tfrac{1}{2\lambda^2},\ Q = b + "
                    r"\tfrac{1}{2\lambda^2}:\quad S = \frac{2\vartheta}{\pi}",
                ),
                "what `glutheory` derives from the definitions, with symbolic $\\lambda$, compared with the above",
                _engine,
                every("a b c lambda"),
                names={"T_k": r"\frac{\partial S}{\partial c}", "z": r"\text{the argument}"},
            ),
        ),
    )
