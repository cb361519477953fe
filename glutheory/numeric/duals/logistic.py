"""sigmoid, tanh, SiLU and softplus: a Hermite series with as many terms as the angle and the variances need.

S = Σ_k h_k(q) h_k(q') ρ^k. The number of terms is chosen before summing, from Parseval's bound of what they leave out,
|ρ|^k √(rest(q) rest(q')), relative to the scale √(S(a,a,a) S(b,b,b)); for derivatives from Cauchy's inequality for
Σ k² h_k h_k' |ρ|^(k−2). Where even all the terms do not suffice (large variances and nearly parallel rows), the mixture
serves. Since q ∂/∂q acts on f(q x) as x ∂/∂x does,

    q dh_k/dq = k h_k + √((k+1)(k+2)) h_{k+2}        (one less, (k−1) h_k, for x tanh(q x))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glutheory.numeric.arrays import Array, Namespace, add_outer, constant, host
from glutheory.numeric.duals.bases import LOG_COSH, TANH, TERMS, X_TANH, Base
from glutheory.numeric.duals.close import chunks, split
from glutheory.numeric.duals.far import Loop
from glutheory.numeric.duals.mixture import SMALLEST, partial_averages
from glutheory.numeric.duals.record import ALL, Dual, Partials, Values
from glutheory.numeric.duals.series import series
from glutheory.numeric.horner import slopes
from glutheory.numeric.pairs import NEAR, Geometry, Radii

#: What the series may leave out, of the scale of the dual.
_TOLERANCE = 1e-16
#: The q up to which roundings of ρ may stay, by parity.
_GENTLE = (6.0, 2.5)
#: 2 over the degrees after so many terms, that of a constant left out, by parity.
_ROOTS = tuple(2.0 / (2 * np.arange(1 - parity, TERMS + 1) + parity) for parity in (0, 1))


@dataclass(frozen=True)
class _Logistic:
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

    def dual(self) -> Dual:
        """The evaluator."""
        return Dual(
            self.degree,
            self.features,
            self.values,
            self.partials,
            slope_features=self.slope_features,
            limit=self.limit,
            combination=self.combination,
            loop=Loop(
                "series",
                (self.base.parity, self.base.growth, self.constant, self.linear, self.weight),
                bound=self._bound,
                summary=self._left_out,
                reaches=self._reaches,
            ),
        )

    def features(self, side: Radii) -> Array:
        """Q, the coefficients, and the relative size of what 0 … TERMS of them leave out: shape (2 TERMS + 2, n)."""
        xp = side.xp
        q = self.factor * side.r
        found = series(xp, self.base, q)
        linear = self.linear * q ** (2 * self.base.growth)
        scale = self.constant + linear + self.weight * found.norm
        slope_scale = linear + self.weight * found.slope_norm
        missing = found.missing(xp, self.base, scale, slope_scale)
        missing *= self.weight
        return xp.concat([q[None, :], found.coefficients, xp.sqrt(missing)], axis=0)

    def slope_features(self, side: Radii) -> Array:
        """Q, the h_k, the q dh_k/dq, and the part of √Σ k² h_k² from the j-th term on: shape (3 TERMS + 2, n)."""
        xp = side.xp
        q = self.factor * side.r
        h = series(xp, self.base, q).coefficients
        k = constant(xp, q, self.base.degrees())[:, None]
        next_h = xp.concat([h[1:, :], xp.zeros_like(h[:1, :])], axis=0)
        shift = 1.0 if self.base is X_TANH else 0.0
        change = (k - shift) * h + xp.sqrt((k + 1.0) * (k + 2.0)) * next_h
        squares = k * k * h * h
        scale = xp.sum(h * h, axis=0) + 1e-300
        beyond = TERMS * xp.max(squares[-4:, :], axis=0)
        rest = xp.flip(xp.cumulative_sum(xp.flip(squares, axis=0), axis=0), axis=0) + beyond
        rest = xp.concat([rest, beyond[None, :]], axis=0)
        return xp.concat([q[None, :], h, change, xp.sqrt(rest / scale)], axis=0)

    def limit(self, left: Array, right: Array) -> float:
        """Whether a rounding of ρ is harmless: it is magnified by (∂t/∂ρ)/t at ρ = 1, up to 6 for these q."""
        largest = max(float(host(side[0, ...]).max(initial=0.0)) for side in (left, right))
        return ALL if largest <= _GENTLE[self.base.parity] else NEAR

    def _terms(self, xp: Namespace, reach: float, left: Array, right: Array, lost: int = 0) -> int:
        """The number of terms that suffices for |ρ| ≤ reach, where differentiating has lost so many powers of ρ."""
        return self._number(reach, self._left_out(xp, left), self._left_out(xp, right), lost)

    def _left_out(self, xp: Namespace, side: Array) -> list[float]:
        rest = xp.reshape(side[-TERMS - 1 :, ...], (TERMS + 1, -1))
        found: list[float] = host(xp.max(rest, axis=1)).tolist()
        return found

    def _number(self, reach: float, left: list[float], right: list[float], lost: int = 0) -> int:
        for j, (first, second) in enumerate(zip(left, right, strict=True)):
            power = 2 * j + self.base.parity - lost
            if power >= 0 and first * second * reach**power <= _TOLERANCE:
                return j
        return TERMS

    def _reaches(self, left: list[float], right: list[float]) -> list[float]:
        """The ρ² for which 0 … TERMS terms are enough."""
        begin = 1 - self.base.parity
        rest = np.multiply(left, right)[begin:]
        with np.errstate(divide="ignore", over="ignore"):
            enough = np.where(rest <= _TOLERANCE, np.inf, (_TOLERANCE / rest) ** _ROOTS[self.base.parity])
        found: list[float] = np.maximum.accumulate(enough).tolist()
        return [-1.0] * begin + found

    def _bounds(self, xp: Namespace, left: Array, right: Array, lost: int = 0) -> tuple[Array, Array]:
        """A and A' of the rows: all the terms suffice for |ρ| ≤ A A'."""
        return self._bound(xp, left, lost), self._bound(xp, right, lost)

    def _bound(self, xp: Namespace, side: Array, lost: int = 0) -> Array:
        power = 1.0 / (2 * TERMS + self.base.parity - lost)
        return (math.sqrt(_TOLERANCE) / xp.maximum(side[-1, ...], 1e-300 + 0.0 * side[-1, ...])) ** power

    def values(self, pairs: Geometry, left: Array, right: Array) -> Values:
        """The numbers s and t (see `Dual`)."""
        far, close = split(pairs, self.base, left[0, ...], right[0, ...], self._bounds(pairs.xp, left, right))
        sums = None if far is None else self._sum(far, left, right)
        if close is not None:
            sums = close.put(sums, ((1.0, 0.0), (0.0, 1.0)))
        assert sums is not None
        return self._finish(pairs.rho, left, right, sums)

    def _sum(self, pairs: Geometry, left: Array, right: Array) -> list[Array]:
        """Σ h_k h_k' ρ^k and Σ k h_k h_k' ρ^k: Horner's rule in ρ² for the sum and its derivative; no term cancels."""
        terms = self._terms(pairs.xp, pairs.reach, left, right)
        rho = pairs.rho
        square = rho * rho
        s, t = 0.0 * rho, 0.0 * rho
        for j in range(terms, 0, -1):
            t *= square
            t += s
            s *= square
            s = add_outer(pairs.xp, s, left[j, ...], right[j, ...])
        square *= 2.0
        t *= square
        if self.base.parity:
            s *= rho
            t *= rho
            t += s
        return [s, t]

    def _finish(self, rho: Array, left: Array, right: Array, sums: list[Array]) -> Values:
        """The constant and the linear part added."""
        s, t = sums
        s *= self.weight
        t *= self.weight
        if self.linear:
            linear = rho * self.linear
            if self.base.growth:
                linear = linear * (left[0, ...] * right[0, ...])
            s += linear
            t += linear
        s += self.constant
        return Values(s, t)

    def combination(self, pairs: Geometry, left: Array, right: Array, first: float, second: float) -> Array:
        """The sum first·s + second·t of far pairs (see `Dual`): one sum by Horner's rule."""
        rho, weights = pairs.rho, (self.weight * first, self.weight * second)
        far, close = split(pairs, self.base, left[0, ...], right[0, ...], self._bounds(pairs.xp, left, right))
        sums = None if far is None else [self._weighted(far, left, right, *weights)]
        if close is not None:
            sums = close.put(sums, (weights,))
        assert sums is not None
        (total,) = sums
        if self.linear:
            linear = rho * (self.linear * (first + second))
            if self.base.growth:
                linear *= left[0, ...] * right[0, ...]
            total += linear
        total += first * self.constant
        return total

    def _weighted(self, pairs: Geometry, left: Array, right: Array, first: float, second: float) -> Array:
        """Σ (first + k second) h_k h_k' ρ^k."""
        degrees = self.base.degrees()
        square = pairs.rho * pairs.rho
        total = 0.0 * square
        for j in range(self._terms(pairs.xp, pairs.reach, left, right), 0, -1):
            total *= square
            total = add_outer(pairs.xp, total, left[j, ...] * (first + second * degrees[j - 1]), right[j, ...])
        if self.base.parity:
            total *= pairs.rho
        return total

    def partials(self, pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:
        """The derivatives (see `Dual`)."""
        found = self._slope_sums(pairs, left, right, second)
        # for smaller q the series is always enough, and what is missing but the rounding of the coefficients
        large = (left[0, ...] > SMALLEST) & (right[0, ...] > SMALLEST)
        first, second_bound = self._bounds(pairs.xp, left, right, 2)
        others = pairs.xp.nonzero((pairs.xp.abs(pairs.rho) > first * second_bound) & large)
        for some, q, q2 in chunks(others, pairs.rho, left[0, ...], right[0, ...]):
            for part, value in zip(found, partial_averages(pairs.take(some), self.base, q, q2)[:7], strict=True):
                part[some] = value
        return self._finish_slopes(pairs.rho, left, right, found)

    def _slope_sums(self, pairs: Geometry, left: Array, right: Array, second: bool) -> list[Array]:
        """The seven sums for f alone: Horner's rule in w = ρ² for three sums and their derivatives along w."""
        rho = pairs.rho
        terms = max(2, self._terms(pairs.xp, pairs.reach, left, right, 2)) if 0 not in rho.shape else 0
        w = rho * rho
        own, other = (left[1:, ...], left[TERMS + 1 :, ...]), (right[1:, ...], right[TERMS + 1 :, ...])
        p, p1, p2, e, e1, g, g1 = slopes(w, own, other, terms, second)
        if self.base.parity:
            # ρ F(ρ²): (F + 2w F'), then 2ρ (3F' + 2w F'')
            return [
                rho * p,
                p + 2.0 * w * p1,
                2.0 * rho * (3.0 * p1 + 2.0 * w * p2),
                rho * e,
                e + 2.0 * w * e1,
                rho * g,
                g + 2.0 * w * g1,
            ]
        return [p, 2.0 * rho * p1, 2.0 * p1 + 4.0 * w * p2, e, 2.0 * rho * e1, g, 2.0 * rho * g1]

    def _finish_slopes(self, rho: Array, left: Array, right: Array, found: list[Array]) -> Partials:
        """The constant and the linear part added, and the degree."""
        s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho = (part * self.weight for part in found)
        s = s + self.constant
        if self.linear:
            slope = self.linear * (left[0, ...] * right[0, ...] if self.base.growth else 1.0)
            s, s_rho = s + slope * rho, s_rho + slope
            if self.base.growth:
                grow, grow2 = grow + slope * rho, grow2 + slope * rho
                grow_rho, grow2_rho = grow_rho + slope, grow2_rho + slope
        if self.degree:
            grow, grow2 = grow + s, grow2 + s
            grow_rho, grow2_rho = grow_rho + s_rho, grow2_rho + s_rho
        return Partials(s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho)


def silu(beta: float) -> Dual:
    """z·σ(βz) = z/2 + (z/2) tanh(βz/2)."""
    return _Logistic(X_TANH, 1, beta / 2, 0.0, 0.25, 0.25).dual()


DUALS: dict[str, Dual | Callable[[float], Dual]] = {
    "sigmoid": _Logistic(TANH, 0, 0.5, 0.25, 0.0, 0.25).dual(),
    "tanh": _Logistic(TANH, 0, 1.0, 0.0, 0.0, 1.0).dual(),
    "silu": silu,
    "softplus": _Logistic(LOG_COSH, 0, 0.5, 0.0, 1.0, 1.0).dual(),
}
