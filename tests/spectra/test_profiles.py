"""Levels with row weights of their own: against the one-weight law, closed forms, and sampled matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glutheory import DomainError
from glutheory.spectra import Levels
from glutheory.spectra.profiles import Profile

Array = np.ndarray


def common(levels: Levels, weights: Array, strength: float = 0.0) -> Profile:
    """The same spectrum with the weight of a row in every level, and the spike of `Levels.outlier`."""
    n = levels.n
    spikes = np.sqrt(strength * weights / n)[None]
    weighted = np.outer(levels.eigenvalues, weights)
    return Profile(levels.floor * weights, weighted, levels.multiplicities, spikes if strength else spikes[:0])


RNG = np.random.default_rng(0)
SPREAD = np.exp(0.3 * RNG.standard_normal(200))
#: (eigenvalues, multiplicities, floor, weights): below and above n, without a floor, one level alone.
CASES = {
    "few dimensions": ((0.02, 1e-4), (50, 1200), 0.1, SPREAD),
    "many dimensions": ((0.004,), (400,), 0.3, SPREAD),
    "no floor": ((0.004, 0.0005), (100, 900), 0.0, SPREAD),
    "equal rows": ((0.02, 1e-4), (50, 1200), 0.1, np.ones(200)),
}


@pytest.mark.parametrize("strength", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("case", CASES)
def test_one_weight_for_all_levels_is_the_known_law(case: str, strength: float) -> None:
    eigenvalues, sizes, floor, weights = CASES[case]
    levels = Levels(200, eigenvalues, sizes, floor, tuple(weights))
    found = common(levels, weights, strength)
    low, high = levels.support
    # both look for a turning point, to 1e-8 of its place and so to 1e-15 of its height; an atom within 1e-9
    assert found.smallest == pytest.approx(low, rel=1e-6)
    assert found.second == pytest.approx(high, rel=1e-6)
    outlier = levels.outlier(strength)
    assert (found.outlier is None) is (outlier is None)
    if outlier is not None:
        assert found.outlier == pytest.approx(outlier, rel=1e-6)
        assert found.condition == pytest.approx(outlier / low, rel=1e-6)


@pytest.mark.parametrize(("n", "size"), [(100, 400), (400, 100), (300, 301)])
def test_marchenko_pastur(n: int, size: int) -> None:
    """Edges (1 ± √y)², y = n/N, the atom 0 beyond n = N; a spike s > y + √y has its eigenvalue at s + 1/(1 − y/s)."""
    y = n / size
    s, spike = 3 * y + 2, np.zeros((1, n))
    spike[0, 0] = math.sqrt(s)
    found = Profile(np.zeros(n), np.full((1, n), 1 / size), (size,), spike)
    assert found.second == pytest.approx((1 + math.sqrt(y)) ** 2, rel=1e-9)
    assert found.smallest == pytest.approx((1 - math.sqrt(y)) ** 2 if n < size else 0.0, rel=1e-6, abs=1e-12)
    assert found.outlier == pytest.approx(s + 1 / (1 - y / s), rel=1e-8)
    below = Profile(np.zeros(n), np.full((1, n), 1 / size), (size,), spike * math.sqrt(0.9 * (y + math.sqrt(y)) / s))
    assert below.outlier is None


@pytest.mark.parametrize("seed", range(3))
def test_sampled_matrices(seed: int) -> None:
    """Three functions of the norm, a floor of a fourth, two spikes: edges to N^(−2/3), shortest rows to 3 n^(−1/2)."""
    rng, n = np.random.default_rng(seed), 500
    q = np.exp(0.12 * rng.standard_normal(n))
    sizes, scales = (50, 400, 4000), (0.4, 0.3, 0.2)
    weights = np.array([scale / size * q**power for scale, size, power in zip(scales, sizes, (1, 2, 5), strict=True)])
    spikes = np.stack([0.05 * (q - 1), np.full(n, 0.3)])
    floor = 0.1 * q**4
    B = np.diag(floor) + spikes.T @ spikes
    for w, size in zip(weights, sizes, strict=True):
        Z = np.sqrt(w)[:, None] * rng.standard_normal((n, size))
        B += Z @ Z.T
    values = np.linalg.eigvalsh(B)
    found = Profile(floor, weights, sizes, spikes)
    assert values[0] == pytest.approx(found.smallest, rel=3 * n**-0.5)
    assert values[-2] == pytest.approx(found.second, rel=sizes[0] ** (-2 / 3))
    assert values[-1] == pytest.approx(found.largest, rel=n**-0.5)
    # the mean weights in place of the profile are refuted by the same matrices
    flat = Profile(np.full(n, floor.mean()), np.repeat(weights.mean(axis=1)[:, None], n, axis=1), sizes, spikes)
    assert values[0] < 0.6 * flat.smallest


def test_a_floor_alone() -> None:
    found = Profile(np.array([1.0, 2.0, 5.0]), np.zeros((0, 3)), (), np.zeros((0, 3)))
    assert found.condition == pytest.approx(5, rel=1e-6)
    assert found.outlier is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.ones(3), np.ones((2, 3)), (1,), np.zeros((0, 3))), r"weights have shape \(2, 3\)"),
        ((np.ones(3), np.ones((1, 3)), (1,), np.zeros((1, 2))), "spikes of 3 columns"),
        ((-np.ones(3), np.ones((1, 3)), (1,), np.zeros((0, 3))), "must be ≥ 0"),
        ((np.ones(3), -np.ones((1, 3)), (1,), np.zeros((0, 3))), "must be ≥ 0"),
        ((np.zeros(3), np.zeros((1, 3)), (1,), np.zeros((0, 3))), "all 0"),
    ],
)
def test_bad_input(arguments: tuple[Array, Array, tuple[int, ...], Array], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        Profile(*arguments)
