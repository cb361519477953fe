"""Gram matrices block by block: the same as whole ones, resumed where they were, right in a Dask array."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.ground import store
from glutheory.integrations import chunked
from glutheory.integrations.chunked import fill_gram, gram_array

RNG = np.random.default_rng(1)
X, Y = RNG.standard_normal((50, 5)), RNG.standard_normal((31, 5))
#: Two ways of summing five products, in S, T and the factor x·x'.
ROUNDING = 1e-14
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "symmetric": ("swiglu", None, {}),
    "rectangular": ("reglu", Y, {"kind": "nngp"}),
    "standard": ("geglu", None, {"parametrization": "standard", "width": 64}),
    "stack": (glu.stack("reglu", depth=2, norm="rms", residual=True), Y, {}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("block", [7, 50, 64])
def test_it_is_the_matrix_of_gram(name: str, block: int) -> None:
    network, other, options = CASES[name]
    right = glu.gram(network, X, other, **options)
    out = np.full(right.shape, np.nan)
    fill_gram(out, network, X, other, block=block, **options)
    assert np.max(np.abs(out - right)) <= ROUNDING * np.max(np.abs(right))
    if other is None:
        assert np.array_equal(out, out.T)
    array = gram_array(network, X, other, block=block, **options)
    assert array.chunks[0][0] == min(block, 50)
    assert np.array_equal(array.compute(scheduler="sync"), out)


def test_rows_of_a_dask_array() -> None:
    da = pytest.importorskip("dask.array")
    rows = da.from_array(X, chunks=(13, 2))
    found = gram_array("relu", rows, block=20).compute(scheduler="sync")
    out = np.empty((50, 50))
    fill_gram(out, "relu", X, block=20)
    assert np.array_equal(found, out)


def test_whatever_numpy_makes_a_matrix_of() -> None:
    right, out = np.empty((50, 31)), np.empty((50, 31))
    fill_gram(right, "relu", X, Y, block=20)
    for one, other in ((X.tolist(), Y.tolist()), (tuple(map(tuple, X)), Y), (X, [list(row) for row in Y])):
        fill_gram(out, "relu", one, other, block=20)
        assert np.array_equal(out, right)
        assert np.array_equal(gram_array("relu", one, other, block=20).compute(scheduler="sync"), right)
    whole = np.rint(X).astype(int)
    for rows in (whole, whole.tolist()):
        fill_gram(square := np.empty((50, 50)), "relu", rows, block=20)
        assert np.array_equal(square, gram_array("relu", whole * 1.0, block=20).compute(scheduler="sync"))


def test_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, right = tmp_path / "blocks.npz", np.full((50, 50), np.nan)
    fill_gram(right, "swiglu", X, block=10)
    out, told = np.full((50, 50), np.nan), []

    def interrupt(done: int, total: int) -> None:
        told.append((done, total))
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_gram(out, "swiglu", X, block=10, checkpoint=path, done=interrupt)
    assert told == [(i, 15) for i in range(1, 7)]
    assert np.isnan(out).any()
    count: list[int] = []
    whole = chunked._block_of

    def counted(*given: Any) -> Any:
        count.append(1)
        return whole(*given)

    monkeypatch.setattr(chunked, "_block_of", counted)
    fill_gram(out, "swiglu", X, block=10, checkpoint=path)
    assert len(count) == 9
    assert np.array_equal(out, right)
    with pytest.raises(DomainError, match="was written with another columns, rows"):
        fill_gram(out, "swiglu", X + 1, block=10, checkpoint=path)


def test_an_emptied_file_is_refused(tmp_path: Path) -> None:
    """A memmap that was opened anew with "w+" has none of the blocks that count as written."""
    path, out = tmp_path / "blocks.npz", np.zeros((50, 50))
    fill_gram(out, "swiglu", X, block=10, checkpoint=path)
    fill_gram(out.astype(np.float32), "swiglu", X, block=10, checkpoint=path)  # goes on
    for emptied in (np.zeros((50, 50)), np.full((50, 50), np.nan)):
        with pytest.raises(DomainError, match=r"counts as written: open .* mode 'r\+', or delete"):
            fill_gram(emptied, "swiglu", X, block=10, checkpoint=path)


def test_what_is_not_flushed_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note that a block is written comes after the block."""
    order: list[str] = []
    out = np.lib.format.open_memmap(tmp_path / "K.npy", mode="w+", dtype=float, shape=(50, 50))
    flush, save = out.flush, store.save

    def flushed(_: Any) -> None:
        order.append("flush")
        flush()

    def saved(*given: Any) -> None:
        order.append("save")
        save(*given)

    monkeypatch.setattr(type(out), "flush", flushed)
    monkeypatch.setattr(store, "save", saved)
    fill_gram(out, "relu", X, block=25, checkpoint=tmp_path / "blocks.npz")
    assert order[:2] == ["flush", "save"]
    assert np.array_equal(np.load(tmp_path / "K.npy"), out)


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_change_nothing(workers: int) -> None:
    out, right = np.full((50, 50), np.nan), np.full((50, 50), np.nan)
    fill_gram(right, "geglu", X, block=9)
    with ThreadPoolExecutor(workers) as executor:
        fill_gram(out, "geglu", X, block=9, executor=executor)
    assert np.array_equal(out, right)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": np.empty((3, 3))}, r"out has the shape \(3, 3\): give an array of shape \(50, 50\)"),
        ({"out": np.empty((50, 50), dtype=int)}, "out has the dtype int64, which cannot hold the entries"),
        ({"X": [[1.0, 2.0], [3.0]]}, "X is a list of rows of different lengths"),
        ({"X": "rows"}, "X is of type str, which numpy reads as"),
        ({"Y": np.ma.masked_less(X, 0)}, "Y is a masked array"),
        ({"X": torch.ones(50, 5)}, "X is of type Tensor: give a numpy matrix"),
        ({"X": X[0]}, r"X has the shape \(5,\): give a matrix"),
        ({"kind": "both"}, "kind is 'both': use 'ntk' or 'nngp'"),
        ({"block": 0}, "block is 0"),
        ({"threads": 2}, "the option 'threads' is not known here"),
        ({"Y": Y[:, :2]}, "X has 5 features and Y has 2"),
        ({"checkpoint": "/no/such/folder/file"}, "folder"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"out": np.empty((50, 50)), "network": "relu", "X": X} | given
    with pytest.raises(DomainError, match=message):
        fill_gram(**arguments)
    if given.keys() & {"X", "Y"}:
        del arguments["out"]
        with pytest.raises(DomainError, match=message):
            gram_array(**arguments)
