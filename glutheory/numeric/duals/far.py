"""The arithmetic of the closed forms away from ρ = ±1, once for arrays and for the numbers of a compiled loop.

Square roots and angles are given, since arrays of every library and numbers take them from elsewhere; what is left are
sums, products and quotients. Results are new, and may be overwritten. See `homogeneous` and `normal` for the sources.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from glutheory.numeric.arrays import Array, Namespace

#: A number, or an array of them.
Real: TypeAlias = Any

_PI2 = 2 * math.pi


@dataclass(frozen=True)
class Loop:
    """How a compiled loop finds s and t of far pairs.

    Attributes:
        body: one of `BODIES`, which says what `numbers` are and which of the dual's features are used.
        numbers: of the body.
        factor: of s and t.
        bound: of the features of some rows, shape (F, n), numbers A_i, shape (n,): pairs with |ρ| > A_i A'_j need
            something else, all with |ρ| > 1/2; None where all are far.
        summary: of the same, what `reaches` needs of them.
        reaches: of the summaries of both sides, the largest ρ² for which 0, 1, 2, … terms of a series are enough,
            ascending; a closed form has no terms.
    """

    body: str
    numbers: tuple[float, ...] = ()
    factor: float = 1.0
    bound: Callable[[Namespace, Array], Array] | None = None
    summary: Callable[[Namespace, Array], Any] = lambda xp, side: None  # noqa: ARG005
    reaches: Callable[[Any, Any], list[float]] = lambda left, right: []  # noqa: ARG005

    def times(self, factor: float) -> Loop:
        """The same times a number."""
        return replace(self, factor=self.factor * factor)


#: The loop's bodies: of the functions below, and the power series of `logistic`. One feature of each row is not used;
#: those of erf and its kin are α, γ and γ², those of the series q and the coefficients.
BODIES = ("identity", "square", "cube", "step", "sign", "leaky", "relu2", "arcsine", "gelu", "gaussian", "series")


def square(rho: Real) -> tuple[Real, Real]:
    """S and c T of z² for rows of norm 1."""
    rho2 = rho * rho
    return 1.0 + 2.0 * rho2, 4.0 * rho2


def cube(rho: Real) -> tuple[Real, Real]:
    """The same of z³."""
    rho2 = rho * rho
    return rho * (9.0 + 6.0 * rho2), rho * (9.0 + 18.0 * rho2)


def relu(rho: Real, sine: Real, psi: Real) -> tuple[Real, Real]:
    """2π S and 2π c T of max(0, z), given sin θ and ψ = π − θ."""
    t = psi * rho
    return sine + t, t


def relu2(rho: Real, sine: Real, psi: Real) -> Real:
    """2π S of max(0, z)²."""
    return 3.0 * sine * rho + psi * (1.0 + 2.0 * rho * rho)


def gelu(
    rho: Real, inside: Real, both: Real, cosine: Real, inverse: Real, angle: Real, sums: Real, quotient: Real
) -> tuple[Real, Real]:
    """S and c T of z Φ(z): ρ P + α α' (sin² + ρ²(γ²+γ'²)) / 2π√D and ρ (P + ρ̃ (γ²+γ'²+γ²γ'²/D) / 2π√D).

    Given ρ, sin² θ + ρ²(γ²+γ'²), α α', ρ̃, 1/√D, arcsin ρ̃, γ²+γ'² and γ²γ'²/D.
    """
    angle = angle + math.pi / 2
    angle *= rho  # 2π ρ P
    s = inside * both
    s *= inverse
    s += angle
    s *= 1 / _PI2
    t = quotient + sums
    t *= cosine
    t *= rho
    t *= inverse
    t += angle
    t *= 1 / _PI2
    return s, t


def gelu_inside(rho: Real, sums: Real) -> Real:
    """Sin² θ + ρ²(γ²+γ'²) of far pairs."""
    inside = rho * rho
    inside *= sums - 1.0
    inside += 1.0
    return inside


def gaussian(gammas: Real, cosine: Real, square: Real, root: Real) -> tuple[Real, Real]:
    """S and c T of exp(−z²/2), given γ γ', ρ̃, D and √D."""
    s = gammas / root
    return s, s * (cosine * cosine) / square
