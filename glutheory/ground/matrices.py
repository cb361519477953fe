"""The reading of a symmetric matrix: whoever is given one accepts and refuses the same ones, in the same words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError, with_article

Array = npt.NDArray[np.float64]

#: Twice the largest error of a rounding below 2⁻¹⁰²².
SMALLEST = 2.0**-1074
#: Largest asymmetry that can be rounding, relative to the largest entry, by the bytes of a number. A product of inner
#: length p rounds each entry by at most p·u of it (u = 2⁻²⁴, 2⁻⁵³), two mirrored ones differ by at most 2 p u. These
#: bounds, half of the digits, are what p = 2²⁶ gives in double precision, beyond any width or number of samples, and
#: p = 2¹¹ in single precision, where roundings that are not all of one sign get there at p = 2²² only.
_ASYMMETRY = {4: 2.0**-12, 8: 2.0**-26}
#: What the entries of a matrix in single or half precision are taken to be off by, relative to √(K_ii K_jj), by the
#: bytes of a number: 16 units of roundoff, one for the rounding of the entry and the others for the sums behind it
#: (more than twice what `glutheory.gram` states for its float32 results).
_ENTRY = {2: 2.0**-7, 4: 2.0**-20}


@dataclass(frozen=True, eq=False)
class Symmetric:
    """A matrix K of order n that is symmetric but for rounding.

    Attributes:
        given: K, float64, shape (n, n).
        scaled: (K + Kᵀ)/2 divided by 2^exponent, so that its largest entry is from ½ to 1.
        exponent: of that power of two.
        slack: ½‖K − Kᵀ‖_F/2^exponent: by Weyl no eigenvalue of `scaled` is further from those meant.
        entry_error: e such that the entries are known within e·√(K_ii K_jj), by the dtype that they came in: 0 for
            float64 and integers, 2⁻²⁰ for float32.
    """

    given: Array
    scaled: Array
    exponent: int
    slack: float
    entry_error: float = 0.0

    @property
    def matrix(self) -> Array:
        """(K + Kᵀ)/2, exactly symmetric."""
        return np.ldexp(self.scaled, self.exponent) if self.slack else self.given

    @property
    def error(self) -> float:
        """½‖K − Kᵀ‖_F: what the averaging may move an eigenvalue by, with what is rounded below 2⁻¹⁰²²."""
        return math.ldexp(self.slack, self.exponent) + len(self.given) * SMALLEST if self.slack else 0.0


def symmetric(name: str, value: Any, order: int | None = None) -> Symmetric:
    """The symmetric matrix that a caller passed for the argument called `name`.

    Args:
        name: for the error message.
        value: shape (n, n), numpy, torch or lists; float64, float32 or integers. An asymmetry of the size of rounding
            (2⁻²⁶ of the largest entry, 2⁻¹² of one in single precision) is averaged away; `slack` says how much.
        order: the n of another argument, K, if this one must have it too.

    Raises:
        DomainError: no matrix of real numbers, not square, empty, of another order, not finite, or not symmetric.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise DomainError(f"{name} is a masked array: its masked entries have no value; give {name}.filled(value).")
    try:
        found = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):  # bfloat16 and the like; rows of different lengths
        kind = type(value).__name__
        raise DomainError(f"{name} is {with_article(kind)} that is no numpy matrix: give float64 or float32.") from None
    if found.ndim != 2 or found.shape[0] != found.shape[1] or found.shape[0] == 0:
        raise DomainError(f"{name} has shape {found.shape}: give a square matrix with at least one row.")
    if order is not None and len(found) != order:
        raise DomainError(f"{name} has shape {found.shape}: give the shape of K, {(order, order)}.")
    if found.dtype.kind not in "fiu":
        raise DomainError(f"{name} has dtype {found.dtype}: give a real matrix, float64 or float32.")
    entry = _ENTRY.get(found.dtype.itemsize, 0.0) if found.dtype.kind == "f" else 0.0
    numbers = found.astype(np.float64)
    top = float(np.max(np.abs(numbers)))
    if not math.isfinite(top):
        i, j = _place(~np.isfinite(numbers))
        raise DomainError(
            f"{name} has an entry {numbers[i, j]} at ({i}, {j}), which is not finite: remove the data points that "
            "cause it (an NTK is infinite where φ jumps)."
        )
    exponent = math.frexp(top)[1]
    scaled = np.ldexp(numbers, -exponent)
    skew = np.abs(scaled - scaled.T)
    worst = float(np.max(skew))
    if worst == 0:
        return Symmetric(numbers, scaled, exponent, 0.0, entry)
    single = found.dtype.kind == "f" and found.dtype.itemsize <= 4
    if worst > math.ldexp(top, -exponent) * _ASYMMETRY[4 if single else 8]:
        i, j = _place(skew)
        raise DomainError(
            f"{name} is not symmetric: entry ({i}, {j}) is {found[i, j]} and ({j}, {i}) is {found[j, i]}; give a "
            f"kernel of one data set with itself, ({name} + {name}.T)/2."
        )
    return Symmetric(numbers, (scaled + scaled.T) / 2, exponent, float(np.linalg.norm(skew)) / 2, entry)


def _place(values: npt.NDArray[Any]) -> tuple[int, int]:
    """Row and column of the largest entry."""
    i, j = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(i), int(j)
