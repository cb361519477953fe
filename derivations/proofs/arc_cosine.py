"""The arc-cosine kernels: duals of ReLU^k for k = 0, 1, 2, 3 (Cho & Saul 2009)."""

from __future__ import annotations

from enum import Enum
from functools import partial

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import d_dc, p, q, read, rules_step, show, solves, theta, vanish, w
from derivations.tools.gauss import DELTA, density, u, v
from derivations.tools.half_line import ANGLE, half_moment, quadrant_mean
from derivations.tools.latex import equation, lines
from derivations.tools.means import cases, spots
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
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
    """Their J_k obey the recursion of Price's theorem and have its start, for every k, by induction on both.

    With y = cos φ and G = (π − φ)/sin φ, J_k is sin^{2k+1}φ times the k-th derivative of G in y, and
    (1 − y²) G'' = (2k − 1) y G' + (k − 1)² G for the derivative G of order k − 1.
    """
    y, order = sp.Symbol("y", real=True), sp.Symbol("k", positive=True)
    low = sp.Function("G")(y)
    start = (sp.pi - ANGLE) / sp.sin(ANGLE)
    slope = -sp.diff(start, ANGLE) / sp.sin(ANGLE)
    first = zero(sp.sin(ANGLE) ** 2 * slope - sp.cos(ANGLE) * start - 1)  # (1 − y²) G' − y G = 1, and differentiated:
    once = sp.diff((1 - y**2) * low.diff(y) - y * low - 1, y)

    def left(k: sp.Expr, function: sp.Expr) -> sp.Expr:
        return (1 - y**2) * function.diff(y, 2) - (2 * k + 1) * y * function.diff(y) - k**2 * function

    ladder = zero(once - left(sp.S.One, low), sp.diff(left(order, low), y) - left(order + 1, low.diff(y)))
    # d/dc = (1/√(ab)) d/dy at fixed a, b, on (1 − y²)^{k+1/2} G^{(k)}: with the equation k² times the one below
    second = low.diff(y, 2)
    solved = ((2 * order + 1) * y * low.diff(y) + order**2 * low) / (1 - y**2)
    lower = (1 - y**2) ** (order - sp.Rational(1, 2))
    raised = sp.diff((1 - y**2) * lower * low.diff(y), y)
    price = zero(left(order, low).subs(second, solved), raised.subs(second, solved) - order**2 * lower * low)
    # at y = 0: G = π/2, G' = 1 and k² from order k − 1 to k + 1, as 2π E[u₊^k]² has, since E u₊^{k+1} = k E u₊^{k−1}
    begin = zero(
        start.subs(ANGLE, sp.pi / 2) - 2 * sp.pi * half_moment(0) ** 2,
        slope.subs(ANGLE, sp.pi / 2) - 2 * sp.pi * half_moment(1) ** 2,
        (solved.subs(y, 0), order**2 * low.subs(y, 0)),
        _by_parts(order + 1),
    )
    written = vanish(
        (CLOSED[0], _in_field(cho_saul(0)) / (2 * sp.pi)),
        ((p * q) ** order / (p * q), (p * q) ** (order - 1)),  # c = √(ab) y
        *(CLOSED[k] - (p * q) ** k * _in_field(cho_saul(k)) / (2 * sp.pi) for k in spots(_POWERS)),
    )
    return both(follows("the induction on $k$, its start and its step", first, ladder, price, begin), written)


def _by_parts(k: sp.Expr) -> sp.Expr:
    """0 = (x^(k−1) N)' + x^k N − (k−1) x^(k−2) N, divided by N: E x₊^k = (k−1) E x₊^(k−2)."""
    x = sp.Symbol("x", positive=True)
    return sp.diff(x ** (k - 1), x) - x * x ** (k - 1) + x**k - (k - 1) * x ** (k - 2)


def _polar_check() -> Outcome:
    """The integrand times the area element, for every k; for the first few also the integrals."""
    k, r = sp.symbols("k r", positive=True)
    x, phi = sp.symbols("x phi", real=True)
    values = {u: p * r * sp.cos(x), v: q * r * sp.cos(x - phi)}
    area = sp.diff(values[u], r) * sp.diff(values[v], x) - sp.diff(values[u], x) * sp.diff(values[v], r)
    moved = {**values, a: p**2, b: q**2, c: p * q * sp.cos(phi)}
    form = b * u**2 - 2 * c * u * v + a * v**2 - DELTA * r**2  # the density's exponent is −r²/2
    return both(
        zero(
            sp.expand_trig(form.subs(moved, simultaneous=True)),
            sp.expand_trig(area**2 - r**2 * DELTA.subs(moved, simultaneous=True)),
            (p**k * q**k * r ** (2 * k), sp.expand_power_base((p * r) ** k * (q * r) ** k)),
        ),
        vanish(*((p * q) ** k * _in_field(quadrant_mean(k)) - CLOSED[k] for k in spots(_POWERS)), (a, a), (b, b)),
    )


class Rectified(Enum):
    """The activations of this page, by their power."""

    STEP = "step"
    RELU = "ReLU"
    SQUARED = "ReLU²"
    CUBED = "ReLU³"


