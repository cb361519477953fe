"""Gram matrices larger than memory: block by block into a file, by whatever workers there are, or as a Dask array."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.ground import store
from glutheory.ground.arguments import integer
from glutheory.ground.executors import check_workers, one_thread
from glutheory.ground.workers import completed
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.given import as_array, as_arrays
from glutheory.numeric.matrix import gram
from glutheory.numeric.reading import check_rows, prepare
from glutheory.numeric.tiles import Tile, cover

if TYPE_CHECKING:
    import dask.array

#: Rows and columns of a block, unless given: 128 MiB of float64.
BLOCK = 4096
#: Seconds between notes of what is done.
_INTERVAL = 30.0
#: Blocks in an executor's hands at most.
_AHEAD = 64
#: Rows and columns of a written block that are computed again before a run goes on.
_CORNER = 8
#: How near they are, in units of the largest: `out` may be of half precision.
_ALIKE = 1e-2

_Rows = npt.NDArray[Any]


def fill_gram(
    out: Any,
    network: Network | Stack | str,
    X: Any,
    Y: Any = None,
    *,
    executor: Executor | int = 1,
    block: int = BLOCK,
    checkpoint: str | os.PathLike[str] | None = None,
    done: Callable[[int, int], None] | None = None,
    **options: Any,
) -> None:
    """Write a Gram matrix into `out`, block by block; of a symmetric one half of them are computed.

    Entries are as accurate as `glutheory.gram`'s, and the same, bit for bit, for any number of workers. (Another
    `block` can change the last digit.)

    Args:
        out: shape (n, m), anything that takes ``out[rows, columns] = values`` with slices, such as a `numpy.memmap`.
        network: as for `glutheory.gram`; no stack with a mean over positions.
        X: data, shape (n, d): numpy, or what `numpy.asarray` makes a matrix of, such as a list of rows.
        Y: data, shape (m, d), likewise; left out: X again, and half the work.
        executor: how many processes; or any `concurrent.futures.Executor`, such as that of a cluster.
        block: rows and columns of a block; a worker holds one, and the rows that belong to it.
        checkpoint: a file (.npz) that says which blocks are written, renewed every 30 seconds, at the end and at an
            interrupt. If it exists, the run goes on from there, in the same `out`: a file of numpy is
            then opened with mode "r+", since "w+" empties it.
        done: called with the numbers of written and of all blocks after each.
        options: `kind` ("ntk" or "nngp"), `parametrization`, `width`, `variances`, `trained`, as for `glutheory.gram`.

    Raises:
        DomainError: an argument that does not fit, or a checkpoint of another matrix or another `out`.
        UnknownNameError: no network of that name.
    """
    X, Y = as_arrays(X, Y)
    net, side = _checked(network, X, Y, options), integer("block", block, 1)
    executor = check_workers("executor", executor)
    shape = (len(X), len(X if Y is None else Y))
    if tuple(getattr(out, "shape", ())) != shape:
        raise DomainError(f"out has the shape {tuple(getattr(out, 'shape', ()))}: give an array of shape {shape}.")
    # numpy would cut the entries to whole numbers without a word
    if getattr(getattr(out, "dtype", None), "kind", "f") in "biuSU":
        raise DomainError(f"out has the dtype {out.dtype}, which cannot hold the entries: give float64 or float32.")
    path = store.check_path(checkpoint)
    tiles = list(cover(*shape, side, Y is None))
    key = {"what": "gram", "rows": _digest(X), "columns": _digest(X if Y is None else Y), "symmetric": Y is None}
    key |= {"network": repr(net), "block": side, "options": {name: repr(options[name]) for name in sorted(options)}}
    known = None if path is None else store.load(path, key)
    written = np.zeros(len(tiles), dtype=bool) if known is None else known["written"]
    if written.any():
        first = int(np.argmax(written))
        _check_written(out, tiles[first], _parts(X, Y, tiles[first]), (net, options), path)

    def note() -> None:
        if path is not None:
            # what a file in memory has not reached the disk may not count as written
            getattr(out, "flush", lambda: None)()
            store.save(path, key, {"written": written})

    items = [(i, _parts(X, Y, tiles[i])) for i in np.flatnonzero(~written).tolist()]
    due = time.monotonic() + _INTERVAL
    try:
        with closing(_blocks(items, executor, (net, options))) as results:
            for i, values in results:
                rows, columns = tiles[i]
                out[rows, columns] = values
                if Y is None and rows != columns:
                    out[columns, rows] = values.T
                written[i] = True
                if done is not None:
                    done(int(written.sum()), len(tiles))
                if time.monotonic() >= due:
                    note()
                    due = time.monotonic() + _INTERVAL
    finally:
        note()


def gram_array(
    network: Network | Stack | str, X: Any, Y: Any = None, *, block: int = BLOCK, **options: Any
) -> dask.array.Array:
    """A Gram matrix as an array of Dask that computes its blocks when they are asked for: to store, to sum, to slice.

    Of a symmetric one the blocks below the diagonal are the transposes of those above, computed once in one `compute`.

    Args:
        network: as for `glutheory.gram`; no stack with a mean over positions.
        X: data, shape (n, d): as for `fill_gram`, or an array of Dask, so that the rows may lie in files of their own.
        Y: data, shape (m, d), likewise; left out: X again.
        block: rows and columns of a block; rows of a Dask array are put into such chunks.
        options: `kind` ("ntk" or "nngp"), `parametrization`, `width`, `variances`, `trained`, as for `glutheory.gram`.

    Returns:
        Shape (n, m), float64, in chunks of (block, block).

    Raises:
        DomainError: an argument that does not fit. What is wrong with the entries of rows in files is found when their
            blocks are computed.
        MissingDependencyError: no dask.
        UnknownNameError: no network of that name.
    """
    try:
        da: Any = import_module("dask.array")
        delayed: Any = import_module("dask").delayed
    except ImportError:
        raise MissingDependencyError.of("arrays in chunks need", "dask", "cluster") from None

    side = integer("block", block, 1)
    X, Y = (
        part if part is None or isinstance(part, da.Array) else as_array(name, part)
        for name, part in (("X", X), ("Y", Y))
    )
    # of rows in files the shape is checked, and that of their product with the network's
    first, other = (np.zeros((1, *part.shape[1:])) if isinstance(part, da.Array) else part for part in (X, Y))
    net = _checked(network, first, other, options)
    left = da.asarray(X).rechunk((side, X.shape[1]))
    right = left if Y is None else da.asarray(Y).rechunk((side, Y.shape[1]))
    rows, columns = (part.to_delayed()[:, 0] for part in (left, right))
    heights, widths = left.chunks[0], right.chunks[0]
    compute, turn = delayed(_block_of, pure=False), delayed(np.transpose, pure=False)
    made: dict[tuple[int, int], Any] = {}
    for i in range(len(rows)):
        for j in range(len(columns)):
            if Y is None and j < i:
                made[i, j] = turn(made[j, i])
            else:
                made[i, j] = compute(net, rows[i], None if Y is None and i == j else columns[j], options)
    blocks = [
        [da.from_delayed(made[i, j], (heights[i], widths[j]), dtype=float) for j in range(len(columns))]
        for i in range(len(rows))
    ]
    found: dask.array.Array = da.block(blocks)
    return found


def _checked(network: Network | Stack | str, X: Any, Y: Any, options: Mapping[str, Any]) -> Network | Stack:
    """The network, where the arguments are `gram`'s; nothing long is done.

    Raises:
        DomainError: one does not fit.
        UnknownNameError: no network of that name.
    """
    net = network if isinstance(network, Stack) else named_network(network)
    check_rows(net)
    unknown = sorted(set(options) - {"kind", "parametrization", "width", "variances", "trained"})
    if unknown:
        raise DomainError(f"the option {unknown[0]!r} is not known here: leave it out.")
    if options.get("kind", "ntk") not in ("ntk", "nngp"):
        raise DomainError(f"kind is {options['kind']!r}: use 'ntk' or 'nngp', one matrix at a time.")
    for name, part in (("X", X), ("Y", Y)):
        if part is not None and not isinstance(part, np.ndarray):
            raise DomainError(f"{name} is of type {type(part).__name__}: give a numpy matrix of rows.")
        if part is not None and part.ndim != 2:
            raise DomainError(f"{name} has the shape {part.shape}: give a matrix, one row per input.")
    prepare(net, X[:1], None if Y is None else Y[:1], **{name: options[name] for name in options if name != "kind"})
    return net


def _parts(X: _Rows, Y: _Rows | None, tile: Tile) -> tuple[_Rows, _Rows | None]:
    """The rows of a block, and those of its columns, or None where they are the same."""
    rows, columns = tile
    if Y is None:
        return X[rows], None if rows == columns else X[columns]
    return X[rows], Y[columns]


def _check_written(out: Any, tile: Tile, parts: tuple[_Rows, _Rows | None], given: tuple[Any, ...], path: Any) -> None:
    """That `out` has a corner of a block which the checkpoint counts as written.

    A file that is opened with mode "w+" is zeros again, and would stay so. What cannot be read is not looked at.

    Raises:
        DomainError: it has other numbers there.
    """
    if not hasattr(out, "__getitem__"):
        return
    net, options = given
    rows, columns = (part[:_CORNER] for part in (parts[0], parts[0] if parts[1] is None else parts[1]))
    right = gram(net, rows, columns, **options)
    start, stop = tile[0].start, tile[1].start
    there = np.asarray(out[start : start + len(rows), stop : stop + len(columns)])
    if not np.allclose(there, right, rtol=0, atol=_ALIKE * float(np.abs(right).max())):
        raise DomainError(
            f"out has not the entries that checkpoint {os.fspath(path)!r} counts as written: open the file of the run "
            "that was broken off with mode 'r+', or delete the checkpoint."
        )


def _blocks(
    items: Sequence[tuple[int, tuple[_Rows, _Rows | None]]], executor: Executor | int, given: tuple[Any, ...]
) -> Generator[tuple[int, _Rows], None, None]:
    """The blocks with their numbers, as they are finished."""
    if executor == 1:
        for item in items:
            yield _numbered(item, given)
        return
    yield from completed(_numbered, items, executor, _given, given, _AHEAD)


def _given(*given: Any) -> tuple[Any, ...]:
    return given


def _numbered(item: tuple[int, tuple[_Rows, _Rows | None]], given: tuple[Any, ...]) -> tuple[int, _Rows]:
    number, (rows, columns) = item
    net, options = given
    return number, _block_of(net, rows, columns, options)


def _block_of(net: Network | Stack, rows: _Rows, columns: _Rows | None, options: Mapping[str, Any]) -> _Rows:
    """On one thread: the last digit of a product depends on their number."""
    with one_thread():
        found: _Rows = np.asarray(gram(net, rows, columns, threads=1, **options), dtype=float)
    return found


def _digest(rows: _Rows) -> list[Any]:
    """What tells rows apart, in JSON types."""
    plain = np.ascontiguousarray(rows)
    return [list(plain.shape), str(plain.dtype), hashlib.sha256(plain.tobytes()).hexdigest()]
