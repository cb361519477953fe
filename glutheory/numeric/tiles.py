"""Covering a matrix by square tiles, and working on them in threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from numbers import Integral
from typing import Any

from glutheory.errors import DomainError
from glutheory.numeric.blas import one_blas_thread, whole_products

Tile = tuple[slice, slice]
#: Rows of a tile on a CPU: the temporaries stay in the cache of a core.
SIDE = 192


def cover(rows: int, columns: int, side: int, symmetric: bool) -> Iterator[Tile]:
    """The tiles, row after row; of a symmetric matrix those on and above the diagonal."""
    for i in range(0, rows, side):
        for j in range(i if symmetric else 0, columns, side):
            yield slice(i, min(i + side, rows)), slice(j, min(j + side, columns))


def positive(name: str, value: Any, default: int) -> int:
    """The rows of a tile or the number of threads that someone gives.

    Raises:
        DomainError: not a positive integer, nor None.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise DomainError(f"{name} is {value!r}: give a positive integer, or None for the default.")
    return int(value)


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def for_each(tiles: Iterator[Tile], work: Callable[[Tile], None], threads: int) -> None:
    """Call `work` on every tile, from this many threads; the first exception stops all and is raised."""
    if threads == 1:
        with one_blas_thread() as whole, whole_products(whole):
            for tile in tiles:
                work(tile)
        return
    lock, stop = threading.Lock(), threading.Event()

    def loop(whole: bool) -> None:
        with whole_products(whole):
            while not stop.is_set():
                with lock:
                    tile = next(tiles, None)
                if tile is None:
                    return
                try:
                    work(tile)
                except BaseException:
                    stop.set()
                    raise

    with one_blas_thread() as whole, ThreadPoolExecutor(threads) as pool:
        _wait([pool.submit(loop, whole) for _ in range(threads)], stop)


def take_turns(tiles: Callable[[], Iterator[Tile]], work: Callable[[int, Tile], None], threads: int) -> None:
    """Call ``work(k, tile)`` on every one of ``tiles()``, the i-th in thread k = i mod threads, in this order.

    Where sums are formed in each thread, they are the same every time. The first exception stops all and is raised.
    """
    stop = threading.Event()

    def loop(k: int, whole: bool) -> None:
        with whole_products(whole):
            for tile in islice(tiles(), k, None, threads):
                if stop.is_set():
                    return
                try:
                    work(k, tile)
                except BaseException:
                    stop.set()
                    raise

    if threads == 1:
        with one_blas_thread() as whole:
            loop(0, whole)
        return
    with one_blas_thread() as whole, ThreadPoolExecutor(threads) as pool:
        _wait([pool.submit(loop, k, whole) for k in range(threads)], stop)


def _wait(futures: list[Future[None]], stop: threading.Event) -> None:
    """Wait for all; an exception, Ctrl-C among them, stops the others."""
    try:
        for future in futures:
            future.result()
    except BaseException:
        stop.set()
        raise
