"""Samples of two normal laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def clouds(seed: int, n: int, m: int, d: int, shift: float = 0.0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)), generator.normal(size=(m, d)) + shift
