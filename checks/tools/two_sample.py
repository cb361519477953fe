"""Permutation tests of the energy distance: SciPy relabels, the statistic and the designs stand here.

What is relabelled are single points, whole runs, or the two runs of a pair. A tie counts as reached, and the random
tests count the observed labelling, so that no p-value is 0 and none is too small:

    p = #{relabellings whose statistic is at least the observed one} / #{relabellings}.

Source of the p-value of random relabellings: B. Phipson & G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import permutation_test

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
#: Relabellings that are held at once.
_BLOCK = 512


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
    start = np.arange(count) < taken

    def statistics(labelled: Labels) -> Array:
        first = (labelled @ sizes)[..., None]
        second = total - first
        weights = np.where(labelled, 1 / first, -1 / second)
        # groups may differ in size: the factor n m/(n + m) keeps their relabellings comparable
        return np.asarray(-(first * second)[..., 0] / total * np.einsum("...i,...i->...", weights @ sums, weights))

    scale = n * (total - n) / total
    observed = float(statistics(start[None])[0])
    reaches = _reaching(statistics, observed, unit * scale)
    every = math.comb(count, taken)
    exact = every <= permutations
    if not exact:
        # labels dealt to the points: a random one of the `every` ways
        pvalue = _share(reaches, (start,), "pairings", permutations, seed)
    elif min(taken, count - taken) == 1:
        # SciPy wants two units a sample; of a single one all places are tried, and it may be in either sample
        places = np.array_split(np.eye(count, dtype=bool), 1 + count // _BLOCK)
        pvalue = float(np.mean(np.concatenate([reaches(rows) for rows in places])))
    else:

        def chosen(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], axis: int = -1) -> Labels:
            labelled = np.ones((*first.shape[:-1], count), dtype=bool)
            np.put_along_axis(labelled, second, False, axis=axis)
            return reaches(labelled)

        units = np.arange(count)
        pvalue = _share(chosen, (units[:taken], units[taken:]), "independent", every, seed)
    # where both samples have equally many groups, exchanging all labels changes nothing
    symmetric = 2 if 2 * taken == count else 1
    return _result(observed, scale, pvalue, every if exact else permutations, exact, symmetric)


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
    # exchanging all pairs changes nothing, so that the last one stays; SciPy wants two others, if need be weightless
    free = max(runs - 1, 2)
    signed = np.pad(signed, (0, free + 1 - runs))
    every = 2 ** (runs - 1)
    exact = runs <= EXACT_PAIRS or every <= permutations
    scale = runs * points / 2

    def statistics(sign: Array) -> Array:
        sign = np.concatenate((sign, np.ones((*sign.shape[:-1], 1))), axis=-1)
        return np.asarray(-scale * np.einsum("...i,...i->...", sign @ signed, sign))

    observed = float(statistics(np.ones((1, free)))[0])
    reaches = _reaching(statistics, observed, float(apart.max()) * scale)
    pvalue = _share(reaches, (np.ones(free),), "samples", 2**free if exact else permutations, seed)
    return _result(observed, scale, pvalue, every if exact else permutations, exact, 1)


def _reaching(statistics: Callable[[Any], Array], observed: float, unit: float) -> Callable[..., Labels]:
    """Whether relabellings reach the observed statistic, ties included: exact 0 and 1 that SciPy can compare.

    SciPy's own ties are relative to the observed statistic, which is a difference of large numbers and can be 0.
    """

    def reaches(labelled: Any, axis: int = -1) -> Labels:
        del axis  # always the last one; SciPy passes it on
        return np.asarray(statistics(labelled) >= observed - _TIE * unit)

    return reaches


def _share(reaches: Callable[..., Labels], data: tuple[Any, ...], kind: str, resamples: int, seed: int) -> float:
    """The p-value: the share of the relabellings of these data that reach the observed statistic."""
    found = permutation_test(
        data,
        reaches,
        permutation_type=kind,
        alternative="greater",
        n_resamples=resamples,
        batch=_BLOCK,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _result(observed: float, scale: float, pvalue: float, relabellings: int, exact: bool, symmetric: int) -> TwoSample:
    """The record; beside random relabellings the observed one counts, or the p-value could be 0."""
    total, symmetric = (relabellings, symmetric) if exact else (relabellings + 1, 1)
    # 0 or more but for rounding
    observed = max(0.0, observed)
    return TwoSample(observed / scale, observed, pvalue, total, exact, symmetric / total)


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
