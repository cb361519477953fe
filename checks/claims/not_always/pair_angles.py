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
from checks.tools.clauses import clause, shown
from checks.tools.formulas import gated as gated_equation
from checks.tools.formulas import plain as plain_equation
from checks.tools.kinks import Kink
from checks.tools.relu_pairs import relu_duals
from checks.tools.roads import Constants
from checks.tools.theorems import CIRCLE, INTERMEDIATE, LIMITS, MEAN_VALUE
from derivations.tools.proof import Outcome as Proven
from derivations.tools.proof import both, every
from derivations.tools.zero import strictly, zero
from glutheory.claims import Evidence
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

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


#: Half the angle, and d/m.
_X, _R = sp.symbols("x r", positive=True)
_THETA, _COS, _SIN = 2 * _X, sp.cos(_X) ** 2 - sp.sin(_X) ** 2, 2 * sp.sin(_X) * sp.cos(_X)


def _duals() -> tuple[sp.Expr, sp.Expr]:
    return relu_duals(_THETA, _COS, _SIN)


def _normalised() -> tuple[sp.Expr, sp.Expr]:
    """A and Ã."""
    (S, T), half = _duals(), sp.Rational(1, 2)
    plain = (S + _R * _COS * T) / (half + _R * half)
    return plain, _COS * ((1 + _R) * S + _R * _COS * T) / ((1 + _R) * half + _R * half)


def _closed() -> Proven:
    """S and T as in the head of this module, and Ã + A = sin θ · f."""
    (S, T), (plain, gated) = _duals(), _normalised()
    rest, s, more = 1 - _THETA / sp.pi, 1 / (1 + _R), (1 + _R) / (1 + 2 * _R)
    f = _COS * rest * sp.cos(_X) / sp.sin(_X) + (more * _COS + s) / sp.pi
    return zero(2 * S - _COS * rest - _SIN / sp.pi, 2 * T - rest, gated + plain - _SIN * f)


def _close() -> Proven:
    """(1 − A)/θ and (1 − Ã)/θ as θ → 0: both condition numbers grow like 1/θ."""
    first, second = (-sp.diff(value, _X).subs(_X, 0) / 2 for value in _normalised())
    starts = [value.subs(_X, 0) - 1 for value in _normalised()]
    slopes = [first - _R / (sp.pi * (1 + _R)), second - _R / (sp.pi * (1 + 2 * _R))]
    return both(zero(*starts, *slopes, first / second - (1 + 2 * _R) / (1 + _R)), strictly(_R / (1 + 2 * _R)))


def _vanishes() -> Proven:
    """A is positive at right angles, and 0 but increasing at opposite inputs."""
    plain, right, last = _normalised()[0], 1 / (sp.pi * (1 + _R)), _R / (sp.pi * (1 + _R))
    ends = plain.subs(_X, sp.pi / 4) - right, plain.subs(_X, sp.pi / 2)
    return both(zero(*ends, sp.diff(plain, _X).subs(_X, sp.pi / 2) / 2 - last), strictly(right, last))


def _there() -> Proven:
    """K̃ ∝ ρ((1 + r)S + rρT) where S + rρT = 0; S(π) = 0, and dS/dθ = −(π − θ) sin θ/2π."""
    S, rho = sp.symbols("S rho", nonzero=True)
    left, sine = sp.symbols("left sine", positive=True)  # π − θ and sin θ
    value = zero(rho * ((1 + _R) * S + _R * rho * (-S / (_R * rho))) - _R * rho * S)
    dual_ = _duals()[0]
    slope = sp.diff(dual_, _X) / 2 + (sp.pi - _THETA) * _SIN / (2 * sp.pi)
    return both(value, zero(slope, dual_.subs(_X, sp.pi / 2)), strictly(left * sine / (2 * sp.pi)))


def _worse() -> Proven:
    """(1 + q)/(1 − q) − 1, which is 0 at q = 0."""
    left = sp.Symbol("left", positive=True)  # 1 − q
    q = sp.Symbol("q", positive=True)
    return both(zero((1 + q) / (1 - q) - 1 - 2 * q / (1 - q)), strictly(2 * q / left))


def _bilinear() -> Proven:
    m, d, v, w, p, g = sp.symbols("m d v w p g", positive=True)
    K = plain_equation(Constants(m, d, v, [w]), g, [(w * g, sp.S.One)])
    full = gated_equation(Constants(m, d, v, [p, w]), g, [(p * g, sp.S.One), (w * g, sp.S.One)])
    return zero(full * (w + v) - g * K * ((v + p) * w + v * p))


def identities() -> Evidence:
    """The formulas of this module; the limit of close pairs; a zero of K is none of K̃; the bilinear gate."""
    return shown(
        clause("ReLU and ReGLU on pairs of norm √d: A, Ã and Ã + A in closed form", _closed, every("x r")),
        clause("cond(K̃)/cond(K) → (1+2r)/(1+r) for close ones", _close, every("r", LIMITS)),
        clause("K vanishes at an obtuse angle, for every r", _vanishes, every("r", INTERMEDIATE)),
        clause("K̃ = rρS there, which is not 0", _there, every("r rho S x", MEAN_VALUE, CIRCLE)),
        clause("so cond(K̃) > 1 = cond(K)", _worse, every("q")),
        clause("bilinear gates: K̃ is a multiple of K⊙G", _bilinear, every("m v w p g")),
    )
