"""Dense spectra with their error bounds, measures of shape, and the Marchenko–Pastur law."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import example, given
from hypothesis import strategies as st

import glutheory
from glutheory import DomainError
from glutheory.spectra import (
    MarchenkoPastur,
    bulk,
    condition_number,
    effective_rank,
    log_spread,
    majorisation_gap,
    majorises,
    outliers,
    participation_ratio,
    spectral_entropy,
    spectrum,
    spectrum_ends,
)
from glutheory.spectra.dense import ConditionNumber


def _exact(values: list[float]) -> np.ndarray:
    """A dense matrix with exactly these eigenvalues: H diag(values) Hᵀ/n with a Hadamard matrix and short numbers."""
    n = len(values)
    H = scipy.linalg.hadamard(n).astype(float)
    return np.asarray((H * np.array(values)) @ H.T / n)


#: name -> eigenvalues, all sums of which are exact in float64
KNOWN: dict[str, list[float]] = {
    "graded": [2.0 ** -(k // 2) for k in range(64)],
    "steep": [1.0] + [2.0**-40] * 31,
    "two clusters": [3.0] * 64 + [1.0 + 2.0**-30 * k for k in range(64)],
    "one point": [5.0] * 32,
    "indefinite": [(-1.0) ** k * (k + 1) for k in range(256)],
    "of order one": [7.0],
}


@pytest.mark.parametrize("name", KNOWN)
def test_every_eigenvalue_is_within_the_stated_error(name: str) -> None:
    values = np.sort(np.array(KNOWN[name]))[::-1]
    found = spectrum(_exact(KNOWN[name]))
    assert np.max(np.abs(found.values - values)) <= found.error
    # an error bound must also be worth something
    assert found.error <= 1e-15 * 2 * len(values) * np.max(np.abs(values))
    assert (found.n, found.largest, found.smallest) == (len(values), found.values[0], found.values[-1])
    assert found.trace == pytest.approx(math.fsum(values), rel=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0


def test_the_bound_covers_a_matrix_from_a_difference_equation() -> None:
    """A tridiagonal Toeplitz matrix of order 500: λ_k = 2 − 2cos(kπ/(n+1))."""
    n = 500
    K = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    exact = 4 * np.sin(np.arange(n, 0, -1) * np.pi / (2 * n + 2)) ** 2
    found = spectrum(K)
    assert np.max(np.abs(found.values - exact)) <= found.error
    condition = condition_number(K)
    assert condition.low <= exact[0] / exact[-1] <= condition.high
    assert not condition.is_bound
    assert float(condition) == pytest.approx(exact[0] / exact[-1], rel=1e-7)


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1000])
def test_scaling_by_a_power_of_two_changes_nothing(exponent: int) -> None:
    K = _exact(KNOWN["graded"][:16])
    base, scaled = spectrum(K), spectrum(np.ldexp(K, exponent))
    assert np.array_equal(np.ldexp(base.values, exponent), scaled.values)
    assert scaled.error == math.ldexp(base.error, exponent)
    assert condition_number(np.ldexp(K, exponent)) == condition_number(K)


def test_entries_from_1e_300_to_1e300() -> None:
    found = condition_number(np.diag([1e300, 1.0, 1e-300]))
    assert found.is_bound
    assert 1e14 < found.value < 1e16
    assert str(found) == "≥ 3e14"
    assert math.isinf(found.high)


def test_eigenvalues_beyond_float64_are_refused_but_their_ratio_is_known() -> None:
    K = np.full((2, 2), 1e308) + 0.5e308 * np.eye(2)
    with pytest.raises(DomainError, match="beyond float64"):
        spectrum(K)
    assert float(condition_number(K)) == pytest.approx(5, rel=1e-12)


@given(seed=st.integers(0, 2**32), e=st.sampled_from([1e-12, 1e-6, 1e-3]), n=st.integers(2, 12))
def test_the_entry_error_covers_every_perturbation_of_its_size(seed: int, e: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2 * n)) * np.exp(rng.standard_normal((n, 1)))
    K = X @ X.T
    K = (K + K.T) / 2
    root = np.sqrt(np.diagonal(K))
    signs = np.triu(rng.choice([-1.0, 1.0], (n, n)))
    moved = K + e * (signs + np.triu(signs, 1).T) * np.outer(root, root)
    found, other = spectrum(K, entry_error=e), spectrum(moved)
    assert np.max(np.abs(found.values - other.values)) <= found.error + other.error
    condition = condition_number(K, entry_error=e)
    if other.smallest > 0:
        assert condition.low <= other.largest / other.smallest <= condition.high


def test_float32_and_torch_and_integers() -> None:
    torch = pytest.importorskip("torch")
    K = np.array([[2, 1], [1, 2]])
    for given_as in (K, K.astype(np.float32), torch.tensor(K), torch.tensor(K, dtype=torch.float32), K.tolist()):
        assert spectrum(given_as).values == pytest.approx([3, 1], rel=1e-15)
    parameter = torch.tensor(K, dtype=torch.float64, requires_grad=True)
    assert str(condition_number(parameter)) == "3"
    with pytest.raises(DomainError, match="no numpy matrix"):
        spectrum(torch.tensor(K, dtype=torch.bfloat16))


def test_the_ends_are_those_of_the_spectrum() -> None:
    K = _exact(KNOWN["graded"][:16])
    top, smallest, error = spectrum_ends(K, top=3)
    assert top == pytest.approx([1.0, 1.0, 0.5])
    assert smallest == pytest.approx(2.0**-7)
    assert error == spectrum(K).error
    with pytest.raises(DomainError, match="top is 17"):
        spectrum_ends(K, top=17)


def test_rounding_asymmetry_is_averaged_and_counted() -> None:
    K = np.array([[2.0, 1.0], [1.0 + 1e-9, 2.0]])
    found = spectrum(K)
    assert found.values == pytest.approx([3.0, 1.0], rel=1e-9)
    assert 0.7e-9 < found.error < 1e-9


@pytest.mark.parametrize(
    ("K", "message"),
    [
        (np.zeros((0, 0)), "shape"),
        (np.zeros((2, 3)), "shape"),
        (np.zeros(3), "shape"),
        (np.array([[1.0, 2.0], [3.0, 1.0]]), "not symmetric: entry .0, 1. is 2"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "not finite"),
        (np.array([[np.inf]]), "not finite"),
        (np.eye(2) * 1j, "dtype"),
        (np.array([["a"]]), "dtype"),
        ([[1.0, 2.0], [3.0]], "no numpy matrix"),
    ],
)
def test_bad_matrices(K: object, message: str) -> None:
    for function in (spectrum, condition_number):
        with pytest.raises(DomainError, match=message):
            function(K)


@pytest.mark.parametrize("entry_error", [-1.0, math.nan, math.inf])
def test_bad_entry_errors(entry_error: float) -> None:
    with pytest.raises(DomainError, match="entry_error"):
        spectrum(np.eye(2), entry_error=entry_error)


def test_an_unresolved_smallest_eigenvalue_gives_a_lower_bound() -> None:
    """The figure would be noise; the bound is true, and close to what float64 can say."""
    found = condition_number(_exact([1.0] * 7 + [0.0]))
    assert found.is_bound
    assert found.low == found.value
    assert found.reason
    assert 1e13 < found.value < 1e17
    assert str(found).startswith("≥ ")
    assert not condition_number(_exact([1.0] + [2.0**-20] * 15)).is_bound


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (np.array([[1.0, 0.0], [2.0, 1.0], [1.0, 0.0]]), "rows 0 and 2 are equal"),
        (np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 0.0]]), "rows 0 and 2 are equal up to sign"),
        (np.array([[1.0, 0.0], [0.0, 0.0]]), "row 1 is zero"),
        (np.array([[0.0]]), "row 0 is zero"),
    ],
)
def test_singular_by_structure(X: np.ndarray, reason: str) -> None:
    found = condition_number(X @ X.T)
    assert math.isinf(float(found))
    assert math.isinf(found.low)
    assert not found.is_bound
    assert reason in str(found)
    if len(X) > 1:
        blurred = condition_number(X @ X.T, entry_error=1e-8)
        assert math.isinf(blurred.value)
        assert 1e6 < blurred.low < 1e9


def test_duplicates_in_the_data_are_seen_through_the_kernel() -> None:
    X = np.random.default_rng(1).standard_normal((6, 4))
    X[5] = X[2]
    found = condition_number(glutheory.gram("swiglu", X))
    assert math.isinf(found.value)
    assert "rows 2 and 5" in found.reason


def test_not_positive_semidefinite() -> None:
    with pytest.raises(DomainError, match="not positive semidefinite: λ_min is -1 of its norm"):
        condition_number(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(DomainError, match="not positive semidefinite"):
        condition_number(np.array([[-1.0]]))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (ConditionNumber(191.8123, 191.8, 191.83), "191.8"),
        (ConditionNumber(8.2e5, 8.1999e5, 8.2001e5), "8.2e5"),
        (ConditionNumber(3.27e15, 3.27e15, math.inf, True), "≥ 3.2e15"),
        (ConditionNumber(1.0, 1.0, math.inf, True), "≥ 1"),
        (ConditionNumber(47.9, 47.9, math.inf, True), "≥ 47"),
        (ConditionNumber(200.0, 150.0, 300.0), "200 (between 150 and 300)"),
        (ConditionNumber(math.inf, math.inf, math.inf, reason="row 0 is zero"), "inf (row 0 is zero)"),
    ],
)
def test_condition_numbers_as_text(number: ConditionNumber, text: str) -> None:
    assert str(number) == text
    assert float(number) == number.value


def test_condition_number_is_public() -> None:
    assert glutheory.condition_number is condition_number
    assert str(glutheory.condition_number(np.eye(3))) == "1"
    assert condition_number(np.array([[2.0]]), entry_error=0.5) == ConditionNumber(1.0, 1.0, 1.0)


SPECTRA = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20)
TRANSFERS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.floats(0, 1)), max_size=8)


def _flattened(values: list[float], transfers: list[tuple[int, int, float]]) -> np.ndarray:
    """A vector that `values` majorises: a sequence of T-transforms (Hardy, Littlewood & Pólya)."""
    found = np.array(values)
    for i, j, t in transfers:
        i, j = i % len(found), j % len(found)
        a, b = found[i], found[j]
        if i != j:
            found[i], found[j] = t * a + (1 - t) * b, (1 - t) * a + t * b
    return found


@given(SPECTRA, TRANSFERS)
@example([1.0, 1.0], [])
@example([1e6, 1e-6], [(0, 1, 0.5)])
def test_majorisation_and_schur_concavity(values: list[float], transfers: list[tuple[int, int, float]]) -> None:
    flat = _flattened(values, transfers)
    rounding = 1e-15 * len(values)
    assert majorises(values, flat, tolerance=rounding)
    assert majorisation_gap(values, flat) >= -rounding
    assert spectral_entropy(values) <= spectral_entropy(flat) + 1e-12
    assert effective_rank(values) <= effective_rank(flat) * (1 + 1e-12)
    assert participation_ratio(values) <= participation_ratio(flat) * (1 + 1e-12)
    n = len(values)
    for measure in (effective_rank, participation_ratio):
        assert 1 - 1e-12 <= measure(values) <= n * (1 + 1e-12)


@given(SPECTRA, st.floats(1e-200, 1e200), st.randoms())
def test_scale_and_order_do_not_matter(values: list[float], scale: float, random: Random) -> None:
    other = [scale * x for x in values]
    random.shuffle(other)
    for measure in (spectral_entropy, effective_rank, participation_ratio, log_spread):
        assert measure(other) == pytest.approx(measure(values), rel=1e-9, abs=1e-12)
    assert abs(majorisation_gap(values, other)) < 1e-14


def test_known_shapes() -> None:
    assert effective_rank([2.0] * 7) == pytest.approx(7)
    assert participation_ratio([2.0] * 7 + [0.0] * 3) == pytest.approx(7)
    assert effective_rank([1.0, 0.0, -1e-17]) == 1
    assert spectral_entropy([1.0]) == 0
    assert log_spread([math.e, 1 / math.e]) == pytest.approx(1)
    assert not majorises([1, 1], [2, 0])
    assert majorises([2, 0], [1, 1])
    assert majorisation_gap([1, 1], [2, 0]) == -0.5
    assert majorisation_gap([3.0], [5.0]) == 0
    assert not majorises([3, 3, 0], [4, 1, 1])  # incomparable, in both directions
    assert not majorises([4, 1, 1], [3, 3, 0])


def test_bulk_and_outliers() -> None:
    values = [1.0, 100.0, 1.1, 0.9, 1.2, 0.8]
    assert outliers(values) == 1
    assert list(bulk(values)) == [1.2, 1.1, 1.0, 0.9, 0.8]
    assert len(bulk(values, outliers=0)) == 6
    assert outliers([1.0, 1.1, 1.2, 1.3]) == 0
    assert outliers([100.0, 50.0, 1.0, 0.9, 0.8, 0.7]) == 2
    assert outliers([5.0]) == 0
    assert outliers([1.0, 0.0, 0.0, 0.0]) == 1
    law = MarchenkoPastur(0.5)
    assert outliers(law.quantiles(500)) == 0
    assert outliers([*law.quantiles(500), 30.0]) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_rank([]), "values has shape"),
        (lambda: effective_rank(np.eye(2)), "values has shape"),
        (lambda: effective_rank([1.0, np.nan]), "not finite"),
        (lambda: effective_rank([0.0, 0.0]), "at least one"),
        (lambda: effective_rank([1.0, -0.1]), "must be ≥ 0"),
        (lambda: log_spread([1.0, 0.0]), "not positive"),
        (lambda: majorises([1.0], [1.0, 2.0]), "equal size"),
        (lambda: majorises([1.0], [1.0], tolerance=-1), "tolerance"),
        (lambda: bulk([1.0, 2.0], outliers=2), "outliers is 2"),
    ],
)
def test_bad_shapes(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()


LAWS = [
    MarchenkoPastur(ratio, scale, shift)
    for ratio, scale, shift in ((0.25, 1.0, 0.0), (1.0, 2.0, 0.5), (4.0, 0.5, 0.1), (0.9, 1.0, -1.0), (20.0, 1.0, 0.3))
]


def _integral(law: MarchenkoPastur, function: Callable[[float], complex]) -> complex:
    """∫ function dμ by quadrature in the angle, where the density has no root, atom included."""
    a, b = law.edges

    def integrand(t: float, imaginary: bool) -> float:
        x = (a + b) / 2 - (b - a) / 2 * math.cos(t)
        value = complex(function(x)) * float(law.density(x)) * (b - a) / 2 * math.sin(t)
        return value.imag if imaginary else value.real

    real, imag = (scipy.integrate.quad(integrand, 0, math.pi, (part,), limit=200)[0] for part in (False, True))
    value, mass = law.atom
    return complex(real, imag) + (function(value) * mass if mass else 0.0)


def _pole(z: complex) -> Callable[[float], complex]:
    return lambda x: 1 / (z - x)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_mass_moments_and_transform(law: MarchenkoPastur) -> None:
    y, s, shift = law.ratio, law.scale, law.shift
    assert _integral(law, lambda _: 1.0) == pytest.approx(1, abs=1e-8)
    assert _integral(law, lambda x: x) == pytest.approx(shift + s, abs=1e-8)
    assert _integral(law, lambda x: (x - shift) ** 2) == pytest.approx(s**2 * (1 + y), abs=1e-7)
    assert _integral(law, lambda x: (x - shift) ** 3) == pytest.approx(s**3 * (1 + 3 * y + y * y), rel=1e-7)
    for z in (law.edges[1] + 0.5, law.support[0] - 0.7, complex(law.edges[0], 0.4), complex(2, -1)):
        assert law.stieltjes(z) == pytest.approx(_integral(law, _pole(z)), abs=1e-7)
    assert law.stieltjes(1e9) == pytest.approx(1e-9, rel=1e-6)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_distribution_function_and_quantiles(law: MarchenkoPastur) -> None:
    a, b = law.edges
    grid = np.linspace(a, b, 41)
    values = law.cdf(grid)
    assert np.all(np.diff(values) >= 0)
    assert float(law.cdf(b)) == pytest.approx(1, abs=1e-14)
    assert float(law.cdf(law.support[0] - 1e-9)) == 0
    assert float(law.cdf(a)) == pytest.approx(law.atom[1], abs=1e-14)
    for left, right in zip(grid[5:-5:8], grid[6:-4:8], strict=True):
        mass = scipy.integrate.quad(lambda x: float(law.density(x)), left, right)[0]
        assert float(law.cdf(right) - law.cdf(left)) == pytest.approx(mass, abs=1e-9)
    found = law.quantiles(200)
    assert np.all(np.diff(found) <= 0)
    levels = 1 - (np.arange(200) + 0.5) / 200
    free = levels > law.atom[1]
    assert law.cdf(found[free]) == pytest.approx(levels[free], abs=1e-12)
    assert np.all(found[~free] == law.shift)


def test_between_the_atom_and_the_bulk() -> None:
    """For γ > 1 the transform is also right in the gap, where the branch of the root is easy to get wrong."""
    law = MarchenkoPastur(9.0)
    for z in (0.5, 2.0, 3.9):
        assert law.stieltjes(z) == pytest.approx(_integral(law, _pole(z)), abs=1e-8)
    assert law.stieltjes(z).imag == 0
    assert MarchenkoPastur(0.25).stieltjes(0) == pytest.approx(-1 / 0.75)  # −E[1/λ]


@pytest.mark.parametrize(("n", "d"), [(300, 600), (600, 300)])
def test_sampled_matrices(n: int, d: int) -> None:
    """Rigidity: the empirical distribution function is within O(log n/n) of the law, an edge within O(n^(−2/3))."""
    rng = np.random.default_rng([n, d])
    X = rng.standard_normal((n, d))
    W = X @ X.T / d
    values = np.linalg.eigvalsh(2 * W + 0.25 * np.eye(n))
    law = MarchenkoPastur(n / d, 2.0, 0.25)
    free = values[max(0, n - d) :]
    ranks = (np.arange(n)[max(0, n - d) :] + 0.5) / n
    assert np.max(np.abs(law.cdf(free) - ranks)) < math.log(n) / n
    # Tracy–Widom: (√γ+1)^(4/3) γ^(−1/6) d^(−2/3) is the scale of the upper edge (Johnstone 2001), within 4 of them
    width = 2 * (1 + math.sqrt(n / d)) ** (4 / 3) * (n / d) ** (-1 / 6) * d ** (-2 / 3)
    assert abs(values[-1] - law.edges[1]) < 4 * width
    assert abs(free[0] - law.edges[0]) < 4 * width
    u = rng.choice([-1.0, 1.0], n) / math.sqrt(n)
    for factor in (0.5, 2.0, 5.0):
        strength = factor * law.threshold()
        top = np.linalg.eigvalsh(2 * W + 0.25 * np.eye(n) + strength * np.outer(u, u))[-1]
        expected = law.outlier(strength)
        if expected is None:
            assert factor < 1
            assert abs(top - law.edges[1]) < 4 * width
        else:
            # uᵀWu fluctuates by √(2/d), and everything else by less
            assert abs(top - expected) < 5 * max(strength, 2.0) * math.sqrt(2 / d)
            assert top > law.edges[1] + width / 2


@given(st.floats(0.01, 50), st.floats(1.0001, 50), st.floats(1.0001, 10))
def test_the_outlier_solves_its_equation(ratio: float, factor: float, more: float) -> None:
    law = MarchenkoPastur(ratio, 0.7, 0.2)
    strength = factor * law.threshold()
    z = law.outlier(strength)
    assert z is not None
    assert z >= law.edges[1]
    assert law.stieltjes(max(z, law.edges[1] * (1 + 1e-12))).real * strength == pytest.approx(1, rel=1e-4)
    further = law.outlier(more * strength)
    assert further is not None
    assert further > z
    assert law.outlier(law.threshold()) is None
    assert law.outlier(0) is None


def test_a_law_without_width() -> None:
    law = MarchenkoPastur(2.0, 0.0, 0.5)
    assert law.edges == (0.5, 0.5)
    assert law.atom == (0.5, 1.0)
    assert list(law.cdf([0.4, 0.5])) == [0.0, 1.0]
    assert list(law.quantiles(2)) == [0.5, 0.5]
    assert law.stieltjes(1.5) == 1
    assert law.outlier(2.0) == 2.5
    assert float(law.density(0.5)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MarchenkoPastur(0.0), "ratio is 0.0"),
        (lambda: MarchenkoPastur(math.inf), "ratio"),
        (lambda: MarchenkoPastur(1.0, -1.0), "scale is -1.0"),
        (lambda: MarchenkoPastur(1.0, 1.0, math.nan), "shift"),
        (lambda: MarchenkoPastur(0.5).stieltjes(1.0), "off the support"),
        (lambda: MarchenkoPastur(2.0).stieltjes(0.0), "off the atom"),
        (lambda: MarchenkoPastur(0.5).outlier(-1.0), "strength"),
        (lambda: MarchenkoPastur(0.5).quantiles(0), "n is 0"),
    ],
)
def test_bad_laws(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()
