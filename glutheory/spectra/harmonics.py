"""Spherical harmonics on S^(d−1), as far as zonal kernels need them: dimensions, polynomials, means of powers.

With t the first coordinate of a uniform point and P_l the Gegenbauer polynomial with P_l(1) = 1, Rodrigues' formula
gives E_d[f(t) P_l(t)] = E_{d+2l}[f^(l)(t)] / (2^l (d/2)_l) (Müller 1998, Section 1.4), so that for a power

    E_d[t^k P_l] = k!/(k−l)! · (1/2)_j / (2^l (d/2)_l (d/2+l)_j),   k = l + 2j, and 0 for other k.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from numbers import Integral
from typing import Any

from glutheory.errors import DomainError


def integer(name: str, value: Any, least: int) -> int:
    """The argument of this name as an int.

    Raises:
        DomainError: it is not an integer, or below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise DomainError(f"{name} is {value!r}: give an integer of at least {least}.")
    return int(value)


def multiplicity(d: int, level: int) -> int:
    """The dimension of the spherical harmonics of this level on S^(d−1): 1, d, (d−1)(d+2)/2 and so on.

    Raises:
        DomainError: d is not an integer ≥ 1, or level not one ≥ 0.
    """
    d, level = integer("d", d, 1), integer("level", level, 0)
    lower = math.comb(level + d - 3, d - 1) if level >= 2 else 0
    return math.comb(level + d - 1, d - 1) - lower


@lru_cache(maxsize=65536)
def power_mean(k: int, level: int, d: int) -> Fraction:
    """E[t^k P_l(t)] over S^(d−1), exactly: what the term ρ^k of a kernel adds to the eigenvalue of level l."""
    if k < level or (k - level) % 2:
        return Fraction(0)
    j = (k - level) // 2
    numerator = math.prod(range(k - level + 1, k + 1)) * math.prod(range(1, 2 * j, 2))
    # 2^l (d/2)_l (d/2+l)_j with the halves of (1/2)_j moved below
    return Fraction(numerator, math.prod(range(d, d + 2 * (level + j), 2)))


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
