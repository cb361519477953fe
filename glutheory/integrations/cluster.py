"""The workers of a Dask cluster as a `concurrent.futures.Executor`, for whatever of this package shares out work.

A worker that is lost takes nothing with it: what it held is computed again by others. With the extra `cluster`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import glutheory
from glutheory.errors import DomainError, MissingDependencyError

try:
    import distributed
    from distributed.comm.core import CommClosedError
except ImportError:
    raise MissingDependencyError.of("a cluster needs", "distributed", "cluster") from None

if TYPE_CHECKING:
    from distributed import Client

_Result = TypeVar("_Result")

#: Seconds to wait for an answer of a scheduler, unless given.
PATIENCE = 30


class ClusterExecutor(Executor):
    """The workers of a cluster.

    Args:
        client: of Dask distributed, connected. It stays open when the executor is shut down.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inner: Any = client.get_executor(pure=False)  # type: ignore[no-untyped-call]

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Have a worker call the function; what `share` returned is replaced by its value."""
        future: Future[_Result] = self._inner.submit(fn, *args, **kwargs)
        return future

    def share(self, value: Any) -> Any:
        """The value, kept by the workers from now on, as what is to be submitted in its place.

        The scheduler keeps it too, so that it is not lost with the workers.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            return self._client.submit(_same, value, pure=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; the cluster and the client stay as they are."""
        self._inner.shutdown(wait=wait, cancel_futures=cancel_futures)


def _same(value: Any) -> Any:
    return value


@contextmanager
def connected(address: str, packages: Sequence[str] = ("glutheory",), patience: float = PATIENCE) -> Iterator[Executor]:
    """The executor of the cluster whose scheduler listens at this address; the connection is closed at the end.

    Args:
        address: such as "tcp://10.0.0.1:8786", as Dask's scheduler prints it when it starts.
        packages: what its workers must be able to import, besides in the same version as here.
        patience: seconds to wait for the scheduler, and for its first worker.

    Raises:
        DomainError: there is no scheduler, or it has no worker; a worker lacks this package or has it in another
            version; within the block: the scheduler is lost, or an item ends one worker after another.
    """
    shown = repr(address)[:80]
    try:
        # a file of this machine is no address, and an empty address would start a cluster
        if "://" not in address and address.count(":") != 1:
            raise ValueError
        client = distributed.Client(address, timeout=patience, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError):
        raise DomainError(
            f"no scheduler answers at {shown}: start one with 'dask scheduler' and give the address that it prints."
        ) from None
    with client:
        _check(client, shown, packages, patience)
        try:
            yield ClusterExecutor(client)
        except distributed.KilledWorker:
            raise DomainError(
                f"an item ended one worker of {shown} after another, as for lack of memory: give the workers more, or "
                "ask for fewer rows."
            ) from None
        except (distributed.client.FutureCancelledError, CommClosedError):
            raise DomainError(
                f"the scheduler at {shown} is lost: start it again; with checkpoints the run goes on."
            ) from None


def _check(client: Client, shown: str, packages: Sequence[str], patience: float) -> None:
    """That there are workers, and that they have what is needed."""
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise DomainError(f"the scheduler at {shown} has no workers: start some with 'dask worker {shown}'.") from None
    for worker, answer in client.run(_about, tuple(packages)).items():
        if answer != glutheory.__version__:
            raise DomainError(
                f"the worker {worker} {answer}: give it glutheory {glutheory.__version__}, which is the version here."
                if answer.startswith("lacks")
                else f"the worker {worker} has glutheory {answer}: give it {glutheory.__version__}, the version here."
            )


def _about(packages: Sequence[str]) -> str:
    """On a worker: the version, or what it lacks."""
    from importlib import import_module

    for name in packages:
        try:
            found = import_module(name)
        except ImportError:
            return f"lacks the package {name}"
        if name == "glutheory":
            version = str(found.__version__)
    return version
