"""How an activation's map of correlations moves with the variance of one of its two units, both being of one variance.

With N = S/√(S(a,a,a) S(b,b,b)) the correlation of the images, at a = b

    turn(ρ) = ∂N/∂log r          twist(ρ) = ∂/∂ρ turn = how the slope moves

and by symmetry the same for r'. At ρ = 1 images are equal whatever the variance, so turn(1 − t²) = −∫_0^t twist 2τ dτ,
which has its digits however close two rows are; at the other end the integral is added to turn(−1). Where φ jumps
t·twist is tabulated, as `profile` does with the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

from glutheory.activations import Activation
from glutheory.numeric.arrays import Array, Namespace
from glutheory.numeric.deep.equal import EqualPairs
from glutheory.numeric.deep.panels import resolve
from glutheory.numeric.deep.profile import parity
from glutheory.numeric.deep.table import Cells, Places, look_up, on_cells
from glutheory.numeric.duals import Partials

#: As of `bends`.
_LOST, _ROUGH = 1e-14, 3e-12
#: Errors count against the slope, about 1, where the variance moves it less.
_LEAST = 1.0


@dataclass(frozen=True, eq=False)
class Twists:
    """The functions on cells, and what they are relative to.

    Attributes:
        order: the power of t next to the integrals: 2, or 1 where φ jumps.
        slope_cells, slopes: the cells of the twist, or t·twist, and its polynomials, as in `table.Table`.
        turn_cells, turns: the same of the turn less that at ρ = ±1, over t^order.
        end: the turn at ρ = −1.
        growth: d log/d log r of the root mean square of the images.
        tilt: that of |E[φ(u)]| over the root mean square.
    """

    order: int
    slope_cells: Cells
    slopes: Array
    turn_cells: Cells
    turns: Array
    end: float
    growth: float
    tilt: float

    def twist(self, xp: Namespace, at: Places) -> Array:
        """At these places of `slope_cells`; 0 where it is infinite."""
        value = look_up(xp, self.slopes, at)
        if self.order == 2:
            return value
        ends = at.t == 0
        return xp.where(ends, xp.zeros_like(value), value / xp.where(ends, xp.ones_like(value), at.t))

    def turn(self, xp: Namespace, at: Places) -> Array:
        """At these places of `turn_cells`."""
        value = look_up(xp, self.turns, at) * (at.gap if self.order == 2 else at.t)
        return value if at.negative is None else value + self.end * xp.astype(at.negative, xp.float64)


@lru_cache(maxsize=256)
def twists(act: Activation, variance: Fraction | float) -> Twists:
    """Those of an activation at a variance.

    Raises:
        DomainError: derivatives that change too fast.
    """
    view = EqualPairs(act, variance)
    order = 1 if view.jumps else 2

    # both sides have the same derivatives, but for rounding
    def turn(found: Partials) -> Array:
        return (found.left + found.right) / 2.0 - found.s * view.growth

    def twist(found: Partials) -> Array:
        return (found.left_rho + found.right_rho) / 2.0 - found.s_rho * view.growth

    def scaled(sign: float, t: Array) -> Array:
        return view.at(sign, t, twist) * t ** (2 - order)

    what = f"the gradient of the kernel of {act.label}"
    both = [resolve(partial(scaled, sign), act.label, rough=_ROUGH, least=_LEAST) for sign in (1.0, -1.0)]
    inner = [part.averaged(order) for part in both]
    slope_cells, slopes = on_cells((both[0], both[1]), _LOST, what, variance, _LEAST)
    turn_cells, turns = on_cells((inner[0], inner[1]), _LOST, what, variance, _LEAST)
    # ρ falls with t from 1, and rises from −1
    turns[:, : turn_cells.number + 1] *= -1.0
    end = 0.0 if any(parity(act)) else view.opposite(turn)
    return Twists(order, slope_cells, slopes, turn_cells, turns, end, view.growth, view.tilt)
