"""One BLAS thread for matrix products inside threads of our own.

A BLAS that starts threads inside parallel tiles is several times slower than one core. Where threadpoolctl can tell it
not to (OpenBLAS, MKL, BLIS), tiles are multiplied whole; elsewhere in pieces too small for it to start any (see
`glutheory.numeric.arrays.inner`). Their roundings differ, so which it is depends on the caller's thread alone: OpenBLAS
hears the main thread only, and others multiply whole where one thread is the rule of the process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_inside = threading.local()


@cache
def _pools() -> ThreadpoolController:
    """The BLAS of numpy, which is loaded before this is asked for."""
    return ThreadpoolController().select(user_api="blas")


def blas_threads() -> set[int]:
    """The numbers of threads of what is loaded; empty where none can be told."""
    return {int(pool["num_threads"]) for pool in _pools().info()}


@cache
def _rule() -> set[int]:
    """The numbers of threads when this was first asked."""
    return blas_threads()


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """The BLAS of this process has one thread until the end of the block; whether tiles are multiplied whole in it."""
    if threading.current_thread() is not threading.main_thread() or not _rule():
        yield _rule() == {1}
        return
    with _pools().limit(limits=1):
        yield blas_threads() == {1}


@contextmanager
def whole_products(whole: bool) -> Iterator[None]:
    """This thread multiplies tiles whole, or not, until the end of the block; it lies in one of `one_blas_thread`."""
    before, _inside.whole = multiplies_whole(), whole
    try:
        yield
    finally:
        _inside.whole = before


def multiplies_whole() -> bool:
    """Whether this thread is within `whole_products` of true."""
    return bool(getattr(_inside, "whole", False))
