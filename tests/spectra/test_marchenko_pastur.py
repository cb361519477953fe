"""The Marchenko–Pastur law: mass, moments, quantiles, outliers, and sampled matrices."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given
from hypothesis import strategies as st

from glutheory import DomainError
from glutheory.spectra import (
    MarchenkoPastur,
)

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
