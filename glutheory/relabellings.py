"""The relabellings of permutation tests, all of them or random ones, in blocks of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

#: Rows of a block.
_BLOCK = 2048


def choices(count: int, taken: int) -> Iterator[Labels]:
    """All ways to label `taken` of `count` as x, shape (…, count)."""
    chosen = itertools.combinations(range(count), taken)
    while block := list(itertools.islice(chosen, _BLOCK)):
        labels = np.zeros((len(block), count), dtype=bool)
        np.put_along_axis(labels, np.array(block), True, axis=1)
        yield labels


def shuffles(count: int, taken: int, draws: int, seed: int) -> Iterator[Labels]:
    """Random ones of these ways, each as likely as any other, with replacement."""
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _BLOCK):
        labels = np.tile(np.arange(count) < taken, (min(_BLOCK, draws - start), 1))
        yield generator.permuted(labels, axis=1)


def swaps(runs: int) -> Iterator[Array]:
    """All signs ±1 of `runs` pairs whose last is +, shape (…, runs)."""
    for start in range(0, 2 ** (runs - 1), _BLOCK):
        index = np.arange(start, min(start + _BLOCK, 2 ** (runs - 1)))
        yield 1 - 2 * ((index[:, None] >> np.arange(runs)) & 1).astype(np.float64)


def random_swaps(runs: int, draws: int, seed: int) -> Iterator[Array]:
    """Random signs ±1 of `runs` pairs, with replacement."""
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _BLOCK):
        yield 1 - 2 * generator.integers(0, 2, (min(_BLOCK, draws - start), runs)).astype(np.float64)
