"""The ends of the spectra of ReLU and ReGLU as predicted, also at sizes that no computer reaches.

Kernels are divided by m, in the limit m → ∞ under LeCun's variances; inputs of norm √d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from derivations.proofs.relu_expansion import FLOOR, coefficient
from glutheory.spectra import Levels, multiplicity

#: Taylor coefficients and levels that are kept far out, where nothing else is left.
_TERMS, _FAR_LEVELS = 24, 6


@dataclass(frozen=True)
class Ends:
    """The extreme eigenvalues of a kernel over m; the names are those of `Equivalent`."""

    largest: float
    second: float
    smallest: float

    @property
    def condition(self) -> float:
        return self.largest / self.smallest

    @property
    def bulk_condition(self) -> float:
        return self.second / self.smallest


@lru_cache(maxsize=1024)
def far(n: int, d: int) -> tuple[Ends, Ends]:
    """The equivalents of K/m and K̃/m at sizes that no computer reaches, inputs of norm √d; d at least 1000."""
    found = []
    for gated in (False, True):
        sizes, values = _levels(d, gated)
        floor = 0.5 - math.fsum(size * value for size, value in zip(sizes, values, strict=True))
        kept = [level for level in range(1, _FAR_LEVELS) if values[level] > 0]
        levels = Levels(n, tuple(values[i] for i in kept), tuple(sizes[i] for i in kept), floor)
        found.append(_ends(levels, n * values[0]))
    return found[0], found[1]


@lru_cache(maxsize=64)
def far_residual(n: int, d: int) -> tuple[float, float]:
    """‖E‖ and ‖Ẽ‖ of the linear approximation of K/m and K̃/m there: the levels that it leaves out."""
    found = []
    spike = _levels(d, gated=False)[1][0]  # E s, which is β d
    for gated in (False, True):
        sizes, values = _levels(d, gated)
        # K keeps levels 0 and 1; in K̃ these are ρ E s, of level 1, and ρ²/4, of levels 0 and 2
        left = [0.0, values[1] - spike / d, 0.0, *values[3:]] if gated else [0.0, 0.0, *values[2:]]
        kept = [level for level in range(1, _FAR_LEVELS) if left[level] > 0]
        floor = 0.5 - spike - 0.25 - math.fsum(sizes[i] * left[i] for i in kept)
        low, high = Levels(n, tuple(left[i] for i in kept), tuple(sizes[i] for i in kept), floor).edges
        found.append(max(high - float(FLOOR), float(FLOOR) - low))
    return found[0], found[1]


def _ends(levels: Levels, spike: float) -> Ends:
    """The ends of a bulk with a rank-one part of this strength."""
    low, high = levels.support
    outlier = levels.outlier(spike)
    return Ends(high if outlier is None else outlier, high, low)


@lru_cache(maxsize=256)
def _levels(d: int, gated: bool) -> tuple[list[int], list[float]]:
    """Dimensions and eigenvalues of the levels."""
    series = (*([0.0] if gated else []), *_series())
    return (
        [multiplicity(d, level) for level in range(_FAR_LEVELS)],
        [_eigenvalue(series, d, level) for level in range(_FAR_LEVELS)],
    )


@lru_cache(maxsize=1)
def _series() -> tuple[float, ...]:
    return tuple(float(coefficient(j)) for j in range(_TERMS))


def _eigenvalue(series: tuple[float, ...], d: int, level: int) -> float:
    """Σ_k c_k E[t^k P_l] over S^(d−1), E[t^k P_l] = k!/(k−l)! (2j−1)!!/(d(d+2)…(d+2(l+j)−2)), k = l + 2j."""
    total = 0.0
    for k in range(level, len(series), 2):
        j = (k - level) // 2
        up = math.prod(range(k - level + 1, k + 1)) * math.prod(range(1, 2 * j, 2))
        total += series[k] * (up / math.prod(range(d, d + 2 * (level + j), 2)))
    return total
