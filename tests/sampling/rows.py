"""Rows drawn for the sampled kernels."""

from __future__ import annotations

import numpy as np


def points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))
