"""What the Gram matrix needs of an activation: S and c·T of pairs of rows, with the homogeneity taken out.

    S(a,b,c) = (r r')^p · s · factor,   c·T(a,b,c) = (r r')^p · t · factor,   r = √a, r' = √b, p = degree

The NTK contains T only in the product c·T, which has no singularity at zero rows and the same scale as S.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from glutheory.numeric.arrays import Array
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.rows import Rows


class Values(NamedTuple):
    """The numbers s and t of pairs, and a factor common to both (None for 1)."""

    s: Array
    t: Array
    factor: Array | None = None


def _everywhere(left: Array, right: Array) -> float:  # noqa: ARG001 (the signature of `Dual.limit`)
    return NEAR


@dataclass(frozen=True)
class Dual:
    """The evaluator of one activation.

    Attributes:
        degree: p above.
        features: of the rows and the weights' variance, what pairs need of each row alone: shape (F, n).
        values: of pairs and their rows' features, shapes (F, …) that broadcast, the numbers s and t.
        limit: of two sets of features, the |ρ| up to which `values` may be called on unrefined pairs.
        jumps: whether φ jumps at 0; then t = ±∞ at ρ = ±1.
        rates: of the same arguments as `values`, the derivatives of s·factor and t·factor with respect to the logarithm
            of the weights' variance, over factor; None where s and t depend on the angle alone.
        combination: of far pairs, their features and two numbers p and q, the sum p s + q t where that is cheaper than
            both; then there is no factor.
    """

    degree: int
    features: Callable[[Rows, Fraction], Array]
    values: Callable[[Geometry, Array, Array], Values]
    limit: Callable[[Array, Array], float] = _everywhere
    jumps: bool = False
    rates: Callable[[Geometry, Array, Array], tuple[Array, Array]] | None = None
    combination: Callable[[Geometry, Array, Array, float, float], Array] | None = None


@dataclass(frozen=True, eq=False)
class Branch:
    """One branch: its evaluator, the features of both sides, and its share of the NTK over the readout's."""

    dual: Dual
    left: Array
    right: Array
    share: float


def radii(rows: Rows, variance: Fraction) -> Array:
    """The features of an activation that needs only r = √a: shape (1, n)."""
    return rows.radius(variance)[None, :]
