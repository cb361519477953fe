"""Two inputs of equal norm: at exactly which angles gating worsens the condition number (ReLU and ReGLU).

A pair's condition number is (1 + q)/(1 − q), q = |K(ρ)|/K(1), so gating hurts where |Ã| > |A| for the normalised
kernels Ã = K̃(ρ)/K̃(1), A = K(ρ)/K(1): where (Ã − A)(Ã + A) > 0. With ρ = cos θ, T/T(1) = 1 − θ/π and
S/S(1) = cos θ (1 − θ/π) + sin θ/π, and the shares s = 1/(1 + r), s̃ = (1 + r)/(1 + 2r) of S on the diagonals, r = d/m,

    Ã + A = sin θ · f(θ),   f = cos θ (1 − θ/π) cot(θ/2) + (s̃ cos θ + s)/π;

for Ã − A see `checks.tools.kinks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import sympy as sp
from flint import arb

from checks.tools.branch_and_bound import hull, refine, zeros
from checks.tools.evidence import identity
from checks.tools.formulas import gated as gated_equation
from checks.tools.formulas import plain as plain_equation
from checks.tools.kinks import Kink
from checks.tools.roads import Constants
from glutheory.activations import activation
from glutheory.claims import Evidence
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c

_BITS = 128
_WIDTH = Fraction(1, 10**14)
#: f > 0 below the first angle, where every term is positive; beyond π (the last one is larger) f is smooth.
_START, _END = Fraction(1), Fraction(16, 5)


@dataclass(frozen=True)
class Harm:
    """Where gating hurts a pair.

    Attributes:
        intervals: of angles in radians.
        complete: whether these are proved to be all.
    """

    intervals: tuple[tuple[float, float], ...]
    complete: bool


def shares(ratio: Fraction) -> tuple[Fraction, Fraction]:
    """(s̃, s)."""
    return (1 + ratio) / (1 + 2 * ratio), 1 / (1 + ratio)


def opposed(ratio: Fraction, low: Fraction, high: Fraction) -> arb:
    """Encloses f on [low, high], within (0, 2π)."""
    with precision(_BITS):
        theta = hull(low, high)
        gated, plain = map(ball, shares(ratio))
        cosine = theta.cos()
        return cosine * (1 - theta / arb.pi()) * (theta / 2).cot() + (gated * cosine + plain) / arb.pi()


def opposed_slope(ratio: Fraction, low: Fraction, high: Fraction) -> arb:
    """Encloses f'."""
    with precision(_BITS):
        theta = hull(low, high)
        gated, _ = map(ball, shares(ratio))
        sine, cosine, cot = theta.sin(), theta.cos(), (theta / 2).cot()
        rest = 1 - theta / arb.pi()
        first = -sine * rest * cot - cosine * cot / arb.pi() - cosine * rest / (2 * (theta / 2).sin() ** 2)
        return first - gated * sine / arb.pi()


@lru_cache(maxsize=32)
def harm(ratio: Fraction) -> Harm:
    """The angles at which gating worsens the condition number of a pair; ratio = d/m."""
    gated, plain = shares(ratio)
    apart = Kink(Fraction(1), gated, plain).all()
    opposite = zeros(
        lambda low, high: opposed(ratio, low, high),
        lambda low, high: opposed_slope(ratio, low, high),
        (_START, _END),
    )
    fine = (refine(lambda low, high: opposed(ratio, low, high), bracket, _WIDTH) for bracket in opposite.brackets)
    changes = sorted((*apart.angles, *(float(low + high) / 2 for low, high in fine)))
    # next to 0 Ã + A > 0, and the first sign is that of Ã − A; at every change the product changes its sign
    sign = apart.signs[0]
    inside: list[tuple[float, float]] = []
    for start, end in pairwise((0.0, *changes, math.pi)):
        # a change beyond π, or two that floats do not tell apart, would spoil the order
        if end - start < 1e-9:
            return Harm(tuple(inside), False)
        if sign > 0:
            inside.append((start, end))
        sign = -sign
    return Harm(tuple(inside), apart.complete and opposite.open is None)


def _relu() -> tuple[list[sp.Expr], sp.Expr, sp.Expr, sp.Symbol, sp.Symbol]:
    """What the engine's ReLU dual must satisfy, then A, Ã as functions of θ = 2x and r."""
    x, r = sp.symbols("x r", positive=True)
    theta, cosine, sine = 2 * x, sp.cos(x) ** 2 - sp.sin(x) ** 2, 2 * sp.sin(x) * sp.cos(x)
    rho = sp.Symbol("rho", positive=True)
    found = dual(activation("relu"))
    # θ = π/2 − arcsin ρ, and sin θ ≥ 0 is the root
    known = {sp.asin(rho): sp.pi / 2 - theta, sp.sqrt(1 - rho**2): sine, rho: cosine}
    S, T = (expr.subs({a: 1, b: 1}).subs(c, rho).subs(known, simultaneous=True) for expr in (found.S, found.T))
    rest = 1 - theta / sp.pi
    stated = [2 * S - cosine * rest - sine / sp.pi, 2 * T - rest]
    half = sp.Rational(1, 2)
    plain = (S + r * cosine * T) / (half + r * half)
    gated = cosine * ((1 + r) * S + r * cosine * T) / ((1 + r) * half + r * half)
    s, more = 1 / (1 + r), (1 + r) / (1 + 2 * r)
    f = cosine * rest * sp.cos(x) / sp.sin(x) + (more * cosine + s) / sp.pi
    return [*stated, gated + plain - sine * f], plain, gated, x, r


def identities() -> Evidence:
    """The formulas of this module; the limit of close pairs; a zero of K is none of K̃; the bilinear gate."""
    stated, plain, gated, x, r = _relu()
    # (1 − A)/θ and (1 − Ã)/θ as θ → 0: both condition numbers grow like 1/θ
    first, second = (-sp.diff(value, x).subs(x, 0) / 2 for value in (plain, gated))
    slopes = [first - r / (sp.pi * (1 + r)), second - r / (sp.pi * (1 + 2 * r)), first / second - (1 + 2 * r) / (1 + r)]
    # A is positive at right angles, and 0 but increasing at opposite inputs: in between it vanishes, whatever r is
    s = 1 / (1 + r)
    signs = [plain.subs(x, sp.pi / 4) - s / sp.pi, plain.subs(x, sp.pi / 2)]
    signs.append(sp.diff(plain, x).subs(x, sp.pi / 2) / 2 - (1 - s) / sp.pi)
    S, rho = sp.symbols("S rho", nonzero=True)
    zero = rho * ((1 + r) * S + r * rho * (-S / (r * rho))) - r * rho * S  # T where S + rρT = 0
    m, d, v, w, p, g = sp.symbols("m d v w p g", positive=True)
    K = plain_equation(Constants(m, d, v, [w]), g, [(w * g, sp.S.One)])
    full = gated_equation(Constants(m, d, v, [p, w]), g, [(p * g, sp.S.One), (w * g, sp.S.One)])
    bilinear = full * (w + v) - g * K * ((v + p) * w + v * p)
    return identity(
        "ReLU pairs: A, Ã and Ã + A in closed form; cond(K̃)/cond(K) → (1+2r)/(1+r) for close ones; K vanishes at an "
        "obtuse angle, where K̃ = rρS; bilinear gates: K̃ is a multiple of K⊙G",
        *(*stated, *slopes, *signs, zero, bilinear),
    )
