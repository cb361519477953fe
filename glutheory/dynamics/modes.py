"""The eigenvalues and eigenvectors of a kernel matrix, with a bound on what rounding did to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]
_UNIT = float(np.finfo(np.float64).eps) / 2


@dataclass(frozen=True, eq=False)
class Modes:
    """The decomposition K + E = Q diag(λ) Qᵀ of a kernel matrix K, with ‖E‖ ≤ `error`.

    Attributes:
        values: λ, shape (n,), ascending and non-negative.
        vectors: Q, shape (n, n); column i belongs to ``values[i]``.
        error: a bound on the spectral norm of E: of the decomposition's rounding and of the errors of K's entries.
    """

    values: Array
    vectors: Array
    error: float


def matrix(name: str, value: object, order: int | None = None) -> Array:
    """A square, symmetric and finite float64 matrix; `order` is the number of rows it must have.

    Raises:
        DomainError: it is none.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise DomainError(f"{name} has the shape {array.shape}: give a square matrix.")
    if order is not None and len(array) != order:
        raise DomainError(f"{name} has {len(array)} rows: give {order}, one for each row of K.")
    if not np.isfinite(array).all():
        raise DomainError(f"{name} has entries that are not finite: remove the data points that cause them.")
    scale = float(np.abs(array).max())
    if float(np.abs(array - array.T).max()) > 1e-10 * scale:
        raise DomainError(f"{name} is not symmetric: give a kernel of one data set with itself, (K + K.T)/2.")
    return (array + array.T) / 2


def decompose(K: object, *, entry_error: float = 0.0) -> Modes:
    """Decompose a kernel matrix once, for many targets.

    Args:
        K: shape (n, n), symmetric, positive semidefinite up to rounding.
        entry_error: e, if the entries are known within e·√(K_ii K_jj); the matrix then errs by at most e·Tr K in norm.

    Raises:
        DomainError: K is not such a matrix.
    """
    import scipy.linalg

    array = matrix("K", K)
    if not entry_error >= 0:
        raise DomainError(f"entry_error is {entry_error!r}: give a bound that is not negative.")
    n = len(array)
    values, vectors = scipy.linalg.eigh(array)
    norm = float(np.linalg.norm(array))
    residual = float(np.linalg.norm(array @ vectors - vectors * values))
    skew = float(np.linalg.norm(vectors.T @ vectors - np.eye(n)))
    # Q̂ is within `skew` of an orthogonal matrix; the last term bounds the rounding of the two products above
    error = residual + 2 * skew * norm + 4 * n**1.5 * _UNIT * norm + entry_error * float(np.trace(array))
    if values[0] < -error:
        raise DomainError(f"K has the eigenvalue {values[0]:.3g}: give a positive semidefinite kernel.")
    return Modes(np.maximum(values, 0.0), vectors, error)
