"""The permutation tests of the energy distance, against enumeration and by simulation."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from checks.tools import energy
from checks.tools.two_sample import (
    energy_distance,
    energy_test,
    flattened,
    flattened_energy_distance,
    paired_energy_test,
)
from glutheory.errors import DomainError
from tests.checks.tools.clouds import SEEDS, clouds

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")


@given(SEEDS, st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans())
@settings(max_examples=25)
def test_few_points_are_enumerated(seed, n, m, ties, flatten) -> None:
    x, y = clouds(seed, n, m, 2, 1.0)
    if ties:
        x, y = np.round(x), np.round(y)
    result = energy_test(x, y, permutations=100, flatten=flatten)
    distance = flattened_energy_distance if flatten else energy_distance
    pooled, observed = np.concatenate((x, y)), distance(x, y)
    every = [
        distance(pooled[list(chosen)], np.delete(pooled, chosen, axis=0))
        for chosen in itertools.combinations(range(n + m), n)
    ]
    assert result.exact
    assert result.relabellings == len(every)
    assert result.pvalue == np.mean([value >= observed - 1e-11 for value in every])
    assert result.distance == pytest.approx(observed, abs=1e-12)
    assert result.statistic == pytest.approx(n * m / (n + m) * observed, abs=1e-12)
    assert result.pvalue >= result.least


@given(SEEDS, st.permutations([0, 0, 0, 1, 1, 2]), st.permutations([5, 5, 6, 7]))
@settings(max_examples=25)
def test_groups_move_as_a_whole(seed, first, second) -> None:
    """Three groups against three, of unequal sizes: C(6, 3) relabellings, by brute force."""
    x, y = clouds(seed, 6, 4, 2, 1.0)
    groups, pooled = np.array([*first, *second]), np.concatenate((x, y))

    def statistic(names: Any) -> float:
        inside = np.isin(groups, names)
        a, b = pooled[inside], pooled[~inside]
        return len(a) * len(b) / 10 * energy_distance(a, b)

    every = [statistic(chosen) for chosen in itertools.combinations((0, 1, 2, 5, 6, 7), 3)]
    result = energy_test(x, y, groups=groups)
    assert (result.relabellings, result.exact, result.least) == (20, True, 0.1)
    assert result.pvalue == np.mean([value >= statistic((0, 1, 2)) - 1e-11 for value in every])
    assert result.statistic == pytest.approx(statistic((0, 1, 2)), abs=1e-12)


@given(SEEDS, st.integers(1, 5), st.integers(1, 3), st.booleans())
@settings(max_examples=25)
def test_pairs_are_swapped_as_a_whole(seed, runs, points, flatten) -> None:
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(2, runs, points, 2)) + np.array([0, 0.7])[:, None, None, None]
    distance = flattened_energy_distance if flatten else energy_distance
    every = []
    for swapped in itertools.product((False, True), repeat=runs):
        mask = np.array(swapped)[:, None, None]
        a, b = np.where(mask, y, x), np.where(mask, x, y)
        every.append(distance(a.reshape(-1, 2), b.reshape(-1, 2)))
    result = paired_energy_test(x, y, flatten=flatten, permutations=1)
    assert (result.relabellings, result.exact, result.least) == (2 ** (runs - 1), True, 2.0 ** (1 - runs))
    assert result.pvalue == np.mean([value >= every[0] - 1e-11 for value in every])
    assert result.distance == pytest.approx(every[0], abs=1e-12)


def test_what_five_pairs_cannot_show() -> None:
    """However far apart: no p-value below 1/16 with five pairs, below 2/252 with five against five runs."""
    x = np.random.default_rng(0).normal(size=(5, 4, 2))
    assert paired_energy_test(x, x + 100).pvalue == paired_energy_test(x, x + 100).least == 1 / 16
    runs = np.arange(40) // 4
    result = energy_test(x.reshape(-1, 2), x.reshape(-1, 2) + 100, groups=runs)
    assert result.pvalue == result.least == 2 / 252


def test_equal_samples_have_pvalue_one() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3, 2))
    assert paired_energy_test(x, x, permutations=500).pvalue == 1
    assert energy_test(x[0], x[0]).pvalue == 1
    same = energy_test(np.ones((30, 2)), np.ones((20, 2)), permutations=500)
    assert (same.pvalue, same.statistic, same.distance) == (1, 0, 0)


# random relabellings


def test_random_relabellings_agree_with_all() -> None:
    """C(16, 8) = 12870 labellings and 2¹⁶ swaps; 4000 draws have a standard error of at most 0.008."""
    x, y = clouds(3, 8, 8, 2, 0.5)
    exact, random = (energy_test(x, y, permutations=count, seed=5) for count in (20_000, 4000))
    assert (exact.exact, exact.relabellings, random.exact, random.relabellings) == (True, 12870, False, 4001)
    assert random.pvalue == pytest.approx(exact.pvalue, abs=0.04)
    assert random.least == 1 / 4001
    x, y = np.random.default_rng(4).normal(size=(2, 17, 3, 2)) + np.array([0, 0.1])[:, None, None, None]
    exact, random = (paired_energy_test(x, y, permutations=count, seed=5) for count in (2**16, 4000))
    assert (exact.exact, exact.relabellings, random.exact, random.relabellings) == (True, 2**16, False, 4001)
    assert 0.02 < exact.pvalue < 0.98
    assert random.pvalue == pytest.approx(exact.pvalue, abs=0.04)


@given(SEEDS, st.integers(1, 5), st.integers(4, 8), st.booleans())
@settings(max_examples=25)
def test_random_labels_are_numpys(seed, n, m, ties) -> None:
    """The labels dealt by `Generator.permuted`, counted one by one: p-values of earlier runs come out again."""
    x, y = clouds(seed, n, m, 2, 0.5)
    if ties:
        x, y = np.round(x), np.round(y)
    pooled = np.concatenate((x, y))
    labels = np.random.default_rng(seed).permuted(np.tile(np.arange(n + m) < n, (4, 1)), axis=1)
    reached = sum(energy_distance(pooled[row], pooled[~row]) >= energy_distance(x, y) - 1e-11 for row in labels)
    result = energy_test(x, y, permutations=4, seed=seed)
    assert (result.exact, result.relabellings, result.pvalue) == (False, 5, (1 + reached) / 5)


@given(SEEDS)
@settings(max_examples=10)
def test_the_seed_decides(seed) -> None:
    x, y = clouds(1, 12, 12, 2, 0.2)
    one, two = (energy_test(x, y, permutations=500, seed=seed) for _ in range(2))
    assert one == two
    others = [energy_test(x, y, permutations=500, seed=seed + 2**64 + i).pvalue for i in range(4)]
    assert len({one.pvalue, *others}) > 1


@given(SEEDS, st.floats(-50, 50), st.sampled_from([0.25, 1, 4]))
@settings(max_examples=20)
def test_motions_and_scales_keep_the_pvalue(seed, offset, scale) -> None:
    x, y = clouds(seed, 10, 8, 2, 0.3)
    rotation = stats.ortho_group(2, seed=seed).rvs() * scale
    one = energy_test(x, y, permutations=200, seed=1)
    other = energy_test(x @ rotation + offset, y @ rotation + offset, permutations=200, seed=1)
    # rounding may move a relabelling across the observed statistic only where it is a tie
    assert other.pvalue == pytest.approx(one.pvalue, abs=1.5 / 201)


@pytest.mark.parametrize("kind", ["shift", "spread", "dependence"])
def test_differences_are_found(kind) -> None:
    generator = np.random.default_rng(8)
    x, y = generator.normal(size=(2, 100, 2))
    if kind == "shift":
        y = y + 0.7
    elif kind == "spread":
        y = 2 * y
    else:
        # every coordinate has the same law in both: only a multivariate statistic can tell
        y = y[:, :1] * [1, 1] + 0 * y
        assert energy_test(x, y, permutations=999, flatten=True).pvalue > 0.05
    assert energy_test(x, y, permutations=999).pvalue <= 0.005


# validity under the hypothesis, by simulation


def rejections(pvalues: list[float], level: float) -> tuple[int, float]:
    """How many are at most `level`, and what a super-uniform p-value exceeds with probability 1e-6 at most."""
    return sum(p <= level for p in pvalues), float(stats.binom.isf(1e-6, len(pvalues), level))


def autocorrelated(generator: np.random.Generator, runs: int, points: int) -> Any:
    """Stationary runs of an AR(1) process in two dimensions, correlation 0.95 from one point to the next."""
    walk = generator.normal(size=(runs, points, 2))
    for i in range(1, points):
        walk[:, i] = 0.95 * walk[:, i - 1] + math.sqrt(1 - 0.95**2) * walk[:, i]
    return walk


@pytest.mark.long
@pytest.mark.parametrize("level", [0.05, 0.2])
def test_pvalues_are_super_uniform(level) -> None:
    generator = np.random.default_rng(21)
    points = [energy_test(*generator.normal(size=(2, 10, 2)), permutations=99, seed=i).pvalue for i in range(400)]
    pairs = [paired_energy_test(*autocorrelated(generator, 12, 5).reshape(2, 6, 5, 2)).pvalue for _ in range(400)]
    for pvalues in (points, pairs):
        count, limit = rejections(pvalues, level)
        assert count <= limit
        # not trivially so: six pairs have 32 swaps, hence levels k/32, of which 1/32 is the largest below 0.05
        assert count >= stats.binom.ppf(1e-6, 400, level * (0.6 if pvalues is pairs else 1))


def test_dependent_points_need_groups() -> None:
    """Five runs against five of one law: points relabelled one by one reject at 0.05 far too often, runs do not."""
    generator = np.random.default_rng(22)
    runs = np.arange(10 * 25) // 25
    single, grouped, paired = [], [], []
    for seed in range(100):
        walks = autocorrelated(generator, 10, 25)
        x, y = walks[:5].reshape(-1, 2), walks[5:].reshape(-1, 2)
        single.append(energy_test(x, y, permutations=199, seed=seed).pvalue)
        grouped.append(energy_test(x, y, groups=runs).pvalue)
        paired.append(paired_energy_test(walks[:5], walks[5:]).pvalue)
    wrong, limit = rejections(single, 0.05)
    assert wrong > 60 > limit
    for pvalues in (grouped, paired):
        right, limit = rejections(pvalues, 0.05)
        assert right <= limit


# bad input


X = np.zeros((4, 2))
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "ragged": ({"x": [[1, 2], [3]]}, "x is no rectangular array"),
    "complex": ({"x": X * 1j}, "x has the dtype complex128: give real numbers of shape"),
    "words": ({"y": ["a"]}, "y has the dtype <U1"),
    "empty": ({"y": X[:0]}, r"y has the shape \(0, 2\): give \(n, d\) or \(n,\), nothing empty"),
    "axes": ({"x": X[None]}, r"x has the shape \(1, 4, 2\)"),
    "dimensions": ({"y": X[:, :1]}, r"x has the shape \(4, 2\) and y \(4, 1\): give points of one dimension"),
    "nan": ({"y": np.where(X > -1, [0, np.nan], X)}, r"y has the value nan at \(0, 1\)"),
    "huge": ({"x": X + 1e200}, r"numbers up to 1e\+200: scale"),
    "permutations": ({"permutations": 0}, "permutations is 0: give an integer >= 1"),
    "seed": ({"seed": -1}, "seed is -1"),
    "groups": ({"groups": [0, 1]}, r"groups has the shape \(2,\): give one label per point, .* shape \(8,\)"),
    "nan group": ({"groups": [0, 0, 0, 0, 1, 1, 1, np.nan]}, "give one label per point"),
    "shared": ({"groups": [0, 0, 1, 1, 1, 1, 2, 2]}, r"groups has .*1.* in both samples: give paired runs to"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_samples_are_refused(case) -> None:
    change, message = BAD[case]
    with pytest.raises(DomainError, match=message):
        energy_test(**{"x": X, "y": X, **change})


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(DomainError, match=r"give paired runs of one shape, or use energy_test"):
        paired_energy_test(np.zeros((3, 4, 2)), np.zeros((2, 4, 2)))
    with pytest.raises(DomainError, match=r"x has the shape \(4, 2\): give \(runs, points, d\)"):
        paired_energy_test(X, X)
    with pytest.raises(DomainError, match=r"points has the shape \(1, 1, 1, 1\)"):
        flattened(np.zeros((1, 1, 1, 1)))


def test_too_many_points_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(energy, "LARGEST", 10)
    assert energy_test(X, X).pvalue == 1
    with pytest.raises(DomainError, match="16 points together: give at most 10"):
        energy_test(X, X, flatten=True)
