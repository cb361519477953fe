"""The energy distance, its permutation tests and the equivalence test, against their definitions and by simulation."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from checks.tools import energy
from checks.tools import equivalence as module
from checks.tools.two_sample import (
    Equivalence,
    energy_distance,
    energy_test,
    equivalence,
    equivalence_power,
    flattened,
    flattened_energy_distance,
    paired_energy_test,
)
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer, real

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")

SEEDS = st.integers(0, 2**32 - 1)


def clouds(seed: int, n: int, m: int, d: int, shift: float = 0.0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)), generator.normal(size=(m, d)) + shift


def as_any(value: Any) -> Any:
    """For calls that a type checker would refuse."""
    return value


def naive(x: Any, y: Any) -> float:
    """The definition, pair by pair."""

    def mean(a: Any, b: Any) -> float:
        return math.fsum(math.dist(p, q) for p in a for q in b) / (len(a) * len(b))

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


# the distance


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


# exact permutation tests, against enumeration


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


def test_ten_thousand_relabellings_take_less_than_a_second() -> None:
    x, y = clouds(0, 125, 125, 2)
    start = time.process_time()
    energy_test(x, y, permutations=10_000)
    # measured: 0.09 s on one core
    assert time.process_time() - start < 2


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


# equivalence


@given(SEEDS, st.integers(2, 30), st.floats(0.05, 3), st.floats(-1, 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_equivalence_is_two_one_sided_tests(seed, n, margin, mean, level) -> None:
    values = np.random.default_rng(seed).normal(mean, 1, n)
    result = equivalence(values, margin, level=level)
    lower = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(values, margin, alternative="less").pvalue
    ordinary = stats.ttest_1samp(values, 0)
    interval = ordinary.confidence_interval(1 - 2 * level)
    assert result.pvalue == pytest.approx(max(lower, upper), rel=1e-9, abs=1e-15)
    assert (result.low, result.high) == pytest.approx(tuple(interval), rel=1e-9)
    assert result.equivalent == (-margin < interval.low and interval.high < margin)
    assert result.difference_pvalue == pytest.approx(ordinary.pvalue, rel=1e-9)
    assert result.different == (ordinary.pvalue < level)
    assert result.power == equivalence_power(margin, result.deviation, n, level=level)
    assert (result.count, result.margin, result.level) == (n, margin, level)


def test_equivalence_is_called_falsely_no_more_often_than_its_level() -> None:
    """At a true mean of exactly the margin, where false calls are most frequent: 5 % of 4000, ± 4.8 deviations."""
    values = np.random.default_rng(5).normal(1, 0.4, (4000, 6))
    calls = sum(equivalence(row, 1.0).equivalent for row in values[:400])
    assert calls <= stats.binom.isf(1e-6, 400, 0.05)
    # the same by the definition, vectorised, for the sharper bound from both sides
    t = (1.0 - values.mean(axis=1)) / (values.std(axis=1, ddof=1) / math.sqrt(6))
    share = np.mean(t > stats.t.ppf(0.95, 5))
    assert share == pytest.approx(0.05, abs=0.0166)


@pytest.mark.parametrize(
    ("value", "equivalent", "different"),
    [(0.0, True, False), (0.5, True, True), (1.0, False, True), (2.0, False, True)],
)
def test_equal_differences_are_compared_as_they_are(value, equivalent, different) -> None:
    result = equivalence([value] * 3, 1)
    assert (result.equivalent, result.different, result.deviation) == (equivalent, different, 0)
    assert (result.low, result.high) == (value, value)
    assert isinstance(result, Equivalence)
    assert all(type(number) in (int, float, bool) for number in dataclasses.asdict(result).values())


@pytest.mark.parametrize(
    ("variation", "number", "power"),
    # log ratio 0.95, limits log 0.8 and log 1.25, two-period crossover with n subjects: the R package PowerTOST
    [(0.2, 20, 0.8346802), (0.3, 40, 0.815845)],
)
def test_power_is_that_of_the_published_tables(variation, number, power) -> None:
    error = math.sqrt(math.log(1 + variation**2) * 2 / number)
    found = module._power(math.log(1.25) / error, math.log(0.95) / error, number - 2, 0.05)
    assert found == pytest.approx(power, abs=1e-6)


def owens_q(freedom: int, t: float, delta: float, end: float) -> float:
    """Owen's Q function by its definition."""
    log_factor = 0.5 * math.log(2 * math.pi) - special.gammaln(freedom / 2) - (freedom / 2 - 1) * math.log(2)

    def integrand(x: float) -> float:
        density = math.exp(log_factor + (freedom - 1) * math.log(x) - x * x / 2) / math.sqrt(2 * math.pi) if x else 0.0
        return float(stats.norm.cdf(t * x / math.sqrt(freedom) - delta)) * density

    return float(integrate.quad(integrand, 0, end, epsabs=1e-12, limit=200)[0])


