"""Monomials, the ReLU family and its derivatives: homogeneous, so s and t are functions of the angle alone.

Source: Cho & Saul 2009 for ReLU^k. With ψ = π − θ: relu has 2π s = sin θ + ψ cos θ, which is ψ³/3 near ρ = −1, so
nearly opposite rows take the power series in ψ.
"""

from __future__ import annotations

import math

from glutheory.numeric.arrays import Array
from glutheory.numeric.dual import Dual, Values, radii
from glutheory.numeric.pairs import Geometry

_PI2 = 2 * math.pi
#: Below this ψ the series is used; above, the closed forms lose at most a factor 3/ψ⁴·15/4 < 1e3 of relative accuracy.
_SERIES = 0.5
_TERMS = 12


def _series(psi: Array, coefficients: list[float], power: int) -> Array:
    """ψ^power Σ_k coefficients_k ψ^(2k)."""
    square = psi * psi
    total = 0.0 * psi
    for value in reversed(coefficients):
        total = total * square + value
    return total * psi**power


# sin ψ − ψ cos ψ and 3ψ − … of relu2, term by term from the series of sine and cosine
_FIRST = [(-1.0) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, _TERMS)]
_SECOND = [(-1.0) ** k * 4.0**k * (2 * k - 2) / math.factorial(2 * k + 1) for k in range(2, _TERMS)]


def _with_series(pairs: Geometry, psi: Array, closed: Array, coefficients: list[float], power: int) -> Array:
    """The closed form, replaced by the series where the rows are nearly opposite."""
    if not pairs.near:
        return closed
    small = pairs.xp.where(psi < _SERIES, psi, 0.0 * psi)
    return pairs.xp.where(psi < _SERIES, _series(small, coefficients, power), closed)


def _relu(pairs: Geometry) -> tuple[Array, Array]:
    """2π s and 2π t of relu; the caller may overwrite both."""
    sine = pairs.sin()
    psi = pairs.supplement(sine)
    t = psi * pairs.rho
    return _with_series(pairs, psi, sine + t, _FIRST, 3), t


def _relu_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    s, t = _relu(pairs)
    s *= 1 / _PI2
    t *= 1 / _PI2
    return Values(s, t)


def _relu2_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    first, _ = _relu(pairs)
    sine = pairs.sin()
    psi = pairs.supplement(sine)
    closed = 3.0 * sine * pairs.rho + psi * (1.0 + 2.0 * pairs.rho * pairs.rho)
    s = _with_series(pairs, psi, closed, _SECOND, 5)
    return Values(s * (1 / _PI2), first * pairs.rho * (2 / math.pi))


def leaky(slope: float) -> Dual:
    """max(0, z) + slope·min(0, z) = slope·z + (1 − slope)·relu(z): relu at 0, |z| at −1."""
    if slope == 0:
        return Dual(1, radii, _relu_values)
    weight = (1.0 - slope) ** 2 / _PI2

    def values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
        s, t = _relu(pairs)
        linear = slope * pairs.rho
        return Values(weight * s + linear, weight * t + linear)

    return Dual(1, radii, values)


def _identity_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    return Values(pairs.rho, pairs.rho)


def _square_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    square = pairs.rho * pairs.rho
    return Values(1.0 + 2.0 * square, 4.0 * square)


def _cube_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    square = pairs.rho * pairs.rho
    return Values(pairs.rho * (9.0 + 6.0 * square), pairs.rho * (9.0 + 18.0 * square))


def _step_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    sine = pairs.sin()
    # E[δ(u) δ(v)] = 1/(2π √(ab) sin θ): infinite at ρ = ±1
    return Values(pairs.supplement(sine) * (1 / _PI2), pairs.rho / sine * (1 / _PI2))


def _sign_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    sine = pairs.sin()
    return Values(pairs.xp.atan2(pairs.rho, sine) * (2 / math.pi), pairs.rho / sine * (2 / math.pi))


IDENTITY = Dual(1, radii, _identity_values)
MONOMIAL2 = Dual(2, radii, _square_values)
MONOMIAL3 = Dual(3, radii, _cube_values)
RELU2 = Dual(2, radii, _relu2_values)
STEP = Dual(0, radii, _step_values, jumps=True)
SIGN = Dual(0, radii, _sign_values, jumps=True)
