"""ReLU and ReGLU on inputs of norm √d, the same width: at which angles gating lowers |cos| of the gradients, exactly.

With ψ = π − θ and r = d/m, for all θ in (0, π)

    cos φ + cos φ̃ = (sin ψ/π) s(ψ),   s = 1/(1 + r) − cos ψ (1 + r)/(1 + 2r) − ψ tan(ψ/2) cos ψ

and cos φ̃ − cos φ = sin θ · h(θ) as in `checks.tools.kinks`: |cos φ̃| < |cos φ| where h·s < 0. At acute angles s > 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import arb

from checks.tools.branch_and_bound import Zeros, hull, refine, zeros
from checks.tools.kinks import Kink
from glutheory.ground.balls import precision
from glutheory.ground.exact import ball

_BITS = 128
#: Just beyond π/2.
_RIGHT = Fraction(3927, 2500)
_WIDTH = Fraction(1, 10**12)


@dataclass(frozen=True)
class Sum:
    """The function s.

    Attributes:
        r: d/m.
    """

    r: Fraction

    def value(self, low: Fraction, high: Fraction) -> arb:
        """Encloses s for ψ in [low, high], within [0, π)."""
        with precision(_BITS):
            psi = hull(low, high)
            first, second = ball(1 / (1 + self.r)), ball((1 + self.r) / (1 + 2 * self.r))
            return first - psi.cos() * (second + psi * (psi / 2).tan())

    def slope(self, low: Fraction, high: Fraction) -> arb:
        """Encloses s'."""
        with precision(_BITS):
            psi = hull(low, high)
            second, tangent = ball((1 + self.r) / (1 + 2 * self.r)), (psi / 2).tan()
            inner = tangent + psi / (2 * (psi / 2).cos() ** 2)
            return psi.sin() * (second + psi * tangent) - psi.cos() * inner

    def zeros(self) -> Zeros:
        """All zeros of s on [0, π/2]."""
        return zeros(self.value, self.slope, (Fraction(0), _RIGHT))


@dataclass(frozen=True)
class Pattern:
    """Where |cos φ̃| − |cos φ| changes its sign on (0, π).

    Attributes:
        angles: the angles, increasing.
        signs: before, between and after them; 1 where gating raises |cos|.
        complete: whether that is certainly all.
    """

    angles: tuple[float, ...]
    signs: tuple[int, ...]
    complete: bool


def pattern(r: Fraction) -> Pattern:
    """All changes of sign of |cos φ̃| − |cos φ| for ReLU at d/m = r."""
    kink = Kink(Fraction(1), (1 + r) / (1 + 2 * r), 1 / (1 + r)).all()
    total = Sum(r)
    found = total.zeros()
    obtuse = [math.pi - float(sum(refine(total.value, bracket, _WIDTH)) / 2) for bracket in found.brackets]
    # from small θ to large: s is positive up to π/2
    angles = tuple(sorted((*kink.angles, *obtuse)))
    signs = [kink.signs[0] * found.signs[-1]]
    signs += [signs[0] * (-1) ** (index + 1) for index in range(len(angles))]
    # zeros of h and of s that cannot be told apart would be none of the product
    distinct = all(b - a > 1e-9 for a, b in pairwise(angles))
    return Pattern(angles, tuple(signs), kink.complete and found.open is None and found.signs[-1] == 1 and distinct)
