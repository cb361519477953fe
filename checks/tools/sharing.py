"""Work that a check shares out, item by item: to the workers of a cluster, else to the cores of this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

from checks.settings import Settings
from checks.tools.checkpoints import keep, known
from checks.tools.roads import one_thread
from glutheory.ground import executors
from glutheory.ground.store import Arrays
from glutheory.ground.workers import completed
from glutheory.numeric.tiles import cores


def shared_out(
    work: Callable[..., Arrays], jobs: Sequence[tuple[Any, ...]], keys: Sequence[Mapping[str, Any]], settings: Settings
) -> list[Arrays]:
    """The results in order: from the checkpoints, or computed by the settings' executor, else by a thread per core.

    Args:
        work: of a module, called with what is in a job.
        jobs: what it is called with.
        keys: of each in the checkpoints.
        settings: of the run.
    """
    folder = settings.checkpoints
    found = {i: content for i, key in enumerate(keys) if (content := known(folder, key)) is not None}
    left = [(i, job) for i, job in enumerate(jobs) if i not in found]
    # kept here and not where it is computed, which may be a machine with other files
    with one_thread(), closing(_computed(partial(_alone, work), left, settings.executor)) as computed:
        for i, content in computed:
            keep(folder, keys[i], content)
            found[i] = content
    return [found[i] for i in range(len(jobs))]


def _computed(
    work: Callable[..., tuple[int, Arrays]], jobs: Sequence[tuple[int, Any]], executor: Executor | None
) -> Generator[tuple[int, Arrays], None, None]:
    if executor is not None:
        yield from completed(work, jobs, executor)
        return
    import scipy.linalg  # noqa: F401  (brings its own BLAS, whose threads can be limited once it is loaded)

    # torch and LAPACK let each other run
    with executors.one_thread(), ThreadPoolExecutor(cores()) as pool:
        yield from completed(work, jobs, pool)


def _alone(work: Callable[..., Arrays], job: tuple[int, tuple[Any, ...]]) -> tuple[int, Arrays]:
    with one_thread():
        return job[0], work(*job[1])
