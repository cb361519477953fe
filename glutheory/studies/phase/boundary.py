"""Where gating is predicted to help: the reach n*(d) of the certificate, where the limiting spectra cross, the sphere.

ReLU against ReGLU unless said otherwise. Proof of what is exact: ``python -m derivations phase_boundary``. The limiting
spectra are `glutheory.spectra.equivalent`, an approximation whose errors that module states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv

from glutheory.networks import GATES
from glutheory.spectra import MarchenkoPastur, equivalent, stairs

Array = npt.NDArray[np.float64]
#: A dimension d to a number: a threshold of min ‖x‖², or a number n of rows.
Curve = Callable[[int], float]
#: `crossing` is searched from here: below d = 5 the prediction is negative from the start.
_START, _FIRST, _LARGEST = 16.0, 5, 1 << 15


def half_mean(d: int) -> float:
    """E[max(u_1, 0)] for u uniform on the unit sphere of R^d."""
    return math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / (2 * math.sqrt(math.pi))


def threshold(d: int) -> float:
    """t(d) = d λ_1(K̃)/λ_1(K), n → ∞, Gaussian data: above it min ‖x‖² makes gating help for certain; → π/2."""
    return (d + 2) / (4 * d * d * half_mean(d) ** 2)


def reach(d: int, threshold: Curve = threshold) -> float:
    """n*(d) = 1/F(t(d)), F that of χ²_d: so many rows are expected to hold one that is shorter than the threshold."""
    return 1 / float(gammainc(d / 2, threshold(d) / 2))


def typical_norms(n: int, d: int) -> Array:
    """‖x_i‖ of n Gaussian rows: the quantiles of χ_d, and the median of the smallest one for it."""
    levels = (np.arange(n) + 0.5) / n
    levels[0] = -math.expm1(-math.log(2) / n)
    return np.asarray(np.sqrt(2 * gammaincinv(d / 2, levels)))


def predicted(n: int, d: int, norms: Sequence[float] | Array | None, gate: str = "reglu") -> float:
    """log10 cond(K)/cond(K̃) of the limiting spectra in the wide limit, rows of these norms (None: all √d)."""
    plain, gated = (equivalent(net, n, d, degree=None, norms=norms) for net in (GATES[gate], gate))
    return math.log10(plain.condition / gated.condition)


@lru_cache(maxsize=1024)
def _typical(n: int, d: int) -> float:
    return predicted(n, d, typical_norms(n, d))


@lru_cache(maxsize=64)
def crossing(d: int) -> float:
    """The n from which on `predicted` with typical norms is below 0, within 2 %; nan if it is so from the start.

    The start is n = 16, or the crossing of d − 1, since it grows with d; inf beyond 2^15.
    """
    low = _START if d <= _FIRST else crossing(d - 1)
    if not math.isfinite(low) or _typical(round(low), d) <= 0:
        return low if math.isinf(low) else math.nan
    while _typical(round(2 * low), d) > 0:
        low *= 2
        if low > _LARGEST:
            return math.inf
    log = brentq(lambda log: _typical(round(math.exp(log)), d), math.log(low), math.log(2 * low), xtol=0.01, rtol=0.001)
    return math.exp(log)


@lru_cache(maxsize=1024)
def _top(net: str, n: int, d: int) -> float:
    """λ_1 of the limiting spectrum on the sphere, the levels above 1 counted as their mean."""
    zero, one = stairs(net, d, 2)
    bulk = MarchenkoPastur(n / d, one.weight, one.floor)
    outlier = bulk.outlier(n * zero.eigenvalue)
    return bulk.edges[1] if outlier is None else outlier


@lru_cache(maxsize=1024)
def certified_dimension(n: int, gate: str, largest: int = 512) -> float:
    """The least d at which n Gaussian rows are all longer than the certificate demands with probability ½, or nan.

    The largest eigenvalues are those of the limiting spectra on the sphere: to leading order in d the norms matter for
    the smallest eigenvalue only.
    """

    def enough(d: int) -> bool:
        bound = d * _top(gate, n, d) / _top(GATES[gate], n, d)
        return n * math.log1p(-float(gammainc(d / 2, bound / 2))) >= -math.log(2)

    low, high = 2, largest
    if not enough(high):
        return math.nan
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)


def sphere_limit(d: int, setting: str) -> float:
    """λ_1(K)/λ_1(K̃) for ‖x_i‖² = d and n → ∞: what cond(K)/cond(K̃) tends to if the smallest eigenvalues meet."""
    square = half_mean(d) ** 2
    return 4 * d * d * square if setting == "wide" else 4 * d * (d + 1) * square / 3


#: From one d to the next the n at which the limiting spectra cross grows by more than this.
_GROWTH = 1.5


def crossings(largest: int, dimensions: int) -> Iterator[tuple[int, float]]:
    """ReGLU, Gaussian data: (d, n) where the limiting spectra cross, up to these dimensions and just beyond that n."""
    for d in range(5, dimensions + 1):
        n = crossing(d)
        yield d, n
        if _GROWTH * n > largest:
            return
