"""Monomials, the ReLU family and its derivatives: homogeneous, S = (r r')^p k(ρ), so functions of the angle alone.

Source: Cho & Saul 2009 for ReLU^k. With ψ = π − θ, 2π k is ψ for the step, sin θ + ψ cos θ for ReLU and
3 sin θ cos θ + ψ (1 + 2 cos² θ) for its square; each is, up to a factor p², the derivative of the next. Near ρ = −1
these are ψ³/3 and 2ψ⁵/15 to leading order, so nearly opposite rows take the power series in ψ. Euler's theorem gives
r ∂S/∂r = p S, so that k, k' and k'' are all that derivatives need.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from glutheory.numeric.arrays import Array
from glutheory.numeric.duals import far
from glutheory.numeric.duals.far import Loop
from glutheory.numeric.duals.record import ALL, Dual, Partials, Values, radii
from glutheory.numeric.pairs import Geometry

#: Of pairs, and of whether k'' is wanted: k, k' and k''.
Profile = Callable[[Geometry, bool], tuple[Array, Array, Array]]

_PI2 = 2 * math.pi
#: Below this ψ the series is used; above, the closed forms lose at most a factor 3/ψ⁴·15/4 < 1e3 of relative accuracy.
_SERIES = 0.5
_TERMS = 12
# sin ψ − ψ cos ψ and 3ψ − … of relu2, term by term from the series of sine and cosine
_FIRST = [(-1.0) ** (k + 1) * 2 * k / math.factorial(2 * k + 1) for k in range(1, _TERMS)]
_SECOND = [(-1.0) ** k * 4.0**k * (2 * k - 2) / math.factorial(2 * k + 1) for k in range(2, _TERMS)]


def _series(psi: Array, coefficients: list[float], power: int) -> Array:
    """ψ^power Σ_k coefficients_k ψ^(2k)."""
    square = psi * psi
    total = 0.0 * psi
    for value in reversed(coefficients):
        total = total * square + value
    return total * psi**power


def _with_series(pairs: Geometry, psi: Array, closed: Array, coefficients: list[float], power: int) -> Array:
    """The closed form, replaced by the series where the rows are nearly opposite."""
    if not pairs.near:
        return closed
    small = pairs.xp.where(psi < _SERIES, psi, 0.0 * psi)
    return pairs.xp.where(psi < _SERIES, _series(small, coefficients, power), closed)


def _angles(pairs: Geometry) -> tuple[Array, Array]:
    """Sin θ and ψ."""
    sine = pairs.sin()
    return sine, pairs.supplement(sine)


def _once(pairs: Geometry, sine: Array, psi: Array) -> tuple[Array, Array]:
    """2π k and 2π ρ k' of relu; the caller may overwrite both."""
    s, t = far.relu(pairs.rho, sine, psi)
    return _with_series(pairs, psi, s, _FIRST, 3), t


def _twice(pairs: Geometry, sine: Array, psi: Array) -> Array:
    """2π k of relu2."""
    return _with_series(pairs, psi, far.relu2(pairs.rho, sine, psi), _SECOND, 5)


def _relu_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    s, t = _once(pairs, *_angles(pairs))
    s *= 1 / _PI2
    t *= 1 / _PI2
    return Values(s, t)


