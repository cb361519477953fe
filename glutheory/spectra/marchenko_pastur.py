"""The Marchenko–Pastur law of XXᵀ/d, scaled and shifted, with the outlier of a rank-one perturbation.

X is n×d with independent standard entries, γ = n/d the ratio: the spectrum of the n×n matrix XXᵀ/d has the density
√((b−x)(x−a))/(2πγx) between a, b = (1 ∓ √γ)², and for γ > 1 an atom of mass 1 − 1/γ at 0 (Marchenko & Pastur 1967). The
outlier of a perturbation of rank one solves G(λ) = 1/strength (Benaych-Georges & Nadakuditi 2011, Theorem 2.1; Baik,
Ben Arous & Péché 2005).
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MarchenkoPastur:
    """The limiting spectrum of scale·XXᵀ/d + shift·I.

    Attributes:
        ratio: γ = n/d > 0, rows over columns of X.
        scale: ≥ 0; with 0 everything lies at the shift.
        shift: any number.

    Raises:
        DomainError: a ratio or scale outside these.
    """

    ratio: float
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and self.ratio > 0):
            raise DomainError(f"ratio is {self.ratio}: give a finite number > 0, rows over columns.")
        if not (math.isfinite(self.scale) and self.scale >= 0):
            raise DomainError(f"scale is {self.scale}: give a finite number ≥ 0.")
        if not math.isfinite(self.shift):
            raise DomainError(f"shift is {self.shift}: give a finite number.")

    @property
    def edges(self) -> tuple[float, float]:
        """The ends of the support without the atom: shift + scale·(1 ∓ √γ)²."""
        root = math.sqrt(self.ratio)
        return self.shift + self.scale * (1 - root) ** 2, self.shift + self.scale * (1 + root) ** 2

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and largest points of the support, the atom included."""
        low, high = self.edges
        return (self.shift if self.atom[1] > 0 else low), high

    @property
    def atom(self) -> tuple[float, float]:
        """(value, mass) of the point mass; the mass is 0 for γ ≤ 1."""
        return self.shift, (1.0 if self.scale == 0 else max(0.0, 1 - 1 / self.ratio))

    def _standard(self, x: Any) -> Array:
        """(x − shift)/scale."""
        return np.asarray((np.asarray(x, dtype=np.float64) - self.shift) / self.scale)

    def density(self, x: Any) -> Array:
        """The density of the continuous part at x, any shape; its integral is min(1, 1/γ)."""
        if self.scale == 0:
            return np.zeros(np.shape(x))
        root = math.sqrt(self.ratio)
        low, high = (1 - root) ** 2, (1 + root) ** 2
        t = self._standard(x)
        inside = (t > low) & (t < high)
        t = np.where(inside, t, 1.0)
        value = np.sqrt(np.where(inside, (high - t) * (t - low), 0.0)) / (2 * math.pi * self.ratio * t)
        return np.asarray(value / self.scale)

    def cdf(self, x: Any) -> Array:
        """The mass on (−∞, x], the atom included, for x of any shape; closed form, absolute error about 1e-15/γ."""
        if self.scale == 0:
            return np.asarray(np.where(np.asarray(x) >= self.shift, 1.0, 0.0))
        y = self.ratio
        low, high = (1 - math.sqrt(y)) ** 2, (1 + math.sqrt(y)) ** 2
        t = np.clip(self._standard(x), low, high)
        left, right = t - low, high - t
        first = 2 * np.arctan2(np.sqrt(left), np.sqrt(right))
        second = 2 * np.arctan2(np.sqrt(high * left), np.sqrt(low * right))
        total = (np.sqrt(left * right) + (1 + y) * first - abs(1 - y) * second) / (2 * math.pi * y)
        return np.asarray(total + np.where(np.asarray(x) >= self.shift, self.atom[1], 0.0))

    def quantiles(self, n: int) -> Array:
        """Where n eigenvalues are expected: the quantiles at 1 − (i − ½)/n, i = 1 … n, descending.

        Raises:
            DomainError: n is not a positive integer.
        """
        if n < 1:
            raise DomainError(f"n is {n}: give a positive integer.")
        levels = 1 - (np.arange(n) + 0.5) / n
        if self.scale == 0:
            return np.full(n, self.shift)
        # bisection in the angle of x = middle − half·cos t, where the square-root ends are smooth
        a, b = self.edges
        low, high = np.zeros(n), np.full(n, math.pi)
        for _ in range(54):
            t = (low + high) / 2
            below = self.cdf((a + b) / 2 - (b - a) / 2 * np.cos(t)) < levels
            low, high = np.where(below, t, low), np.where(below, high, t)
        values = (a + b) / 2 - (b - a) / 2 * np.cos((low + high) / 2)
        return np.where(levels <= self.atom[1], self.shift, values)

    def stieltjes(self, z: complex) -> complex:
        """G(z) = ∫ 1/(z − λ), for z off the support; real where z is.

        Raises:
            DomainError: z is real and in the support.
        """
        z = complex(z)
        if self.scale == 0:
            low = high = self.shift
        else:
            low, high = self.edges
        atom, mass = self.atom
        if z.imag == 0 and (low <= z.real <= high or (mass > 0 and z.real == atom)):
            raise DomainError(f"z is {z.real}: give a point off the support [{low}, {high}] and off the atom.")
        if self.scale == 0:
            return 1 / (z - self.shift)
        y, t = self.ratio, (z - self.shift) / self.scale
        a, b = (1 - math.sqrt(y)) ** 2, (1 + math.sqrt(y)) ** 2
        # the branch that behaves as t at infinity: the product of the principal roots, both cut to the left
        R, A = cmath.sqrt(t - a) * cmath.sqrt(t - b), t + y - 1
        # the two forms are equal; take the one without cancellation
        G = 2 / (A + R) if (A * R.conjugate()).real >= 0 else (A - R) / (2 * y * t)
        return G / self.scale

    def threshold(self) -> float:
        """The strength of a rank-one perturbation from which on it pulls out an eigenvalue: scale·(γ + √γ)."""
        return self.scale * (self.ratio + math.sqrt(self.ratio))

    def outlier(self, strength: float) -> float | None:
        """Where the perturbation strength·uuᵀ, u a unit vector independent of X, puts the largest eigenvalue.

        Args:
            strength: ≥ 0.

        Returns:
            The position above the bulk, or None at or below `threshold`: the eigenvalue then sticks to the edge.

        Raises:
            DomainError: a negative strength.
        """
        if not strength >= 0:
            raise DomainError(f"strength is {strength}: give a number ≥ 0.")
        if strength <= self.threshold():
            return None
        if self.scale == 0:
            return self.shift + strength
        t = strength / self.scale
        return self.shift + self.scale * (t + t / (t - self.ratio))
