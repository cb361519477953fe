"""All networks of a profile, trained one by one or by several processes, and their losses side by side in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.task import PAIRS, Course, Task
from checks.claims.generalization.training import device, history
from checks.settings import Settings
from glutheory.ground.store import Arrays
from glutheory.ground.workers import completed

Array = npt.NDArray[np.float64]
#: Of a block: what is trained on, and the optimiser.
Name = tuple[str, str]
#: The rows of each gate, with its name.
Gates = tuple[tuple[str, slice], ...]


@dataclass(frozen=True)
class Block:
    """The pairs of one architecture and optimiser.

    Attributes:
        plain, gated: losses in nats, shape (pairs, epochs + 1, 5), the columns of `training.COLUMNS`;
            the seeds of one gate after those of another.
        seeds: pairs per gate.
        parameters: of a plain and of a gated network.
        device: where they were trained.
        augmented: whether on images that are altered at random.
    """

    plain: Array
    gated: Array
    seeds: int
    parameters: tuple[int, int] = (0, 0)
    device: str = "cpu"
    augmented: bool = False

    @property
    def gates(self) -> Gates:
        """What rows belong to which gate."""
        return tuple((f"{a}/{b}", slice(i * self.seeds, (i + 1) * self.seeds)) for i, (a, b) in enumerate(PAIRS))


@lru_cache(maxsize=2)
def trained(task: Task, settings: Settings) -> dict[Name, Block]:
    """Every block of the task."""
    courses = {block: list(task.courses(block)) for block in task.blocks}
    every = [course for pairs in courses.values() for pair in pairs for course in pair]
    # seed by seed: what is done when a run breaks off has all blocks in it
    every.sort(key=lambda course: int(course.draw.split("/")[1]))
    histories = _all(every, settings)
    found = {}
    for block, pairs in courses.items():
        rows = [(histories[plain], histories[gated]) for plain, gated in pairs]
        plain, gated = (np.stack([row[side]["losses"] for row in rows]) for side in (0, 1))
        sizes = (int(rows[0][0]["parameters"]), int(rows[0][1]["parameters"]))
        altered = pairs[0][0].material.augmented
        found[block] = Block(plain, gated, task.seeds, sizes, device(settings), altered)
    return found


def _all(courses: Sequence[Course], settings: Settings) -> dict[Course, Arrays]:
    """The history of each."""
    work = partial(_history, settings=settings.alone)
    if settings.workers == 1 or len(courses) < 2:
        return dict(map(work, courses))
    with closing(completed(work, courses, settings.workers)) as finished:
        return dict(finished)


def _history(course: Course, settings: Settings) -> tuple[Course, Arrays]:
    return course, history(course, settings)
