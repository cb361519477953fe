"""One BLAS thread for matrix products inside threads of our own.

A BLAS that starts threads inside parallel tiles is several times slower than one core. Where threadpoolctl can tell it
not to (OpenBLAS, MKL, BLIS), tiles are multiplied whole; elsewhere in pieces too small for it to start any (see
`glutheory.numeric.arrays.inner`). Their roundings differ, so that a thread asks whether it is one of those inside.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = threading.local()


class _Limit:
    """The limit of the process while at least one caller wants it: the last to leave puts back what the first found."""

    def __init__(self) -> None:
        self._callers = 0
        self._limit: Any = None

    def enter(self) -> None:
        with _lock:
            self._callers += 1
            if self._callers == 1:
                self._limit = _pools().limit(limits=1, user_api="blas")

    def leave(self) -> None:
        with _lock:
            self._callers -= 1
            if self._callers == 0:
                self._limit, limit = None, self._limit
                limit.restore_original_limits()


_limit = _Limit()


@cache
def _pools() -> ThreadpoolController:
    """The BLAS of numpy, which is loaded before this is asked for."""
    return ThreadpoolController()


@cache
def _obeys() -> bool:
    return len(_pools().select(user_api="blas").info()) > 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """The BLAS of this process has one thread until the end of the block, whoever calls it."""
    if not _obeys():
        yield
        return
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


@contextmanager
def whole_products() -> Iterator[None]:
    """This thread multiplies tiles whole until the end of the block, which lies within one of `one_blas_thread`."""
    before, _inside.whole = multiplies_whole(), _obeys()
    try:
        yield
    finally:
        _inside.whole = before


def multiplies_whole() -> bool:
    """Whether this thread is within `whole_products` and the BLAS obeys."""
    return bool(getattr(_inside, "whole", False))
