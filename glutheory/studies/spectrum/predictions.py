"""When the random-matrix prediction of `glutheory.spectra.equivalent` speaks about a given matrix, and in its units.

It is that of the NTK over m as m → ∞ at LeCun's variances, for random directions of given norms. The NTK in the
standard parametrisation is m times that, up to O(d/m); the NNGP is it exactly, in both parametrisations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError, GlutheoryError
from glutheory.networks import Network
from glutheory.numeric import entry_error, gram
from glutheory.spectra import equivalent

Array = npt.NDArray[np.float64]

#: The least dimension and number of rows: below, the limit is far away.
_LEAST_D, _LEAST_N = 10, 50
#: The least ratio of the width to d.
_WIDE = 10
#: Activations that are not homogeneous: how far ‖x‖²/d may be from 1 on either side, but for 5 % of the rows.
_NEAR, _ASIDE = 1.6, 0.05
#: Of the three numbers that tell whether a kernel is homogeneous; and of its degree, which may be 3/2.
_ROUNDING, _DENOMINATORS = 1e-13, 12
#: The largest ratio of two norms: beyond, hardly any eigenvalue is of the bulk.
_FAR = 1000


@dataclass(frozen=True)
class Prediction:
    """The limiting spectrum in the units of the matrix.

    Attributes:
        largest: λ_1.
        second: λ_2, the upper edge of the bulk.
        smallest: λ_n, the lower edge of the bulk.
        outlier: whether λ_1 stands apart from the bulk.
        approximate: whether the activation is not homogeneous: the norms are then accounted for by a power law that
            holds near √d.
    """

    largest: float
    second: float
    smallest: float
    outlier: bool
    approximate: bool

    @property
    def condition(self) -> float:
        """λ_1/λ_n; inf where the lower edge is 0."""
        return self.largest / self.smallest if self.smallest > 0 else math.inf

    @property
    def bulk_condition(self) -> float:
        """λ_2/λ_n; inf where the lower edge is 0."""
        return self.second / self.smallest if self.smallest > 0 else math.inf

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        return {
            "largest": self.largest,
            "second": self.second,
            "smallest": self.smallest,
            "outlier": self.outlier,
            "approximate": self.approximate,
            "condition": self.condition,
            "bulk_condition": self.bulk_condition,
        }


def predict(net: Network, X: Array, kind: str, parametrization: str, width: int | None) -> Prediction | str:
    """The prediction for this kernel on random directions of the norms of X, or why there is none, a clause."""
    n, d = X.shape
    if kind == "ntk" and parametrization == "ntk":
        return "it is known for the standard parametrisation and for the NNGP"
    if d < _LEAST_D or n < _LEAST_N:
        return f"it needs at least {_LEAST_D} features and {_LEAST_N} rows"
    if kind == "ntk" and width is not None and width < _WIDE * d:
        return f"it is that of wide networks, of width {_WIDE} d or more"
    if not X.any(axis=1).all():
        return "a row is zero"
    # without the power of two next to the largest entry no square overflows
    exponent = math.frexp(float(np.max(np.abs(X))))[1]
    norms = np.linalg.norm(np.ldexp(X, -exponent), axis=1)
    if np.max(norms) > _FAR * np.min(norms):
        return f"the norms of the rows differ by more than a factor of {_FAR}"
    degree = _degree(net)
    if degree is None:
        with np.errstate(over="ignore", under="ignore"):
            low, high = np.ldexp(np.quantile(norms, (_ASIDE, 1 - _ASIDE)) / math.sqrt(d), exponent)
            norms = np.ldexp(norms, exponent)
        if not _NEAR**-0.5 < low <= high < _NEAR**0.5:
            return "activations that are not homogeneous need rows of norms near √d"
    try:
        found = equivalent(net, n, d, degree=None, norms=norms)
    except GlutheoryError:
        return "the coefficients of the kernel cannot be had to the digits that it needs"
    units = width if kind == "ntk" and width is not None else 1
    ends = units * np.array([found.largest, found.second, found.smallest])
    with np.errstate(over="ignore", under="ignore"):
        power = 2 * (degree or 0) * exponent
        whole = math.floor(power)
        largest, second, smallest = np.ldexp(ends * 2.0 ** float(power - whole), whole).tolist()
    return Prediction(largest, second, smallest, found.outlier is not None, degree is None)


def _degree(net: Network) -> Fraction | None:
    """The p of a kernel that is ‖x‖^(2p) at (x, x); None where it is no power of a small denominator."""
    try:
        one, two, four = (float(gram(net, np.array([[size]]), kind="nngp")[0, 0]) for size in (1.0, 2.0, 4.0))
    except DomainError:  # too fast for variances of 16, so that it is no power
        return None
    # powers of two are exact in every product; the rest is the rounding of a few operations, or of a derived evaluator
    error = max(_ROUNDING, 4 * entry_error(net))
    if one == 0 or abs(one * four - two * two) > error * two * two:
        return None
    power = math.log2(two / one) / 2
    degree = Fraction(power).limit_denominator(_DENOMINATORS)
    return degree if abs(power - degree) <= 2 * error else None
