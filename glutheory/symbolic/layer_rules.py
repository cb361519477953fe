"""What a layer does to covariance and NTK in a wide network, derived from its definition.

Units of a layer are alike and, given the layer below, independent. Σ is the covariance of a unit at x and x', Θ the
product of its gradients by all weights so far, A and B are Σ(x,x) and Σ(x',x'). Each rule differentiates the layer's
units, multiplies what belongs to x and x', and takes expectations factor by factor, as `kernels` does for two layers:

    Σ' = f(Σ; A, B)       Θ' = Σ_i (factor_i)·Θ_i + what the layer's own weights add

and certifies itself: by Price's theorem every factor is ∂Σ'/∂Σ_i at fixed A and B, which is computed another way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from glutheory.symbolic.certify import Check
from glutheory.symbolic.kernels import expectation

#: A unit's covariance and NTK at x and x', and its variances there.
SIGMA, THETA = sp.symbols("Sigma Theta", real=True)
A, B = sp.symbols("A B", positive=True)
#: Of a dense layer: σ², σ_b² and the fan-in.
VARIANCE, BIAS, FAN_IN = sp.symbols("sigma_w2 sigma_b2 n", positive=True)

_w, _h, _hp, _beta, _one = sp.symbols("w h h' beta 1", real=True)
_dh, _dhp = sp.symbols("dh dh'", real=True)


@dataclass(frozen=True)
class Rule:
    """What a layer does.

    Attributes:
        name: of the layer.
        reason: why, for people.
        covariance: Σ'.
        inputs: the symbols that Σ' is a function of, each the covariance of what Θ_i belongs to.
        slopes: ∂/∂Σ_i of those that stand for functions of a covariance (S_i, with T_i), for the certificate.
        through: the factor of each Θ_i.
        own: what the layer's own weights add.
    """

    name: str
    reason: str
    covariance: sp.Expr
    inputs: tuple[sp.Symbol, ...]
    slopes: tuple[sp.Expr, ...]
    through: tuple[sp.Expr, ...]
    own: sp.Expr

    def check(self) -> Check:
        """Every factor is the derivative of Σ' in the covariance that its Θ belongs to."""
        parts = zip(self.inputs, self.slopes, self.through, strict=True)
        gaps = [sp.simplify(sp.diff(self.covariance, symbol) * slope - factor) for symbol, slope, factor in parts]
        return Check(f"{self.name}: the factor of Θ is ∂Σ'/∂Σ (Price)", "symbolic", all(gap == 0 for gap in gaps))


@lru_cache(maxsize=8)
def dense_rule(standard: bool, biased: bool) -> Rule:
    """A dense layer, from one of its n equal terms: u = Σ_j front·w_j h_j + β.

    Args:
        standard: whether the weights have variance σ²/n; else 1, behind the factor σ/√n (and biases behind σ_b).
        biased: whether there are biases.
    """
    front, var, width, var_b = (
        (sp.S.One, VARIANCE / FAN_IN, sp.S.One, BIAS)
        if standard
        else (sp.sqrt(VARIANCE / FAN_IN), sp.S.One, sp.sqrt(BIAS), sp.S.One)
    )
    term, term_p = front * _w * _h, front * _w * _hp
    table = {_w**2: var, _h * _hp: SIGMA, _dh * _dhp: THETA, _beta**2: var_b}
    groups = ((_w,), (_h, _hp), (_dh, _dhp), (_beta,))

    def mean(product: sp.Expr) -> sp.Expr:
        return expectation(sp.expand(product), table, groups)

    shift = width * _beta if biased else sp.S.Zero
    covariance = FAN_IN * mean(term * term_p) + (mean(shift * shift) if biased else 0)
    own = FAN_IN * mean(sp.diff(term, _w) * sp.diff(term_p, _w)) + sp.diff(shift, _beta) ** 2
    through = FAN_IN * mean(sp.diff(term, _h) * sp.diff(term_p, _hp) * _dh * _dhp) / THETA
    reason = (
        "independent centred weights: E[w_j w_k] = 0 for j ≠ k; gradients by the weights, and through what is below"
    )
    return Rule("dense", reason, covariance, (SIGMA,), (sp.S.One,), (through,), own)


