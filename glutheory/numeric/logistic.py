"""sigmoid, tanh, SiLU and softplus: a Hermite series with as many terms as the angle and the variances need.

The number of terms is chosen before summing, from Parseval's bound of what they leave out,
|ρ|^k √(rest(q) rest(q')), relative to the scale √(S(a,a,a) S(b,b,b)). Where even all the terms do not suffice (large
variances and nearly parallel rows), the mixture serves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from glutheory.numeric.arrays import Array, Namespace, add_outer, constant
from glutheory.numeric.bases import LOG_COSH, TANH, TERMS, X_TANH, Base
from glutheory.numeric.dual import Dual, Values
from glutheory.numeric.hermite import series
from glutheory.numeric.mixture import average_rates, averages
from glutheory.numeric.pairs import NEAR, Geometry
from glutheory.numeric.rates import coefficient_rates
from glutheory.numeric.rows import Rows

#: What the series may leave out, of the scale.
_TOLERANCE = 1e-16
#: Terms beyond those of the values, for rates: they weigh a term by the square of its degree.
_FURTHER = 6
#: Pairs that the mixture takes at a time, for the cache.
_CHUNK = 512


def _largest(xp: Namespace, features: Array) -> list[float]:
    """The maximum of each feature over all rows, on the host."""
    found: list[float] = xp.max(xp.reshape(features, (features.shape[0], -1)), axis=1).tolist()
    return found


@dataclass(frozen=True)
class Shape:
    """φ with S = constant + linear·ρ·(q q')^`growth` + weight·E[f(q x) f(q' x')], q = factor·r, over (r r')^degree.

    Attributes:
        base: f.
        degree: the power of r r' taken out.
        factor: q/r.
        constant, linear, weight: as above.
    """

    base: Base
    degree: int
    factor: float
    constant: float
    linear: float
    weight: float


class Logistic(Shape):
    """The evaluator of such a φ."""

    def features(self, rows: Rows, variance: Fraction) -> Array:
        """Q, the coefficients, and the relative size of what 0 … TERMS of them leave out: shape (2 TERMS + 2, n)."""
        xp = rows.xp
        q = self.factor * rows.radius(variance)
        found = series(xp, self.base, q)
        linear = self.linear * q ** (2 * self.base.growth)
        scale = self.constant + linear + self.weight * found.rest[0, :]
        slope_scale = linear + self.weight * found.slope_rest[0, :]
        tiny = constant(xp, q, 1e-300)
        missing = xp.maximum(found.rest / xp.maximum(scale, tiny), found.slope_rest / xp.maximum(slope_scale, tiny))
        return xp.concat([q[None, :], found.coefficients, xp.sqrt(self.weight * missing)], axis=0)

    def limit(self, left: Array, right: Array) -> float:
        """The |ρ| up to which all the terms suffice for all pairs of these rows."""
        worst = float(left[-1].max()) * float(right[-1].max())
        reach = (_TOLERANCE / worst) ** (1 / (2 * TERMS)) if worst > _TOLERANCE else 1.0
        return min(NEAR, reach)

    def _terms(self, xp: Namespace, reach: float, left: Array, right: Array) -> int:
        """The number of terms that suffices for |ρ| ≤ reach."""
        missing = zip(*(_largest(xp, side[TERMS + 1 :]) for side in (left, right)), strict=True)
        for j, (first, second) in enumerate(missing):
            if first * second * reach ** (2 * j + self.base.parity) <= _TOLERANCE:
                return j
        return TERMS

    def values(self, pairs: Geometry, left: Array, right: Array) -> Values:
        """The numbers s and t (see `Dual`)."""
        if not pairs.near:
            return self._finish(pairs.rho, left, right, self._sum(pairs, left, right))
        xp = pairs.xp
        missing = left[-1] * right[-1] * xp.abs(pairs.rho) ** (2 * TERMS + self.base.parity)
        others = xp.nonzero(missing > _TOLERANCE)
        count = others[0].shape[0]
        if count == 0:
            return self._finish(pairs.rho, left, right, self._sum(pairs, left, right))
        s, t = 0.0 * pairs.rho, 0.0 * pairs.rho
        if count < math.prod(s.shape):
            s, t = self._sum(pairs, left, right)
        q, q2 = left[0] + 0.0 * s, right[0] + 0.0 * s
        for start in range(0, count, _CHUNK):
            some = tuple(index[start : start + _CHUNK] for index in others)
            s[some], t[some] = averages(pairs.take(some), self.base, q[some], q2[some])
        return self._finish(pairs.rho, left, right, (s, t))

    def _sum(self, pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
        """Σ h_k h_k' ρ^k and Σ k h_k h_k' ρ^k: Horner's rule in ρ² for the sum and its derivative; no term cancels."""
        terms = self._terms(pairs.xp, pairs.reach, left, right)
        rho = pairs.rho
        square = rho * rho
        s, t = 0.0 * rho, 0.0 * rho
        for j in range(terms, 0, -1):
            t *= square
            t += s
            s *= square
            s = add_outer(pairs.xp, s, left[j], right[j])
        square *= 2.0
        t *= square
        if self.base.parity:
            s *= rho
            t *= rho
            t += s
        return s, t

    def _finish(self, rho: Array, left: Array, right: Array, sums: tuple[Array, Array]) -> Values:
        """The constant and the linear part added."""
        s, t = sums
        s *= self.weight
        t *= self.weight
        if self.linear:
            linear = rho * self.linear
            if self.base.growth:
                linear = linear * (left[0] * right[0])
            s += linear
            t += linear
        s += self.constant
        return Values(s, t)

    def combination(self, pairs: Geometry, left: Array, right: Array, first: float, second: float) -> Array:
        """The sum first·s + second·t of far pairs (see `Dual`): one sum by Horner's rule."""
        xp, rho = pairs.xp, pairs.rho
        degrees = self.base.degrees()
        square = rho * rho
        total = 0.0 * rho
        for j in range(self._terms(xp, pairs.reach, left, right), 0, -1):
            total *= square
            total = add_outer(xp, total, left[j] * (self.weight * (first + second * degrees[j - 1])), right[j])
        if self.base.parity:
            total *= rho
        if self.linear:
            linear = rho * (self.linear * (first + second))
            if self.base.growth:
                linear *= left[0] * right[0]
            total += linear
        total += first * self.constant
        return total

    def rates(self, pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
        """The rates of s and t (see `Dual`): by the series where it serves for the values, else by the mixture."""
        xp, rho = pairs.xp, pairs.rho
        first, second = left[1 : TERMS + 1], right[1 : TERMS + 1]
        degrees = self.base.degrees()
        changes = [coefficient_rates(xp, side, degrees, self.degree) for side in (first, second)]
        s, t = 0.0 * rho, 0.0 * rho
        square = rho * rho
        power = rho + 0.0 if self.base.parity else xp.ones_like(rho)
        for j in range(min(TERMS, self._terms(xp, pairs.reach, left, right) + _FURTHER)):
            term = (changes[0][j] * second[j] + first[j] * changes[1][j]) * power
            s += term
            t += degrees[j] * term
            power = power * square
        if pairs.near:
            missing = left[-1] * right[-1] * xp.abs(rho) ** (2 * TERMS + self.base.parity)
            others = xp.nonzero(missing > _TOLERANCE)
            q, q2 = left[0] + 0.0 * s, right[0] + 0.0 * s
            for start in range(0, others[0].shape[0], _CHUNK):
                some = tuple(index[start : start + _CHUNK] for index in others)
                s[some], t[some] = average_rates(pairs.take(some), self.base, q[some], q2[some])
        s, t = s * self.weight, t * self.weight
        if self.linear and self.base.growth:
            linear = rho * self.linear * (left[0] * right[0])
            s, t = s + linear, t + linear
        return s, t

    def dual(self) -> Dual:
        """The evaluator."""
        return Dual(self.degree, self.features, self.values, self.limit, rates=self.rates, combination=self.combination)


def silu(beta: float) -> Dual:
    """z·σ(βz) = z/2 + (z/2) tanh(βz/2)."""
    return Logistic(X_TANH, 1, beta / 2, 0.0, 0.25, 0.25).dual()


SIGMOID = Logistic(TANH, 0, 0.5, 0.25, 0.0, 0.25).dual()
TANH_DUAL = Logistic(TANH, 0, 1.0, 0.0, 0.0, 1.0).dual()
SOFTPLUS = Logistic(LOG_COSH, 0, 0.5, 0.0, 1.0, 1.0).dual()
