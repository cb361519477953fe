"""sigmoid, tanh, SiLU and softplus: the Hermite series of `glutheory.numeric.hermite`, differentiated term by term.

S = Σ_k h_k(q) h_k(q') ρ^k, and since q ∂/∂q acts on f(q x) as x ∂/∂x does,

    q dh_k/dq = k h_k + √((k+1)(k+2)) h_{k+2}        (one less, (k−1) h_k, for x tanh(q x))

The number of terms follows from Cauchy's inequality for Σ k² h_k h_k' |ρ|^(k−2). Where all of them do not suffice
(large variances and nearly parallel rows) the mixture serves.
"""

from __future__ import annotations

from fractions import Fraction

from glutheory.numeric.arrays import Array, constant
from glutheory.numeric.bases import LOG_COSH, TANH, TERMS, X_TANH
from glutheory.numeric.derivatives.mixture import SMALLEST, averages
from glutheory.numeric.derivatives.partials import Partials, Slope
from glutheory.numeric.hermite import series
from glutheory.numeric.logistic import Shape
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows

#: What the series may leave out of the second derivative, over the scale of the dual.
_TOLERANCE = 1e-16
#: Pairs that the mixture takes at a time.
_CHUNK = 512


class Family(Shape):
    """The derivatives of such a φ."""

    def features(self, rows: Rows, variance: Fraction) -> Array:
        """Q, the h_k, the q dh_k/dq, and the part of √Σ k² h_k² from the j-th term on: shape (3 TERMS + 2, n)."""
        xp = rows.xp
        q = self.factor * rows.radius(variance)
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

    def partials(self, pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:
        """See `Slope.partials`."""
        xp = pairs.xp
        found = self._series(pairs, left, right, second)
        power = 2 * TERMS + self.base.parity - 2
        missing = left[-1] * right[-1] * xp.abs(pairs.rho) ** power
        # for smaller q the series is always enough, and `missing` but the rounding of the coefficients
        large = (left[0] > SMALLEST) & (right[0] > SMALLEST)
        others = xp.nonzero((missing > _TOLERANCE) & large)
        count = others[0].shape[0]
        if count:
            q, q2 = left[0] + 0.0 * pairs.rho, right[0] + 0.0 * pairs.rho
            for start in range(0, count, _CHUNK):
                some = tuple(index[start : start + _CHUNK] for index in others)
                mixed = averages(pairs.take(some), self.base, q[some], q2[some])
                for part, value in zip(found, mixed[:7], strict=True):
                    part[some] = value
        return self._finish(pairs.rho, left, right, found)

    def _terms(self, pairs: Geometry, left: Array, right: Array) -> int:
        """The number of terms that suffices for all pairs."""
        xp = pairs.xp
        if 0 in pairs.rho.shape:
            return 0
        first, second = (
            xp.max(xp.reshape(side[2 * TERMS + 1 :], (TERMS + 1, -1)), axis=1).tolist() for side in (left, right)
        )
        for j in range(2, TERMS):
            if first[j] * second[j] * pairs.reach ** (2 * j + self.base.parity - 2) <= _TOLERANCE:
                return j
        return TERMS

    def _series(self, pairs: Geometry, left: Array, right: Array, second: bool) -> list[Array]:
        """The seven sums for f alone: Horner's rule in w = ρ² for three sums and their derivatives along w."""
        rho = pairs.rho
        w = rho * rho
        zero = 0.0 * rho
        p, p1, p2, e, e1, g, g1 = (zero + 0.0 for _ in range(7))
        for j in range(self._terms(pairs, left, right), 0, -1):
            h, h2 = left[j], right[j]
            if second:
                p2 *= w
                p2 += p1
                e1 *= w
                e1 += e
                g1 *= w
                g1 += g
            p1 *= w
            p1 += p
            p *= w
            p += h * h2
            e *= w
            e += left[TERMS + j] * h2
            g *= w
            g += h * right[TERMS + j]
        p2 *= 2.0
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

    def _finish(self, rho: Array, left: Array, right: Array, found: list[Array]) -> Partials:
        """The constant and the linear part added, and the degree."""
        s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho = (part * self.weight for part in found)
        s = s + self.constant
        if self.linear:
            slope = self.linear * (left[0] * right[0] if self.base.growth else 1.0)
            s, s_rho = s + slope * rho, s_rho + slope
            if self.base.growth:
                grow, grow2 = grow + slope * rho, grow2 + slope * rho
                grow_rho, grow2_rho = grow_rho + slope, grow2_rho + slope
        if self.degree:
            grow, grow2 = grow + s, grow2 + s
            grow_rho, grow2_rho = grow_rho + s_rho, grow2_rho + s_rho
        return Partials(s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho)

    def slope(self) -> Slope:
        """The evaluator."""
        return Slope(self.degree, self.features, self.partials)


def silu(beta: float) -> Slope:
    """z·σ(βz) = z/2 + (z/2) tanh(βz/2)."""
    return Family(X_TANH, 1, beta / 2, 0.0, 0.25, 0.25).slope()


SIGMOID = Family(TANH, 0, 0.5, 0.25, 0.0, 0.25).slope()
TANH_SLOPE = Family(TANH, 0, 1.0, 0.0, 0.0, 1.0).slope()
SOFTPLUS = Family(LOG_COSH, 0, 0.5, 0.0, 1.0, 1.0).slope()
