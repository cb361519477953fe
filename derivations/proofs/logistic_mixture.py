"""The logistic function is a normal scale mixture, and what follows for sigmoid, tanh, SiLU and softplus."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.arcsine_family import CDF, RAMP
from derivations.tools import theorems as by
from derivations.tools.arcsine import d_dc, p, q, read, s, solves, t, theta, vanish, w
from derivations.tools.gauss import cdf, integrate_exponential, normal
from derivations.tools.latex import lines
from derivations.tools.limits import decay
from derivations.tools.logistic_balls import enclose_logistic, enclose_square
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows, some
from derivations.tools.zero import positive, zero
from glutheory.activations import Activation, Z, activation
from glutheory.ground.normal_form import KAPPA
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import c
from glutheory.symbolic.pairs import KAPPA_PRIME

_S, _BETA = sp.symbols("s beta", positive=True)
_TIME = sp.Symbol("t", positive=True)
_BETA = sp.Symbol("beta", positive=True)
_E = sp.Symbol("E", positive=True)  # e^z

#: E[f_s(u) f_t(v)] for the smoothed ramp f_s(z) = zΦ(z/s) + s²N_s(z): ReLU's formula with P, Q in place of a, b.
SOFT = c / 4 + (c * theta + w) / (2 * sp.pi)


def logistic(z: sp.Expr) -> sp.Expr:
    """σ(z)."""
    return 1 / (1 + sp.exp(-z))


def _powers(expr: sp.Expr) -> sp.Expr:
    """An expression in e^{kz} as a rational function of E = e^z."""
    return expr.replace(sp.exp, lambda exponent: _E ** sp.expand(exponent / Z))


def _characteristic() -> Outcome:
    y, z = logistic(Z), sp.Symbol("zeta")
    substitution = zero(sp.diff(y, Z) - sp.exp(-Z) / (1 + sp.exp(-Z)) ** 2, _powers(y / (1 - y) - sp.exp(Z)))
    # Γ(1+z)Γ(1−z) = zΓ(z)Γ(1−z), and Γ(z)Γ(1−z) = π/sin πz is Euler's
    euler = sp.pi / sp.sin(sp.pi * z)
    beta = z * euler
    reflected = zero(
        (sp.gamma(1 + z) * sp.gamma(1 - z) / (sp.gamma(z) * sp.gamma(1 - z)), z),
        (beta.subs(z, sp.I * _TIME), sp.pi * _TIME / sp.sinh(sp.pi * _TIME)),
    )
    return both(substitution, reflected)


def _same_law() -> Outcome:
    """E[e^{it·2κξ} | κ] = e^{−2κ²t²}."""
    x = sp.Symbol("x", real=True)
    square, rest = integrate_exponential(2 * sp.I * _TIME * KAPPA * x - x**2 / 2, (x,))
    return zero(square / (2 * sp.pi) - 1, (rest, -2 * KAPPA**2 * _TIME**2))


def _activations() -> Outcome:
    soft = Z * cdf(Z / _S) + _S**2 * normal(Z, _S)
    tanh = (sp.exp(Z) - sp.exp(-Z)) / (sp.exp(Z) + sp.exp(-Z))
    # both vanish at −∞: 0 ≤ ln(1 + y) ≤ y at y = e^z; and 0 ≤ yΦ(−y) ≤ N(y), the integrals of yN ≤ (y + e)N
    y, more = sp.Symbol("y", nonnegative=True), sp.Symbol("e", nonnegative=True)
    slack = y - sp.log(1 + y)
    vanishing = both(
        zero(slack.subs(y, 0), (sp.diff(slack, y), y / (1 + y)), (sp.diff(-normal(Z), Z), Z * normal(Z))),
        positive(y / (1 + y), more * normal(y + more)),
        decay(),
    )
    return both(
        follows("both functions vanish at −∞", vanishing),
        zero(
            tanh - sp.tanh(Z).rewrite(sp.exp),
            _powers(tanh - (2 * logistic(2 * Z) - 1)),
            (sp.diff(cdf(Z / _S), Z), normal(Z, _S)),
            _powers(sp.diff(sp.log(1 + sp.exp(Z)), Z) - logistic(Z)),
            (sp.diff(soft, Z), cdf(Z / _S)),
            # Φ(z/2κ) at βz; σ(βz) by the step before
            (cdf(Z / _S).subs(Z, _BETA * Z), cdf(_BETA * Z / _S)),
            (logistic(Z).subs(Z, _BETA * Z), 1 / (1 + sp.exp(-_BETA * Z))),
        ),
    )


def _compare(act: Activation, scale: sp.Expr, mine: sp.Expr) -> Outcome:
    """The engine's kernels for given κ, κ′ are `mine` and ∂`mine`/∂c at s = scale·κ, t = scale·κ′."""
    first, second = scale * KAPPA, scale * KAPPA_PRIME
    found = dual(act)
    value, slope = (expr.subs({s: first, t: second}) for expr in (mine, d_dc(mine)))
    squares = (first**2, second**2)
    return vanish(read(found.s.kernel, *squares) - value, read(found.t.kernel, *squares) - slope)


