"""The general steps of the proof on decorrelation: the kernels' ratio, its margin, and bounds of the margin."""

from __future__ import annotations

import sympy as sp

from derivations.tools.decorrelation_cases import RATIO, bend, margin, slope_at_kink
from derivations.tools.limits import grows
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, both, follows
from derivations.tools.zero import positive, strictly, zero
from glutheory.networks import network
from glutheory.symbolic.kernels import kernels

r = RATIO
rho = sp.Symbol("rho", positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
A, B, C, M, W = sp.symbols("A B C M W", positive=True)
tau, mu, V = sp.symbols("tau mu V", nonnegative=True)
_KAPPA = sp.Function("kappa", positive=True)(rho)
_S, _T, _COV = sp.symbols("S T c", real=True)
_M, _D, _G = sp.Symbol("m", positive=True), sp.Symbol("d", positive=True), sp.Symbol("g", real=True)


def two_kernels() -> Outcome:
    """S + r cT and c((1+r)S + r cT), r = d/m, from the engine under LeCun variances; r = 1 is the ntk one."""
    differences = []
    for parametrisation, ratio in (("standard", _D / _M), ("ntk", sp.S.One)):
        first, second = (kernels(network(name), parametrisation) for name in ("gelu", "geglu"))
        value = second.branches[0]
        symbols = [sp.Symbol("sigma_v", positive=True), *(x.sigma for x in (*first.branches, *second.branches))]
        lecun = {symbols[0]: 1 / sp.sqrt(_M), **{x: 1 / sp.sqrt(_D) for x in symbols[1:]}}
        known = {first.branches[0].S: _S, first.branches[0].T: _T, second.branches[1].S: _S, second.branches[1].T: _T}
        covariance = {value.S: value.covariance, value.T: 1}
        plain = sp.Add(*first.blocks.values()).subs(known)
        gated = sp.Add(*second.blocks.values()).subs(covariance).subs(known)
        if parametrisation == "standard":
            plain, gated = (expr.subs(lecun) / _M for expr in (plain, gated))
        plain, gated = (expr.subs(_G, _COV * _D) for expr in (plain, gated))
        differences += [
            (plain, _S + ratio * _COV * _T),
            (gated, _COV * ((1 + ratio) * _S + ratio * _COV * _T)),
        ]
    return zero(*differences)


def ratio() -> Outcome:
    slope = rho * sp.diff(_KAPPA, rho)
    plain, gated = _KAPPA + r * slope, rho * ((1 + r) * _KAPPA + r * slope)
    mean = slope / _KAPPA
    variance = rho * sp.diff(mean, rho)
    found = rho * (sp.diff(gated, rho) / gated - sp.diff(plain, rho) / plain)
    claimed = 1 - r**2 * variance / ((1 + r * mean) * (1 + r + r * mean))
    ratio = gated / plain - rho * (1 + r / (1 + r * mean))
    squares = rho * sp.diff(slope, rho) / _KAPPA - mean**2 - variance
    return zero(found - claimed, ratio, squares)


def comparison() -> Outcome:
    plain, plain1, ratio, ratio1 = sp.symbols("K K_1 R R_1", positive=True)
    difference = ratio * plain / (ratio1 * plain1) - plain / plain1
    return both(
        zero(difference - plain / (ratio1 * plain1) * (ratio - ratio1)),
        follows("it has the sign of $R(\\rho) - R(1)$", strictly(plain / (ratio1 * plain1))),
    )


def diagonal_margin() -> Outcome:
    slope = rho * sp.diff(_KAPPA, rho)
    second = rho**2 * sp.diff(_KAPPA, rho, 2)
    mean = slope / _KAPPA
    variance = rho * sp.diff(mean, rho)
    difference = (1 + r * mean) * (1 + r + r * mean) - r**2 * variance
    general = difference - margin(_KAPPA, slope, second) / _KAPPA**2
    diagonal = margin(A, M * A, W * A) / (r * A) ** 2 - ((1 + r) / r**2 + 2 * M / r + 2 * M**2 - W)
    same_sign = follows("both sides of the equivalence have one sign", zero(diagonal), strictly((r * A) ** 2))
    return both(zero(general), same_sign)


def degrees() -> Outcome:
    n = sp.Symbol("n", positive=True)
    # E[k(n − k)] = nμ − (V + μ²): what is left of μ(n − μ) − V
    expected = (n * mu - (V + mu**2), mu * (n - mu) - V)
    root = sp.sqrt(2 * (1 + r))  # √(8(1+r)) is twice, √((1+r)/2) half of it
    largest = largest_degree()
    square = 2 * (r * mu - root / 2) ** 2
    rest = (1 + r * mu) * (1 + r + r * mu) - r**2 * mu * (largest - mu)
    # the derivative of n_r, times −r²√(2(1+r)), is a sum of positive terms
    falls = sp.expand(-sp.diff(largest, r) * r**2 * root)
    return both(
        zero(expected, rest - square, largest.subs(r, 1) - 7, square.subs(r, 1) - 2 * (mu - 1) ** 2),
        strictly(falls),
    )


def largest_degree() -> sp.Expr:
    """n_r: up to this degree the ratio increases at every variance."""
    return 1 + (2 + 2 * sp.sqrt(2 * (1 + r))) / r


def sharp_degree() -> Outcome:
    """Degrees 0 and n with weights n − μ and μ: the variance, the margin at rμ = √((1+r)/2), and μ < n_r."""
    n, excess = sp.Symbol("n", positive=True), sp.Symbol("e", positive=True)
    share = mu / n  # of degree n
    variance = n**2 * share - (n * share) ** 2
    mean = sp.sqrt(2 * (1 + r)) / (2 * r)  # √((1+r)/2) over r
    rest = ((1 + r * mu) * (1 + r + r * mu) - r**2 * mu * (n - mu)).subs(mu, mean)
    known = {n: largest_degree() + excess}
    claimed = -(r**2) * mean * excess
    room = sp.expand((largest_degree() - mean) * r)
    at_two = largest_degree().subs(r, 2)
    return both(
        zero((variance, mu * (n - mu)), (rest.subs(known), claimed), (at_two, 2 + sp.sqrt(6))),
        strictly(-claimed, room),
        larger((sp.Integer(5), at_two)),
    )


def kinks() -> Outcome:
    mean = sp.Function("mu")(rho)
    slope = sp.diff(rho * (1 + r / (1 + r * mean)), rho)
    claimed = 1 + r / (1 + r * mean) - r**2 * rho * sp.diff(mean, rho) / (1 + r * mean) ** 2
    differences, unbounded = slope_at_kink()
    # V → ∞ with 0 ≤ μ ≤ M: R' ≤ 1 + r − r²V/(1 + rM)²
    low, more = sp.symbols("mu e", nonnegative=True)  # M = μ + e
    first = sp.factor(r - r / (1 + r * low))
    second = sp.factor(r**2 * V * (1 / (1 + r * low) ** 2 - 1 / (1 + r * (low + more)) ** 2))
    falls = grows(r**2 * sp.Symbol("V", positive=True) / (1 + r * M) ** 2 - 1 - r, sp.Symbol("V", positive=True))
    # the family's t is positive for β ≠ 0, whatever α is; for β = 0 there is no kink and κ'' = 0
    alpha, beta = sp.Symbol("alpha", real=True), sp.Symbol("beta", real=True, nonzero=True)
    return both(
        zero((slope, claimed), *differences), unbounded, positive(first, second), falls, strictly(bend(alpha, beta))
    )


def _omega(degree: sp.Expr, at: sp.Expr = tau) -> sp.Expr:
    """What the term c_k ρ^k contributes to Q_τ, over c_k ρ^k."""
    return 1 + r - 2 * r**2 * at**2 + (2 * r + r**2 + 4 * r**2 * at) * degree - r**2 * degree**2


def _q(first: sp.Expr, second: sp.Expr, third: sp.Expr, at: sp.Expr = tau) -> sp.Expr:
    """Q_τ of A, B, C."""
    return (1 + r - 2 * r**2 * at**2) * first + (2 * r + 4 * r**2 * at) * second - r**2 * third


def minorant() -> Outcome:
    square = margin(A, B, C) - A * _q(A, B, C) - 2 * r**2 * (B - tau * A) ** 2
    term = _q(sp.S.One, k, k * (k - 1)) - _omega(k)
    diagonal = _q(A, M * A, C, M) * A - margin(A, M * A, C)
    return zero(square, term, diagonal)


def sign_pattern() -> Outcome:
    """ω is concave in k; it starts at ω(0) = 2r²(τ_0² − τ²) with τ_0² = (1+r)/(2r²), at ω(1) for c_0 = 0."""
    second = _omega(k + 1) - 2 * _omega(k) + _omega(k - 1) + 2 * r**2
    start = _omega(sp.S.Zero) - 2 * r**2 * ((1 + r) / (2 * r**2) - tau**2)
    one = _omega(sp.S.One) - 2 * r**2 * (1 + (1 + 3 * r) / (2 * r**2) - (tau - 1) ** 2)
    # concave, so that not negative at 0 and at K means not negative between: one change of sign, from + to −
    last, size, drop, power = sp.symbols("K w y p", nonnegative=True)
    between = _omega(k) - ((last - k) * _omega(sp.S.Zero) + k * _omega(last)) / last
    # (ρ^k − ρ^{k_0}) ω(k) ≥ 0 on both sides of k_0: with ρ^|k − k_0| = 1/(1 + y) and |ω| = w
    below = size * (power / (1 / (1 + drop)) - power) / power - size * drop
    beyond = -size * (power / (1 + drop) - power) / power - size * drop / (1 + drop)
    return both(
        zero(second, start, one),
        follows("one change of sign", zero(between - r**2 * k * (last - k)), positive(r**2 * k * last)),
        follows(
            "$Q_M(\\rho) \\ge \\rho^{k_0}Q_M(1)$, term by term",
            zero(below, beyond),
            positive(size * drop, size * drop / (1 + drop)),
        ),
    )


def ramps() -> Outcome:
    """The lower bounds at ρ_1 = (1 + 2M)c_1/C, d = m, from A(ρ_1) ≤ A, B(ρ_1) ≥ ρ_1c_1, C(ρ_1) ≤ ρ_1² C."""
    c1 = sp.Symbol("c_1", positive=True)
    point = (1 + 2 * M) * c1 / C
    lower, lower_one = (_q(A, point * c1, point**2 * C, at).subs(r, 1) for at in (M, sp.S.One))
    gamma = c1 / A
    condition = (1 + 2 * M) ** 2 * gamma**2 - 2 * (M**2 - 1) * W
    return zero(
        lower - ((1 + 2 * M) ** 2 * c1**2 / C - 2 * (M**2 - 1) * A),
        lower * C / A**2 - condition.subs(W, C / A),
        lower_one - point * c1 * (5 - 2 * M),
        _omega(sp.S.Zero, sp.S.One).subs(r, 1),
        _omega(sp.S.One, M).subs(r, 1) - (4 + 4 * M - 2 * M**2),
    )
