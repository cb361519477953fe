"""The arc-cosine kernels: duals of ReLU^k for k = 0, 1, 2, 3 (Cho & Saul 2009)."""

from __future__ import annotations

from functools import partial

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import d_dc, p, q, read, rules_step, show, solves, theta, vanish, w
from derivations.tools.gauss import density, u, v
from derivations.tools.half_line import ANGLE, half_moment, quadrant_mean
from derivations.tools.latex import equation, lines
from derivations.tools.means import cases
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.activations import Activation, Z
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c

_POWERS = (0, 1, 2, 3)
#: s = t = 0 in the shared notation.
_PLAIN = {sp.Symbol("s", nonnegative=True): sp.S.Zero, sp.Symbol("t", nonnegative=True): sp.S.Zero}

#: F_k = E[u₊^k v₊^k]: with ψ = π/2 + ϑ, the supplement of the angle between x and x'.
_PSI = sp.pi / 2 + theta
CLOSED = {
    0: _PSI / (2 * sp.pi),
    1: (c * _PSI + w) / (2 * sp.pi),
    2: ((p**2 * q**2 + 2 * c**2) * _PSI + 3 * c * w) / (2 * sp.pi),
    3: (3 * c * (3 * p**2 * q**2 + 2 * c**2) * _PSI + w * (4 * p**2 * q**2 + 11 * c**2)) / (2 * sp.pi),
}


def cho_saul(k: int) -> sp.Expr:
    """J_k(φ) = (−1)^k sin^{2k+1}φ ((1/sin φ) d/dφ)^k ((π − φ)/sin φ) (Cho & Saul)."""
    value = (sp.pi - ANGLE) / sp.sin(ANGLE)
    for _ in range(k):
        value = sp.diff(value, ANGLE) / sp.sin(ANGLE)
    return (-1) ** k * sp.sin(ANGLE) ** (2 * k + 1) * value


def _in_field(expr: sp.Expr) -> sp.Expr:
    """A function of φ = π/2 − ϑ: sin φ = w/(pq), cos φ = c/(pq)."""
    moved = expr.subs({sp.sin(ANGLE): w / (p * q), sp.cos(ANGLE): c / (p * q)})
    return moved.subs(ANGLE, sp.pi / 2 - theta)


def _base() -> Outcome:
    at_origin = density().subs({u: 0, v: 0})
    return both(
        vanish(read(at_origin) - 1 / (2 * sp.pi * w)),
        solves(CLOSED[0], 1 / (2 * sp.pi * w), start=(sp.Rational(1, 4),))(),
    )


def _level(k: int) -> Outcome:
    mean = half_moment(k) ** 2 * (p * q) ** k
    return solves(CLOSED[k], k**2 * CLOSED[k - 1], start=(mean,))()


def _cho_saul() -> Outcome:
    return vanish(*(CLOSED[k] - (p * q) ** k * _in_field(cho_saul(k)) / (2 * sp.pi) for k in cases("k", _POWERS)))


def _polar_check() -> Outcome:
    return vanish(*((p * q) ** k * _in_field(quadrant_mean(k)) - CLOSED[k] for k in cases("k", _POWERS)))


def _engine() -> Outcome:
    differences = []
    for k in cases("k", _POWERS):
        expr = sp.Heaviside(Z) if k == 0 else sp.Max(0, Z) ** k
        found = dual(Activation(f"relu{k}", expr))
        differences += [read(found.S) - CLOSED[k], read(found.T) - d_dc(CLOSED[k])]
    return vanish(*differences)


def _ends() -> Outcome:
    """ρ → ±1: ϑ = ±π/2, w = 0, c = ±pq; E[u₊^{2k}] is half a Gaussian moment."""
    differences = []
    for k in cases("k", _POWERS):
        for sign in (1, -1):
            end = CLOSED[k].subs({theta: sign * sp.pi / 2, w: 0, c: sign * p * q}, simultaneous=True)
            differences.append((end, half_moment(2 * k) * (p * q) ** k if sign == 1 else 0))
    return zero(*differences)


_MEANS = {
    1: r"\mathbb{E}[u_+]\,\mathbb{E}[v_+]",
    2: r"\mathbb{E}[u_+^2]\,\mathbb{E}[v_+^2]",
    3: r"\mathbb{E}[u_+^3]\,\mathbb{E}[v_+^3]",
}


def _step(k: int) -> Step:
    names = {p: r"\sqrt{a}", q: r"\sqrt{b}"}
    mean = half_moment(k) ** 2 * (p * q) ** k
    statement = lines(
        rf"\frac{{\partial F_{k}}}{{\partial c}} = {f'{k**2}' if k > 1 else ''}F_{k - 1}, \qquad "
        + equation(rf"F_{k}\big|_{{c=0}}", _MEANS[k], show(mean, _PLAIN)),
        equation(rf"\Longrightarrow\quad F_{k}", CLOSED[k].subs({p: sp.sqrt(a), q: sp.sqrt(b)}), names=names),
    )
    slope = {1: "z_+' = 1_{z > 0}", 2: "(z_+^2)' = 2 z_+", 3: "(z_+^3)' = 3 z_+^2"}[k]
    rule = (
        f"Price's theorem with ${slope}$; the mean by one-dimensional integration; then the fundamental theorem of "
        "calculus"
    )
    return Step(f"k = {k}", statement, rule, partial(_level, k), every("a b c", by.PRICE, by.CALCULUS))


