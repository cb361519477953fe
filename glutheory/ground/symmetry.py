"""What an activation keeps of its argument: a factor, a sign, straight lines; read from its pieces, decided exactly.

Units at two inputs whose pre-activations are multiples of each other stay so under such a φ, and there formulas of a
pair have one argument less.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.ground.pieces import Pieces, pieces

#: Where two functions are compared in floating point, before anything is proved.
_PROBES = (0.7310585, 2.1972246)


@dataclass(frozen=True)
class Symmetry:
    """What φ keeps.

    Attributes:
        degree: p with φ(λz) = λ^p φ(z) for all λ > 0, None if there is none.
        parity: 1 for φ(−z) = φ(z), −1 for φ(−z) = −φ(z), 0 for neither, or if it could not be proved.
        line: (slope, constant) of a straight line, None for any other function.
        one_sided: whether φ is 0 on one side of 0, so that φ(u)φ(−λu) = 0 for all λ > 0.
        jumps_at_zero: whether φ jumps at 0.
    """

    degree: int | None
    parity: int
    line: tuple[sp.Expr, sp.Expr] | None
    one_sided: bool = False
    jumps_at_zero: bool = False


@dataclass(frozen=True)
class Ray:
    """That one number is a multiple of another: v = sign·ratio·u.

    Attributes:
        sign: 1 or −1.
        ratio: |v/u|, exactly; None where it has too many digits to be carried along.
    """

    sign: int
    ratio: Fraction | None


@lru_cache(maxsize=256)
def symmetry(expr: sp.Expr) -> Symmetry:
    """The symmetry of a numeric activation φ(z) = `expr`, but for values at single points.

    Raises:
        ExpressionError: as `pieces` does.
    """
    found = pieces(expr)
    line = None
    if not found.kinks and found.branches[0].is_polynomial(Z) and sp.degree(found.branches[0], Z) <= 1:
        slope = sp.diff(found.branches[0], Z)
        line = slope, sp.expand(found.branches[0] - slope * Z)
    jumps = any(kink == 0 and jump != 0 for kink, jump in zip(found.kinks, found.jumps, strict=True))
    return Symmetry(_degree(found), _parity(found), line, _one_sided(found), jumps)


def _one_sided(found: Pieces) -> bool:
    """Whether all branches that reach below 0 are 0, or all that reach above."""
    last = len(found.kinks)
    below = [branch for k, branch in enumerate(found.branches) if k == 0 or bool(found.kinks[k - 1] < 0)]
    above = [branch for k, branch in enumerate(found.branches) if k == last or bool(found.kinks[k] > 0)]
    return any(all(branch == 0 for branch in side) for side in (below, above))


def _degree(found: Pieces) -> int | None:
    if any(kink != 0 for kink in found.kinks):
        return None
    degrees = set()
    for branch in found.branches:
        if branch == 0:
            continue
        coefficient, power = sp.expand(branch).as_coeff_exponent(Z)
        if coefficient.has(Z) or not power.is_Integer or power < 0:
            return None
        degrees.add(int(power))
    return degrees.pop() if len(degrees) == 1 else None


def _parity(found: Pieces) -> int:
    mirrored = tuple(-kink for kink in reversed(found.kinks))
    if any(sp.expand(kink - other) != 0 for kink, other in zip(found.kinks, mirrored, strict=True)):
        return 0
    pairs = [
        (branch, other.subs(Z, -Z)) for branch, other in zip(found.branches, reversed(found.branches), strict=True)
    ]
    for sign in (1, -1):
        if all(_same(one, sign * other) for one, other in pairs):
            return sign
    return 0


def _same(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether two smooth functions are equal, proved; cheap probes spare the proof where they are not."""
    difference = sp.expand(one - other)
    if difference == 0:
        return True
    for probe in _PROBES:
        values = [complex(side.subs(Z, sp.Float(probe))) for side in (one, other)]
        if abs(values[0] - values[1]) > 1e-9 * (1 + abs(values[0])):
            return False
    return bool(sp.simplify(difference) == 0)
