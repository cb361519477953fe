"""All cases, and runs of many of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

import torch

from tests.sampling.conformance import torch_layers, transformers_models
from tests.sampling.conformance.cases import Case, Subject
from tests.sampling.conformance.judge import Outcome, judge
from tests.sampling.kinds import KINDS

#: Cases that a process judges before another takes its place: what torch and transformers keep is given back.
PER_PROCESS = 100


def _kind(name: str) -> Subject:
    kind = KINDS[name]
    return Subject(kind.model(), kind.inputs, refused=kind.refused)


@cache
def cases() -> dict[tuple[str, str], Case]:
    """Every case by its family and name: torch's layers, the kinds of models, the types of transformers."""
    kinds = [Case("kinds", name, partial(_kind, name)) for name in KINDS]
    every = [*torch_layers.cases(), *kinds, *transformers_models.cases()]
    return {(case.family, case.name): case for case in every}


def judged(key: tuple[str, str]) -> Outcome:
    """The outcome of one case, on one thread."""
    torch.set_num_threads(1)
    return judge(cases()[key])


def run(keys: Sequence[tuple[str, str]], jobs: int = 1) -> Iterator[Outcome]:
    """The outcomes in this order, each as soon as it is there; from processes of their own."""
    context = multiprocessing.get_context("spawn")
    together = jobs * PER_PROCESS
    for first in range(0, len(keys), together):
        # a pool for each part: with max_tasks_per_child Python 3.11 may wait forever for the next process
        with ProcessPoolExecutor(jobs, context) as pool:
            yield from pool.map(judged, keys[first : first + together])
