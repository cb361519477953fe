"""The energy distance, of points and flattened, against its definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from checks.tools import energy
from checks.tools.two_sample import (
    energy_distance,
    energy_test,
    flattened,
    flattened_energy_distance,
)
from tests.checks.tools.clouds import SEEDS, clouds

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")


def naive(x: Any, y: Any) -> float:
    """The definition, pair by pair."""

    def mean(a: Any, b: Any) -> float:
        return math.fsum(math.dist(p, q) for p in a for q in b) / (len(a) * len(b))

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


@given(SEEDS, st.integers(1, 8), st.integers(1, 8), st.integers(1, 4))
def test_the_distance_is_its_definition(seed, n, m, d) -> None:
    x, y = clouds(seed, n, m, d, 0.3)
    assert energy_distance(x, y) == pytest.approx(naive(x, y), rel=1e-12, abs=1e-13)
    assert energy_distance(x, y) == pytest.approx(energy_distance(y, x), rel=1e-12, abs=1e-13)
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-14)


@given(SEEDS, st.integers(1, 30), st.integers(1, 30))
def test_on_the_line_it_is_the_square_of_scipys(seed, n, m) -> None:
    x, y = clouds(seed, n, m, 1, 0.3)
    expected = stats.energy_distance(x[:, 0], y[:, 0]) ** 2
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-10, abs=1e-13)
    assert energy_distance(x, y) == pytest.approx(naive(x, y), rel=1e-10, abs=1e-13)
    assert energy_distance(x[:, 0], y[:, 0]) == energy_distance(x, y)


def test_the_mean_for_normal_clouds() -> None:
    """E|N(0, 2)| = 2/√π, E|N(1, 2)| by the folded normal law; the pairs of a point with itself add E|X − X'|/n each."""
    generator, n = np.random.default_rng(0), 500
    values = [energy_distance(generator.normal(size=n), generator.normal(size=n) + 1) for _ in range(40)]
    level = 2 / math.sqrt(math.pi)
    shifted = level * math.exp(-1 / 4) + 1 - 2 * stats.norm.cdf(-1 / math.sqrt(2))
    # five standard errors of 0.067/√40, the deviation being measured
    assert np.mean(values) == pytest.approx(2 * shifted - 2 * level + 2 * level / n, abs=0.053)


@given(SEEDS, st.floats(-100, 100), st.sampled_from([0.5, 1, 8]))
def test_motions_keep_the_distance_and_scales_scale_it(seed, offset, scale) -> None:
    x, y = clouds(seed, 7, 5, 3, 0.5)
    rotation = stats.ortho_group(3, seed=seed).rvs()
    expected = energy_distance(x, y)
    assert energy_distance(x @ rotation + offset, y @ rotation + offset) == pytest.approx(expected, rel=1e-10)
    assert energy_distance(scale * x, scale * y) == pytest.approx(scale * expected, rel=1e-12)


def test_the_flattened_distance_is_blind() -> None:
    assert flattened_energy_distance([(0, 1)], [(1, 0)]) == 0
    assert energy_distance([(0, 1)], [(1, 0)]) == pytest.approx(2 * math.sqrt(2), rel=1e-15)
    # loss 1 and gap 3 against loss 3 and gap 1: far apart, and flattened the same numbers
    x = np.random.default_rng(0).normal(size=(40, 2)) * 0.1 + (1, 3)
    y = x[:, ::-1]
    assert flattened_energy_distance(x, y) == pytest.approx(0, abs=1e-13)
    assert energy_test(x, y, permutations=999, flatten=True).pvalue == 1
    assert energy_distance(x, y) > 4
    assert energy_test(x, y, permutations=999).pvalue == 1 / 1000


@given(SEEDS, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_the_flattened_distance_is_that_of_the_numbers(seed, n, m, d) -> None:
    x, y = clouds(seed, n, m, d, 0.3)
    expected = stats.energy_distance(x.ravel(), y.ravel()) ** 2
    assert flattened_energy_distance(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert energy_test(x, y, permutations=1, flatten=True).distance == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert np.array_equal(flattened(x), x.ravel())


def test_large_samples_are_summed_in_parts(monkeypatch) -> None:
    x, y = clouds(0, 50, 30, 2)
    expected = energy_distance(x, y)
    monkeypatch.setattr(energy, "_PART", 100)
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-12)
