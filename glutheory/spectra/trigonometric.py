"""Exact means over the sphere of kernels that are polynomials in ρ, √(1−ρ²) and arccos ρ.

Those of the ReLU family, the monomials and the steps are: with ρ = cos θ a kernel is Σ θ^p cosᵃθ sinᵇθ with
coefficients in ℚ[π, 1/π], and ∫₀^π θ^p cosᵃθ sinᵇθ dθ is in ℚ[π]: the product is a Fourier sum, and ∫ θ^p cos kθ,
∫ θ^p sin kθ follow by parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any

import sympy as sp

from glutheory.errors import DomainError

#: A number in ℚ[π, 1/π]: exponent of π -> coefficient.
PiSum = Mapping[int, Fraction]

_THETA, _COS, _SIN, _PI = sp.symbols("theta cos sin pi_")
#: Powers of the sine in a denominator, and of π, that a kernel may have.
_POLES, _PIS = 3, 8


@dataclass(frozen=True)
class Polynomial:
    """Σ coefficient · θ^p cosᵃθ sinᵇθ π^k, as ``((p, a, b, k), coefficient)`` pairs."""

    terms: tuple[tuple[tuple[int, int, int, int], Fraction], ...]

    def mean(self, d: int, weight: tuple[Fraction, ...]) -> PiSum:
        """The mean over S^(d−1), d ≥ 2, of this times the polynomial Σ weight_j cosʲθ.

        Raises:
            DomainError: the mean does not exist.
        """
        total: defaultdict[int, Fraction] = defaultdict(Fraction)
        for (p, a, b, k), value in self.terms:
            if b + d - 2 < 0:
                raise DomainError(f"d is {d}: this kernel is not integrable on that sphere; take d of 3 or more.")
            for j, factor in enumerate(weight):
                if factor:
                    for power, part in _integral(p, a + j, b + d - 2).items():
                        total[power + k] += value * factor * part
        # the measure of the sphere in θ is a rational number, for even d times π
        ((power, norm),) = _integral(0, 0, d - 2).items()
        return {exponent - power: value / norm for exponent, value in sorted(total.items()) if value}


@lru_cache(maxsize=4096)
def _integral(p: int, a: int, b: int) -> dict[int, Fraction]:
    """∫₀^π θ^p cosᵃθ sinᵇθ dθ as a polynomial in π."""
    total: defaultdict[int, Fraction] = defaultdict(Fraction)
    sine = b % 2
    scale = Fraction((-1) ** (b // 2), 2 ** (a + b))
    for r, q in enumerate(_binomials(a, b)):
        k = a + b - 2 * r
        sign = -1 if sine and k < 0 else 1
        for power, value in _moment(p, abs(k), bool(sine)).items():
            total[power] += scale * sign * q * value
    return {power: value for power, value in total.items() if value}


@lru_cache(maxsize=1024)
def _binomials(a: int, b: int) -> tuple[int, ...]:
    """The coefficients of (1+x)ᵃ (1−x)ᵇ."""
    first, second = [comb(a, i) for i in range(a + 1)], [(-1) ** i * comb(b, i) for i in range(b + 1)]
    result = [0] * (a + b + 1)
    for i, x in enumerate(first):
        for j, y in enumerate(second):
            result[i + j] += x * y
    return tuple(result)


@lru_cache(maxsize=65536)
def _moment(p: int, k: int, sine: bool) -> dict[int, Fraction]:
    """∫₀^π θ^p sin kθ dθ or ∫₀^π θ^p cos kθ dθ, k ≥ 0, as a polynomial in π."""
    if k == 0:
        return {} if sine else {p + 1: Fraction(1, p + 1)}
    if not sine:
        return {power: -value * p / k for power, value in _moment(p - 1, k, True).items()} if p else {}
    result: defaultdict[int, Fraction] = defaultdict(Fraction)
    result[p] -= Fraction((-1) ** k, k)
    if p == 0:
        result[0] += Fraction(1, k)
    else:
        for power, value in _moment(p - 1, k, False).items():
            result[power] += value * p / k
    return dict(result)


def polynomial(kernel: sp.Expr, rho: sp.Symbol) -> Polynomial | None:
    """The kernel in this form, or None where it is not a polynomial in ρ, √(1−ρ²), 1/√(1−ρ²) and arcsin ρ over ℚ(π)."""
    expr = kernel.subs({sp.asin(rho): sp.pi / 2 - _THETA, sp.acos(rho): _THETA}).subs(sp.sqrt(1 - rho**2), _SIN)
    expr = sp.expand(expr.subs({rho: _COS, sp.pi: _PI}) * _SIN**_POLES * _PI**_PIS)
    try:
        poly: Any = sp.Poly(expr, _THETA, _COS, _SIN, _PI, domain="QQ")
    except (sp.PolynomialError, sp.CoercionFailed):
        return None
    return Polynomial(
        tuple(
            ((p, a, b - _POLES, k - _PIS), Fraction(int(value.p), int(value.q))) for (p, a, b, k), value in poly.terms()
        )
    )
