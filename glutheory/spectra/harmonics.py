"""Spherical harmonics on S^(d−1), as far as zonal kernels need them: dimensions, polynomials, exact means.

With t the first coordinate of a uniform point and P_l the Gegenbauer polynomial with P_l(1) = 1, Rodrigues' formula
gives E_d[f(t) P_l(t)] = E_{d+2l}[f^(l)(t)] / (2^l (d/2)_l) (Müller 1998, Section 1.4), so that for a power

    E_d[t^k P_l] = k!/(k−l)! · (1/2)_j / (2^l (d/2)_l (d/2+l)_j),   k = l + 2j, and 0 for other k.

Kernels that are a `Polynomial` in ρ, √(1−ρ²) and arccos ρ have exact means too; those of the ReLU family, the monomials
and the steps are: with ρ = cos θ a kernel is Σ θ^p cosᵃθ sinᵇθ with coefficients in ℚ[π, 1/π], and
∫₀^π θ^p cosᵃθ sinᵇθ dθ is in ℚ[π]: the product is a Fourier sum, and ∫ θ^p cos kθ, ∫ θ^p sin kθ follow by parts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any

import sympy as sp

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer

#: A number in ℚ[π, 1/π]: exponent of π -> coefficient.
PiSum = Mapping[int, Fraction]
_THETA, _COS, _SIN, _PI = sp.symbols("theta cos sin pi_")
#: Powers of the sine in a denominator, and of π, that a kernel may have.
_POLES, _PIS = 3, 8


def multiplicity(d: int, level: int) -> int:
    """The dimension of the spherical harmonics of this level on S^(d−1): 1, d, (d−1)(d+2)/2 and so on.

    Raises:
        DomainError: d is not an integer ≥ 1, or level not one ≥ 0.
    """
    d, level = integer("d", d, 1), integer("level", level, 0)
    lower = math.comb(level + d - 3, d - 1) if level >= 2 else 0
    return math.comb(level + d - 1, d - 1) - lower


@lru_cache(maxsize=4096)
def gegenbauer(level: int, d: int) -> tuple[Fraction, ...]:
    """The coefficients of P_l, ascending, with P_l(1) = 1, for the sphere S^(d−1), d ≥ 2."""
    previous: tuple[Fraction, ...] = (Fraction(1),)
    current: tuple[Fraction, ...] = (Fraction(0), Fraction(1))
    if level == 0:
        return previous
    for n in range(1, level):
        # (n + d − 2) P_{n+1} = (2n + d − 2) t P_n − n P_{n−1}
        following = [Fraction(0), *((2 * n + d - 2) * x for x in current)]
        for i, x in enumerate(previous):
            following[i] -= n * x
        previous, current = current, tuple(x / (n + d - 2) for x in following)
    return current


@lru_cache(maxsize=65536)
def power_mean(k: int, level: int, d: int) -> Fraction:
    """E[t^k P_l(t)] over S^(d−1), exactly: what the term ρ^k of a kernel adds to the eigenvalue of level l."""
    if k < level or (k - level) % 2:
        return Fraction(0)
    j = (k - level) // 2
    numerator = math.prod(range(k - level + 1, k + 1)) * math.prod(range(1, 2 * j, 2))
    # 2^l (d/2)_l (d/2+l)_j with the halves of (1/2)_j moved below
    return Fraction(numerator, math.prod(range(d, d + 2 * (level + j), 2)))


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
