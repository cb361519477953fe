"""Who does the work of a command that can be shared out: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

from glutheory.errors import DomainError
from glutheory.numeric.tiles import cores


@contextmanager
def workers(
    jobs: int | None, scheduler: str | None, packages: Sequence[str] = ("glutheory",)
) -> Iterator[int | Executor]:
    """What `glutheory.ground.workers.completed` takes, for the options --jobs and --scheduler.

    Args:
        jobs: processes; None: one per core.
        scheduler: the address of a scheduler of Dask, or None.
        packages: what its workers must be able to import.

    Raises:
        DomainError: both are given, or the cluster cannot be used.
        MissingDependencyError: a scheduler is given, and Dask is absent.
    """
    if scheduler is None:
        yield jobs or cores()
        return
    if jobs is not None:
        raise DomainError(
            f"--jobs is {jobs} and --scheduler is given: the cluster has its own workers, leave out --jobs."
        )
    from glutheory.integrations.cluster import connected

    with connected(scheduler, packages) as executor:
        yield executor
