"""One arcsine family for all the gates: E[Φ(u/s)Φ(v/t)] and E[uΦ(u/s)·vΦ(v/t)] with symbolic scales s, t."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import at_zero, d_dc, p, q, read, rules_step, s, solves, t, theta, vanish, w
from derivations.tools.gauss import cdf, integrate_exponential, normal, u
from derivations.tools.latex import lines
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.activations import Z, activation
from glutheory.symbolic.duals import dual
from glutheory.symbolic.family import Shape, family
from glutheory.symbolic.gaussian import a, b, c, sigma, tau

_S = sp.Symbol("s", positive=True)  # a scale inside Φ(z/s) must not be 0
_A, _B = p**2 - s**2, q**2 - t**2  # a and b in the field

#: E[Φ(u/s) Φ(v/t)].
CDF = sp.Rational(1, 4) + theta / (2 * sp.pi)
#: E[uΦ(u/s) · vΦ(v/t)].
RAMP = c / 4 + (c * theta + (_A * _B - s**2 * t**2) * w / (p**2 * q**2) + s**2 * t**2 / w) / (2 * sp.pi)
#: E[N_s(u) N_t(v)], the density of N(0, [[P, c], [c, Q]]) at the origin.
PDF = 1 / (2 * sp.pi * w)


def elementary() -> sp.Expr:
    """E[(N_s − s²N_s″)(u) · (N_t − t²N_t″)(v)], from the derivatives of the density at the origin."""
    P, Q, D = p**2, q**2, w**2
    return PDF * (1 + s**2 * Q / D + t**2 * P / D + s**2 * t**2 * (P * Q + 2 * c**2) / D**2)


def _ramp_derivatives() -> Outcome:
    ramp, bell = Z * cdf(Z / _S), normal(Z, _S)
    return zero(
        (sp.diff(ramp, Z), cdf(Z / _S) + Z * bell),
        (sp.diff(ramp, Z, 2), bell - _S**2 * sp.diff(bell, Z, 2)),
    )


def _mean() -> Outcome:
    """E[N_s(u)] = 1/√(2πP), and Stein's lemma: E[uΦ(u/s)] = a E[N_s(u)]."""
    square, rest = integrate_exponential(-(u**2) / (2 * a) - u**2 / (2 * _S**2), (u,))
    front = 1 / (2 * sp.pi * a) / (2 * sp.pi * _S**2)
    return both(
        zero((square * front, 1 / (2 * sp.pi * (a + _S**2))), rest), zero((sp.diff(cdf(u / _S), u), normal(u, _S)))
    )


def _arctangent() -> Outcome:
    angle = sp.atan(c / w)
    return both(solves(CDF, PDF, start=(sp.Rational(1, 4),))(), vanish(d_dc(angle) - d_dc(theta), at_zero(angle)))


def _ramp() -> Outcome:
    start = _A * _B / (2 * sp.pi * p * q)
    return solves(RAMP, elementary(), order=2, start=(start, sp.Rational(1, 4)))()


def _engine() -> Outcome:
    values = {a: _A, b: _B, sigma: s**2, tau: t**2}
    differences = []
    for n, mine in ((0, CDF), (1, RAMP)):
        shape = Shape("cdf", n)
        found = family(shape, shape)
        differences.append(found.form.expression(values, theta, w) - mine)
        differences.append(found.elementary.expression(values, theta, w) - d_dc(mine, n + 1))
    return vanish(*differences)


def _case(name: str, square: sp.Expr, mine: sp.Expr) -> Outcome:
    """The engine's dual of an activation is the family's at s² = t² = square."""
    found = dual(activation(name))
    value = mine.subs({s: sp.sqrt(square), t: sp.sqrt(square)})
    return vanish(read(found.S, square, square) - value, read(found.T, square, square) - d_dc(value))


def _cases() -> Outcome:
    half = sp.Rational(1, 2)
    error_function = 4 * CDF - 1  # erf(z) = 2Φ(√2 z) − 1 and E[Φ] = 1/2
    return both(
        _case("step", sp.S.Zero, CDF),
        _case("relu", sp.S.Zero, RAMP),
        _case("normal_cdf", sp.S.One, CDF),
        _case("gelu", sp.S.One, RAMP),
        _case("erf", half, error_function),
    )


