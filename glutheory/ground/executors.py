"""Items handed to an executor that somebody else made: threads, processes, the workers of a cluster.

Nothing is known of it but the interface of `concurrent.futures`. One that can keep a value near its workers says so by
a method `share(value)`, which returns what is to be submitted in its place (see `glutheory.integrations.cluster`).
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds after which Ctrl-C is heard at the latest.
_LISTEN = 0.2
#: How many values that were made of what was sent a process keeps.
_KEPT = 4


def one_thread() -> AbstractContextManager[Any]:
    """Matrix products on one thread from this call to the end of its block: their rounding depends on no machine."""
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def check_executor(name: str, value: Any) -> Executor:
    """The value, if it is an executor; whether it still takes work shows when it is given some.

    Raises:
        DomainError: it is not.
    """
    if not isinstance(value, Executor):
        raise DomainError(f"{name} is {_shown(value)}: give {_WANTED}.")
    return value


def check_workers(name: str, value: Any) -> int | Executor:
    """The value, if it is a number of processes or an executor.

    Raises:
        DomainError: it is neither.
    """
    if isinstance(value, Executor):
        return value
    try:
        return integer(name, value, 1)
    except DomainError:
        raise DomainError(
            f"{name} is {_shown(value)}: give a number of processes, an integer >= 1, or {_WANTED}."
        ) from None


_WANTED = "a concurrent.futures.Executor, as of a Dask client: glutheory.integrations.cluster.ClusterExecutor(client)"


def _shown(value: Any) -> str:
    """A number or a name as it is; of other objects the type says more, and nobody knows how long they are."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    plain = isinstance(value, str | int | float | None)
    return repr(value)[:60] if plain else f"an object of type {type(value).__name__}"


@dataclass(frozen=True)
class Sent:
    """What a worker makes once, however many items it is given.

    Attributes:
        token: of this one, as no other has it.
        make: called with the arguments where the token is new.
        arguments: of the call.
    """

    token: str
    make: Callable[..., Any]
    arguments: tuple[Any, ...]

    @classmethod
    def of(cls, make: Callable[..., Any], arguments: tuple[Any, ...]) -> Sent:
        """With a token of its own."""
        return cls(uuid.uuid4().hex, make, arguments)

    def made(self) -> Any:
        """The value, made by the first thread of this process that asks."""
        with _making:
            if self.token not in _values:
                _values[self.token] = self.make(*self.arguments)
            _values.move_to_end(self.token)
            while len(_values) > _KEPT:
                _values.popitem(last=False)
            return _values[self.token]


_values: OrderedDict[str, Any] = OrderedDict()
_making = threading.Lock()


def handed_out(
    executor: Executor,
    function: Callable[..., Result],
    items: Sequence[Item],
    sent: Sent | None,
    ahead: int | None,
) -> Generator[Result, None, None]:
    """What the function returns for the items, as they are finished; see `glutheory.ground.workers.completed`.

    Raises:
        DomainError: the executor takes no work, or drops what it was given: it was shut down.
    """
    share, kind = getattr(executor, "share", None), f"the {type(executor).__name__}"
    given = sent if sent is None or share is None else share(sent)
    done = SimpleQueue[Future[Result]]()
    pending: set[Future[Result]] = set()
    left = iter(items)

    def submit(item: Item) -> None:
        try:
            future = executor.submit(_apply, given, function, item)
        except BrokenExecutor:
            raise
        except RuntimeError as error:  # what those of the standard library, and of Dask, raise after their shutdown
            raise DomainError(f"{kind} takes no work ({error}): give an executor that was not shut down.") from None
        pending.add(future)
        future.add_done_callback(done.put)

    try:
        for item in islice(left, ahead):
            submit(item)
        while pending:
            future = heard(done)
            pending.discard(future)
            try:
                result = future.result()
            except CancelledError as error:
                if type(error) is not CancelledError:  # of a cluster, which knows more
                    raise
                raise DomainError(f"{kind} dropped work before it was done: let it run to the end.") from None
            for item in islice(left, 1):
                submit(item)
            yield result
    finally:
        for future in pending:
            future.cancel()


def _apply(given: Sent | None, function: Callable[..., Result], item: Any) -> Result:
    with one_thread():
        return function(item) if given is None else function(item, given.made())


def heard(done: SimpleQueue[Future[Result]]) -> Future[Result]:
    """What is finished next. A thread that waits without end may not hear of a signal that another one received."""
    while True:
        with suppress(Empty):
            return done.get(timeout=_LISTEN)
