"""Deterministic equivalents against sampled kernel matrices, and their constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
import sympy as sp

import glutheory
from glutheory import DomainError
from glutheory.networks import gated, product
from glutheory.spectra import Equivalent, Levels, MarchenkoPastur, constants, equivalent, multiplicity, stairs
from tests.zoo import DEGREES

PI = math.pi


def _relu(X: np.ndarray) -> np.ndarray:
    """S of ReLU at weight variance 1/d (Cho & Saul 2009)."""
    d = X.shape[1]
    r = np.linalg.norm(X, axis=1)
    rho = np.clip(X @ X.T / np.outer(r, r), -1, 1)
    theta = np.arccos(rho)
    return np.asarray(np.outer(r, r) / d * (np.sin(theta) + (PI - theta) * rho) / (2 * PI))


@lru_cache(maxsize=32)
def _ends(name: str, n: int, d: int, sphere: bool) -> tuple[tuple[float, float, float], tuple[float, ...]]:
    """λ_1, λ_2, λ_n of the wide kernel on seeded data, and the norms of its rows."""
    X = np.random.default_rng([n, d]).standard_normal((n, d))
    norms = np.linalg.norm(X, axis=1)
    if sphere:
        X = X / norms[:, None] * math.sqrt(d)
    if name in ("relu", "reglu"):
        K = _relu(X) * (X @ X.T / d if name == "reglu" else 1)
    else:
        K = glutheory.gram(name, X, kind="nngp", parametrization="ntk")
    values = np.linalg.eigvalsh(K)
    return (float(values[-1]), float(values[-2]), float(values[0])), tuple(norms)


def _compare(found: Equivalent, truth: tuple[float, float, float], d: int) -> None:
    """To relative order d^(−1/2), with the constant 1."""
    for value, expected in zip((found.largest, found.second, found.smallest), truth, strict=True):
        assert abs(value / expected - 1) < d**-0.5
    assert found.condition == found.largest / found.smallest
    assert found.bulk_condition == found.second / found.smallest


CASES = [("relu", 400, 800), ("relu", 800, 400), ("relu", 900, 60), ("reglu", 400, 800), ("reglu", 800, 400)]


@pytest.mark.parametrize(("name", "n", "d"), [*CASES, ("reglu", 900, 60), ("geglu", 400, 200), ("gelu", 300, 400)])
def test_spherical_data(name: str, n: int, d: int) -> None:
    _compare(equivalent(name, n, d, degree=None), _ends(name, n, d, True)[0], d)


@pytest.mark.parametrize(("name", "n", "d"), [*CASES, ("geglu", 400, 200), ("gelu", 300, 400)])
def test_gaussian_data_with_their_norms(name: str, n: int, d: int) -> None:
    truth, norms = _ends(name, n, d, False)
    _compare(equivalent(name, n, d, degree=None, norms=norms), truth, d)


def test_norms_matter() -> None:
    """The gated floor falls with ‖x‖⁴: on Gaussian data the smallest eigenvalue is far below that on the sphere."""
    n, d = 800, 400
    (_, _, smallest), norms = _ends("reglu", n, d, False)
    without, given = equivalent("reglu", n, d, degree=None), equivalent("reglu", n, d, degree=None, norms=norms)
    assert without.smallest > 1.25 * smallest
    assert abs(given.smallest / smallest - 1) < 0.05


def test_the_linear_regime_is_one_marchenko_pastur_law() -> None:
    """In the regime n = O(d): the constants of the leading order, to their relative error 1/d."""
    n, d = 800, 400
    plain, gate = equivalent("relu", n, d), equivalent("reglu", n, d)
    for name, found, linear, floor, spike in (
        ("relu", plain, 1 / 4, 1 / 2 - 1 / (2 * PI) - 1 / 4, n / (2 * PI)),
        ("reglu", gate, 1 / (2 * PI), 1 / 2 - 1 / (2 * PI), n / (4 * d)),
    ):
        assert isinstance(found.bulk, MarchenkoPastur)
        assert found.bulk.ratio == n / d
        assert found.bulk.scale == pytest.approx(linear, rel=2 / d)
        assert found.bulk.shift == pytest.approx(floor, rel=2 / d)
        assert found.spike == pytest.approx(spike, rel=2 / d)
        assert found.second == pytest.approx(found.bulk.shift + found.bulk.scale * (1 + math.sqrt(n / d)) ** 2)
        assert found.smallest == found.bulk.shift
        # level 2 is counted as its mean: it spreads by 2√(n/N_2)
        slack = d**-0.5 + 2 * math.sqrt(n / multiplicity(d, 2))
        for value, truth in zip((found.largest, found.second, found.smallest), _ends(name, n, d, True)[0], strict=True):
            assert abs(value / truth - 1) < slack
    # the spike of the gated kernel is below the threshold at n/d = 2, and above it at n/d = 20
    assert gate.outlier is None
    assert gate.largest == gate.second
    assert equivalent("reglu", 8000, 400).outlier is not None
    # fewer points than dimensions: the lower edge of the bulk
    few = equivalent("relu", 400, 800)
    assert few.smallest == few.bulk.edges[0]


def test_the_numbers_of_the_gaussian_experiment() -> None:
    """ReLU and ReGLU at n = 1600, d = 80: measured .1609 n, 7.62, .0178; .304 n/d, 5.51; bulk ratio 6."""
    X = np.random.default_rng(1).standard_normal((1600, 80))
    norms = np.linalg.norm(X, axis=1)
    plain = equivalent("relu", 1600, 80, degree=None, norms=norms)
    gate = equivalent("reglu", 1600, 80, degree=None, norms=norms)
    assert plain.largest / 1600 == pytest.approx(0.1609, rel=0.02)
    assert plain.second == pytest.approx(7.62, rel=0.02)
    assert plain.smallest == pytest.approx(0.0178, rel=0.05)
    assert gate.largest / 20 == pytest.approx(0.304, rel=0.02)
    assert gate.second == pytest.approx(5.51, rel=0.02)
    # n is d²/4: the first stair is not the last, and the formula for n = O(d) is off by a factor of 5
    assert equivalent("relu", 1600, 80).smallest > 4 * plain.smallest


def test_stairs() -> None:
    """The floors of K are tail sums of the coefficients from degree k + 1 on, those of K̃ from degree k on."""
    d = 20_000
    plain, gate = stairs("relu", d), stairs("reglu", d)
    expected = [1 / 2 - 1 / (2 * PI), 1 / 4 - 1 / (2 * PI) + 0, 0, 0]
    expected[1] = 1 / 2 - 1 / (2 * PI) - 1 / 4
    expected[2] = expected[1] - 1 / (4 * PI)
    expected[3] = expected[2]
    assert [s.floor for s in plain] == pytest.approx(expected, abs=3 / d)
    assert [s.floor for s in gate] == pytest.approx([1 / 2, *expected[:3]], abs=3 / d)
    assert plain[1].weight == pytest.approx(1 / 4)
    assert [s.multiplicity for s in gate] == [multiplicity(d, k) for k in range(4)]
    assert all(s.weight == s.multiplicity * s.eigenvalue for s in gate)
    assert expected[2] == pytest.approx(0.0113, abs=1e-4)


def test_low_dimension_takes_as_many_levels_as_there_are() -> None:
    """In three dimensions λ_1 and λ_2 are λ_0 and λ_1 of the sphere times n; 24 levels do not reach the smallest."""
    found, table = equivalent("relu", 3000, 3, degree=None), stairs("relu", 3)
    assert found.largest / 3000 == pytest.approx(table[0].eigenvalue, rel=0.01)
    assert found.second / 3000 == pytest.approx(table[1].eigenvalue, rel=0.1)


def test_exact_constants() -> None:
    d = sp.Symbol("d", positive=True)
    plain, gate = constants("relu"), constants("reglu")
    assert sp.simplify(plain.alpha - 1 / (4 * d)) == 0
    assert sp.simplify(plain.beta - (1 / (2 * sp.pi) + 1 / (4 * sp.pi * d)) / d) == 0
    assert sp.simplify(plain.gamma - (sp.Rational(1, 4) - 1 / (2 * sp.pi) - 1 / (4 * sp.pi * d)) / d) == 0
    assert sp.simplify(gate.alpha - (1 / (2 * sp.pi) + 3 / (4 * sp.pi * d)) / d) == 0
    assert sp.simplify(gate.beta - 1 / (4 * d**2)) == 0
    # α XXᵀ + β rrᵀ + γ diag(r²) has the diagonal of the kernel: r² = d, f(1) = 1/2
    for found in (plain, gate):
        assert sp.simplify(d * (found.alpha + found.beta + found.gamma) - sp.Rational(1, 2)) == 0
    assert equivalent("relu", 100, 50, exact=True).constants == constants("relu", 50)
    assert equivalent("relu", 100, 50).constants is None


@pytest.mark.parametrize("name", ["relu", "reglu", "gelu", "geglu", "leaky_relu"])
def test_exact_constants_are_the_levels_up_to_the_second_order(name: str) -> None:
    for d in (30, 3000):
        found, table = constants(name, d), stairs(name, d, 2)
        assert float(found.alpha) * d == pytest.approx(table[1].weight, rel=20 / d**2)
        assert float(found.beta) * d == pytest.approx(table[0].weight, rel=20 / d**2)
        assert float(found.gamma) * d == pytest.approx(table[1].floor, rel=20 / d**2)


def test_kernels_without_spike_or_linear_part() -> None:
    odd = equivalent("sin", 300, 200)
    assert odd.spike == pytest.approx(0, abs=1e-12)
    assert odd.outlier is None
    even = equivalent("cos", 300, 200)
    assert even.bulk.support[1] - even.bulk.support[0] == pytest.approx(0, abs=1e-12)
    assert even.smallest == pytest.approx(stairs("cos", 200, 2)[1].floor)
    linear = equivalent("identity", 300, 200)
    assert linear.smallest == pytest.approx(0, abs=1e-15)
    assert linear.second == pytest.approx((1 + math.sqrt(1.5)) ** 2)
    assert equivalent("identity", 300, 200, norms=[math.sqrt(200)] * 300).smallest == pytest.approx(0, abs=1e-9)
    assert Equivalent(MarchenkoPastur(2.0), 0.0).condition == math.inf
    assert Equivalent(MarchenkoPastur(2.0), 0.0).bulk_condition == math.inf
    assert equivalent(product("relu", "relu"), 300, 200).spike == pytest.approx(300 / (4 * PI**2), rel=0.05)
    assert equivalent(gated("sin"), 300, 200).spike == pytest.approx(300 * stairs(gated("sin"), 200)[0].eigenvalue)


@pytest.mark.parametrize("ratio", [0.25, 0.8, 1.5, 9.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_level_is_the_marchenko_pastur_law(ratio: float, weighted: bool) -> None:
    n, d = 900, round(900 / ratio)
    law = MarchenkoPastur(n / d, 0.7, 0.3)
    found = Levels(n, (0.7 / d,), (d,), 0.3, (1.0,) * n if weighted else None)
    assert found.edges[1] == pytest.approx(law.edges[1], rel=1e-9)
    assert found.edges[0] == pytest.approx(law.support[0], rel=1e-5)
    assert found.threshold() == pytest.approx(
        law.threshold(), rel=1e-4
    )  # where z is flat, δ is known to half the digits
    strength = 3 * law.threshold()
    assert found.outlier(strength) == pytest.approx(law.outlier(strength), rel=1e-9)
    assert found.outlier(0.5 * strength / 3) is None
    assert found.outlier(0.0) is None


def test_sampled_levels_with_weights() -> None:
    """Two levels, a floor, and rows of norms 1/2 to 2; edges to the rate n^(−2/3) with the constant 4."""
    rng = np.random.default_rng(11)
    n, sizes, eigenvalues, floor = 600, (200, 3000), (0.02, 0.0004), 0.1
    w = rng.uniform(0.25, 4.0, n)
    B = floor * np.eye(n)
    for N, x in zip(sizes, eigenvalues, strict=True):
        Z = rng.standard_normal((n, N))
        B += x * Z @ Z.T
    v = np.sqrt(w / n)
    law = Levels(n, eigenvalues, sizes, floor, tuple(w))
    root = np.sqrt(w)
    values = np.linalg.eigvalsh(B * np.outer(root, root))
    rate = 4 * n ** (-2 / 3)
    assert abs(values[-1] / law.edges[1] - 1) < rate
    assert abs(values[0] / law.edges[0] - 1) < rate
    strength = 3 * law.threshold()
    top = np.linalg.eigvalsh(B * np.outer(root, root) + strength * np.outer(v, v))[-1]
    assert top == pytest.approx(law.outlier(strength), rel=0.1)
    assert top > law.edges[1] * (1 + rate)


def test_levels_without_floor_and_without_levels() -> None:
    full = Levels(100, (0.01, 0.001), (50, 400), 0.0)
    assert 0 < full.edges[0] < full.edges[1]
    singular = Levels(100, (0.01,), (50,), 0.0)
    assert singular.edges[0] == pytest.approx(0, abs=1e-12)
    flat = Levels(3, (0.0,), (5,), 2.0, (1.0, 2.0, 3.0))
    assert flat.edges == pytest.approx((2.0, 6.0))
    assert flat.threshold() == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equivalent("relu", 0, 10), "n is 0"),
        (lambda: equivalent("relu", 10, 1), "d is 1"),
        (lambda: equivalent("relu", 10, 10, degree=0), "degree is 0"),
        (lambda: equivalent("relu", 60, 10), "beyond the regime of degree 1: .* has dimension 54"),
        (lambda: equivalent("relu", 300, 10, degree=2), "beyond the regime of degree 2"),
        (lambda: equivalent("relu", 5, 10, norms=[1.0] * 4), "norms has shape .4,."),
        (lambda: equivalent("relu", 2, 10, norms=[1.0, 0.0]), "norms"),
        (lambda: equivalent("swiglu", 2, 10, exact=True), "no elementary dual"),
        (lambda: Levels(10, (1.0,), (1, 2), 0.1), "one multiplicity"),
        (lambda: Levels(10, (), (), 0.1), "one multiplicity"),
        (lambda: Levels(10, (-1.0,), (1,), 0.1), "must be ≥ 0"),
        (lambda: Levels(10, (0.0,), (1,), 0.0), "not all 0"),
        (lambda: Levels(2, (1.0,), (1,), 0.1, (1.0,)), "weights"),
        (lambda: Levels(1, (1.0,), (1,), 0.1, (0.0,)), "weights"),
        (lambda: Levels(2, (1.0,), (1,), 0.1).outlier(-1.0), "strength"),
    ],
)
def test_bad_arguments(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()


@pytest.mark.parametrize(("name", "degree"), DEGREES.items())
def test_kernels_of_homogeneous_activations_scale(name: str, degree: int) -> None:
    """Doubling all norms multiplies the spectrum by 4^p: the kernel is homogeneous of degree p in each ‖x‖²."""
    once = equivalent(name, 40, 30, norms=[math.sqrt(30)] * 40)
    twice = equivalent(name, 40, 30, norms=[2 * math.sqrt(30)] * 40)
    assert twice.largest == pytest.approx(4**degree * once.largest, rel=1e-7)
    assert twice.second == pytest.approx(4**degree * once.second, rel=1e-7)
    assert once.second == pytest.approx(equivalent(name, 40, 30).second, rel=1e-7)
