"""The relabellings of permutation tests, all of them or random ones, in blocks of rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.tools.energy import (
    LARGEST,
    Array,
    distances,
    energy_distance,
    flattened,
    flattened_energy_distance,
    samples,
)
from checks.tools.equivalence import Equivalence, equivalence, equivalence_power
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer

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


__all__ = [
    "LARGEST",
    "Equivalence",
    "TwoSample",
    "energy_distance",
    "energy_test",
    "equivalence",
    "equivalence_power",
    "flattened",
    "flattened_energy_distance",
    "paired_energy_test",
]

#: Up to so many pairs all swaps are enumerated.
EXACT_PAIRS = 16
#: Statistics closer than this, in units of the largest distance, are ties: rounding is smaller, and ties count.
_TIE = 1e-12


@dataclass(frozen=True)
class TwoSample:
    """A permutation test of the hypothesis that two samples have one distribution.

    Attributes:
        distance: the energy distance of the samples, in units of the points.
        statistic: nm/(n + m) times that, for n and m points; this is compared across relabellings.
        pvalue: the share of relabellings whose statistic is at least the observed one, the observed labelling included.
        relabellings: how many labellings that share is of, the observed one included.
        exact: whether these are all there are; otherwise they were drawn at random.
        least: the smallest p-value that this test can give for samples of this size. A test whose `least` is above the
            level cannot reject: five pairs have 2⁴ different swaps, hence no p-value below 1/16.
    """

    distance: float
    statistic: float
    pvalue: float
    relabellings: int
    exact: bool
    least: float


def energy_test(
    x: Any, y: Any, *, permutations: int = 9999, seed: int = 0, groups: Any = None, flatten: bool = False
) -> TwoSample:
    """The permutation test of the energy distance for two independent samples.

    Without `groups` it is the test of arXiv 2605.20749: single points are relabelled, which presupposes that all n + m
    points are exchangeable if the distributions agree. Successive epochs of a run are dependent; relabelled one by one
    they reject true hypotheses far too often. With `groups` whole runs are relabelled.

    All relabellings are enumerated where there are at most `permutations`; otherwise so many are drawn at random.

    Args:
        x: shape (n, d), or (n,) for points of the line.
        y: shape (m, d), or (m,).
        permutations: how many relabellings to draw at most.
        seed: of the draws, a non-negative integer.
        groups: None, or one label per point, shape (n + m,), those of x first: points of one label move together.
        flatten: use `flattened_energy_distance` (points are still relabelled as a whole).

    Raises:
        DomainError: other shapes, numbers that are not finite, more than `LARGEST` points, a group with points in both
            samples (that is a paired design), or a number that is no integer of its range.
    """
    x, y = samples(x, y, (1, 2))
    permutations, seed = integer("permutations", permutations, 1), integer("seed", seed, 0)
    n, total = len(x), len(x) + len(y)
    sums = distances(np.concatenate((x, y)), flatten)
    unit = float(sums.max())
    sizes, taken = np.ones(total), n
    if groups is not None:
        member, taken = _membership(groups, n, total)
        sums, sizes = member @ sums @ member.T, member.sum(axis=1)
    count = len(sizes)
    every = math.comb(count, taken)
    exact = every <= permutations
    labels = choices(count, taken) if exact else shuffles(count, taken, permutations, seed)

    def statistics(labelled: Labels) -> Array:
        first = labelled @ sizes
        second = total - first
        weights = np.where(labelled, 1 / first[:, None], -1 / second[:, None])
        # groups may differ in size: the factor n m/(n + m) keeps their relabellings comparable
        return np.asarray(-first * second / total * np.einsum("bi,bi->b", weights @ sums, weights))

    observed = float(statistics(np.arange(count)[None] < taken)[0])
    # where both samples have equally many groups, exchanging all labels changes nothing
    symmetric = 2 if 2 * taken == count else 1
    scale = n * (total - n) / total
    return _result(observed, scale, map(statistics, labels), unit, exact, symmetric)


def paired_energy_test(x: Any, y: Any, *, permutations: int = 9999, seed: int = 0, flatten: bool = False) -> TwoSample:
    """The permutation test of the energy distance for paired runs: labels are swapped within pairs.

    Run i of x and run i of y share what the pairing holds fixed (data, order, seed). If the two kinds of run do not
    differ, exchanging the two of any pair changes no distribution; nothing is presupposed of the points within a run.
    With R pairs there are 2^(R−1) different swaps (exchanging all changes nothing). They are enumerated for up to
    `EXACT_PAIRS` pairs, and wherever they are at most `permutations`; otherwise so many are drawn at random.

    Args:
        x: shape (runs, points, d).
        y: the same shape.
        permutations: how many swaps to draw at most.
        seed: of the draws, a non-negative integer.
        flatten: use `flattened_energy_distance`.

    Raises:
        DomainError: other shapes, numbers that are not finite, more than `LARGEST` points, or a number that is no
            integer of its range.
    """
    x, y = samples(x, y, (3,))
    permutations, seed = integer("permutations", permutations, 1), integer("seed", seed, 0)
    if x.shape != y.shape:
        raise DomainError(
            f"x has the shape {x.shape} and y {y.shape}: give paired runs of one shape, or use energy_test."
        )
    runs, points, d = x.shape
    apart = distances(np.concatenate((x, y)).reshape(-1, d), flatten)
    blocks = apart.reshape(2, runs, points, 2, runs, points).sum(axis=(2, 5))
    # a swap changes the sign of both weights of its pair
    signed = (blocks[0, :, 0] - blocks[0, :, 1] - blocks[1, :, 0] + blocks[1, :, 1]) / (runs * points) ** 2
    exact = runs <= EXACT_PAIRS or 2 ** (runs - 1) <= permutations
    signs = swaps(runs) if exact else random_swaps(runs, permutations, seed)
    scale = runs * points / 2

    def statistics(sign: Array) -> Array:
        return np.asarray(-scale * np.einsum("bi,bi->b", sign @ signed, sign))

    observed = float(statistics(np.ones((1, runs)))[0])
    return _result(observed, scale, map(statistics, signs), float(apart.max()), exact, 1)


def _result(
    observed: float, scale: float, blocks: Iterable[Array], unit: float, exact: bool, symmetric: int
) -> TwoSample:
    """The p-value of an observed statistic among those of the relabellings, which come in blocks."""
    threshold = observed - _TIE * unit * scale
    reached, total = 0, 0
    for block in blocks:
        reached += int(np.count_nonzero(block >= threshold))
        total += len(block)
    if not exact:
        # the observed labelling is one of them, or the p-value could be 0
        reached, total, symmetric = reached + 1, total + 1, 1
    # both are 0 or more but for rounding
    observed = max(0.0, observed)
    return TwoSample(observed / scale, observed, reached / total, total, exact, symmetric / total)


def _membership(groups: Any, n: int, total: int) -> tuple[Array, int]:
    """Which point belongs to which group, shape (groups, points), the groups of x first; and how many those are."""
    labels = np.asarray(groups)
    # a NaN is in no group
    if labels.shape != (total,) or bool((labels != labels).any()):
        raise DomainError(
            f"groups has the shape {labels.shape}: give one label per point, those of x first, shape ({total},)."
        )
    first, second = np.unique(labels[:n]), np.unique(labels[n:])
    both = np.intersect1d(first, second)
    if both.size:
        raise DomainError(f"groups has {both[0]!r} in both samples: give paired runs to paired_energy_test.")
    return (np.concatenate((first, second))[:, None] == labels).astype(np.float64), len(first)
