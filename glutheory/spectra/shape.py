"""How compact a spectrum is: entropy, effective rank, participation ratio, log-spread, and the majorisation order.

All functions take non-negative eigenvalues in any order, shape (n,), and none depends on their scale. Entropy,
effective rank and participation ratio are Schur-concave: a spectrum that majorises another has the smaller one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

#: A computed eigenvalue of 0 may come out as minus this fraction of the largest.
_ROUNDING = 1e-11


def _read(name: str, values: Any) -> Array:
    """Descending, divided by the largest, rounding below 0 removed."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not found.size:
        raise DomainError(f"{name} has shape {found.shape}: give a one-dimensional array of at least one eigenvalue.")
    if not np.all(np.isfinite(found)):
        raise DomainError(f"{name} has entries that are not finite: remove them.")
    found = np.sort(found)[::-1]
    if found[0] <= 0:
        raise DomainError(f"{name} has the largest entry {found[0]}: at least one eigenvalue must be positive.")
    found = found / found[0]
    if found[-1] < -_ROUNDING:
        raise DomainError(f"{name} has an entry of {found[-1]:.3g} times the largest: eigenvalues must be ≥ 0 here.")
    return np.asarray(np.maximum(found, 0.0))


def bulk(values: Any, *, outliers: int = 1) -> Array:
    """The eigenvalues without the `outliers` largest, descending.

    Raises:
        DomainError: `outliers` is negative or leaves nothing.
    """
    found = np.sort(np.asarray(values, dtype=np.float64))[::-1]
    if not 0 <= outliers < len(found):
        raise DomainError(f"outliers is {outliers}: give an integer from 0 to {len(found) - 1} for these eigenvalues.")
    return found[outliers:]


def outliers(values: Any, *, ratio: float = 1.5) -> int:
    """How many eigenvalues stand apart: those above the largest ratio λ_i/λ_(i+1) in the upper half of the spectrum.

    Args:
        values: the eigenvalues.
        ratio: where no ratio exceeds this, the answer is 0. Neighbours inside a bulk of n eigenvalues differ by a
            factor of 1 + O(n^(−2/3)) at most.
    """
    found = _read("values", values)
    half = found[: max(2, (len(found) + 1) // 2 + 1)]
    above, below = half[:-1], half[1:]
    ratios = np.divide(above, below, out=np.full(len(above), math.inf), where=below > 0)
    ratios[above == 0] = 1.0
    if not len(ratios) or np.max(ratios) <= ratio:
        return 0
    return int(np.argmax(ratios)) + 1


def spectral_entropy(values: Any) -> float:
    """−Σ p_i ln p_i with p_i = λ_i/Σλ, in nats: between 0 and ln n."""
    found = _read("values", values)
    p = found / math.fsum(found)
    p = p[p > 0]
    return -math.fsum(p * np.log(p)) + 0.0


def effective_rank(values: Any) -> float:
    """The exponential of the spectral entropy, between 1 and n (Roy & Vetterli 2007)."""
    return math.exp(spectral_entropy(values))


def participation_ratio(values: Any) -> float:
    """(Σλ)²/Σλ², between 1 and n: the number of equal eigenvalues with the same first two moments."""
    found = _read("values", values)
    return math.fsum(found) ** 2 / math.fsum(found**2)


def log_spread(values: Any) -> float:
    """The standard deviation of ln λ_i: 0 for equal eigenvalues, and scale-free.

    Raises:
        DomainError: an eigenvalue is not positive; leave out those that are not resolved.
    """
    found = _read("values", values)
    if found[-1] <= 0:
        raise DomainError("values has entries that are not positive: leave out the eigenvalues below their error.")
    return float(np.std(np.log(found)))


def majorisation_gap(first: Any, second: Any) -> float:
    """The least difference of the partial sums of the k largest, k < n, of `first` over `second`, both of trace 1.

    It is ≥ 0 if and only if `first` majorises `second`, and 0 also where the two are equal or have one entry. The sums
    are taken in extended precision: what is left is the rounding of the entries, at most about n·1e-16.

    Raises:
        DomainError: of different lengths, or not eigenvalues.
    """
    a, b = _read("first", first), _read("second", second)
    if len(a) != len(b):
        raise DomainError(f"first has {len(a)} entries and second {len(b)}: give spectra of equal size.")
    if len(a) == 1:
        return 0.0
    sums = [np.cumsum(x.astype(np.longdouble)) for x in (a, b)]
    return float(np.min((sums[0] / sums[0][-1] - sums[1] / sums[1][-1])[:-1]))


def majorises(first: Any, second: Any, *, tolerance: float = 0.0) -> bool:
    """Whether `first` ≻ `second`: equal traces (both are scaled to 1), and no partial sum of the largest is smaller.

    Args:
        first: the eigenvalues that may majorise.
        second: those that may be majorised, as many.
        tolerance: how far a partial sum may fall short, relative to the trace. Eigenvalues with an absolute error e
            have partial sums with one of 2·n·e/trace; 0 is for exact numbers.

    Raises:
        DomainError: as in `majorisation_gap`, or a negative tolerance.
    """
    if not tolerance >= 0:
        raise DomainError(f"tolerance is {tolerance}: give a number ≥ 0.")
    return majorisation_gap(first, second) >= -tolerance
