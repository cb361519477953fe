"""Matrices with known eigenvalues."""

from __future__ import annotations

import numpy as np
import scipy.linalg


def with_eigenvalues(values: list[float]) -> np.ndarray:
    """A dense matrix with exactly these eigenvalues: H diag(values) Hᵀ/n with a Hadamard matrix and short numbers."""
    n = len(values)
    H = scipy.linalg.hadamard(n).astype(float)
    return np.asarray((H * np.array(values)) @ H.T / n)
