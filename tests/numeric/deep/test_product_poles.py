"""Where a gate jumps, the NTK of opposite rows may be a difference of infinite terms: a sentence, never NaN."""

from __future__ import annotations

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError

X = np.array([[1.0, 2.0], [-1.0, -2.0], [2.0, -1.0]])


def test_a_difference_of_infinite_terms_is_a_sentence() -> None:
    stack = glu.stack("step_glu", 2, norm="rms", residual=True)
    with pytest.raises(DomainError, match="two rows are exactly opposite"):
        glu.gram(stack, X)
    assert np.all(np.isfinite(glu.gram(stack, X, kind="nngp")))
    assert np.array_equal(np.isinf(glu.gram(stack, X[1:])), np.eye(2, dtype=bool))


def test_infinite_terms_of_one_sign_are_infinite() -> None:
    found = glu.gram(glu.stack("step_glu", 1, norm="rms", residual=True), X)
    assert not np.isnan(found).any()
    assert found[0, 1] == np.inf
