"""Differences of sums of decaying exponentials: enclosures of their values, and rules of signs for their zeros.

After division by the slowest exponential a difference is D = P − N, where P and N are sums of positive multiples of
exp(−rt), r ≥ 0: both are positive, decreasing and convex, and so is −P' and −N' and every further derivative. Values at
two ends therefore enclose each of them, and its derivatives, on the whole interval between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from glutheory.dynamics.rounding import UNIT
from glutheory.ground.matrices import Array

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Positive:
    """Σ_i weights_i exp(−rates_i t) with positive weights and rates ≥ 0; it may be empty."""

    rates: Array
    weights: Array

    def derivatives(self, t: float) -> tuple[Array, Array]:
        """(−1)^j times the derivatives j = 0, 1, 2 at t (which may be infinite), and bounds of their rounding errors.

        The exponent r·t and the exponential are right within 8 units, so a term errs by (8 r t + 8) units relatively;
        a sum of n positive products by n + 1 units. What underflows is less than 2⁻¹⁰⁰⁰ of a weight, or of 1.
        """
        if math.isinf(t):
            return np.array([float(np.sum(self.weights[self.rates == 0])), 0.0, 0.0]), np.zeros(3)
        # the derivative of a number beyond the doubles is infinite, and its bounds say nothing
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            exponents = np.minimum(self.rates * t, 1e4)
            units = UNIT * (8 * exponents + len(self.rates) + 12)
            terms = self.weights * np.exp(-exponents)
            tiny = 2.0**-1000 * (len(self.rates) + float(np.sum(self.weights)))
            largest = max(1.0, float(np.max(self.rates, initial=0.0)))
            moments, errors = np.empty(3), np.empty(3)
            for j in range(3):
                moments[j], errors[j] = np.sum(terms), np.sum(units * terms) + tiny
                terms, tiny = terms * self.rates, tiny * largest
        return moments, errors


@dataclass(frozen=True, eq=False)
class Difference:
    """D(t) = Σ_i coefficients_i exp(−(rates_i − rates_0) t), rates ascending and distinct, no coefficient 0."""

    rates: Array
    coefficients: Array

    @classmethod
    def of(cls, first: tuple[Array, Array], second: tuple[Array, Array]) -> Difference:
        """First minus second, each a pair (rates, weights); equal rates are joined exactly, zeros dropped."""
        totals: dict[float, list[float]] = {}
        for (rates, weights), sign in ((first, 1.0), (second, -1.0)):
            for rate, weight in zip(rates.tolist(), weights.tolist(), strict=True):
                totals.setdefault(rate, []).append(sign * weight)
        joined = sorted((rate, math.fsum(parts)) for rate, parts in totals.items())
        kept = np.array([pair for pair in joined if pair[1] != 0], dtype=np.float64).reshape(-1, 2)
        return cls(kept[:, 0].copy(), kept[:, 1].copy())

    @cached_property
    def parts(self) -> tuple[Positive, Positive]:
        """P and N."""
        rates, up = self.rates - self.rates[0], self.coefficients > 0
        return Positive(rates[up], self.coefficients[up]), Positive(rates[~up], -self.coefficients[~up])

    @cached_property
    def _known(self) -> dict[float, list[list[float]]]:
        return {}

    def _column(self, t: float, order: int) -> list[float]:
        """Lower and upper end of (−1)^j P^(j)(t), lower and upper end of (−1)^j N^(j)(t), for j = order."""
        if t not in self._known:
            (p, e), (n, f) = (part.derivatives(t) for part in self.parts)
            with np.errstate(invalid="ignore"):  # of infinite ones nothing is known
                self._known[t] = np.stack([p - e, p + e, n - f, n + f], axis=1).tolist()
        return self._known[t][order]

    def at(self, t: float, order: int = 0) -> Interval:
        """An enclosure of the derivative of this order (0, 1 or 2) at t."""
        p_low, p_high, n_low, n_high = self._column(t, order)
        low, high = _outward(p_low - n_high, p_high - n_low)
        return (-high, -low) if order % 2 else (low, high)

    def sign(self, t: float) -> int:
        """The sign of D(t), or 0 if rounding hides it."""
        low, high = self.at(t)
        return 1 if low > 0 else -1 if high < 0 else 0

    def over(self, a: float, b: float, order: int = 0) -> Interval:
        """An enclosure of the derivative of this order (0, 1 or 2) on [a, b]; b may be infinite.

        From the monotone parts, and from the mean value theorem at both ends, whichever is narrower.
        """
        (_, p_most, _, n_most), (p_least, _, n_least, _) = self._column(a, order), self._column(b, order)
        low, high = _outward(p_least - n_most, p_most - n_least)
        if order % 2:
            low, high = -high, -low
        if order < 2 and not math.isinf(b):
            slope_low, slope_high = self.over(a, b, order + 1)
            (a_low, a_high), (b_low, b_high), width = self.at(a, order), self.at(b, order), b - a
            fall, rise = min(slope_low, 0.0) * width, max(slope_high, 0.0) * width
            low = max(low, _outward(a_low + fall, 0)[0], _outward(b_low - rise, 0)[0])
            high = min(high, _outward(0, a_high + rise)[1], _outward(0, b_high - fall)[1])
        return low, high

    @property
    def end(self) -> int:
        """The sign of D(t) for t → ∞."""
        return int(np.sign(self.coefficients[0]))

    @property
    def descartes(self) -> int:
        """The sign changes of the coefficients: at least the number of real zeros (Descartes for exponential sums)."""
        return _changes(np.sign(self.coefficients).astype(int).tolist())

    @property
    def laguerre(self) -> int:
        """The sign changes of the cumulated coefficients, slowest first: at least the number of zeros t > 0.

        D(t)/t is the Laplace transform of the cumulated coefficients, which has no more sign changes than they have
        (Laguerre 1883; Jameson, Math. Gazette 90 (2006) 223). Without rounding.
        """
        totals = accumulate(_integers(self.coefficients))
        return _changes([(total > 0) - (total < 0) for total in totals])


def _outward(low: float, high: float) -> Interval:
    """The interval with room for the rounding of its two ends."""
    return low - 2 * UNIT * abs(low), high + 2 * UNIT * abs(high)


def _changes(signs: list[int]) -> int:
    kept = [sign for sign in signs if sign]
    return sum(x != y for x, y in pairwise(kept))


def _integers(values: Array) -> list[int]:
    """The doubles as integers on a common scale, exactly."""
    ratios = [value.as_integer_ratio() for value in values.tolist()]
    scale = max((bottom for _, bottom in ratios), default=1)
    return [top * (scale // bottom) for top, bottom in ratios]
