"""Inner products of tiles: whole by a BLAS of one thread, else in pieces; the limit of threads is put back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from glutheory.numeric import blas, gram
from glutheory.numeric.arrays import inner


def _threads() -> set[int]:
    """Of the BLAS that was loaded first, numpy's; SciPy's may come later, and has only small products."""
    return {pool["num_threads"] for pool in blas._pools().select(user_api="blas").info()}


@pytest.mark.parametrize("d", [3, 64, 700])
def test_whole_products_and_pieces_agree(d: int) -> None:
    """Sums of d products of entries of unit rows: off by some roundings of 1."""
    X, Y = (
        rows / np.linalg.norm(rows, axis=1)[:, None] for rows in np.random.default_rng(0).standard_normal((2, 90, d))
    )
    pieces = inner(np, X, Y)
    with blas.one_blas_thread(), blas.whole_products():
        assert blas.multiplies_whole() == bool(_threads())
        whole = inner(np, X, Y)
    assert not blas.multiplies_whole()
    np.testing.assert_allclose(whole, pieces, rtol=0, atol=2e-15)


def test_pieces_where_the_blas_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_obeys", lambda: False)
    X = np.random.default_rng(0).standard_normal((90, 70))
    with blas.one_blas_thread(), blas.whole_products():
        assert not blas.multiplies_whole()
        found = inner(np, X, X)
    np.testing.assert_array_equal(found, inner(np, X, X))


def test_the_last_to_leave_puts_the_limit_back() -> None:
    """Two calls of `gram` in two threads overlap, and the first to begin ends first."""
    if not _threads():
        pytest.skip("threadpoolctl knows no BLAS here")
    with threadpool_limits(2, user_api="blas"):
        before = _threads()
        entered, leave = threading.Event(), threading.Event()

        def other() -> None:
            with blas.one_blas_thread():
                entered.set()
                leave.wait()

        thread = threading.Thread(target=other)
        with blas.one_blas_thread():
            thread.start()
            entered.wait()
        assert _threads() == {1}
        leave.set()
        thread.join()
        assert _threads() == before


def test_an_error_puts_the_limit_back() -> None:
    before = _threads()
    with pytest.raises(ZeroDivisionError), blas.one_blas_thread():
        raise ZeroDivisionError
    assert _threads() == before


@pytest.mark.parametrize("name", ["relu", "gelu", "swiglu"])
def test_equal_rows_of_a_larger_tile(name: str) -> None:
    """The last rows of a tile, and those of its middle."""
    X = np.random.default_rng(1).standard_normal((100, 64))
    X[99], X[33] = X[2], X[2]
    for K in gram(name, X, kind="both"):
        np.testing.assert_array_equal(K[2], K[99])
        np.testing.assert_array_equal(K[2], K[33])
