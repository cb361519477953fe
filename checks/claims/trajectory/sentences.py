"""Two samples in the kernel regime: the ellipse, and why a smaller condition number means a straighter path, proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from checks.tools.clauses import clause, shown
from checks.tools.theorems import MEAN_VALUE
from derivations.tools.proof import Outcome as Proven
from derivations.tools.proof import both, every
from derivations.tools.theorems import CALCULUS, EXPONENTIAL, UNDER_INTEGRAL
from derivations.tools.zero import positive, strictly, zero
from glutheory.claims import About, Evidence

#: κ ↦ the least cosine between −Ke and −e.
Bound = Callable[[Any], Any]


def kantorovich(kappa: Any) -> Any:
    """2√κ/(1 + κ)."""
    return 2 * sp.sqrt(kappa) / (1 + kappa)


def ellipse() -> Evidence:
    """What following the ellipse means."""
    return shown(
        clause(
            "parameter steps p move the outputs by δ = Jp with |p|² = δᵀK⁻¹δ + |p − JᵀK⁻¹δ|², K = JJᵀ, and gradient "
            "descent, p = −Jᵀe, by −Ke",
            _steps,
            every("j1 j2 j3 k1 k2 k3 p1 p2 p3 u1 u2"),
        ),
        clause(
            "so steps of length up to 1 reach the ellipse δᵀK⁻¹δ ≤ 1, on which no δ has a smaller slope eᵀδ of the "
            "loss than −Ke/√(eᵀKe)",
            _steepest,
            every("l1 l2 l3 e1 e2 x y"),
        ),
        part="ellipse",
    )


def _steps() -> Proven:
    """For Ku = δ; in the coordinates of a space of three dimensions that contains p and both rows of J."""
    J = sp.Matrix(2, 3, sp.symbols("j1:4 k1:4", real=True))
    p, u = sp.Matrix(sp.symbols("p1:4", real=True)), sp.Matrix(sp.symbols("u1 u2", real=True))
    K, rest = J * J.T, p - J.T * u
    return zero(p.dot(p) - u.dot(K * u) - rest.dot(rest) - 2 * u.dot(J * p - K * u), *(K * u - J * (J.T * u)))


def _steepest() -> Proven:
    """The difference of squares is (e × K⁻¹δ)² det K; K = LLᵀ is any positive definite matrix."""
    l1, l3 = sp.symbols("l1 l3", positive=True)
    l2, e1, e2, x, y = sp.symbols("l2 e1 e2 x y", real=True)
    L = sp.Matrix([[l1, 0], [l2, l3]])
    K, e, delta = L * L.T, sp.Matrix([e1, e2]), sp.Matrix([x, y])
    inverse = K.inv()
    size = (e.T * K * e)[0]
    cross = (inverse * delta)[0] * e2 - (inverse * delta)[1] * e1
    rest = (l1 * l3) ** 2 * cross**2
    schwarz = size * (delta.T * inverse * delta)[0] - e.dot(delta) ** 2 - rest
    best = -K * e / sp.sqrt(size)
    return both(zero(schwarz, (best.T * inverse * best)[0] - 1, e.dot(best) + sp.sqrt(size)), positive(rest))


def angles(bound: Bound) -> Evidence:
    """The start of the path, e = (1, t) in the eigenbasis of K = diag(1, κ): its angle to the target."""
    k, t, h = sp.symbols("kappa t h", positive=True)
    e, K = sp.Matrix([1, t]), sp.diag(1, k)
    square = (1 + k * t**2) ** 2 / ((1 + t**2) * (1 + k**2 * t**2))
    gap = (k - 1) ** 2 * (1 - k * t**2) ** 2 / ((1 + k) ** 2 * (1 + t**2) * (1 + k**2 * t**2))
    fall = 2 * t**2 * (k - 1) / ((1 + k * t**2) * (1 + k**2 * t**2))

    def closed() -> Proven:
        moved = K * e
        return both(zero(moved.dot(e) ** 2 / (moved.dot(moved) * e.dot(e)) - square), strictly(square))

    def bounded() -> Proven:
        return both(zero(square - bound(k) ** 2 - gap), positive(gap))

    def falling() -> Proven:
        return both(zero(sp.diff(sp.log(square), k) + fall), strictly(fall.subs(k, 1 + h)))

    return shown(
        clause(
            "with e = (1, t) in the eigenbasis the cosine between −Ke and −e is (1 + κt²)/√((1 + t²)(1 + κ²t²))",
            closed,
            every("kappa t"),
        ),
        clause("its square exceeds that of 2√κ/(1 + κ) by a square (Kantorovich)", bounded, every("kappa t")),
        clause("it falls as κ > 1 grows, t fixed", falling, every("kappa t h", MEAN_VALUE)),
        about=About.CORRECTED,
        part="straightness",
    )


def nested(rate: Callable[[Any], Any] = lambda kappa: kappa) -> Evidence:
    """The longer path for the larger κ: how its length changes; `rate` is the exponent of the path."""
    k, t, x, s, h = sp.symbols("kappa t x s h", positive=True)
    y = t * x ** rate(k)
    slope, curve, lower = sp.diff(y, x), sp.diff(y, x, 2), sp.diff(y, k)
    root = sp.sqrt(1 + slope**2)
    inside = {x: sp.exp(-s), k: 1 + h}

    def flow() -> Proven:
        """By x = exp(−s), y = t exp(−κs): time in units of the slow mode."""
        slow, fast = sp.exp(-s), t * sp.exp(-k * s)
        moves = zero(sp.diff(slow, s) + slow, sp.diff(fast, s) + k * fast)
        return both(moves, zero((y.subs(x, slow), fast), y.subs(x, 1) - t))

    def bends() -> Proven:
        return strictly(*(value.subs(inside) for value in (slope, curve, -lower)))

    def varies() -> Proven:
        return zero(sp.diff(root, k) - sp.diff(lower * slope / root, x) + lower * curve / root**3)

    def longer() -> Proven:
        """What is left of the integral is positive; the boundary term is 0 at x = 1, and at 0 it is below |∂y/∂κ|."""
        ends = zero(lower.subs(x, 1), (lower.subs(x, sp.exp(-s)), -t * s * sp.exp(-k * s)))
        return both(ends, strictly((-lower * curve / root**3).subs(inside), 1 / root.subs(inside)))

    def least() -> Proven:
        """√(1 + y′²) ≥ (1 + ty′)/√(1 + t²), whose integral is the distance."""
        p = sp.Symbol("p", real=True)
        return both(zero((1 + t**2) * (1 + p**2) - (1 + t * p) ** 2 - (t - p) ** 2), positive((t - p) ** 2))

    return shown(
        clause("the path from (1, t) in the eigenbasis is y = t x^κ, scaled", flow, every("kappa t s")),
        clause("for 0 < x < 1 and κ > 1: y′ > 0, y″ > 0, ∂y/∂κ < 0", bends, every("t s h")),
        clause("∂/∂κ √(1 + y′²) = ∂/∂x (y′ ∂y/∂κ/√(1 + y′²)) − y″ ∂y/∂κ/(1 + y′²)^(3/2)", varies, every("kappa t x")),
        clause(
            "so the length ∫₀¹ √(1 + y′²) dx grows with κ > 1, and the straightness √(1 + t²)/length falls",
            longer,
            every("kappa t s h", UNDER_INTEGRAL, CALCULUS, EXPONENTIAL, MEAN_VALUE),
        ),
        clause("at κ = 1 the path is straight, and none is shorter", least, every("t p", CALCULUS)),
        about=About.CORRECTED,
        part="straightness",
    )
