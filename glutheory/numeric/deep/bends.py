"""How fast the slope of an activation's map of correlations changes: a third function of `profile`'s one variable.

    bend(ρ) = d slope/dρ = a² E[φ''(u) φ''(v)]/S(a, a, a)

At t = 0 it is infinite where φ has a kink, like 1/t, and where φ jumps, like 1/t³; so t·bend, or t³·bend, is tabulated,
which is smooth in t. It comes from the evaluators' own derivatives, for differences of the slopes would lose digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import array_api_compat.numpy as numpy_xp
import numpy as np

from glutheory.activations import Activation
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.panels import resolve
from glutheory.numeric.deep.table import Places, look_up, on_cells
from glutheory.numeric.duals import Dual, evaluator
from glutheory.numeric.pairs import NEAR, Geometry, Radii

#: What cells may lose of the largest value, and what counts as resolved where the evaluator is rounded itself.
_LOST, _ROUGH = 1e-14, 3e-12


@dataclass(frozen=True, eq=False)
class Bends:
    """The function on cells.

    Attributes:
        power: of t that is multiplied with the bend: 1, or 3 where φ jumps.
        cells: their number for one sign of ρ.
        rows: the polynomials, as in `table.Table`.
    """

    power: int
    cells: int
    rows: Array

    def __call__(self, xp: Namespace, at: Places) -> Array:
        """The bends at these places; 0 where t is 0: the mean of both sides of the cusp."""
        ends = at.t == 0
        value = look_up(xp, self.rows, at) / xp.where(ends, xp.ones_like(at.t), at.t) ** self.power
        return xp.where(ends, xp.zeros_like(value), value)


@lru_cache(maxsize=256)
def bends(act: Activation, variance: Fraction | float) -> Bends:
    """The bends of an activation at a variance.

    Raises:
        DomainError: an activation without derivatives, or one whose derivatives change too fast.
    """
    dual = evaluator(act)
    power = 3 if dual.jumps else 1
    view = _View(dual, variance)
    both = [resolve(partial(_scaled, view, sign, power), act.label, rough=_ROUGH) for sign in (1.0, -1.0)]
    cells, rows = on_cells((both[0], both[1]), _LOST, f"the gradient of the kernel of {act.label}", variance)
    return Bends(power, cells, rows)


class _View:
    """∂²S/∂ρ² over S(a, a, a) at pairs of two units of one variance."""

    def __init__(self, dual: Dual, variance: Fraction | float) -> None:
        exact = Fraction(variance)
        high = float(exact)
        low = float(exact - Fraction(high))
        side = Radii(numpy_xp, np.array([math.sqrt(high)]), lambda: (np.array([high]), np.array([low])))
        with np.errstate(all="ignore"):
            self._dual, self._features = dual, (dual.slope_features or dual.features)(side)
            self._size = self._partials(_pairs(1.0, np.zeros(1), True))[0][0]

    def _partials(self, pairs: Geometry) -> tuple[Array, Array]:
        features = np.broadcast_to(self._features, (self._features.shape[0], pairs.rho.shape[0]))
        with np.errstate(all="ignore"):
            found = self._dual.partials(pairs, features, features, True)
        factor = 1.0 if found.factor is None else found.factor
        return found.s * factor, found.s_rho2 * factor

    def __call__(self, sign: float, t: Array) -> Array:
        """At ρ = sign·(1 − t²), 0 < t < 1."""
        result = np.empty_like(t)
        close = 1.0 - t * t > NEAR
        for some, near in ((close, True), (~close, False)):
            if some.any():
                result[some] = self._partials(_pairs(sign, t[some], near))[1]
        return result / self._size


def _scaled(view: _View, sign: float, power: int, t: Array) -> Array:
    return view(sign, t) * t**power


def _pairs(sign: float, t: Array, near: bool) -> Geometry:
    square = t * t
    rho = sign * (1.0 - square)
    if not near:
        return Geometry(numpy_xp, rho, False, float(np.max(np.abs(rho))))
    return Geometry(numpy_xp, rho, True, 1.0, t * np.sqrt(2.0 - square), -square)
