"""How fast the slope of an activation's map of correlations changes: a third function of `profile`'s one variable.

    bend(ρ) = d slope/dρ = a² E[φ''(u) φ''(v)]/S(a, a, a)

At t = 0 it is infinite where φ has a kink, like 1/t, and where φ jumps, like 1/t³; so t·bend, or t³·bend, is tabulated,
which is smooth in t. It comes from the evaluators' own derivatives, for differences of the slopes would lose digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

from glutheory.activations import Activation
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.equal import EqualPairs
from glutheory.numeric.deep.panels import resolve
from glutheory.numeric.deep.table import Cells, Places, look_up, on_cells

#: What cells may lose of the largest value, and what counts as resolved where the evaluator is rounded itself.
_LOST, _ROUGH = 1e-14, 3e-12


@dataclass(frozen=True, eq=False)
class Bends:
    """The function on cells.

    Attributes:
        power: of t that is multiplied with the bend: 1, or 3 where φ jumps.
        cells: on which.
        rows: the polynomials, as in `table.Table`.
    """

    power: int
    cells: Cells
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
    view = EqualPairs(act, variance)
    power = 3 if view.jumps else 1
    both = [resolve(partial(_scaled, view, sign, power), act.label, rough=_ROUGH) for sign in (1.0, -1.0)]
    cells, rows = on_cells((both[0], both[1]), _LOST, f"the gradient of the kernel of {act.label}", variance)
    return Bends(power, cells, rows)


def _scaled(view: EqualPairs, sign: float, power: int, t: Array) -> Array:
    return view.at(sign, t, lambda found: found.s_rho2) * t**power
