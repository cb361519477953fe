"""Monomials and the ReLU family: S = (r r')^p k(ρ), so r ∂S/∂r = p S and only k, k' and k'' are needed.

With ψ = π − θ: 2π k is ψ for the step, sin θ + ψ cos θ for ReLU, 3 sin θ cos θ + ψ (1 + 2 cos² θ) for its square (Cho
& Saul 2009). Each is, up to a factor p², the derivative of the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from glutheory.numeric.arrays import Array
from glutheory.numeric.derivatives.partials import Partials, Slope
from glutheory.numeric.dual import radii
from glutheory.numeric.pairs import Geometry

_PI2 = 2 * math.pi

#: Of pairs, and of whether k'' is wanted: k, k' and k''.
Profile = Callable[[Geometry, bool], tuple[Array, Array, Array]]


def _slope(degree: int, profile: Profile, jumps: bool = False) -> Slope:
    def partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
        k, k1, k2 = profile(pairs, second)
        if degree == 0:
            none = 0.0 * pairs.rho
            return Partials(k, k1, k2, none, none, none, none)
        grown, grown1 = (k, k1) if degree == 1 else (degree * k, degree * k1)
        return Partials(k, k1, k2, grown, grown1, grown, grown1)

    return Slope(degree, radii, partials, jumps)


def _identity(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    return pairs.rho, pairs.xp.ones_like(pairs.rho), pairs.xp.zeros_like(pairs.rho)


def _square(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    rho = pairs.rho
    return 1.0 + 2.0 * rho * rho, 4.0 * rho, 4.0 * pairs.xp.ones_like(rho)


def _cube(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    rho = pairs.rho
    square = rho * rho
    return rho * (9.0 + 6.0 * square), 9.0 + 18.0 * square, 36.0 * rho


def _step(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    sine = pairs.sin()
    density = 1.0 / (_PI2 * sine)
    k2 = pairs.rho * density / (sine * sine) if second else density
    return pairs.supplement(sine) * (1 / _PI2), density, k2


def _sign(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    _, k1, k2 = _step(pairs, second)
    return pairs.xp.atan2(pairs.rho, pairs.sin()) * (2 / math.pi), 4.0 * k1, 4.0 * k2


def _relu(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    sine = pairs.sin()
    psi = pairs.supplement(sine)
    k2 = 1.0 / (_PI2 * sine) if second else sine
    return (sine + psi * pairs.rho) * (1 / _PI2), psi * (1 / _PI2), k2


def _relu2(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    sine, rho = pairs.sin(), pairs.rho
    psi = pairs.supplement(sine)
    k = (3.0 * sine * rho + psi * (1.0 + 2.0 * rho * rho)) * (1 / _PI2)
    return k, (sine + psi * rho) * (2 / math.pi), psi * (2 / math.pi)


def leaky(slope: float) -> Slope:
    """max(0, z) + slope·min(0, z) = slope·z + (1 − slope)·relu(z): relu at 0, |z| at −1."""
    if slope == 0:
        return _slope(1, _relu)
    weight = (1.0 - slope) ** 2

    def profile(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
        k, k1, k2 = _relu(pairs, second)
        return weight * k + slope * pairs.rho, weight * k1 + slope, weight * k2

    return _slope(1, profile)


IDENTITY = _slope(1, _identity)
MONOMIAL2 = _slope(2, _square)
MONOMIAL3 = _slope(3, _cube)
RELU2 = _slope(2, _relu2)
STEP = _slope(0, _step, jumps=True)
SIGN = _slope(0, _sign, jumps=True)
