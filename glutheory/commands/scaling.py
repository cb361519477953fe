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
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        if not lengths.all():
            row = int(np.nonzero(lengths[:, 0] == 0)[0][0])
            raise DomainError(f"--normalise is rms, but row {row} (counted from 0) has only zeros: leave it out.")
        return X * (math.sqrt(X.shape[1]) / lengths), f"every row scaled to norm √d ({norms})"
    spread = np.ptp(X, axis=0)
    kept = X[:, spread > 0]
    if not kept.shape[1]:
        raise DomainError("--normalise is standard, but no feature varies: give other rows.")
    found = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    constant = X.shape[1] - kept.shape[1]
    more = f", {constant} constant one{'s' * (constant > 1)} left out" if constant else ""
    return found, f"every feature shifted and scaled to mean 0 and variance 1{more} ({norms})"


def _norms(X: Array) -> str:
    lengths = np.linalg.norm(X, axis=1) / math.sqrt(X.shape[1])
    low, high = float(lengths.min()), float(lengths.max())
    return f"norms were {low:.3g} to {high:.3g} times √d" if high > low * 1.0005 else f"norms were {high:.3g} times √d"