def _sigmoid() -> Outcome:
    # E[2Φ − 1] = 0, so the product (2Φ − 1)(2Φ − 1) has the mean 4E[ΦΦ] − 1
    return both(
        vanish(4 * CDF - 1 - 2 * theta / sp.pi),
        _compare(activation("sigmoid"), sp.Integer(2), CDF),
        _compare(activation("tanh"), sp.S.One, 4 * CDF - 1),
    )


def _silu() -> Outcome:
    swish = activation("silu", beta=_BETA)
    return both(_compare(activation("silu"), sp.Integer(2), RAMP), _compare(swish, 2 / _BETA, RAMP))


def _softplus() -> Outcome:
    # E[f_s(u)] = (a + s²) E[N_s(u)] = √(P/2π), by Stein's lemma
    mean_product = p * q / (2 * sp.pi)
    return both(solves(SOFT, CDF, start=(mean_product,))(), _compare(activation("softplus"), sp.Integer(2), SOFT))


def proof() -> Proof:
    return Proof(
        title="The logistic family as a normal scale mixture",
        source="D. F. Andrews, C. L. Mallows 1974; L. A. Stefanski 1991",
        summary=(
            "$\\sigma(z) = \\mathbb{E}[\\Phi(z/2\\kappa)]$ with a Kolmogorov-distributed $\\kappa$. Hence the duals "
            "of sigmoid, tanh, SiLU and softplus are exactly the averages, over two independent copies $\\kappa, "
            "\\kappa'$, of the closed forms of the [arcsine family](arcsine_family.md)."
        ),
        notation=(
            "$\\sigma(z) = 1/(1+e^{-z})$; $X$ is logistic, $P(X \\le z) = \\sigma(z)$; $\\xi$ is standard normal; "
            "$\\kappa, \\kappa'$ are Kolmogorov-distributed ([kolmogorov](kolmogorov.md)); all independent. $N_s$ is "
            "the $N(0,s^2)$ density. For scales $s, t$: $P = a + s^2$, $Q = b + t^2$, $w = \\sqrt{PQ - c^2}$, "
            "$\\vartheta = \\arcsin(c/\\sqrt{PQ})$."
        ),
        names={
            r"\sigma(z)": r"\frac{1}{1+e^{-z}}",
            "X": r"\text{logistic, of distribution function } \sigma",
            r"\xi": r"\text{standard normal}",
            r"\kappa": r"\text{Kolmogorov-distributed}",
            "N_s(z)": r"\frac{1}{s\sqrt{2\pi}}e^{-z^2/2s^2}",
            r"\Phi(z)": r"\int_{-\infty}^zN_1(x)\,dx",
            "P": "a + s^2",
            "Q": "b + t^2",
            "w": r"\sqrt{PQ-c^2}",
            r"\vartheta": r"\arcsin\frac{c}{\sqrt{PQ}}",
            "f_s(z)": r"z\,\Phi(z/s) + s^2N_s(z)",
            "i": r"\sqrt{-1}",
            r"\Gamma(x)": r"\int_0^\infty y^{x-1}e^{-y}\,dy",
            "u": r"\text{Gaussian with variance } a",
            "v": r"\text{Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            "s": r"\text{a multiple of } \kappa",
            "t": r"\text{a multiple of } \kappa'",
            "S_k": r"\text{the dual, at } a, b, c, \text{ of the activation in the subscript}",
            "T_k": r"\frac{\partial S_k}{\partial c}",
        },
        steps=(
            Step(
                "characteristic function of the logistic law",
                r"\mathbb{E}\left[e^{itX}\right] = \int_0^1 y^{it}(1-y)^{-it}\,dy = \Gamma(1+it)\,\Gamma(1-it) = "
                r"\frac{\pi t}{\sinh\pi t}",
                "substitute $y = \\sigma(x)$, $e^x = y/(1-y)$; Beta integral; Euler's reflection formula",
                _characteristic,
                every("t zeta", by.SUBSTITUTION, by.BETA, by.REFLECTION),
            ),
            Step(
                "the logistic function is a scale mixture",
                lines(
                    r"\mathbb{E}\left[e^{it\,2\kappa\xi}\right] = \mathbb{E}\left[e^{-2\kappa^2t^2}\right] = "
                    r"\frac{\pi t}{\sinh\pi t} = \mathbb{E}\left[e^{itX}\right]",
                    r"\Longrightarrow\quad X \overset{d}{=} 2\kappa\,\xi \quad\Longrightarrow\quad \sigma(z) = "
                    r"\mathbb{E}\left[\Phi\left(\frac{z}{2\kappa}\right)\right]",
                ),
                "characteristic function of the normal law given $\\kappa$; the transform of "
                "[kolmogorov](kolmogorov.md); a law is determined by its characteristic function (Lévy)",
                _same_law,
                every("t kappa", by.CHARACTERISTIC, by.FUBINI),
                names={"z": r"\text{the argument}"},
            ),
            Step(
                "the mixture in numbers",
                r"\int_0^\infty \Phi\left(\frac{z}{2\kappa}\right) F'(\kappa)\,d\kappa \ni \sigma(z), \qquad z = "
                r"\tfrac13,\ 1,\ 5",
                "rigorous integration of both series of the density on either side of $\\kappa = 4/5$, with bounds of "
                "what is left out",
                enclose_logistic,
                some("three points", why="it is a statement about numbers, of which three points were taken"),
            ),
            Step(
                "the other activations",
                lines(
                    r"\tanh z = 2\sigma(2z) - 1 = \mathbb{E}\left[2\Phi(z/\kappa) - 1\right], \qquad z\,\sigma(\beta "
                    r"z) = \mathbb{E}\left[z\,\Phi(\beta z/2\kappa)\right],",
                    r"\log(1 + e^z) = \mathbb{E}\left[f_{2\kappa}(z)\right], \qquad f_s(z) = z\,\Phi(z/s) + s^2 "
                    r"N_s(z), \qquad f_s' = \Phi(z/s)",
                ),
                "algebra; softplus and $f_s$ both vanish at $-\\infty$, and their derivatives are $\\sigma$ and "
                "$\\Phi(z/s)$",
                _activations,
                every("z s beta", by.CALCULUS),
            ),
            Step(
                "sigmoid and tanh",
                lines(
                    r"S_\sigma = \mathbb{E}_{\kappa,\kappa'}\left[\frac14 + \frac{\vartheta}{2\pi}\right]_{s = "
                    r"2\kappa,\ t = 2\kappa'}, \qquad S_{\tanh} = "
                    r"\mathbb{E}_{\kappa,\kappa'}\left[\frac{2\vartheta}{\pi}\right]_{s = \kappa,\ t = \kappa'}",
                    r"T_\sigma = \mathbb{E}_{\kappa,\kappa'}\left[\frac{1}{2\pi w}\right], \qquad T_{\tanh} = "
                    r"\mathbb{E}_{\kappa,\kappa'}\left[\frac{2}{\pi w}\right]",
                ),
                "Fubini (bounded integrands) and the arcsine family",
                _sigmoid,
                every("a b c", by.FUBINI),
            ),
            Step(
                "SiLU",
                r"S_{\mathrm{SiLU}_\beta} = \mathbb{E}_{\kappa,\kappa'}\left[\frac c4 + "
                r"\frac{1}{2\pi}\left(c\,\vartheta + \frac{(ab - s^2t^2)\,w}{PQ} + \frac{s^2t^2}{w}\right)\right]_{s "
                r"= 2\kappa/\beta,\ t = 2\kappa'/\beta}, \qquad T = "
                r"\mathbb{E}_{\kappa,\kappa'}\left[\frac{\partial}{\partial c}[\dots]\right]",
                "Fubini ($|u\\Phi\\,v\\Phi| \\le |uv|$) and the arcsine family",
                _silu,
                every("a b c beta", by.FUBINI),
            ),
            Step(
                "softplus",
                lines(
                    r"\frac{\partial}{\partial c}\mathbb{E}[f_s(u)\,f_t(v)] = \frac14 + \frac{\vartheta}{2\pi}, "
                    r"\qquad \mathbb{E}[f_s(u)] = (a + s^2)\,\mathbb{E}[N_s(u)] = \sqrt{P/2\pi}",
                    r"\Longrightarrow\quad S_{\mathrm{softplus}} = \mathbb{E}_{\kappa,\kappa'}\left[\frac c4 + "
                    r"\frac{c\,\vartheta + w}{2\pi}\right]_{s = 2\kappa,\ t = 2\kappa'}",
                ),
                "Price's theorem; Stein's lemma; fundamental theorem of calculus; Fubini; $f_s(z) = "
                "\\mathbb{E}[(z + s\\xi)_+]$ is the smoothed ramp, and ReLU's formula comes with $P, Q$ for $a, b$",
                _softplus,
                every("a b c", by.PRICE, by.STEIN, by.CALCULUS, by.FUBINI),
            ),
            Step(
                "the double average in numbers",
                r"S_{\mathrm{SiLU}}(1,1,1) = \int_{-\infty}^\infty x^2\sigma(x)^2\, N(x)\,dx",
                "at $\\rho = 1$ the definition is a one-dimensional integral: its rigorous enclosure, compared with "
                "the engine's double average",
                enclose_square,
                some("the point $(1, 1, 1)$", why="it is a statement about numbers, of which one point was taken"),
            ),
        ),
        remarks=(
            (
                "No elementary closed form of $S_\\sigma$, $S_{\\tanh}$, $S_{\\mathrm{SiLU}}$ or "
                "$S_{\\mathrm{softplus}}$ is known to us. The averages above are exact, and they are what `glutheory` "
                "prints and evaluates."
            ),
        ),
    )
