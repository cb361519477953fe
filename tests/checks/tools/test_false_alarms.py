"""How often the tests reject: at most at their level where the hypothesis is true, and mostly where it is not.

Fixed before any run: of so many data sets a test of level 0.05 rejects more than `MOST` with probability at most 1e-6,
and one of level 0.1 rejects so few with probability at most 1e-6. `TRIALS` is the least number with such a `MOST`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom

from checks.tools.two_sample import energy_test, equivalence, equivalence_power, paired_energy_test

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")

LEVEL, WRONG, RARE, POWER = 0.05, 0.1, 1e-6, 0.8
TRIALS = 2440
MOST = int(binom.isf(RARE, TRIALS, LEVEL))
MARGIN, DEVIATION, PAIRS = 1.0, 0.6, 8
Generator = np.random.Generator


def runs(generator: Generator, count: int, points: int = 8) -> np.ndarray:
    """Stationary runs whose points depend on each other, correlation 0.95 from one to the next."""
    walk = generator.normal(size=(count, points, 2))
    for i in range(1, points):
        walk[:, i] = 0.95 * walk[:, i - 1] + math.sqrt(1 - 0.95**2) * walk[:, i]
    return walk


def single(generator: Generator, shift: float) -> float:
    """Ten independent points against ten, random relabellings."""
    x, y = generator.normal(size=(2, 10, 2))
    return energy_test(x, y + shift, permutations=99, seed=int(generator.integers(2**31))).pvalue


def grouped(generator: Generator, shift: float) -> float:
    """Five runs against five, all 252 relabellings."""
    x, y = runs(generator, 5), runs(generator, 5) + shift
    return energy_test(x.reshape(-1, 2), y.reshape(-1, 2), groups=np.arange(80) // 8).pvalue


def paired(generator: Generator, shift: float) -> float:
    """Six pairs of runs with a common part, all 32 swaps."""
    common = runs(generator, 6)
    return paired_energy_test(common + runs(generator, 6), common + runs(generator, 6) + shift).pvalue


def many_paired(generator: Generator, shift: float) -> float:
    """Seventeen pairs, random swaps."""
    x, y, seed = runs(generator, 17), runs(generator, 17) + shift, int(generator.integers(2**31))
    return paired_energy_test(x, y, permutations=199, seed=seed).pvalue


def equivalent(generator: Generator, inside: float) -> float:
    """Two one-sided tests of eight differences; the true mean is so far inside the margin, on a random side."""
    mean = (MARGIN - inside) * generator.choice([-1, 1])
    return equivalence(generator.normal(mean, DEVIATION, PAIRS), MARGIN, level=LEVEL).pvalue


@dataclass(frozen=True)
class Design:
    """A test, how often it rejects at 0.05 by its construction, an alternative, and what is asked of the power."""

    pvalue: Callable[[Generator, float], float]
    attained: float
    alternative: float
    power: float = POWER


DESIGNS = {
    # the rank of the observed one of 100 labellings, of 126 different ones, of 32, of 200
    "points": Design(single, 5 / 100, 1.5),
    "runs": Design(grouped, 6 / 126, 3.0),
    "pairs": Design(paired, 1 / 32, 3.0),
    "many pairs": Design(many_paired, 10 / 200, 1.5),
    "equivalence": Design(
        equivalent,
        equivalence_power(MARGIN, DEVIATION, PAIRS, level=LEVEL, difference=MARGIN),
        MARGIN,
        equivalence_power(MARGIN, DEVIATION, PAIRS, level=LEVEL),
    ),
}


def rejections(design: Design, effect: float) -> int:
    generator = np.random.default_rng(2024)
    return sum(design.pvalue(generator, effect) <= LEVEL for _ in range(TRIALS))


def test_the_number_of_trials_is_the_least_that_tells_the_levels_apart() -> None:
    def tells(trials: int) -> bool:
        return bool(binom.cdf(binom.isf(RARE, trials, LEVEL), trials, WRONG) <= RARE)

    assert tells(TRIALS)
    assert not any(tells(trials) for trials in range(100, TRIALS))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_true_hypotheses_are_rejected_no_more_often_than_the_level(name: str) -> None:
    design = DESIGNS[name]
    count = rejections(design, 0.0)
    assert count <= MOST
    # nor does it hold because the test hardly ever rejects
    assert count >= binom.ppf(RARE, TRIALS, design.attained)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_false_hypotheses_are_rejected(name: str) -> None:
    design = DESIGNS[name]
    assert rejections(design, design.alternative) >= binom.ppf(RARE, TRIALS, design.power)


@pytest.mark.slow
def test_a_test_that_is_not_valid_is_seen() -> None:
    """Dependent points relabelled one by one: the null hypothesis is true, and far too many are rejected."""

    def wrong(generator: Generator, shift: float) -> float:
        x, y = runs(generator, 5).reshape(-1, 2), runs(generator, 5).reshape(-1, 2) + shift
        return energy_test(x, y, permutations=99, seed=int(generator.integers(2**31))).pvalue

    assert rejections(Design(wrong, 1.0, 0.0), 0.0) > MOST
