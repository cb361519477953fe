"""Equal rows of the data have equal rows in the Gram matrix, to the last bit: so its condition number is infinite."""

from __future__ import annotations

import numpy as np
import pytest

import glutheory as glu

#: Elsewhere (erf, sin, own evaluators) equal rows may differ in the last bit, by the order of a sum.
NAMES = ("identity", "relu", "gelu", "sigmoid", "tanh", "silu", "softplus", "reglu", "geglu", "swiglu", "glu", "gtu")


@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_are_equal(name: str, scale: float) -> None:
    X = scale * np.random.default_rng(1).standard_normal((12, 4))
    X[5], X[7] = X[2], X[2]
    for K in glu.gram(name, X, kind="both"):
        assert np.array_equal(K[2], K[5])
        assert np.array_equal(K[2], K[7])
