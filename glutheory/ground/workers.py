"""Processes that compute side by side, one thread each, and all gone as soon as the first one is interrupted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from glutheory.errors import DomainError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds after which Ctrl-C is heard at the latest.
_LISTEN = 0.2


def one_thread() -> AbstractContextManager[Any]:
    """Matrix products on one thread from this call to the end of its block: their rounding depends on no machine."""
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _prepare() -> None:
    """The initializer of a pool's processes: one thread, and an end if the parent is killed.

    The pool's queue would not notice that.
    """
    one_thread()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def completed(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int,
    start: Callable[..., None] | None = None,
    arguments: Sequence[Any] = (),
) -> Generator[Result, None, None]:
    """What the function returns for the items, in the order in which it is finished.

    Closing the generator, or an exception such as Ctrl-C, ends the processes at once, whatever they are doing.

    Args:
        function: of a module, applied by other processes.
        items: what it is applied to, the first ones first.
        processes: how many.
        start: called in each process before, with these `arguments`; or None.
        arguments: sent to each process once.

    Raises:
        DomainError: a process was ended from outside.
    """
    context, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    done = SimpleQueue[Future[Result]]()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(start, *arguments)) as pool:
        try:
            with _interrupts_wait():
                for item in items:
                    pool.submit(function, item).add_done_callback(done.put)
            for _ in items:
                yield _next(done).result()
        except BrokenProcessPool:
            raise DomainError("a process was ended from outside, as for lack of memory: give fewer or less.") from None
        except BaseException:
            # LAPACK may keep a process from hearing anything else for minutes
            for process in set(multiprocessing.active_children()).difference(others):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _next(done: SimpleQueue[Future[Result]]) -> Future[Result]:
    """What is finished next. A thread that waits without end may not hear of a signal that another one received."""
    while True:
        with suppress(Empty):
            return done.get(timeout=_LISTEN)


def _start(start: Callable[..., None] | None, *arguments: Any) -> None:
    _prepare()
    if start is not None:
        start(*arguments)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C has its effect after this block, and none on the processes started in it: the parent says what happens."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
