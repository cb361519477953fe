"""Work that is shared out: to processes of our own, one thread each and all gone at an interrupt, or to an executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from glutheory.errors import DomainError
from glutheory.ground.executors import Sent, handed_out, heard, one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    function: Callable[..., Result],
    items: Sequence[Item],
    workers: int | Executor,
    make: Callable[..., Any] | None = None,
    arguments: Sequence[Any] = (),
    ahead: int | None = None,
) -> Generator[Result, None, None]:
    """What the function returns for the items, in the order in which it is finished.

    Closing the generator, or an exception such as Ctrl-C, ends our own processes at once, whatever they are doing; an
    executor is told to drop what it has not begun. Every item is computed on one thread, so that its rounding depends
    neither on the number of workers nor on the machine's cores.

    Args:
        function: of a module, applied by other processes; to an item, and to what `make` made if there is one.
        items: what it is applied to, the first ones first.
        workers: how many processes; or any `concurrent.futures.Executor`, such as that of a cluster.
        make: called once in each process with `arguments`; or None.
        arguments: sent to each process once; by an executor that cannot `share`, with every item.
        ahead: of an executor, how many items are in its hands at most: results that nobody has taken fill memory.
            Left out: all.

    Raises:
        DomainError: a process was ended from outside.
    """
    if isinstance(workers, Executor):
        sent = None if make is None else Sent.of(make, tuple(arguments))
        with _broken(), closing(handed_out(workers, function, items, sent, ahead)) as results:
            yield from results
        return
    context, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
    done = SimpleQueue[Future[Result]]()
    with (
        _broken(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(make, *arguments)) as pool,
    ):
        try:
            with _interrupts_wait():
                for item in items:
                    pool.submit(_apply, function, item).add_done_callback(done.put)
            for _ in items:
                yield heard(done).result()
        except BaseException as error:
            if not isinstance(error, BrokenExecutor):
                # LAPACK may keep a process from hearing anything else for minutes
                for process in set(multiprocessing.active_children()).difference(others):
                    process.terminate()
                pool.shutdown(wait=True, cancel_futures=True)
            raise


def in_order(
    function: Callable[..., Result],
    items: Sequence[Item],
    workers: int | Executor,
    make: Callable[..., Any] | None = None,
    arguments: Sequence[Any] = (),
    ahead: int | None = None,
) -> Generator[Result, None, None]:
    """As `completed`, in the order of the items: what is summed in this order is the same for any number of workers."""
    waiting: dict[int, Result] = {}
    following = 0
    numbered = list(enumerate(items))
    with closing(completed(partial(_numbered, function), numbered, workers, make, arguments, ahead)) as results:
        for number, result in results:
            waiting[number] = result
            while following in waiting:
                yield waiting.pop(following)
                following += 1


def _numbered(function: Callable[..., Result], item: tuple[int, Any], *made: Any) -> tuple[int, Result]:
    return item[0], function(item[1], *made)


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except BrokenExecutor:
        raise DomainError("a process was ended from outside, as for lack of memory: give fewer or less.") from None


#: In a process of the pool: what was made of what it was sent at its start, as a tuple, empty if there was nothing.
_made: tuple[Any, ...] = ()


def _start(make: Callable[..., Any] | None, *arguments: Any) -> None:
    global _made  # noqa: PLW0603 (a process of the pool keeps what it was started with)
    _prepare()
    _made = () if make is None else (make(*arguments),)


def _apply(function: Callable[..., Result], item: Any) -> Result:
    return function(item, *_made)


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
