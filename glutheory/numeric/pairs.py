"""The geometry of pairs of rows: cosine and sine of the angle, each to full accuracy.

Far from ρ = ±1 a product of unit rows is enough: an error ε in ρ is an error ε/sin θ in the angle. Near ±1 it is not:
there x' is compared with its projection on x, the products of which are computed without rounding (Kahan's advice for
angles, with Dekker's products), so that sin θ is accurate to a few ulps however small it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from glutheory.numeric.arrays import Array, Namespace, power_of_two, two_product
from glutheory.numeric.rows import Rows

#: Pairs with |ρ| above this are refined: below, sin²θ ≥ 0.0975, so an error ε in ρ is at most 20 ε relative to 1 − ρ².
NEAR = 0.95
#: Beyond this ratio of norms (a power of two) the larger norm alone decides a distance.
FAR_APART = 60


@dataclass(frozen=True, eq=False)
class Geometry:
    """Pairs of rows, of any shape.

    Attributes:
        xp: the array namespace.
        rho: cos θ; 0 where a row is zero.
        near: whether these pairs were refined; then `sine` and `excess` are given.
        reach: a bound on |rho| over all pairs.
        sine: sin θ, accurate to a few ulps; None for far pairs (see `sin`).
        excess: (|x'| cos θ ∓ |x|)/|x| without cancellation, the sign that of ρ, for norms within 2^±60; None for far
            pairs.
    """

    xp: Namespace
    rho: Array
    near: bool
    reach: float
    sine: Array | None = None
    excess: Array | None = None

    def take(self, some: tuple[Array, ...]) -> Geometry:
        """The refined pairs at these indices, one integer array per dimension of `rho`."""
        sine = None if self.sine is None else self.sine[some]
        excess = None if self.excess is None else self.excess[some]
        return Geometry(self.xp, self.rho[some], self.near, self.reach, sine, excess)

    def sin(self) -> Array:
        """Sin θ ≥ 0, a new array the caller may overwrite."""
        if self.sine is not None:
            return self.sine + 0.0
        square = self.rho * self.rho
        square *= -1.0
        square += 1.0
        return self.xp.sqrt(square)

    def supplement(self, sine: Array) -> Array:
        """π − θ, accurate to a few ulps also where θ is near π."""
        return self.xp.atan2(sine, -self.rho)

    def distance(self, left: Array, right: Array) -> Array:
        """The squared distance a + b − 2|c| of x and ±x', in units where their norms are `left` and `right`."""
        if self.sine is None or self.excess is None:
            difference = left - right
            gap = 1.0 - self.xp.abs(self.rho)
            return difference * difference + 2.0 * left * right * gap
        # x' is |x|(1 + excess) along ±x and |x'| sin θ across
        radial = self.xp.where(self.xp.abs(self.excess) < 0.5, left * self.excess, right * self.xp.abs(self.rho) - left)
        across = right * self.sine
        return radial * radial + across * across


def refine(left: Rows, right: Rows, i: Array, j: Array) -> Geometry:
    """The pairs (i_k, j_k) of nearly parallel rows, |ρ| > 1/2, with full accuracy; integer arrays of shape (k,)."""
    return decompose(left, right, i, j)[0]


def decompose(left: Rows, right: Rows, i: Array, j: Array) -> tuple[Geometry, Array]:
    """The pairs of `refine`, and the part of `right.scaled` at right angles to the left row, accurate: shape (k, d)."""
    xp = left.xp
    x, y = xp.take(left.scaled, i, axis=0), xp.take(right.scaled, j, axis=0)
    xx, yy = xp.sum(x * x, axis=1), xp.sum(y * y, axis=1)
    slope = xp.sum(x * y, axis=1) / xx
    product, error = two_product(xp, x, slope[:, None])
    rest = (y - product) - error
    # `slope` is rounded, so the rest still has a component along x of relative size 1e-16: remove it as well
    correction = xp.sum(rest * x, axis=1) / xx
    rest = rest - correction[:, None] * x
    sine = xp.sqrt(xp.sum(rest * rest, axis=1) / yy)
    # for |ρ| ≥ 1/2 the cosine follows from the sine without loss
    sign = xp.where(slope < 0, -xp.ones_like(slope), xp.ones_like(slope))
    rho = sign * xp.sqrt((1.0 - sine) * (1.0 + sine))
    shift = xp.clip(xp.take(right.exponent, j) - xp.take(left.exponent, i), -FAR_APART, FAR_APART)
    along, rest_along = power_of_two(xp, sign * slope, shift), power_of_two(xp, sign * correction, shift)
    return Geometry(xp, rho, True, 1.0, sine, (along - 1.0) + rest_along), rest