def _relu(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    sine, psi = _angles(pairs)
    k, _ = _once(pairs, sine, psi)
    k2 = 1.0 / (_PI2 * sine) if second else sine
    return k * (1 / _PI2), psi * (1 / _PI2), k2


def _relu2_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    angles = _angles(pairs)
    first, _ = _once(pairs, *angles)
    return Values(_twice(pairs, *angles) * (1 / _PI2), first * pairs.rho * (2 / math.pi))


def _relu2(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    sine, psi = _angles(pairs)
    first, _ = _once(pairs, sine, psi)
    return _twice(pairs, sine, psi) * (1 / _PI2), first * (2 / math.pi), psi * (2 / math.pi)


def leaky(slope: float) -> Dual:
    """max(0, z) + slope·min(0, z) = slope·z + (1 − slope)·relu(z): relu at 0, |z| at −1."""
    loop = Loop("leaky", ((1.0 - slope) ** 2 / _PI2, slope))
    if slope == 0:
        return _dual(1, _relu, _relu_values, loop=loop)
    weight = (1.0 - slope) ** 2

    def values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
        s, t = _once(pairs, *_angles(pairs))
        linear = slope * pairs.rho
        return Values(weight / _PI2 * s + linear, weight / _PI2 * t + linear)

    def profile(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
        k, k1, k2 = _relu(pairs, second)
        return weight * k + slope * pairs.rho, weight * k1 + slope, weight * k2

    return _dual(1, profile, values, loop=loop)


def _identity(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:  # noqa: ARG001
    return pairs.rho, pairs.xp.ones_like(pairs.rho), pairs.xp.zeros_like(pairs.rho)


def _identity_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    return Values(pairs.rho, pairs.rho)


def _square_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    return Values(*far.square(pairs.rho))


def _cube_values(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
    return Values(*far.cube(pairs.rho))


def _square(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    rho = pairs.rho
    k1 = 4.0 * rho
    return 1.0 + 2.0 * rho * rho, k1, 4.0 * pairs.xp.ones_like(rho) if second else k1


def _cube(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    rho = pairs.rho
    square = rho * rho
    return rho * (9.0 + 6.0 * square), 9.0 + 18.0 * square, 36.0 * rho if second else square


def _density(pairs: Geometry, sine: Array, height: float, second: bool) -> tuple[Array, Array]:
    """E[δ(u) δ(v)] = 1/(2π √(ab) sin θ) times the height squared, infinite at ρ = ±1, and its derivative along ρ."""
    density = (height * height / _PI2) / sine
    return density, pairs.rho * density / (sine * sine) if second else density


def _step(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    sine, psi = _angles(pairs)
    return psi * (1 / _PI2), *_density(pairs, sine, 1.0, second)


def _sign(pairs: Geometry, second: bool) -> tuple[Array, Array, Array]:
    sine = pairs.sin()
    return pairs.xp.atan2(pairs.rho, sine) * (2 / math.pi), *_density(pairs, sine, 2.0, second)


def _dual(
    degree: int,
    profile: Profile,
    values: Callable[[Geometry, Array, Array], Values] | None = None,
    *,
    jumps: bool = False,
    loop: Loop | None = None,
) -> Dual:
    """The evaluator; `values` where s = k and t = ρ k' can be had for less than k and k'."""

    def of_profile(pairs: Geometry, left: Array, right: Array) -> Values:  # noqa: ARG001
        k, k1, _ = profile(pairs, False)
        return Values(k, pairs.rho * k1)

    def partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
        k, k1, k2 = profile(pairs, second)
        if degree == 0:
            none = 0.0 * pairs.rho
            return Partials(k, k1, k2, none, none, none, none)
        grown, grown1 = (k, k1) if degree == 1 else (degree * k, degree * k1)
        return Partials(k, k1, k2, grown, grown1, grown, grown1)

    return Dual(degree, radii, values or of_profile, partials, jumps=jumps, loop=loop, largest=math.inf)


IDENTITY = replace(
    _dual(1, _identity, _identity_values, loop=Loop("identity")),
    limit=lambda left, right: ALL,  # noqa: ARG005
)

DUALS: dict[str, Dual | Callable[[float], Dual]] = {
    "identity": IDENTITY,
    "monomial2": _dual(2, _square, _square_values, loop=Loop("square")),
    "monomial3": _dual(3, _cube, _cube_values, loop=Loop("cube")),
    "step": _dual(0, _step, jumps=True, loop=Loop("step")),
    "sign": _dual(0, _sign, jumps=True, loop=Loop("sign")),
    "abs": leaky(-1.0),
    "relu": leaky(0.0),
    "leaky_relu": leaky,
    "relu2": _dual(2, _relu2, _relu2_values, loop=Loop("relu2")),
}