def _printed_j() -> Outcome:
    """The values of J_0, J_1, J_2 in the statement."""
    sine, cosine = sp.sin(ANGLE), sp.cos(ANGLE)
    return zero(
        cho_saul(0) - (sp.pi - ANGLE),
        cho_saul(1) - (sine + (sp.pi - ANGLE) * cosine),
        cho_saul(2) - (3 * sine * cosine + (sp.pi - ANGLE) * (1 + 2 * cosine**2)),
    )


def _double_factorials() -> Outcome:
    return zero(*(half_moment(2 * k) - sp.factorial2(2 * k - 1) / 2 for k in cases("k", _POWERS)))


def proof() -> Proof:
    return Proof(
        title="The arc-cosine kernels: ReLU^k",
        source="Y. Cho, L. K. Saul, Kernel Methods for Deep Learning, NIPS 2009",
        summary=(
            "$F_k(a,b,c) = \\mathbb{E}[u_+^k v_+^k]$, $u_+ = \\max(0, u)$, in closed form for $k = 0, 1, 2, 3$: the "
            "step function, ReLU, squared and cubed ReLU. One application of Price's theorem leads from $k$ to $k - "
            "1$, and the step function to the density at the origin. A second derivation in polar coordinates does "
            "not use Price's theorem at all."
        ),
        notation=(
            "$(u, v)$ is centred Gaussian with variances $a, b$ and covariance $c$; $w = \\sqrt{ab - c^2}$; "
            "$\\vartheta = \\arcsin(c/\\sqrt{ab})$; $\\varphi = \\pi/2 - \\vartheta$ is the angle between the inputs, "
            "$\\cos\\varphi = c/\\sqrt{ab}$."
        ),
        steps=(
            rules_step("ab"),
            Step(
                "k = 0",
                lines(
                    equation(
                        r"\frac{\partial F_0}{\partial c} = \mathbb{E}[\delta(u)\,\delta(v)] = p(0,0)",
                        r"\frac{1}{2\pi w}",
                    ),
                    equation(r"F_0\big|_{c=0} = \tfrac14 \quad\Longrightarrow\quad F_0", CLOSED[0]),
                ),
                "Price's theorem; the derivative of the step is $\\delta$; $P(u > 0) = 1/2$",
                _base,
                every("a b c", by.PRICE, by.CALCULUS),
            ),
            *(_step(k) for k in _POWERS[1:]),
            Step(
                "the formula of Cho and Saul",
                lines(
                    r"F_k = \frac{(ab)^{k/2}}{2\pi}\, J_k(\varphi), \qquad J_k(\varphi) = (-1)^k (\sin\varphi)^{2k+1} "
                    r"\left(\frac{1}{\sin\varphi}\frac{d}{d\varphi}\right)^{k} \frac{\pi - \varphi}{\sin\varphi}",
                    r"J_0 = \pi - \varphi, \quad J_1 = \sin\varphi + (\pi - \varphi)\cos\varphi, \quad J_2 = "
                    r"3\sin\varphi\cos\varphi + (\pi - \varphi)(1 + 2\cos^2\varphi)",
                ),
                "their kernel is $2F_k$ with $a = \\|x\\|^2$, $b = \\|x'\\|^2$; written out and compared for $k = 0, "
                "1, 2, 3$",
                lambda: both(_cho_saul(), _printed_j()),
                every("a b c"),
            ),
            Step(
                "second derivation in polar coordinates",
                r"F_k = (ab)^{k/2} \int_0^\infty \frac{r^{2k+1} e^{-r^2/2}}{2\pi}\,dr \int_{\varphi - \pi/2}^{\pi/2} "
                r"\cos^k x\, \cos^k(x - \varphi)\,dx",
                "write $u = \\sqrt a\\, r\\cos x$, $v = \\sqrt b\\, r\\cos(x - \\varphi)$; both integrals are "
                "elementary",
                _polar_check,
                every("a b c", by.SUBSTITUTION),
            ),
            Step(
                "the ends of the range",
                r"F_k\big|_{\rho = 1} = \tfrac12\,(2k-1)!!\,(ab)^{k/2}, \qquad F_k\big|_{\rho = -1} = 0",
                "at $\\rho = 1$, $v = \\sqrt{b/a}\\,u$ and $F_k = (b/a)^{k/2}\\,\\mathbb{E}[u_+^{2k}]$; at $\\rho = "
                "-1$ one factor vanishes",
                lambda: both(_ends(), _double_factorials()),
                every("p q"),
            ),
            Step(
                "the engine agrees",
                r"S_{\mathrm{ReLU}^k} = F_k, \qquad T_{\mathrm{ReLU}^k} = \frac{\partial F_k}{\partial c}, \qquad k = "
                r"0, 1, 2, 3",
                "what `glutheory` derives from the definitions, compared with the above",
                _engine,
                every("a b c"),
            ),
        ),
    )
