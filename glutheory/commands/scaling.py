"""What --normalise does to the rows of a file, and what it says of it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]


def scaled(X: Array, how: str) -> tuple[Array, str]:
    """The rows scaled as `glutheory.commands.options.SCALINGS` says, and a phrase that says so.

    Args:
        X: shape (n, d), finite.
        how: "none", "rms" or "standard"; constant features are left out by "standard".

    Raises:
        DomainError: a row of zeros that would be scaled, or no feature that varies.
    """
    if how == "none":
        return X, ""
    norms = f"{_norms(X)} before"
    if how == "rms":
        if not X.any(axis=1).all():
            row = int(np.nonzero(~X.any(axis=1))[0][0])
            raise DomainError(f"--normalise is rms, but row {row} (counted from 0) has only zeros: leave it out.")
        Y, _ = _sized(X, 1)
        return Y * (math.sqrt(X.shape[1]) / np.linalg.norm(Y, axis=1, keepdims=True)), (
            f"every row scaled to norm √d ({norms})"
        )
    kept, _ = _sized(X[:, X.min(axis=0) < X.max(axis=0)], 0)
    if not kept.shape[1]:
        raise DomainError("--normalise is standard, but no feature varies: give other rows.")
    found = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    constant = X.shape[1] - kept.shape[1]
    more = f", {constant} constant one{'s' * (constant > 1)} left out" if constant else ""
    return found, f"every feature shifted and scaled to mean 0 and variance 1{more} ({norms})"


def _sized(X: Array, axis: int) -> tuple[Array, npt.NDArray[np.int_]]:
    """Rows (axis 1) or columns (axis 0) divided by powers of two, to below 1, and the exponents: squares are held."""
    exponents = np.frexp(np.max(np.abs(X), axis=axis, keepdims=True, initial=0.0))[1]
    return np.ldexp(X, -exponents), exponents


def _norms(X: Array) -> str:
    Y, exponents = _sized(X, 1)
    with np.errstate(over="ignore", under="ignore"):
        lengths = np.ldexp(np.linalg.norm(Y, axis=1) / math.sqrt(X.shape[1]), exponents[:, 0])
    low, high = float(lengths.min()), float(lengths.max())
    return f"norms were {low:.3g} to {high:.3g} times √d" if high > low * 1.0005 else f"norms were {high:.3g} times √d"