def _wide() -> Outcome:
    """With s = t = 1/ε everything but c/4 carries a positive power of ε."""
    eps = sp.Symbol("epsilon", positive=True)
    P, Q = 1 + a * eps**2, 1 + b * eps**2  # times ε⁻²
    W = sp.sqrt(P * Q - c**2 * eps**4)  # w = W/ε²
    back = {p: sp.sqrt(P) / eps, q: sp.sqrt(Q) / eps, s: 1 / eps, t: 1 / eps, w: W / eps**2}
    rest = (_A * _B - s**2 * t**2) * w / (p**2 * q**2) + s**2 * t**2 / w
    small = eps**2 * (a * b * W**2 + c**2) / (P * Q * W)
    sine = (c / (p * q)).subs(back)
    return both(
        zero(rest.subs(back, simultaneous=True) - small, sine - c * eps**2 / sp.sqrt(P * Q)),
        zero(small.subs(eps, 0), (c * eps**2 / sp.sqrt(P * Q)).subs(eps, 0)),
    )


def proof() -> Proof:
    return Proof(
        title="The arcsine family",
        source="Sheppard 1899 for the orthant probability; Price 1958 for the method",
        summary=(
            "Two formulas with free scales $s, t \\ge 0$ contain the duals of the step function, ReLU, $\\Phi$, GELU "
            "and erf as cases, and those of sigmoid, tanh, SiLU and softplus as averages over random scales (see "
            "[logistic_mixture](logistic_mixture.md))."
        ),
        notation=(
            "$(u, v)$ is centred Gaussian with variances $a, b$ and covariance $c$; $N_s$ is the $N(0, s^2)$ density; "
            "$P = a + s^2$, $Q = b + t^2$, $w = \\sqrt{PQ - c^2}$, $\\vartheta = \\arcsin(c/\\sqrt{PQ})$. "
            "$\\Phi(z/s)$ at $s = 0$ is the step function."
        ),
        names={
            "u": r"\text{centred Gaussian with variance } a",
            "v": r"\text{centred Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            "N_s(z)": r"\frac{1}{s\sqrt{2\pi}}e^{-z^2/2s^2}",
            "P": "a + s^2",
            "Q": "b + t^2",
            "w": r"\sqrt{PQ - c^2}",
            r"\vartheta": r"\arcsin\frac{c}{\sqrt{PQ}}",
            r"\Phi(z)": r"\int_{-\infty}^z N_1(x)\,dx",
            r"\phi_s(z)": r"z\,\Phi(z/s)",
        },
        steps=(
            rules_step(),
            Step(
                "distribution functions",
                lines(
                    r"\frac{\partial}{\partial c}\,\mathbb{E}\left[\Phi(\tfrac us)\,\Phi(\tfrac vt)\right] = "
                    r"\mathbb{E}[N_s(u)\,N_t(v)] = \frac{1}{2\pi w}, \qquad \mathbb{E}\left[\Phi(\tfrac "
                    r"us)\,\Phi(\tfrac vt)\right]_{c=0} = \frac14",
                    r"\Longrightarrow\quad \mathbb{E}\left[\Phi(\tfrac us)\,\Phi(\tfrac vt)\right] = \frac14 + "
                    r"\frac{\vartheta}{2\pi} = \frac14 + \frac{1}{2\pi}\arctan\frac cw",
                ),
                "Price's theorem; the expectation of two densities is one at the origin, with the variances added "
                "([gaussian_moments](gaussian_moments.md)); $\\Phi(z) + \\Phi(-z) = 1$ at $c = 0$",
                _arctangent,
                every("a b c", by.PRICE, by.CALCULUS),
                names={"s": r"\sqrt{p^2-a}", "t": r"\sqrt{q^2-b}"},
            ),
            Step(
                "derivatives of the ramp",
                r"\phi_s(z) = z\,\Phi(z/s), \qquad \phi_s' = \Phi(z/s) + z N_s, \qquad \phi_s'' = N_s - s^2 N_s''",
                "differentiation; $zN_s = -s^2 N_s'$",
                _ramp_derivatives,
                every("s z"),
            ),
            Step(
                "mean of the ramp",
                r"\mathbb{E}[u\,\Phi(u/s)] = a\,\mathbb{E}[N_s(u)] = \frac{a}{\sqrt{2\pi P}}",
                "Stein's lemma $\\mathbb{E}[uf(u)] = a\\,\\mathbb{E}[f'(u)]$; complete the square",
                _mean,
                every("a s", by.STEIN),
            ),
            Step(
                "ramps",
                lines(
                    r"\frac{\partial^2}{\partial c^2}\,\mathbb{E}[\phi_s(u)\,\phi_t(v)] = \frac{1}{2\pi w}\left(1 + "
                    r"\frac{s^2 Q + t^2 P}{w^2} + \frac{s^2t^2(PQ + 2c^2)}{w^4}\right),",
                    r"\mathbb{E}[\phi_s(u)\,\phi_t(v)]_{c=0} = \frac{ab}{2\pi\sqrt{PQ}}, \qquad "
                    r"\frac{\partial}{\partial c}\,\mathbb{E}[\phi_s(u)\,\phi_t(v)]_{c=0} = \frac14",
                    r"\Longrightarrow\quad \mathbb{E}[u\,\Phi(\tfrac us)\cdot v\,\Phi(\tfrac vt)] = \frac c4 + "
                    r"\frac{1}{2\pi}\left(c\,\vartheta + \frac{(ab - s^2t^2)\,w}{PQ} + \frac{s^2t^2}{w}\right)",
                ),
                "Price's theorem twice; derivatives of the density at the origin "
                "([gaussian_moments](gaussian_moments.md)): $-Q/w^2$, $-P/w^2$, $(PQ+2c^2)/w^4$; fundamental theorem "
                "of calculus",
                _ramp,
                every("a b c s t", by.PRICE, by.CALCULUS),
            ),
            Step(
                "the cases",
                lines(
                    r"s = t = 0:\ \text{step},\ \mathrm{ReLU}; \qquad s = t = 1:\ \Phi,\ \mathrm{GELU};",
                    r"s^2 = t^2 = \tfrac12:\quad \mathbb{E}[\mathrm{erf}(u)\,\mathrm{erf}(v)] = 4\left(\tfrac14 + "
                    r"\tfrac{\vartheta}{2\pi}\right) - 1 = \tfrac{2\vartheta}{\pi}",
                ),
                "substitution; $S$ and $T = \\partial S/\\partial c$ of the engine's own derivation of each "
                "activation agree",
                _cases,
                every("a b c"),
                names={"t": "s", "s": r"\text{one of } 0, 1, \tfrac{1}{\sqrt2}"},
            ),
            Step(
                "the linear limit",
                lines(
                    r"s = t = \tfrac1\varepsilon,\ \varepsilon \to 0:\quad \mathbb{E}[u\,\Phi(\varepsilon u)\cdot "
                    r"v\,\Phi(\varepsilon v)] \to \frac c4, \qquad\text{since}",
                    r"\frac{(ab - s^2t^2)\,w}{PQ} + \frac{s^2t^2}{w} = \varepsilon^2\,\frac{ab\,W^2 + c^2}{(1 + "
                    r"\varepsilon^2 a)(1 + \varepsilon^2 b)\,W}, \qquad W = \varepsilon^2 w",
                ),
                "substitution; a bilinear gate is the limit of an infinitely wide ramp, $z\\,\\Phi(0) = z/2$",
                _wide,
                every("a b c epsilon", by.CONTINUOUS),
                names={
                    "s": r"1/\varepsilon",
                    "t": r"1/\varepsilon",
                    "P": "a + s^2",
                    "Q": "b + t^2",
                    "w": r"\sqrt{PQ-c^2}",
                    "W": r"\varepsilon^2w",
                },
            ),
            Step(
                "the engine agrees",
                lines(
                    (
                        r"S_{\Phi(\cdot/s),\,\Phi(\cdot/t)} = \frac14 + \frac{\vartheta}{2\pi}, \qquad "
                        r"S_{\phi_s,\,\phi_t} = \frac c4 + \frac{1}{2\pi}\left(c\,\vartheta + \frac{(ab - "
                        r"s^2t^2)\,w}{PQ} + \frac{s^2t^2}{w}\right),"
                    ),
                    (
                        r"\text{and their elementary derivatives, as derived by } \texttt{glutheory} \text{ with "
                        "symbolic } s, t"
                    ),
                ),
                "compared with the above",
                _engine,
                every("a b c s t"),
                names={"S_k": r"\text{the dual of two functions at } a, b, c"},
            ),
        ),
    )
