"""Eigenvalues of a dense symmetric matrix with an error bound, and condition numbers that admit what is not resolved.

LAPACK's symmetric solvers are backward stable: the computed eigenvalues are exact for a matrix within p(n)·u·‖K‖₂ of
the given one, u = 2⁻⁵³, so by Weyl's inequality each is within that of the true one. p(n) is a "modestly growing
function" (LAPACK Users' Guide, 3rd ed., Chapter 4); errors seen are about √n, and p(n) = 10 n is taken here. That is no
proof: for one see `glutheory.spectra.certified`. A `ConditionNumber` is the figure with its interval, an honest lower
bound, or infinity with its reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from glutheory.errors import DomainError
from glutheory.ground.matrices import SMALLEST, Array, Symmetric, symmetric

_UNIT = 2.0**-53
#: p(n) = _GROWTH · n.
_GROWTH = 10


@dataclass(frozen=True)
class Spectrum:
    """All eigenvalues of a symmetric matrix.

    Attributes:
        values: the eigenvalues, descending, float64, shape (n,); read-only.
        error: an absolute bound on the error of every one of them: the rounding of the solver (see the module), what
            the matrix lacks in symmetry, and the errors of its entries as stated by the caller.
    """

    values: Array
    error: float

    @property
    def n(self) -> int:
        """The order of the matrix."""
        return len(self.values)

    @property
    def largest(self) -> float:
        """λ_1."""
        return float(self.values[0])

    @property
    def smallest(self) -> float:
        """λ_n; meaningless in sign and digits where it is below `error`."""
        return float(self.values[-1])

    @property
    def trace(self) -> float:
        """The sum of the eigenvalues."""
        return math.fsum(self.values)


def spectrum(K: Any, *, entry_error: float | None = None) -> Spectrum:
    """All eigenvalues of a symmetric matrix, with an error bound.

    The matrix is scaled by a power of two first: entries from 1e-300 to 1e300 are no trouble. One tridiagonal
    reduction is nearly all the work, so that a part of the spectrum would cost as much as the whole.

    Args:
        K: symmetric, shape (n, n), numpy or torch, float64, float32 or integers. An asymmetry of the size of rounding
            is averaged away and counted in the error.
        entry_error: e such that the entries are known within e·√(K_ii K_jj); `glutheory.entry_error` of the network for
            what `glutheory.gram` returns (1e-14 where the zoo has evaluators, else 1e-12), 4e-7 where that is float32.
            By Weyl it moves no eigenvalue by more than e·tr K. None: by the dtype of K, 0 for float64 and integers,
            2⁻²⁰ ≈ 1e-6 for float32. A float32 matrix that was cast to float64 no longer says what it is: give 1e-6.

    Raises:
        DomainError: not square, empty, not real, not finite, not symmetric; or a negative entry_error.
    """
    read = symmetric("K", K)
    return _unscaled(_solve(read, _known(read, entry_error)), read.exponent)


@dataclass(frozen=True)
class ConditionNumber:
    """λ_max/λ_min of a positive semidefinite matrix, as far as it is known.

    Attributes:
        value: the figure; only a lower bound of it where `is_bound`; inf for a matrix that is singular by structure.
        low: a lower bound.
        high: an upper bound; inf where λ_min is not told from 0.
        is_bound: whether λ_min is below its error, so that `value` is `low` and no more than a lower bound.
        reason: why the figure is infinite or a bound, else empty.
    """

    value: float
    low: float
    high: float
    is_bound: bool = False
    reason: str = ""

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        if self.is_bound:
            return f"≥ {_floor(self.value)}"
        if math.isinf(self.value):
            return f"inf ({self.reason})"
        if self.high - self.low < 1e-3 * self.value:
            return _figure(self.value, 4)
        return f"{_figure(self.value, 3)} (between {_figure(self.low, 3)} and {_figure(self.high, 3)})"


def condition_number(K: Any, *, entry_error: float | None = None) -> ConditionNumber:
    """The condition number λ_max/λ_min of a symmetric positive semidefinite matrix, or an honest lower bound of it.

    With ``error`` the bound of `spectrum`: if λ_min > error, the figure with an interval that contains the true one.
    Else λ_min cannot be told from 0, and the result is the lower bound (λ_max − error)/(λ_min + error) with
    ``is_bound``. Infinite only for matrices that are singular by structure: a zero row, or two rows that are equal up
    to sign to the last bit (then ``low`` is still what an `entry_error` allows).

    Args:
        K: as in `spectrum`; one in float32 has a figure only as far as float32 can tell, else a lower bound.
        entry_error: as in `spectrum`.

    Raises:
        DomainError: as in `spectrum`; or K is not positive semidefinite: an eigenvalue is negative beyond its error.
    """
    read = symmetric("K", K)
    known = _known(read, entry_error)
    return _ratio(_solve(read, known), read, known)


def spectrum_and_condition(K: Any, *, entry_error: float | None = None) -> tuple[Spectrum, ConditionNumber]:
    """Both `spectrum` and `condition_number` for the work of one; arguments and errors as there.

    Raises:
        DomainError: as in `spectrum` and `condition_number`.
    """
    read = symmetric("K", K)
    known = _known(read, entry_error)
    found = _solve(read, known)
    return _unscaled(found, read.exponent), _ratio(found, read, known)


def _known(read: Symmetric, entry_error: float | None) -> float:
    """The error of the entries: as stated, or by the dtype that they came in."""
    return read.entry_error if entry_error is None else entry_error


def _solve(read: Symmetric, entry_error: float) -> Spectrum:
    """The spectrum of the scaled matrix."""
    if not (math.isfinite(entry_error) and entry_error >= 0):
        raise DomainError(f"entry_error is {entry_error}: give a finite number ≥ 0.")
    matrix = read.scaled
    values = scipy.linalg.eigvalsh(matrix, check_finite=False)[::-1].copy()
    values.flags.writeable = False
    norm = max(abs(float(values[0])), abs(float(values[-1])))
    # |ΔK_ij| ≤ e √|K_ii K_jj| gives ‖ΔK‖₂ ≤ ‖ΔK‖_F ≤ e Σ|K_ii|
    entries = entry_error * float(np.sum(np.abs(np.diagonal(matrix))))
    return Spectrum(values, _GROWTH * len(values) * _UNIT * norm + read.slack + entries)


def _unscaled(found: Spectrum, exponent: int) -> Spectrum:
    """The spectrum times a power of two."""
    with np.errstate(over="ignore"):
        values = np.ldexp(found.values, exponent)
    if not math.isfinite(values[0] - values[-1]):
        raise DomainError("K has eigenvalues beyond float64: divide it by a power of two.")
    values.flags.writeable = False
    # below 2⁻¹⁰²² what is scaled back is rounded, the values and the bound
    return Spectrum(values, math.ldexp(found.error, exponent) + (SMALLEST if found.error else 0.0))


def _ratio(found: Spectrum, read: Symmetric, entry_error: float) -> ConditionNumber:
    """The condition number of the matrix with this spectrum."""
    error, largest, smallest = found.error, found.largest, found.smallest
    if smallest + error < 0:
        scale = max(abs(largest), abs(smallest))
        raise DomainError(
            f"K is not positive semidefinite: λ_min is {smallest / scale:.2g} of its norm, and known within "
            f"{error / scale:.1g} of it; a condition number is defined for kernel matrices only."
        )
    reason = _structure(read.given)
    if reason and (entry_error == 0 or largest == 0):
        return ConditionNumber(math.inf, math.inf, math.inf, reason=reason)
    low = max(1.0, (largest - error) / (smallest + error))
    if reason:
        return ConditionNumber(math.inf, low, math.inf, reason=reason)
    if found.n == 1:
        return ConditionNumber(1.0, 1.0, 1.0)
    if smallest - error <= 0:
        return ConditionNumber(low, low, math.inf, True, "the smallest eigenvalue is below its error bound")
    return ConditionNumber(largest / smallest, low, (largest + error) / (smallest - error))


def _structure(matrix: Array) -> str:
    """Why the given numbers make an exactly singular matrix, or an empty string; only what can be seen without work."""
    seen: dict[bytes, int] = {}
    for i, row in enumerate(matrix):
        first = row[np.flatnonzero(row)[:1]]
        if not len(first):
            return f"row {i} is zero"
        # + 0.0 turns −0 into 0; a row and its negative are the same row here
        key = (row * math.copysign(1.0, float(first[0])) + 0.0).tobytes()
        if key in seen:
            return f"rows {seen[key]} and {i} are equal up to sign"
        seen[key] = i
    return ""


def _figure(value: float, digits: int) -> str:
    """The number with so many digits, 1.5e15 for 1.5e+15."""
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e")


def _floor(value: float) -> str:
    """Two digits, rounded down: a lower bound stays one."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return _figure(math.floor(value / step) * step, 2)
