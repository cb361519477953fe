"""The symmetric data sets are what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.data_sets import FAMILIES, even_parity, named, polygon, symmetric_sets


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_looks_the_same_from_each_of_its_rows(name: str) -> None:
    for size in FAMILIES[name][1]:
        X = named(name, size)
        # rows of eight and fewer coordinates, each rounded a few times
        gram = np.sort(X @ X.T, axis=1)
        assert gram == pytest.approx(np.broadcast_to(gram[0], gram.shape), abs=1e-13)
        assert np.sum(X**2, axis=1) == pytest.approx(np.full(len(X), X.shape[1]))


def test_the_counterexamples_are_among_them() -> None:
    assert polygon(3) @ polygon(3).T == pytest.approx(1.5 * np.eye(3) - 0.5)
    X = even_parity(5)
    assert X.shape == (16, 5)
    assert set((X @ X.T).ravel()) == {5.0, 1.0, -3.0}


@given(X=symmetric_sets(normalised=True, rows=(2, 12)))
def test_normalised_sets_have_norm_root_d(X: np.ndarray) -> None:
    assert 2 <= len(X) <= 12
    assert np.sum(X**2, axis=1) == pytest.approx(np.full(len(X), X.shape[1]))


@given(X=symmetric_sets())
def test_sets_of_any_norm(X: np.ndarray) -> None:
    assert X.ndim == 2
    assert np.isfinite(X).all()
    assert (np.sum(X**2, axis=1) > 0).all()
