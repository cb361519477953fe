"""What the gradient of a kernel needs of an activation: its dual's partial derivatives at pairs of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from glutheory.numeric.arrays import Array
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows


class Partials(NamedTuple):
    """The dual and its derivatives, each over (r r')^degree; `*_rho` differentiates once more along ρ.

    Attributes:
        s, s_rho, s_rho2: S, ∂S/∂ρ and ∂²S/∂ρ².
        left, left_rho: r ∂S/∂r, and its ∂/∂ρ.
        right, right_rho: the same for r'.
        factor: common to all of them (None for 1).
    """

    s: Array
    s_rho: Array
    s_rho2: Array
    left: Array
    left_rho: Array
    right: Array
    right_rho: Array
    factor: Array | None = None


#: Of pairs, the features of both sides, and whether the three `*_rho2`, `left_rho`, `right_rho` are wanted: NNGP needs
#: them not, and they may then hold anything.
Evaluator = Callable[[Geometry, Array, Array, bool], Partials]


@dataclass(frozen=True)
class Slope:
    """The derivatives of one activation.

    Attributes:
        degree: the power of r r' taken out.
        features: of the rows and the weights' variance, what pairs need of each row alone: shape (F, n).
        partials: see `Evaluator`.
        jumps: whether φ jumps at 0; then cT is infinite at ρ = ±1.
    """

    degree: int
    features: Callable[[Rows, Fraction], Array]
    partials: Evaluator
    jumps: bool = False
