"""E[f(q x) f(q' x')] of the logistic family for a tile of close pairs: one polynomial in place of 256 closed forms.

The average of `mixture` is analytic in log q and log q' for |Im| < π/2, and in ρ but for branch points, which for
q, q' ≤ Q lie at |ρ| ≥ 1 + δ, δ = (κ/Q)² with the smallest κ of the rule. In

    y = log(1 + δ + ρ) − log(1 + δ − ρ)     all ρ; F is odd or even in y as f is
    y = log(1 + δ − |ρ|)                    |ρ| ≥ `LEAST`, a shorter interval

the branch points are at |Im y| = π, so that Chebyshev polynomials of log q, log q' and y converge at once (see
`enough`):

    F(q, q', ρ) = Σ_k T_k(y) v(q)ᵀ C_k v(q'),   v_a(q) = T_a(log q)

The C_k are the interpolant's at Chebyshev points and made once per range of q, by a process, in some hundredths of a
second. Since joint coefficients fall with k + a + b, later C_k are cut to few columns. For a tile each term is one
small matrix product and one step of Clenshaw's recurrence.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from glutheory.numeric.arrays import Array, Namespace, add_product, constant, numpy_namespace
from glutheory.numeric.chebyshev import enough, odd_transform, points, polynomials, transform
from glutheory.numeric.duals.bases import LOG_COSH, TANH, Base
from glutheory.numeric.duals.mixture import RULE, averages
from glutheory.numeric.pairs import Geometry

#: The second y serves from this |ρ| on.
LEAST = 0.75
#: Its interval begins a little earlier: at the very end the recurrence would magnify roundings.
_BEGIN = 0.6
#: From this q on the rule of `mixture` is exact to rounding.
SMALLEST = 0.7
#: Ranges of q are unions of so many parts of an octave, and at most of so many octaves.
_PARTS, _OCTAVES = 4, 3
#: The most terms, of q up to about 1000; beyond, pairs are averaged one by one.
_MOST = 112
#: Coefficients below this part of the largest are left out of later terms: a few thousand of them add up to a rounding.
_NEGLIGIBLE = 1e-18

_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Interpolant:
    """F and ρ ∂F/∂ρ for q and q' in one range.

    Attributes:
        base: f.
        middle, half: of log q.
        delta: δ above.
        centre, spread: middle and half-width of y.
        whole: which of the two y above.
        powers: of q q' that F and ρ ∂F/∂ρ are divided by, so that they are of one size throughout the range.
        coefficients: the C of F and of ρ ∂F/∂ρ, shape (2, K, m, m).
        columns: of each C_k, the number of columns kept; shape (K,).
    """

    base: Base
    middle: float
    half: float
    delta: float
    centre: float
    spread: float
    whole: bool
    powers: tuple[float, float]
    coefficients: np.ndarray
    columns: tuple[int, ...]

    def tile(self, pairs: Geometry, left: Array, right: Array, weights: tuple[tuple[float, float], ...]) -> list[Array]:
        """Sums first·F + second·ρ ∂F/∂ρ for these pairs of weights, on a tile.

        The pairs are of shape (p, q), the scales q and q' (`left`, `right`) of shapes (p,) and (q,), within the range;
        `weights` are the (first, second) of each sum.
        """
        xp, gap = pairs.xp, gaps(pairs)
        y = xp.log(self.delta + gap)
        if self.whole:
            y = (xp.log(2.0 + self.delta - gap) - y) * xp.sign(pairs.rho)
        y = xp.clip((y - self.centre) / self.spread, -1.0, 1.0)
        twice = 4.0 * y * y - 2.0 if self.whole else 2.0 * y
        own, other = self._polynomials(xp, left), self._polynomials(xp, right)
        results = []
        for first, second in weights:
            factors = self._factors(xp, (left, right), (own, other), first, second)
            now, before = self._clenshaw(xp, twice, factors)
            if not (self.base.parity and self.whole):
                # Σ c_k T_k(z) = b_0 − z b_1
                before *= 0.5 * twice
                now -= before
                if self.base.parity:
                    now *= xp.sign(pairs.rho)
            else:
                # Σ c_k T_{2k+1}(y) = y (b_0 − b_1)
                now -= before
                now *= y
            results.append(now)
        return results

    def _polynomials(self, xp: Namespace, q: Array) -> Array:
        """T_a(log q) for a < m, shape (m, k); cos of an exact multiple of the angle."""
        x = (xp.log(q) - self.middle) / self.half
        return polynomials(xp, x, self.coefficients.shape[-1])

    def _factors(
        self, xp: Namespace, sides: tuple[Array, Array], own: tuple[Array, Array], first: float, second: float
    ) -> list[tuple[Array, Array]]:
        """What the terms are products of: arrays of shape (K, p, m) and (q, m), one pair for each power of q q'."""
        found = []
        s, t = self.coefficients
        for power in dict.fromkeys(self.powers):
            here = [weight * (p == power) for weight, p in zip((first, second), self.powers, strict=True)]
            if not any(here):
                continue
            core = constant(xp, sides[0], here[0] * s + here[1] * t)
            left, right = (v if power == 0 else v * q**power for v, q in zip(own, sides, strict=True))
            found.append((xp.matmul(left.T, core), right.T))
        return found

    def _clenshaw(self, xp: Namespace, twice: Array, factors: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """b_0 and b_1 of b_k = 2 z b_{k+1} − b_{k+2} + Σ L_k Rᵀ, given 2 z."""
        now, before = 0.0 * twice, 0.0 * twice
        for k in range(len(self.columns) - 1, -1, -1):
            total = twice * now
            total -= before
            for left, right in factors:
                total = add_product(xp, total, left[k, :, : self.columns[k]], right[:, : self.columns[k]])
            now, before = total, now
        return now, before


def gaps(pairs: Geometry) -> Array:
    """1 − |ρ| ≥ 0, as accurate as the pairs are."""
    xp = pairs.xp
    size = xp.abs(pairs.rho)
    if pairs.sine is not None:
        return pairs.sine * pairs.sine / (1.0 + size)
    return xp.clip(1.0 - size, 0.0, 1.0)


def span(smallest: float, largest: float) -> tuple[int, int] | None:
    """The range in which these scales lie, in parts of an octave; None where it would be too wide or not finite."""
    if not 0.0 < smallest <= largest < math.inf:
        return None
    low = math.floor(_PARTS * math.log2(smallest))
    high = max(low + 1, math.ceil(_PARTS * math.log2(largest)))
    return (low, high) if high - low <= _PARTS * _OCTAVES else None


def edges(span: tuple[int, int]) -> tuple[float, float]:
    """The smallest and the largest q of a range."""
    return 2.0 ** (span[0] / _PARTS), 2.0 ** (span[1] / _PARTS)


class _Sizes(NamedTuple):
    """Middle and half of log q, δ, centre and spread of y, and the numbers m and K."""

    middle: float
    half: float
    delta: float
    centre: float
    spread: float
    m: int
    K: int


def _sizes(span: tuple[int, int], whole: bool) -> _Sizes:
    low, high = edges(span)
    middle, half = 0.5 * math.log(low * high), 0.5 * math.log(high / low)
    delta = (RULE[0][0] / high) ** 2
    m = enough(half, math.pi / 2)
    if whole:
        spread = math.log((2.0 + delta) / delta)
        # every second one is zero
        return _Sizes(middle, half, delta, 0.0, spread, m, -(-enough(spread, math.pi) // 2))
    first, last = math.log(delta), math.log(delta + 1.0 - _BEGIN)
    spread = 0.5 * (last - first)
    return _Sizes(middle, half, delta, 0.5 * (first + last), spread, m, enough(spread, math.pi))


def serves(span: tuple[int, int], whole: bool) -> bool:
    """Whether there is an interpolant for this range."""
    return _sizes(span, whole).K <= _MOST


def nodes(span: tuple[int, int], whole: bool) -> int:
    """The number of pairs that `interpolant` asks `averages` for."""
    sizes = _sizes(span, whole)
    return sizes.m * (sizes.m + 1) // 2 * sizes.K


def interpolant(base: Base, span: tuple[int, int], whole: bool) -> Interpolant:
    """The interpolant of this range; one thread makes it, others wait."""
    with _lock:
        return _make(base, span, whole)


@lru_cache(maxsize=64)
def _make(base: Base, span: tuple[int, int], whole: bool) -> Interpolant:
    middle, half, delta, centre, spread, m, K = _sizes(span, whole)
    q = np.exp(middle + half * points(m))
    if whole:
        # ρ = (1 + δ) tanh(y/2), at the positive of 2 K points
        y = spread * points(2 * K)[:K]
        gap = (2.0 * np.exp(-y) - delta * -np.expm1(-y)) / (1.0 + np.exp(-y))
        last = odd_transform(K) if base.parity else transform(K)
    else:
        gap = np.exp(centre + spread * points(K)) - delta
        last = transform(K)
    i, j = (np.repeat(index, K) for index in np.triu_indices(m))
    gap = np.tile(gap, m * (m + 1) // 2)
    sine = np.sqrt(gap * (2.0 - gap))
    pairs = Geometry(numpy_namespace(), 1.0 - gap, True, 1.0, sine, 0.0 * gap)
    powers = {TANH: (0.0, 0.5), LOG_COSH: (1.0, 1.0)}.get(base, (0.0, 0.0))
    found = np.empty((2, K, m, m))
    for part, power, values in zip(found, powers, averages(pairs, base, q[i], q[j]), strict=True):
        values = (values / (q[i] * q[j]) ** power).reshape(-1, K).T
        grid = np.empty((K, m, m))
        a, b = np.triu_indices(m)
        grid[:, a, b] = grid[:, b, a] = values
        part[:] = np.tensordot(last, transform(m) @ grid @ transform(m).T, axes=1)
    sizes = np.max(np.abs(found), axis=(1, 2, 3), keepdims=True)
    kept = np.any(np.abs(found) > _NEGLIGIBLE * sizes, axis=(0, 2))
    columns = tuple(int(np.max(np.nonzero(row)[0], initial=-1)) + 1 for row in kept)
    return Interpolant(base, middle, half, delta, centre, spread, whole, powers, found, columns)
