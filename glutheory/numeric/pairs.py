"""The geometry of pairs: what an activation's dual is evaluated from, wherever the pairs come from.

Cosine and sine of the angle are carried separately, each to full accuracy: near ρ = ±1 the one does not tell the other.
The lengths of both sides are `Radii`. Rows of data come to their geometry in `angles`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from glutheory.numeric.arrays import Array, Namespace

#: Pairs with |ρ| above this are refined: below, sin²θ ≥ 0.0975, so an error ε in ρ is at most 20 ε relative to 1 − ρ².
NEAR = 0.95


@dataclass(frozen=True, eq=False)
class Radii:
    """The standard deviations r_i = √a_i of the pre-activations at n rows.

    Attributes:
        xp: the array namespace.
        r: shape (n,).
        find_square: computes `square`, which few activations ask for.
    """

    xp: Namespace
    r: Array
    find_square: Callable[[], tuple[Array, Array]]

    @cached_property
    def square(self) -> tuple[Array, Array]:
        """a_i = r_i² as an unevaluated sum of two numbers, each of shape (n,)."""
        return self.find_square()


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

    def listed(self) -> Geometry:
        """All pairs along one axis."""
        rho, sine, excess = (None if part is None else part.reshape(-1) for part in (self.rho, self.sine, self.excess))
        return Geometry(self.xp, rho, self.near, self.reach, sine, excess)

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
