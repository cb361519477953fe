"""Gaussian integrals from first principles: densities, moments and completed squares, using nothing of the engine.

(u, v) ~ N(0, [[a, c], [c, b]]). Everything here rests on one integral, ∫ exp(−αx² + βx) dx = √(π/α) exp(β²/(4α)).
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from glutheory.symbolic.gaussian import a, b, c

u, v = sp.symbols("u v", real=True)
alpha, beta = sp.symbols("alpha beta", real=True)

#: The determinant of the covariance.
DELTA = a * b - c**2


def density(first: sp.Expr = a, second: sp.Expr = b, cross: sp.Expr = c) -> sp.Expr:
    """The density of N(0, [[first, cross], [cross, second]]) at (u, v)."""
    determinant = first * second - cross**2
    exponent = -(second * u**2 - 2 * cross * u * v + first * v**2) / (2 * determinant)
    return sp.exp(exponent) / (2 * sp.pi * sp.sqrt(determinant))


def log_slope(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """∂ log(expr)/∂symbol of a product of powers and one exponential: a rational function."""
    total = sp.S.Zero
    for factor in sp.Mul.make_args(expr):
        base, exponent = factor.as_base_exp()
        total += sp.diff(exponent, symbol) if base == sp.E else exponent * sp.diff(base, symbol) / base
    return total


def normal(x: sp.Expr, scale: sp.Expr = sp.S.One) -> sp.Expr:
    """The N(0, scale²) density at x."""
    return sp.exp(-(x**2) / (2 * scale**2)) / (scale * sp.sqrt(2 * sp.pi))


def cdf(x: sp.Expr) -> sp.Expr:
    """Φ(x), by the error function."""
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def integrate_exponential(exponent: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """∫ exp(exponent) over the variables, a quadratic form in them: (f², e) for the value √(f²)·exp(e).

    The exponent must be negative definite in the variables; each is integrated in turn by completing its square.
    """
    square = sp.S.One
    for x in variables:
        form = sp.Poly(sp.expand(exponent), x)
        minus, slope, rest = (form.coeff_monomial(x**k) for k in (2, 1, 0))
        square *= sp.pi / -minus
        exponent = sp.together(rest - slope**2 / (4 * minus))
    return sp.cancel(square), sp.cancel(exponent)


def moment(n: int, k: int, cov: tuple[sp.Expr, sp.Expr, sp.Expr] = (a, b, c)) -> sp.Expr:
    """E[u^n v^k] from the moment generating function exp((aα² + 2cαβ + bβ²)/2): n! k! times its α^n β^k coefficient."""
    if (n + k) % 2:
        return sp.S.Zero
    half = (n + k) // 2
    form = cov[0] * alpha**2 / 2 + cov[2] * alpha * beta + cov[1] * beta**2 / 2
    power = sp.Poly(sp.expand(form**half), alpha, beta)
    return sp.expand(sp.factorial(n) * sp.factorial(k) / sp.factorial(half) * power.coeff_monomial(alpha**n * beta**k))


def polynomial_mean(expr: sp.Expr, cov: tuple[sp.Expr, sp.Expr, sp.Expr] = (a, b, c)) -> sp.Expr:
    """E of a polynomial in u and v."""
    terms = sp.Poly(sp.expand(expr), u, v).terms()
    return sp.expand(sum((value * moment(n, k, cov) for (n, k), value in terms), sp.S.Zero))


def independent_mean(expr: sp.Expr, variances: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """E of a polynomial in independent centred Gaussians with these variances, by E[x^n] = (n−1)!! variance^(n/2)."""
    symbols = list(variances)
    total = sp.S.Zero
    for powers, value in sp.Poly(sp.expand(expr), *symbols).terms():
        if any(n % 2 for n in powers):
            continue
        for symbol, n in zip(symbols, powers, strict=True):
            value *= sp.factorial2(n - 1) * variances[symbol] ** (n // 2)
        total += value
    return sp.expand(total)
