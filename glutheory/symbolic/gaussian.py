"""Elementary Gaussian expectations: where Price's differentiation ends and the integration back begins.

(u, v) ~ N(0, [[a, c], [c, b]]); N_s is the N(0, s²) density and N_s^(i) its i-th derivative (of the delta function at
s = 0). Rational coefficients live in the field `FIELD` = ℚ(a, b, σ, τ) with σ = s², τ = t²: exact, canonical and
fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial
from typing import Any

import sympy as sp
from sympy.polys.domains import QQ
from sympy.polys.fields import field

from glutheory.ground.normal_form import ExpQuad

a, b = sp.symbols("a b", positive=True)
c = sp.Symbol("c", real=True)
#: ab − c², given as an input of its own where a formula is evaluated: no cancellation as ρ → ±1.
DELTA = sp.Symbol("delta", nonnegative=True)
#: Squared scales s², t² of the two kernels.
sigma, tau = sp.symbols("sigma tau", nonnegative=True)

FIELD, A_, B_, SIGMA_, TAU_ = field((a, b, sigma, tau), QQ)
Element = Any  # an element of FIELD; SymPy has no types for its sparse rational functions


def double_factorial(n: int) -> int:
    """N!! with (−1)!! = 1: the number of pairings of n + 1 objects."""
    return 1 if n <= 0 else n * double_factorial(n - 2)


def isserlis(n: int, m: int) -> list[tuple[int, int, int, int]]:
    """E[x^n y^m] = Σ count · Cxx^i · Cyy^j · Cxy^r over the rows (count, i, j, r) (Isserlis 1918)."""
    rows = []
    for r in range(min(n, m) + 1):
        if (n - r) % 2 == 0 and (m - r) % 2 == 0:
            count = comb(n, r) * comb(m, r) * factorial(r) * double_factorial(n - r - 1) * double_factorial(m - r - 1)
            rows.append((count, (n - r) // 2, (m - r) // 2, r))
    return rows


def pdf_pair(i: int, j: int) -> dict[int, Element]:
    """2π·D^((i+j+1)/2)·E[N_s^(i)(u) N_t^(j)(v)] as a polynomial in c, D = (a+σ)(b+τ) − c²: {power: coefficient}.

    The expectation is (−1)^(i+j) times a derivative at 0 of the density of (u + sξ, v + tη), a Gaussian with precision
    matrix [[b+τ, −c], [−c, a+σ]]/D; its derivatives at 0 are Isserlis moments of minus that matrix.
    """
    if (i + j) % 2:
        return {}
    polynomial: dict[int, Element] = {}
    for count, uu, vv, r in isserlis(i, j):
        polynomial[r] = count * (-(B_ + TAU_)) ** uu * (-(A_ + SIGMA_)) ** vv
    return polynomial


@dataclass(frozen=True)
class Scale:
    """The variance of one variable and the squared scale of its kernel, as elements of `FIELD`: (a, σ) or (b, τ)."""

    variance: Element
    square: Element

    @property
    def total(self) -> Element:
        """Their sum, a + σ or b + τ."""
        return self.variance + self.square


U, V = Scale(A_, SIGMA_), Scale(B_, TAU_)


def power_mean(n: int, scale: Scale) -> tuple[Element, Element]:
    """E[u^n] as (x, 0); see `cdf_mean`."""
    return (FIELD.zero if n % 2 else double_factorial(n - 1) * scale.variance ** (n // 2)), FIELD.zero


def pdf_mean(j: int, scale: Scale) -> tuple[Element, Element]:
    """E[N_s^(j)(u)] = y/√(2π(a+σ)) as (0, y); see `cdf_mean`."""
    if j % 2:
        return FIELD.zero, FIELD.zero
    return FIELD.zero, (-1) ** (j // 2) * double_factorial(j - 1) / scale.total ** (j // 2)


def cdf_mean(n: int, scale: Scale) -> tuple[Element, Element]:
    """E[u^n Φ(u/s)] = x + y/√(2π(a+σ)), as (x, y).

    Symmetry gives the even ones, E[u^n]/2; Stein's lemma E[u f(u)] = a E[f'(u)] the odd ones:
    E[u^n Φ] = a (n−1) E[u^(n−2) Φ] + a E[u^(n−1) N_s], and u under the density product has variance aσ/(a+σ).
    """
    if n % 2 == 0:
        return power_mean(n, scale)[0] / 2, FIELD.zero
    density = double_factorial(n - 2) * (scale.variance * scale.square / scale.total) ** ((n - 1) // 2)
    previous = cdf_mean(n - 2, scale)[1] if n >= 2 else FIELD.zero
    return FIELD.zero, scale.variance * ((n - 1) * previous + density)


def expquad_pair(n: int, first: ExpQuad, m: int, second: ExpQuad) -> sp.Expr:
    """E[u^n e^(−β₁u²+α₁u) · v^m e^(−β₂v²+α₂v)], by completing the square; never singular, not even at c² = ab."""
    p, q = 2 * first.beta, 2 * second.beta
    determinant = sp.expand((1 + p * a) * (1 + q * b) - p * q * c**2)
    gap = a * b - c**2
    uu, vv, uv = (a + q * gap) / determinant, (b + p * gap) / determinant, c / determinant
    alpha1, alpha2 = first.alpha, second.alpha
    mean_u, mean_v = uu * alpha1 + uv * alpha2, uv * alpha1 + vv * alpha2
    exponent = sp.expand(alpha1**2 * uu + 2 * alpha1 * alpha2 * uv + alpha2**2 * vv) / 2
    moment = sp.S.Zero
    for i in range(n + 1):
        for j in range(m + 1):
            shift = comb(n, i) * comb(m, j) * mean_u ** (n - i) * mean_v ** (m - j)
            moment += shift * sum(k * uu**x * vv**y * uv**r for k, x, y, r in isserlis(i, j))
    if p == 0 and q == 0:
        moment, exponent = sp.expand(moment), sp.expand(exponent)
    return moment * sp.exp(exponent) / sp.sqrt(determinant)


def expquad_mean(n: int, kernel: ExpQuad) -> sp.Expr:
    """E[u^n e^(−βu²+αu)], the case v = 0 of `expquad_pair`."""
    return sp.expand(expquad_pair(n, kernel, 0, ExpQuad()).subs({c: 0}))
