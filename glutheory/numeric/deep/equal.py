"""An evaluator's derivatives at pairs of two units of one variance, as functions of t = √(1 − |ρ|)."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import array_api_compat.numpy as xp
import numpy as np

from glutheory.activations import Activation
from glutheory.numeric.arrays import Array
from glutheory.numeric.duals import Partials, evaluator
from glutheory.numeric.pairs import NEAR, Geometry, Radii


class EqualPairs:
    """The derivatives of S, all over S(a, a, a).

    Attributes:
        growth: d log √S(a, a, a)/d log r.
        tilt: how much faster log |E[φ(u)]| grows with log r; 0 where the mean is 0.
        jumps: whether the slope is infinite at ρ = ±1.
    """

    def __init__(self, act: Activation, variance: Fraction | float) -> None:
        exact = Fraction(variance)
        high = float(exact)
        low = float(exact - Fraction(high))
        side = Radii(xp, np.array([math.sqrt(high)]), lambda: (np.array([high]), np.array([low])))
        dual = evaluator(act)
        self.jumps, self._dual, self._size = dual.jumps, dual, 1.0
        with np.errstate(all="ignore"):
            self._features = (dual.slope_features or dual.features)(side)
            same = self._partials(_pairs(1.0, np.zeros(1), True))
            self._size = float(same.s[0])
            self.growth = float((same.left + same.right)[0]) / (2.0 * self._size)
            flat = self._partials(Geometry(xp, np.zeros(1), False, 0.0))
            mean = float(flat.s[0])
            self.tilt = float((flat.left + flat.right)[0]) / (2.0 * mean) - self.growth if mean else 0.0

    def _partials(self, pairs: Geometry) -> Partials:
        features = np.broadcast_to(self._features, (self._features.shape[0], pairs.rho.shape[0]))
        with np.errstate(all="ignore"):
            found = self._dual.partials(pairs, features, features, True)
        factor = (1.0 if found.factor is None else found.factor) / self._size
        return Partials(*(part * factor for part in found[:7]))

    def at(self, sign: float, t: Array, pick: Callable[[Partials], Array]) -> Array:
        """What is picked of the derivatives at ρ = sign·(1 − t²), 0 < t < 1."""
        result = np.empty_like(t)
        close = 1.0 - t * t > NEAR
        for some, near in ((close, True), (~close, False)):
            if some.any():
                result[some] = pick(self._partials(_pairs(sign, t[some], near)))
        return result

    def opposite(self, pick: Callable[[Partials], Array]) -> float:
        """The same at ρ = −1."""
        return float(pick(self._partials(_pairs(-1.0, np.zeros(1), True)))[0])


def _pairs(sign: float, t: Array, near: bool) -> Geometry:
    square = t * t
    rho = sign * (1.0 - square)
    if not near:
        return Geometry(xp, rho, False, float(np.max(np.abs(rho))))
    return Geometry(xp, rho, True, 1.0, t * np.sqrt(2.0 - square), -square)
