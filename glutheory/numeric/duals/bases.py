"""The three functions behind the logistic family, of z = q x with x ~ N(0, 1) and x ≥ 0 (each is odd or even).

    tanh z          sigmoid(z) = 1/2 + tanh(z/2)/2
    x tanh z        silu(z) = z/2 + (z/2) tanh(βz/2)
    log(2 cosh z)   softplus(z) = z/2 + log(2 cosh(z/2))

Each tends to a function with a kink or a jump at 0, the `limit`, exponentially fast in z.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from glutheory.numeric.arrays import Array, Namespace

#: (xp, x, q) to the values there.
Profile = Callable[[Namespace, Array, Array], Array]

#: Number of coefficients kept: the degrees are parity, parity + 2, …
TERMS = 80


@dataclass(frozen=True)
class Base:
    """One of the functions above.

    Attributes:
        parity: 0 for even, 1 for odd.
        value: f(q x) − `offset` for x ≥ 0, with small relative error also where q is small.
        offset: f(0).
        residual, slope: f(q x) minus its limit, and d f(q x)/dx.
        limit, slope_limit: the limit and its derivative.
        growth: the limit is the same function for all q (0), or proportional to q (1).
        slope_norm: E of the squared derivative of the limit, over q^(2 growth), its jump left out.
    """

    parity: int
    value: Profile
    offset: float
    residual: Profile
    slope: Profile
    limit: Profile
    slope_limit: Profile
    growth: int
    slope_norm: float

    def degrees(self) -> list[int]:
        """The degrees of the coefficients."""
        return [self.parity + 2 * j for j in range(TERMS)]

    def limit_coefficients(self) -> list[float]:
        """Orthonormal Hermite coefficients of sign(x) or |x|, from the series of the arcsine; over q^growth."""
        found = [] if self.parity else [math.sqrt(2 / math.pi)]
        for m in range(TERMS):
            square = 2 / math.pi * math.comb(2 * m, m) / 4**m / (2 * m + 1)
            if not self.parity:
                square /= 2 * m + 2
            found.append((-1) ** m * math.sqrt(square))
        return found[:TERMS]


def _decay(xp: Namespace, x: Array, q: Array) -> Array:
    return xp.exp(-2.0 * (q * x))


def _tanh(xp: Namespace, x: Array, q: Array) -> Array:
    return -xp.expm1(-2.0 * (q * x)) / (1.0 + _decay(xp, x, q))


def _tanh_residual(xp: Namespace, x: Array, q: Array) -> Array:
    e = _decay(xp, x, q)
    return -2.0 * e / (1.0 + e)


def _sech2(xp: Namespace, x: Array, q: Array) -> Array:
    e = _decay(xp, x, q)
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def _one(xp: Namespace, x: Array, q: Array) -> Array:
    return xp.ones_like(q * x)


TANH = Base(
    parity=1,
    value=_tanh,
    offset=0.0,
    residual=_tanh_residual,
    slope=lambda xp, x, q: q * _sech2(xp, x, q),
    limit=_one,
    slope_limit=lambda xp, x, q: xp.zeros_like(q * x),
    growth=0,
    slope_norm=0.0,
)
X_TANH = Base(
    parity=0,
    value=lambda xp, x, q: x * _tanh(xp, x, q),
    offset=0.0,
    residual=lambda xp, x, q: x * _tanh_residual(xp, x, q),
    slope=lambda xp, x, q: _tanh(xp, x, q) + q * x * _sech2(xp, x, q),
    limit=lambda xp, x, q: x + 0.0 * q,  # noqa: ARG005
    slope_limit=_one,
    growth=0,
    slope_norm=1.0,
)
LOG_COSH = Base(
    parity=0,
    value=lambda xp, x, q: xp.log1p(2.0 * xp.sinh(0.5 * (q * x)) ** 2),
    offset=math.log(2.0),
    residual=lambda xp, x, q: xp.log1p(_decay(xp, x, q)),
    slope=lambda xp, x, q: q * _tanh(xp, x, q),
    limit=lambda xp, x, q: q * x,  # noqa: ARG005
    slope_limit=lambda xp, x, q: q + 0.0 * x,  # noqa: ARG005
    growth=1,
    slope_norm=1.0,
)