@lru_cache(maxsize=32)
def product_rule(branches: int) -> Rule:
    """A product of activations ∏_i φ_i(u_i) of independent pre-activations, Θ_i being the NTK of u_i."""
    here = sp.symbols(f"u1:{branches + 1}", real=True)
    there = sp.symbols(" ".join(f"u{i}'" for i in range(1, branches + 1)), real=True, seq=True)
    S, T = dual_symbols(branches)
    phi = [sp.Function(f"phi_{i}", real=True) for i in range(1, branches + 1)]
    unit, unit_p = (sp.Mul(*(f(x) for f, x in zip(phi, args, strict=True))) for args in (here, there))
    table: dict[sp.Expr, sp.Expr] = {}
    for f, x, xp, s, t in zip(phi, here, there, S, T, strict=True):
        table[f(x) * f(xp)] = s
        table[f(x).diff(x) * f(xp).diff(xp)] = t
    groups = tuple(zip(here, there, strict=True))
    covariance = expectation(unit * unit_p, table, groups)
    through = tuple(
        expectation(sp.diff(unit, x) * sp.diff(unit_p, xp), table, groups) for x, xp in zip(here, there, strict=True)
    )
    reason = "independent branches: expectations factor; gradients of different branches are orthogonal"
    return Rule("product", reason, covariance, S, T, through, sp.S.Zero)


def dual_symbols(branches: int) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
    """S_i and T_i in `product_rule`."""
    return sp.symbols(f"S1:{branches + 1}", real=True), sp.symbols(f"T1:{branches + 1}", real=True)


@lru_cache(maxsize=4)
def norm_rule(gain: bool, shift: bool) -> Rule:
    """RMSNorm y_i = g_i·h_i/√q + s_i, q = mean h² → A: with n units whose gradients are orthogonal, and n → ∞.

    Σ, A and B are second moments about the mean for LayerNorm: the mean is a mean over units as q is, and constant.
    """
    n = sp.Symbol("n", positive=True)
    # ∂y_i/∂θ = D_i/√q − h_i·(1/n)·Σ_k h_k D_k/q^(3/2), and D_i·D'_j = Θ for i = j, else 0
    straight = THETA / sp.sqrt(A * B)
    mixed = -THETA / n * (B / (sp.sqrt(A) * B ** sp.Rational(3, 2)) + A / (A ** sp.Rational(3, 2) * sp.sqrt(B)))
    projected = THETA / n * SIGMA**2 / (A * B) ** sp.Rational(3, 2)
    total = sp.limit(straight + mixed + projected, n, sp.oo)
    covariance = SIGMA / sp.sqrt(A * B)
    g, s = sp.symbols("g s", real=True)
    unit, unit_p = g * _h / sp.sqrt(A) + s, g * _hp / sp.sqrt(B) + s
    table, groups = {_h * _hp: SIGMA}, ((_h, _hp),)
    own = int(gain) * expectation(sp.diff(unit, g) * sp.diff(unit_p, g), table, groups)
    own += int(shift) * expectation(sp.diff(unit, s) * sp.diff(unit_p, s), table, groups)
    reason = "law of large numbers for the mean square; the gradient of the norm itself is of order 1/width"
    return Rule("norm", reason, covariance, (SIGMA,), (sp.S.One,), (sp.simplify(total / THETA),), sp.sympify(own))


@lru_cache(maxsize=1)
def sum_rule() -> Rule:
    """A sum h + w·k, where the weights w are independent of h and centred."""
    other, theta = sp.symbols("Sigma_f Theta_f", real=True)
    k, kp, dk, dkp = sp.symbols("k k' dk dk'", real=True)
    groups = ((_w,), (_h, _hp, k, kp, _dh, _dhp, dk, dkp))
    # the covariance of the image is E[w²]·E[k k'], its NTK E[w²]·E[dk dk'] (and what w itself adds)
    table = {_w: sp.S.Zero, _w**2: sp.S.One, _h * _hp: SIGMA, k * kp: other, _dh * _dhp: THETA, dk * dkp: theta}
    table |= {_h * kp: sp.S.One, _hp * k: sp.S.One, _dh * dkp: sp.S.One, _dhp * dk: sp.S.One}

    def mean(product: sp.Expr) -> sp.Expr:
        return sp.Add(*(expectation(term, table, groups) for term in sp.Add.make_args(sp.expand(product))))

    covariance = mean((_h + _w * k) * (_hp + _w * kp))
    gradients = mean((_dh + _w * dk) * (_dhp + _w * dkp))
    through = tuple(sp.diff(gradients, symbol) for symbol in (THETA, theta))
    reason = "the block ends with independent centred weights: the cross terms vanish"
    return Rule("sum", reason, covariance, (SIGMA, other), (sp.S.One, sp.S.One), through, sp.S.Zero)
