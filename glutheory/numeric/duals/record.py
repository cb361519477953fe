"""What a kernel needs of an activation: S and c·T at pairs and their derivatives, with the homogeneity taken out.

    S(a,b,c) = (r r')^p · s · factor,   c·T(a,b,c) = (r r')^p · t · factor,   r = √a, r' = √b, p = degree

The NTK contains T only in the product c·T, which has no singularity at zero rows and the same scale as S. Derivatives
are taken along ρ, r and r':

    ∂S/∂ρ = r r' T                   r ∂S/∂r = E[u φ'(u) φ(v)]
    ∂(cT)/∂ρ = ∂S/∂ρ + ρ ∂²S/∂ρ²     r ∂(cT)/∂r = ρ ∂/∂ρ (r ∂S/∂r)

(Price's theorem and Stein's lemma). In a and c: r ∂S/∂r = 2a ∂S/∂a + c ∂S/∂c with ∂S/∂a = E[φ''(u) φ(v)]/2. These
coordinates are chosen because the angle and the lengths of rows move independently: x·dx changes r alone, and what is
at right angles to x changes ρ alone, so that nothing cancels between nearly parallel rows. A variance σ² of the weights
multiplies r² and r'² alike: ∂/∂log σ² = ½ (r ∂/∂r + r' ∂/∂r'). At a kink of φ the derivative is the mean of both sides,
as in the distributional calculus of the kernels themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array
from glutheory.numeric.duals.far import Loop
from glutheory.numeric.pairs import NEAR, Geometry, Radii

#: A bound above all |ρ| but those of rows that may be the same: these are refined, since the rows of a Gram matrix that
#: belong to equal rows of the data are equal to the last bit, by which its condition number knows that it is infinite.
ALL = 1 - 1e-12
#: What values of the evaluators made by hand may be off by, of √(K(x,x) K(x',x')): also where several are multiplied.
HAND_MADE = 1e-14
#: The radius beyond which the variance, or a few times it, leaves float64: 0·∞ would follow.
LARGEST = 1e152


class Values(NamedTuple):
    """The numbers s and t of pairs, and a factor common to both (None for 1)."""

    s: Array
    t: Array
    factor: Array | None = None


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


def _everywhere(left: Array, right: Array) -> float:  # noqa: ARG001 (the signature of `Dual.limit`)
    return NEAR


@dataclass(frozen=True)
class Dual:
    """The evaluator of one activation.

    Attributes:
        degree: p above.
        features: of the radii of one side, what `values` needs of each row alone: shape (F, n).
        values: of pairs and both sides' features, shapes (F, …) that broadcast, the numbers s and t.
        partials: of the same and whether derivatives of c·T are wanted; where not (NNGP), the three `*_rho2`,
            `left_rho` and `right_rho` may hold anything. It costs up to 26 times as much as `values`.
        slope_features: the features that `partials` is given, where these are others.
        limit: of two sets of features, the |ρ| up to which `values` may be called on unrefined pairs; `ALL` where a
            rounding of ρ does no harm anywhere, and then |ρ| may be a few roundings above 1.
        jumps: whether φ jumps at 0; then t = ±∞ at ρ = ±1.
        combination: of far pairs, their features and two numbers p and q, the sum p s + q t where that is cheaper than
            both; then there is no factor.
        error: what values may be off by, of √(K(x,x) K(x',x')).
        loop: how a compiled loop finds the values of far pairs; None where there is none.
        values_only: whether there are no derivatives: `slope_features` then says so.
        largest: the r up to which it is made; see `check_radii`.
    """

    degree: int
    features: Callable[[Radii], Array]
    values: Callable[[Geometry, Array, Array], Values]
    partials: Callable[[Geometry, Array, Array, bool], Partials]
    slope_features: Callable[[Radii], Array] | None = None
    limit: Callable[[Array, Array], float] = _everywhere
    jumps: bool = False
    combination: Callable[[Geometry, Array, Array, float, float], Array] | None = None
    error: float = HAND_MADE
    loop: Loop | None = None
    values_only: bool = False
    largest: float = LARGEST


def check_radii(name: str, side: Radii, largest: float) -> None:
    """Refuse rows whose radii are above `Dual.largest`.

    Raises:
        DomainError: there are such rows; `name` is the activation's.
    """
    r = float(side.xp.max(side.r)) if side.r.shape[0] else 0.0
    if not r <= largest:
        raise DomainError(
            f"rows have variances up to {Decimal(r) ** 2:.4g}, and {name} can be evaluated up to {largest**2:.0e}: "
            "scale the rows down."
        )


def radii(side: Radii) -> Array:
    """The features of an activation that needs only r = √a: shape (1, n)."""
    return side.r[None, :]
