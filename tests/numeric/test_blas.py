"""Inner products of tiles: whole by a BLAS of one thread, else in pieces; the limit of threads is put back."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from glutheory.numeric import blas, gram
from glutheory.numeric.arrays import inner


@pytest.mark.parametrize("d", [3, 64, 700])
def test_whole_products_and_pieces_agree(d: int) -> None:
    """Sums of d products of entries of unit rows: off by some roundings of 1."""
    X, Y = (
        rows / np.linalg.norm(rows, axis=1)[:, None] for rows in np.random.default_rng(0).standard_normal((2, 90, d))
    )
    pieces = inner(np, X, Y)
    with blas.one_blas_thread() as whole_here, blas.whole_products(whole_here):
        assert blas.multiplies_whole() == bool(blas.blas_threads())
        whole = inner(np, X, Y)
    assert not blas.multiplies_whole()
    np.testing.assert_allclose(whole, pieces, rtol=0, atol=2e-15)


@pytest.mark.parametrize("rule", [set(), {2}])
def test_pieces_where_the_blas_does_not_hear(rule: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where threadpoolctl knows none, and in threads that are not the main one."""
    monkeypatch.setattr(blas, "_rule", lambda: rule)
    found: list[bool] = []

    def look() -> None:
        with blas.one_blas_thread() as whole:
            found.append(whole)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    if not rule:
        look()
    assert set(found) == {False}


def test_the_limit_is_put_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas.blas_threads()
        with suppress(ZeroDivisionError), blas.one_blas_thread():
            assert blas.blas_threads() <= {1}
            raise ZeroDivisionError
        assert blas.blas_threads() == before


@pytest.mark.parametrize("name", ["relu", "gelu", "swiglu"])
def test_equal_rows_of_a_larger_tile(name: str) -> None:
    """The last rows of a tile, and those of its middle."""
    X = np.random.default_rng(1).standard_normal((100, 64))
    X[99], X[33] = X[2], X[2]
    for K in gram(name, X, kind="both"):
        np.testing.assert_array_equal(K[2], K[99])
        np.testing.assert_array_equal(K[2], K[33])
