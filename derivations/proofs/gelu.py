"""The dual of GELU, zΦ(z) (Tsuchida, Pearce, van der Heide, Roosta & Gallagher 2021)."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import at_zero, d_dc, p, q, read, rules_step, show, theta, vanish, w
from derivations.tools.gauss import DELTA, cdf, integrate_exponential, normal, polynomial_mean, u, v
from derivations.tools.latex import lines
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.activations import Z, activation
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c

_A, _B = p**2 - 1, q**2 - 1  # a and b in the field with P = a + 1 = p², Q = b + 1 = q²

#: S, the claim.
CLOSED = c / 4 + (c * theta + (_A * _B * w**2 + p**2 * q**2 - w**2) / (p**2 * q**2 * w)) / (2 * sp.pi)
_UNIT = {sp.Symbol("s", nonnegative=True): sp.S.One, sp.Symbol("t", nonnegative=True): sp.S.One}


def tsuchida() -> sp.Expr:
    """The covariance function of Tsuchida et al. at unit weight variance, with s₁ = √a, s₂ = √b, cos θ = c/(s₁s₂)."""
    cos_double = 2 * c**2 / (a * b) - 1
    sine = sp.expand(a * b * (1 - c**2 / (a * b)))  # s₁² s₂² sin²θ
    root = sp.sqrt(1 + a + b + sine)
    first = (cos_double + 3) / 2 + a + b + sine
    bracket = first / ((1 + a) * (1 + b) * root) + c / (a * b) * sp.atan(c / root)
    return c / 4 + a * b / (2 * sp.pi) * bracket


def elementary() -> sp.Expr:
    """E[(2 − u²)(2 − v²) N(u) N(v)] as an element of the field."""
    D = (1 + a) * (1 + b) - c**2
    tilted = ((a + DELTA) / D, (b + DELTA) / D, c / D)
    mean = polynomial_mean((2 - u**2) * (2 - v**2), tilted)
    moved = sp.together(mean.subs({a: _A, b: _B}, simultaneous=True))
    return moved / (2 * sp.pi * w)


def _second_derivative() -> Outcome:
    phi = Z * cdf(Z)
    return zero(sp.diff(phi, Z) - cdf(Z) - Z * normal(Z), sp.diff(phi, Z, 2) - (2 - Z**2) * normal(Z))


def _tilted() -> Outcome:
    """The Gaussian times N(u)N(v) is a Gaussian with precision Σ⁻¹ + I, of mass 1/(2π√D)."""
    covariance = sp.Matrix([[a, c], [c, b]])
    D = (1 + a) * (1 + b) - c**2
    tilted = sp.Matrix([[a + DELTA, c], [c, b + DELTA]]) / D
    precision = (covariance.inv() + sp.eye(2)) * tilted - sp.eye(2)
    exponent = -(b * u**2 - 2 * c * u * v + a * v**2) / (2 * DELTA) - (u**2 + v**2) / 2
    square, rest = integrate_exponential(exponent, (u, v))
    mass = square / (4 * sp.pi**2 * DELTA) / (2 * sp.pi) ** 2
    return both(zero(*precision), zero(mass - 1 / (4 * sp.pi**2 * D), rest))


def _moments() -> Outcome:
    D = p**2 * q**2 - c**2
    uu, vv, uv = (_A + _A * _B - c**2) / D, (_B + _A * _B - c**2) / D, c / D
    return vanish(elementary() - (4 - 2 * uu - 2 * vv + uu * vv + 2 * uv**2) / (2 * sp.pi * w))


def _means() -> Outcome:
    """E[N(u)] = 1/√(2π(1+a)); Stein: E[uΦ(u)] = a E[N(u)]; E[Φ(u)] = 1/2 and E[uN(u)] = 0 by symmetry."""
    square, rest = integrate_exponential(-(u**2) / (2 * a) - u**2 / 2, (u,))
    density_mean = zero((square / (2 * sp.pi * a) / (2 * sp.pi), 1 / (2 * sp.pi * (1 + a))), rest)
    # E[uN(u)]: odd integrand; E[Φ(u)]: Φ(u) + Φ(−u) = 1
    symmetric = zero((u * normal(u), u * normal(-u)), (cdf(-u), 1 - cdf(u)), (sp.diff(cdf(u), u), normal(u)))
    return both(density_mean, symmetric)


def _solution() -> Outcome:
    start = _A * _B / (2 * sp.pi * p * q)
    return vanish(d_dc(CLOSED, 2) - elementary(), at_zero(CLOSED) - start, at_zero(d_dc(CLOSED)) - sp.Rational(1, 4))


def _tsuchida() -> Outcome:
    # arctan(c/w) = ϑ: the same derivative 1/w in c, and both vanish at c = 0
    arctangent = sp.atan(c / w)
    angle = vanish(d_dc(arctangent) - 1 / w, at_zero(arctangent))
    (node,) = tsuchida().atoms(sp.atan)
    argument = vanish(read(node.args[0], sp.S.One, sp.S.One) - c / w)
    formula = read(tsuchida().xreplace({node: theta}), sp.S.One, sp.S.One)
    return both(angle, argument, vanish(formula - CLOSED))


def _engine() -> Outcome:
    found = dual(activation("gelu"))
    one = sp.S.One
    slope = sp.Rational(1, 4) + (theta + (p**2 + q**2) * c / (p**2 * q**2 * w) + c / w**3) / (2 * sp.pi)
    return vanish(d_dc(CLOSED) - slope, read(found.S, one, one) - CLOSED, read(found.T, one, one) - d_dc(CLOSED))


def _printed() -> Outcome:
    """The form in the statement, and that it is what `show` writes in a, b, c."""
    form = c / 4 + (c * theta + (_A * _B - 1) * w / (p**2 * q**2) + 1 / w) / (2 * sp.pi)
    return both(vanish(form - CLOSED), vanish(read(show(form, _UNIT), sp.S.One, sp.S.One) - CLOSED))


def proof() -> Proof:
    return Proof(
        title="The GELU kernel",
        source=(
            "R. Tsuchida, T. Pearce, C. van der Heide, F. Roosta, M. Gallagher, Avoiding Kernel Fixed Points: "
            "Computing with ELU and GELU Infinite Networks, AAAI 2021"
        ),
        summary=(
            "$S = \\mathbb{E}[u\\Phi(u)\\, v\\Phi(v)]$ in closed form. The second derivative of $z\\Phi(z)$ is a "
            "polynomial times the normal density, so Price's theorem applied twice leaves Gaussian moments; "
            "integrating twice in $c$ leads back."
        ),
        notation=(
            "$(u, v)$ is centred Gaussian with variances $a, b$ and covariance $c$, $\\Delta = ab - c^2$; $N$ and "
            "$\\Phi$ are the standard normal density and distribution function; $P = 1 + a$, $Q = 1 + b$, $w = "
            "\\sqrt{PQ - c^2}$, $\\vartheta = \\arcsin(c/\\sqrt{PQ})$."
        ),
        names={
            "u": r"\text{centred Gaussian with variance } a",
            "v": r"\text{centred Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            "N(z)": r"\frac{1}{\sqrt{2\pi}}e^{-z^2/2}",
            r"\Phi(z)": r"\int_{-\infty}^z N(x)\,dx",
            "P": "1 + a",
            "Q": "1 + b",
            "w": r"\sqrt{PQ - c^2}",
            r"\vartheta": r"\arcsin\frac{c}{\sqrt{PQ}}",
            r"\phi(z)": r"z\,\Phi(z)",
            "S": r"\mathbb{E}[\phi(u)\,\phi(v)]",
            r"\Sigma": r"\begin{pmatrix} a & c \\ c & b \end{pmatrix}",
            r"\Delta": "ab - c^2",
            r"\tilde\Sigma": r"(\Sigma^{-1} + 1)^{-1}",
            "p": r"\text{the density of } N(0, \Sigma)",
            r"\tilde p": r"\text{the density of } N(0, \tilde\Sigma)",
        },
        steps=(
            Step(
                "two derivatives",
                r"\phi(z) = z\Phi(z), \qquad \phi'(z) = \Phi(z) + zN(z), \qquad \phi''(z) = (2 - z^2)\,N(z)",
                "differentiation, $N'(z) = -zN(z)$",
                _second_derivative,
                every("z"),
            ),
            Step(
                "the Gaussian times two densities",
                lines(
                    r"p(u,v)\,N(u)\,N(v) = \frac{1}{2\pi w}\; \tilde p(u,v), \qquad \tilde p \text{ the density of } "
                    r"N(0, \tilde\Sigma),",
                    r"\tilde\Sigma = (\Sigma^{-1} + \mathbf 1)^{-1} = "
                    r"\frac{1}{w^2}\begin{pmatrix} a + \Delta & c \\ c & b + "
                    r"\Delta \end{pmatrix}",
                ),
                "complete the square in $u$ and in $v$; the mass is the integral over both",
                _tilted,
                every("a b c"),
            ),
            Step(
                "the elementary expectation",
                lines(
                    r"\frac{\partial^2 S}{\partial c^2} = \mathbb{E}[(2-u^2)(2-v^2)\,N(u)\,N(v)]",
                    r"= \frac{1}{2\pi w}\left(4 - 2\tilde\Sigma_{11} - 2\tilde\Sigma_{22} + "
                    r"\tilde\Sigma_{11}\tilde\Sigma_{22} + 2\tilde\Sigma_{12}^2\right)",
                ),
                "Price's theorem twice; Isserlis: $\\tilde{\\mathbb{E}}[u^2v^2] = "
                "\\tilde\\Sigma_{11}\\tilde\\Sigma_{22} + 2\\tilde\\Sigma_{12}^2$",
                _moments,
                every("a b c", by.PRICE),
            ),
            Step(
                "values at c = 0",
                lines(
                    r"\mathbb{E}[N(u)] = \frac{1}{\sqrt{2\pi P}}, \qquad \mathbb{E}[u\Phi(u)] = a\,\mathbb{E}[N(u)] = "
                    r"\frac{a}{\sqrt{2\pi P}},",
                    r"\mathbb{E}[\phi'(u)] = \mathbb{E}[\Phi(u)] + \mathbb{E}[uN(u)] = \tfrac12 + 0",
                ),
                "integration; Stein's lemma $\\mathbb{E}[uf(u)] = a\\,\\mathbb{E}[f'(u)]$ with $f = \\Phi$, $\\Phi' = "
                "N$; symmetry $u \\to -u$",
                _means,
                every("a u", by.STEIN),
            ),
            rules_step(),
            Step(
                "integrate twice in c",
                lines(
                    r"S\big|_{c=0} = \frac{ab}{2\pi\sqrt{PQ}}, \qquad \frac{\partial S}{\partial c}\Big|_{c=0} = "
                    r"\frac14",
                    r"\Longrightarrow\quad S = \frac c4 + \frac{1}{2\pi}\left(c\,\vartheta + \frac{(ab - 1)\,w}{PQ} + "
                    r"\frac1w\right)",
                ),
                "fundamental theorem of calculus: the right-hand side has the required second derivative and initial "
                "values",
                lambda: both(_solution(), _printed()),
                every("a b c", by.CALCULUS),
            ),
            Step(
                "the formula of Tsuchida et al.",
                lines(
                    r"S = \frac{s_1 s_2 \cos\theta}{4} + \frac{s_1^2 s_2^2}{2\pi}\left[\frac{\tfrac12(\cos 2\theta + "
                    r"3) + s_1^2 + s_2^2 + s_1^2 s_2^2 \sin^2\theta}{(1+s_1^2)(1+s_2^2)\,w} + \frac{\cos\theta}{s_1 "
                    r"s_2}\arctan\frac{s_1 s_2\cos\theta}{w}\right],",
                    r"w = \sqrt{1 + s_1^2 + s_2^2 + s_1^2 s_2^2\sin^2\theta}, \qquad s_1 = \sqrt a,\quad s_2 = \sqrt "
                    r"b,\quad s_1 s_2\cos\theta = c",
                ),
                "substitution; $\\arctan(c/w) = \\arcsin(c/\\sqrt{PQ})$",
                _tsuchida,
                every("a b c"),
                names={"s_1": r"\sqrt a", "s_2": r"\sqrt b", r"\theta": r"\arccos\frac{c}{\sqrt{ab}}"},
            ),
            Step(
                "the engine agrees",
                r"S_{\mathrm{GELU}} = S, \qquad T_{\mathrm{GELU}} = \frac{\partial S}{\partial c} = \frac14 + "
                r"\frac{1}{2\pi}\left(\vartheta + \frac{(a + b + 2)\,c}{PQ\,w} + \frac{c}{w^3}\right)",
                "what `glutheory` derives from the definition of GELU, compared with the above",
                _engine,
                every("a b c"),
                names={"T_k": r"\frac{\partial S}{\partial c}"},
            ),
        ),
    )
