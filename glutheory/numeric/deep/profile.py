"""What an activation does to a correlation where both units have the same variance: two functions of one variable.

For (u, v) of variance a and correlation ρ, with t = √(1 − |ρ|) and ρ' the correlation of the images,

    ρ'(ρ) = S(a, a, aρ)/S(a, a, a)          slope(ρ) = dρ'/dρ = a T(a, a, aρ)/S(a, a, a)

The slope is a smooth function of t on [0, 1], for each sign of ρ, kinks included: to (0, t) belong the angles from 0.
What is subtracted nowhere is 1 − ρ': it is the integral of the slope,

    1 − ρ'(1 − t²) = ∫_0^t slope 2τ dτ = t² q(t)

so that it has its digits however close to each other two rows are. At the other end, ρ = −1 + t², the integral is added
to 1 + ρ'(−1) or taken from 1 − ρ'(−1), whichever is the smaller; it is 0 where φ is odd or even. Where φ jumps the
slope is infinite at t = 0, and t·slope takes its place, with t q(t).

For φ homogeneous of degree p the same holds for any two variances, S being (r r')^p times a function of ρ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import array_api_compat.numpy as xp
import mpmath
import numpy as np
import sympy as sp

from glutheory.activations import Activation, Z
from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.deep.panels import Panels, resolve
from glutheory.numeric.duals import Dual, evaluator
from glutheory.numeric.pairs import NEAR, Geometry, Radii

#: What the values at ρ = 0, from both ends and by the evaluator itself, may differ by.
_AGREES = 3e-13
#: Where a function is looked at to see its parity and its degree, and how far apart two values are different.
_PLACES = ("0.3781", "1.1192", "2.5433", "4.0171")
_NOTHING = mpmath.mpf(10) ** -35
#: The highest degree of homogeneity that is looked for.
_HIGHEST = 6


@dataclass(frozen=True, eq=False)
class Profile:
    """The functions above for one activation and one variance.

    Attributes:
        size: S(a, a, a).
        mean: E[φ(u)] up to its sign.
        order: the power of t next to q: 2, or 1 where φ jumps.
        slopes: of both signs of ρ, plus first: the slope, or t·slope where φ jumps.
        gaps: of both signs, q.
        end: the smaller one of 1 − ρ' and 1 + ρ' at ρ = −1.
        opposite: whether that is 1 + ρ'.
    """

    size: float
    mean: float
    order: int
    slopes: tuple[Panels, Panels]
    gaps: tuple[Panels, Panels]
    end: float
    opposite: bool


@lru_cache(maxsize=256)
def degree(act: Activation) -> int | None:
    """The p with φ(s z) = s^p φ(z) for all s > 0, or None."""
    with mpmath.workdps(45):
        function = sp.lambdify(Z, act.expr, "mpmath")
        places = [sign * mpmath.mpf(place) for place in _PLACES for sign in (1, -1)]
        for power in range(_HIGHEST + 1):
            if all(_alike(function(s * z), s**power * function(z)) for z in places for s in map(mpmath.mpf, _PLACES)):
                return power
    return None


@lru_cache(maxsize=256)
def profile(act: Activation, variance: Fraction | float) -> Profile:
    """The profile of an activation at a variance > 0.

    Raises:
        DomainError: an activation whose second moment diverges there or cannot be had in float64, or whose values from
            two sides do not agree.
    """
    dual = evaluator(act)
    view = _View(dual, variance)
    size, other = view.ends()
    if not (size > 0 and math.isfinite(size)):
        raise DomainError(
            f"{act.label} has the second moment {size:.3g} at a variance of {float(variance):.4g}: scale the layers so "
            "that it is finite and not zero."
        )
    order = 1 if dual.jumps else 2
    slopes, gaps = [], []
    for sign in (1.0, -1.0):

        def slope(t: Array, sign: float = sign) -> Array:
            return view.slope(sign, t) * t ** (2 - order) / size

        found = resolve(slope, act.label)
        slopes.append(found)
        gaps.append(found.averaged(order))
    odd, even = parity(act)
    lower, upper = 1.0 - other / size, 1.0 + other / size
    opposite = odd or (not even and upper <= lower)
    end = 0.0 if odd or even else upper if opposite else lower
    power = float(variance) ** dual.degree
    made = Profile(
        size * power,
        0.0 if odd else view.mean() * math.sqrt(power),
        order,
        (slopes[0], slopes[1]),
        (gaps[0], gaps[1]),
        end,
        opposite,
    )
    middle = [1.0 - float(gaps[0](np.ones(1))[0])]
    rest = end + (1.0 if opposite else -1.0) * float(gaps[1](np.ones(1))[0])
    middle += [rest - 1.0 if opposite else 1.0 - rest, view.value(0.0) / size]
    if max(middle) - min(middle) > _AGREES:
        raise DomainError(
            f"the correlations of {act.label} at a variance of {float(variance):.4g} cannot be had to 12 digits: from "
            f"three sides they differ by {max(middle) - min(middle):.1e} at right angles."
        )
    return made


class _View:
    """The evaluator at pairs of two units of one variance."""

    def __init__(self, dual: Dual, variance: Fraction | float) -> None:
        self._dual, exact = dual, Fraction(variance)
        high = float(exact)
        low = float(exact - Fraction(high))
        side = Radii(xp, np.array([math.sqrt(high)]), lambda: (np.array([high]), np.array([low])))
        with np.errstate(all="ignore"):
            self._features = dual.features(side)
            self._limit = min(NEAR, dual.limit(self._features, self._features))

    def _values(self, pairs: Geometry) -> tuple[Array, Array]:
        features = np.broadcast_to(self._features, (self._features.shape[0], pairs.rho.shape[0]))
        with np.errstate(all="ignore"):
            s, t, factor = self._dual.values(pairs, features, features)
        return (s, t) if factor is None else (s * factor, t * factor)

    def _pairs(self, sign: float, t: Array, near: bool) -> Geometry:
        square = t * t
        rho = sign * (1.0 - square)
        if not near:
            return Geometry(xp, rho, False, float(np.max(np.abs(rho))))
        return Geometry(xp, rho, True, 1.0, t * np.sqrt(2.0 - square), -square)

    def slope(self, sign: float, t: Array) -> Array:
        """∂S/∂ρ over a^degree at ρ = sign·(1 − t²), 0 < t < 1."""
        result = np.empty_like(t)
        close = 1.0 - t * t > self._limit
        for some, near in ((close, True), (~close, False)):
            if some.any():
                pairs = self._pairs(sign, t[some], near)
                result[some] = self._values(pairs)[1] / pairs.rho
        return result

    def ends(self) -> tuple[float, float]:
        """S over a^degree at ρ = 1 and at ρ = −1."""
        nothing = np.zeros(1)
        first, last = (float(self._values(self._pairs(sign, nothing, True))[0][0]) for sign in (1.0, -1.0))
        return first, last

    def value(self, rho: float) -> float:
        """S over a^degree at a far pair."""
        return float(self._values(Geometry(xp, np.array([rho]), False, abs(rho)))[0][0])

    def mean(self) -> float:
        """The size of E[φ(u)] over a^(degree/2), the root of S at ρ = 0."""
        return math.sqrt(max(0.0, self.value(0.0)))


def parity(act: Activation) -> tuple[bool, bool]:
    """Whether φ is odd, and whether it is even."""
    with mpmath.workdps(45):
        function = sp.lambdify(Z, act.expr, "mpmath")
        values = [(function(mpmath.mpf(place)), function(-mpmath.mpf(place))) for place in _PLACES]
        odd, even = (all(_alike(one, sign * other) for one, other in values) for sign in (-1, 1))
    return odd, even


def _alike(one: mpmath.mpf, other: mpmath.mpf) -> bool:
    return bool(abs(one - other) <= _NOTHING * (abs(one) + abs(other)))