@pytest.mark.parametrize(("margin", "deviation", "n"), [(1, 1, 5), (0.5, 1, 20), (0.2, 1, 300), (2, 1, 3), (1, 3, 4)])
@pytest.mark.parametrize("difference", [0.0, 0.3, -0.6])
def test_power_is_owens_formula(margin, deviation, n, difference) -> None:
    """Phillips (1990): Q(−t, δ₂; 0, R) − Q(t, δ₁; 0, R), with R = √ν (δ₁ − δ₂)/(2t)."""
    error, t = deviation / math.sqrt(n), float(stats.t.ppf(0.95, n - 1))
    first, second = (difference + margin) / error, (difference - margin) / error
    end = math.sqrt(n - 1) * (first - second) / (2 * t)
    expected = owens_q(n - 1, -t, second, end) - owens_q(n - 1, t, first, end)
    assert equivalence_power(margin, deviation, n, difference=difference) == pytest.approx(expected, abs=1e-9)


def test_power_is_the_share_of_simulated_calls() -> None:
    values = np.random.default_rng(6).normal(0.1, 0.5, (20_000, 8))
    reach = stats.t.ppf(0.95, 7) * values.std(axis=1, ddof=1) / math.sqrt(8)
    share = np.mean(np.abs(values.mean(axis=1)) + reach < 0.5)
    # five standard errors
    assert equivalence_power(0.5, 0.5, 8, difference=0.1) == pytest.approx(share, abs=0.018)


def test_power_has_its_limits() -> None:
    assert equivalence_power(1, 1e-6, 3) == pytest.approx(1, abs=1e-9)
    assert equivalence_power(1e-3, 1, 5) == pytest.approx(0, abs=1e-6)
    # at the margin itself the power is the level, up to what the other test takes
    assert equivalence_power(1, 0.1, 30, difference=1) == pytest.approx(0.05, abs=1e-9)
    powers = [equivalence_power(0.5, 1, n) for n in (5, 10, 40, 80, 200)]
    assert powers == sorted(powers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equivalence([1], 1), r"differences has the shape \(1,\): give at least 2"),
        (lambda: equivalence([[1, 2]], 1), r"differences has the shape \(1, 2\)"),
        (lambda: equivalence(["a", "b"], 1), "differences is no array of real numbers"),
        (lambda: equivalence([1, np.nan], 1), "value nan at 1: remove"),
        (lambda: equivalence([1e200, 1], 1), r"value 1e\+200 at 0"),
        (lambda: equivalence([1, 2], 0), "margin is 0: give a finite number > 0"),
        (lambda: equivalence([1, 2], -1), "margin is -1"),
        (lambda: equivalence([1, 2], math.inf), "margin is inf"),
        (lambda: equivalence([1, 2], as_any("wide")), "margin is 'wide'"),
        (lambda: equivalence([1, 2], 1, level=0.5), "level is 0.5: give a finite number > 0 and < 0.5"),
        (lambda: equivalence_power(1, 0, 5), "deviation is 0"),
        (lambda: equivalence_power(1, 1, 1), "count is 1: give an integer >= 2"),
        (lambda: equivalence_power(1, 1, as_any(2.5)), "count is 2.5"),
        (lambda: equivalence_power(1, 1, 5, difference=math.nan), "difference is nan: give a finite number"),
    ],
)
def test_bad_differences_are_refused(call, message) -> None:
    with pytest.raises(DomainError, match=message):
        call()


def test_numbers_are_checked() -> None:
    assert integer("n", np.int64(3), 1) == 3
    assert real("x", np.float32(0.5), below=1) == 0.5
    with pytest.raises(DomainError, match=r"x is 2: give a finite number < 1\.$"):
        real("x", 2, below=1)
