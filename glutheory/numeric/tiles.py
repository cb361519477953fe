"""Covering a matrix by square tiles, and working on them in threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

Tile = tuple[slice, slice]


def cover(rows: int, columns: int, side: int, symmetric: bool) -> Iterator[Tile]:
    """The tiles, row after row; of a symmetric matrix those on and above the diagonal."""
    for i in range(0, rows, side):
        for j in range(i if symmetric else 0, columns, side):
            yield slice(i, min(i + side, rows)), slice(j, min(j + side, columns))


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def for_each(tiles: Iterator[Tile], work: Callable[[Tile], None], threads: int) -> None:
    """Call `work` on every tile, from this many threads; the first exception stops all and is raised."""
    if threads == 1:
        for tile in tiles:
            work(tile)
        return
    lock, stop = threading.Lock(), threading.Event()

    def loop() -> None:
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

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(loop) for _ in range(threads)]:
            future.result()