def _engine() -> Outcome:
    differences = []
    for k, which in enumerate(cases(Rectified)):
        expr = sp.Heaviside(Z) if which is Rectified.STEP else sp.Max(0, Z) ** k
        found = dual(Activation(f"relu{k}", expr))
        differences += [read(found.S) - CLOSED[k], read(found.T) - d_dc(CLOSED[k])]
    return vanish(*differences)


def _ends() -> Outcome:
    """ρ → ±1: ϑ = ±π/2, w = 0, c = ±pq; E[u₊^{2k}] is half a Gaussian moment."""
    differences = []
    for k in spots(_POWERS):
        for sign in (1, -1):
            end = CLOSED[k].subs({theta: sign * sp.pi / 2, w: 0, c: sign * p * q}, simultaneous=True)
            differences.append((end, half_moment(2 * k) * (p * q) ** k if sign == 1 else 0))
    # for every k: E x₊^{2k} = (2k−1) E x₊^{2k−2}, as (2k−1)!! has; x₊ (−x)₊ = 0
    x, k = sp.Symbol("x", positive=True), sp.Symbol("k", positive=True)
    double = sp.factorial2
    scaled = (sp.expand_power_base((q / p) ** k * p ** (2 * k)), p**k * q**k)  # v = (q/p) u, E u² = p²
    return both(
        zero(*differences, scaled, sp.Max(0, -x) * sp.Max(0, x)),
        follows(
            "the induction on $k$ of the moments",
            zero(_by_parts(2 * k), half_moment(0) - sp.Rational(1, 2) * double(-1)),
        ),
    )


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
        names={
            "u": r"\text{centred Gaussian with variance } a",
            "v": r"\text{centred Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
            "F_k": r"\mathbb{E}[u_+^kv_+^k]",
            "w": r"\sqrt{ab - c^2}",
            r"\vartheta": r"\arcsin\frac{c}{\sqrt{ab}}",
            r"\varphi": r"\frac{\pi}{2} - \vartheta",
            r"\rho": r"\frac{c}{\sqrt{ab}}",
            "J_k": (
                r"(-1)^k(\sin\varphi)^{2k+1}\left(\frac{1}{\sin\varphi}\frac{d}{d\varphi}\right)^k"
                r"\frac{\pi-\varphi}{\sin\varphi}"
            ),
        },
        steps=(
            rules_step("ab"),
            Step(
                "k = 0",
                lines(
                    equation(
                        r"\frac{\partial F_0}{\partial c} = p(0,0)",
                        r"\frac{1}{2\pi w}",
                    ),
                    equation(r"F_0\big|_{c=0} = \tfrac14 \quad\Longrightarrow\quad F_0", CLOSED[0]),
                ),
                "Price's theorem; the derivative of the step is $\\delta$, and "
                "$\\mathbb{E}[\\delta(u)\\,\\delta(v)]$ the density at 0; $P(u > 0) = 1/2$",
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
                (
                    r"their kernel is $2F_k$ with $a = \|x\|^2$, $b = \|x'\|^2$; for every $k$ it has the start "
                    r"and obeys the recursion $\partial F_k/\partial c = k^2F_{k-1}$ that Price's theorem "
                    "gives, by induction; written out and compared for $k = 0, 1, 2, 3$ as well"
                ),
                lambda: both(_cho_saul(), _printed_j()),
                every("a b c k", by.PRICE, by.CALCULUS),
            ),
            Step(
                "second derivation in polar coordinates",
                r"F_k = (ab)^{k/2} \int_0^\infty \frac{r^{2k+1} e^{-r^2/2}}{2\pi}\,dr \int_{\varphi - \pi/2}^{\pi/2} "
                r"\cos^k x\, \cos^k(x - \varphi)\,dx",
                (
                    r"write $u = \sqrt a\, r\cos x$, $v = \sqrt b\, r\cos(x - \varphi)$; for the $k$ above both "
                    "integrals are elementary and give the same"
                ),
                _polar_check,
                every("a b k", by.SUBSTITUTION),
            ),
            Step(
                "the ends of the range",
                r"F_k\big|_{\rho = 1} = \tfrac12\,(2k-1)!!\,(ab)^{k/2}, \qquad F_k\big|_{\rho = -1} = 0",
                "at $\\rho = 1$, $v = \\sqrt{b/a}\\,u$ and $F_k = (b/a)^{k/2}\\,\\mathbb{E}[u_+^{2k}]$; at $\\rho = "
                "-1$ one factor vanishes",
                _ends,
                every("p q k"),
                names={"a": "p^2", "b": "q^2", "c": r"\pm pq"},
            ),
            Step(
                "the engine agrees",
                (
                    r"S_k = F_k, \qquad T_k = \frac{\partial F_k}{\partial c} \qquad (\text{step}, "
                    r"\mathrm{ReLU}, \mathrm{ReLU}^2, \mathrm{ReLU}^3)"
                ),
                (
                    "what `glutheory` derives from the definitions of the four activations of this page, "
                    "compared with the above"
                ),
                _engine,
                every("a b c"),
                names={"S_k": "F_k", "T_k": r"\partial F_k/\partial c"},
            ),
        ),
    )
