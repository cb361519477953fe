"""Funk–Hecke eigenvalues: exact ones, those from series, and two independent numerical roads."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
import sympy as sp
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

import glutheory
from checks.claims.degree_shift.statement import eigenvalues as on_s2
from checks.claims.degree_shift.statement import legendre, shift
from glutheory import DerivationError, DomainError
from glutheory.ground.balls import precision
from glutheory.networks import GATES, network, product
from glutheory.spectra import funk_hecke, multiplicity
from glutheory.spectra.harmonics import gegenbauer, power_mean
from glutheory.spectra.sphere import kernel_series
from tests.zoo import DEGREES, ROWS

#: Network -> the exponent of the singularity of its NNGP at ρ = 1; polynomials have none.
KINKS = {name: ROWS[GATES.get(name, name)].kink for name in DEGREES}
CLOSED = {name: math.inf if kink is None else kink + 0.5 for name, kink in KINKS.items()}
SERIES = ("gelu", "geglu", "swiglu", "erf")


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 50])
def test_multiplicities_add_up_to_the_polynomials(d: int) -> None:
    """Harmonics up to level L: polynomials of degree ≤ L on the sphere, C(L+d−1, d−1) + C(L+d−2, d−1)."""
    for L in range(6):
        total = sum(multiplicity(d, level) for level in range(L + 1))
        assert total == math.comb(L + d - 1, d - 1) + (math.comb(L + d - 2, d - 1) if L else 0)


def test_known_multiplicities() -> None:
    assert [multiplicity(3, level) for level in range(5)] == [1, 3, 5, 7, 9]
    assert [multiplicity(2, level) for level in range(4)] == [1, 2, 2, 2]
    assert [multiplicity(1, level) for level in range(3)] == [1, 1, 0]
    assert multiplicity(80, 2) == 79 * 82 // 2


@given(st.integers(0, 12), st.integers(0, 12), st.integers(2, 30))
def test_means_of_powers(k: int, level: int, d: int) -> None:
    """The closed form against the Gegenbauer polynomial's own coefficients and the moments of a coordinate."""

    def moment(p: int) -> Fraction:
        return Fraction(0) if p % 2 else Fraction(math.prod(range(1, p, 2)), math.prod(range(d, d + p, 2)))

    expected = sum((x * moment(j + k) for j, x in enumerate(gegenbauer(level, d))), Fraction(0))
    assert power_mean(k, level, d) == expected
    if d == 3:
        assert expected == legendre(k, level)


@given(st.integers(0, 8), st.integers(2, 12))
def test_gegenbauer_polynomials(level: int, d: int) -> None:
    coefficients = gegenbauer(level, d)
    assert sum(coefficients) == 1
    t = np.linspace(-1, 1, 7)
    if d > 2:
        expected = scipy.special.eval_gegenbauer(level, d / 2 - 1, t) / scipy.special.eval_gegenbauer(
            level, d / 2 - 1, 1.0
        )
    else:
        expected = scipy.special.eval_chebyt(level, t)
    assert np.polynomial.polynomial.polyval(t, [float(x) for x in coefficients]) == pytest.approx(expected, abs=1e-12)


def _kernel(name: str, kind: str, rho: np.ndarray) -> np.ndarray:
    """The kernel at inputs of norm √2 with these cosines, by the package's numerical road."""
    X = np.sqrt(2) * np.array([[1.0, 0.0]])
    Y = np.sqrt(2) * np.stack([rho, np.sqrt((1 - rho) * (1 + rho))], axis=1)
    row: np.ndarray = glutheory.gram(name, X, Y, kind=kind)[0]
    return row


def _quadrature(name: str, kind: str, d: int, levels: int, nodes: int) -> list[float]:
    """E[f(t) P_l(t)] by Gauss–Gegenbauer; Gauss–Chebyshev on the circle."""
    alpha = d / 2 - 1
    t, w = scipy.special.roots_gegenbauer(nodes, alpha) if d > 2 else scipy.special.roots_chebyt(nodes)
    values = _kernel(name, kind, t) * w / w.sum()
    polynomials = ([float(x) for x in gegenbauer(level, d)] for level in range(levels))
    return [float(values @ np.polynomial.polynomial.polyval(t, list(p))) for p in polynomials]


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_exact_eigenvalues_against_quadrature(name: str, kind: str) -> None:
    """A kernel with a singularity (1−ρ)^s: the Gauss rule with N nodes converges as N^−(2s+d−1)."""
    s = CLOSED[name] - (kind == "ntk")
    for d in (3, 4, 9):
        expected = _quadrature(name, kind, d, 6, 300)
        for level, value in zip(funk_hecke(name, d, 6, kind=kind), expected, strict=True):
            assert level.exact is not None
            assert level.value == pytest.approx(float(sp.N(level.exact, 25)), rel=1e-15, abs=1e-300)
            assert level.error <= 2.0**-53 * abs(level.value)
            assert abs(level.value - value) < 300.0 ** -(2 * s + d - 1) + 1e-12


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_eigenvalues_from_series_against_quadrature(name: str, kind: str) -> None:
    for d in (2, 3, 8):
        expected = _quadrature(name, kind, d, 5, 120)
        for level, value in zip(funk_hecke(name, d, 5, kind=kind, terms=16), expected, strict=True):
            assert level.exact is None
            assert abs(level.value - value) <= level.error + 1e-12
            assert level.error < 1e-3
            assert level.multiplicity == multiplicity(d, level.level)
            assert float(level) == level.value


@pytest.mark.parametrize("name", ["relu", "reglu", "relu2"])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_parsevals_tail_is_a_bound(name: str, kind: str) -> None:
    """The series of a kernel whose truth is known, cut where its tail is large."""
    series = kernel_series(network(name), kind, 12)
    assert series.rest > 1e-4
    for d in (2, 3, 6):
        for level in funk_hecke(name, d, 5, kind=kind):
            with precision(150):
                weights = [power_mean(k, level.level, d) for k in range(12)]
                known = sum((f * _arb(x) for f, x in zip(series.coefficients, weights, strict=True)), arb(0))
                # E[t^k P_l] ≤ E|t|^12 for the terms left out
                enclosed = known + arb(0).union(series.rest * _arb(power_mean(12, 0, d)))
                assert enclosed.overlaps(arb(level.value, 1e-16))


def _arb(x: Fraction) -> arb:
    return arb(fmpq(x.numerator, x.denominator))


def test_the_degree_shift_on_s2() -> None:
    """The same numbers as the check of the degree shift, found another way there."""
    for network_name, gated in (("gelu", False), ("geglu", True)):
        ours = funk_hecke(network_name, 3, 5, terms=32)
        for level, value in zip(ours, on_s2("gelu", gated, shift, 5), strict=True):
            assert abs(level.value - value) <= level.error + 1e-9


def test_known_values() -> None:
    """ReLU on S² by hand: E[κ] = 3/16, λ_1 = 1/12; on the circle E[κ] = 2/π²; and odd levels above 1 vanish."""
    assert [level.exact for level in funk_hecke("relu", 3, 4, kind="nngp")] == [
        sp.Rational(3, 16),
        sp.Rational(1, 12),
        sp.Rational(3, 256),
        0,
    ]
    assert funk_hecke("relu", 2, [0], kind="nngp")[0].exact == 2 / sp.pi**2
    assert all(level.value == 0 for level in funk_hecke("relu", 11, [3, 5, 7]))
    assert [level.exact for level in funk_hecke("bilinear", 5, 4)] == [
        sp.Rational(3, 5),
        0,
        sp.Rational(6, 35),
        0,
    ]  # 3ρ²


@pytest.mark.parametrize("name", ["relu", "geglu"])
def test_the_circle_by_a_discrete_fourier_transform(name: str) -> None:
    """On S¹ the kernel of n equispaced points is circulant: its spectrum is a discrete Fourier transform."""
    n = 256
    angles = 2 * np.pi * np.arange(n) / n
    X = math.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    row = glutheory.gram(name, X[:1], X)[0]
    expected = np.fft.fft(row).real / n
    # the NTK of ReLU has the Fourier coefficients of |θ|: aliases are of order n^−2
    assert [level.value for level in funk_hecke(name, 2, 8, terms=32)] == pytest.approx(expected[:8], abs=2 * n**-2.0)


@pytest.mark.parametrize("name", ["bilinear", "reglu", "geglu"])
@pytest.mark.parametrize("d", [3, 6])
def test_the_eigenvalues_add_up_to_the_diagonal(name: str, d: int) -> None:
    """Σ N_l λ_l = f(1) (Mercer); what is missing after 24 levels is small."""
    total = sum(level.value * level.multiplicity for level in funk_hecke(name, d, 24, kind="nngp", terms=32))
    diagonal = _kernel(name, "nngp", np.array([1.0]))[0]
    assert total == pytest.approx(diagonal, rel={"bilinear": 1e-15, "reglu": 5e-3, "geglu": 1e-9}[name])


def test_high_dimension_and_products() -> None:
    """Dimension 400 exactly, where the numbers are fractions of hundreds of digits; and two ReLU branches."""
    found = funk_hecke("relu", 400, 3, kind="nngp")
    # f_0 + f_2/d + 3f_4/(d(d+2)) + … with f_0 = 1/2π, f_2 = 1/4π, f_4 = 1/48π
    leading = 1 / (2 * math.pi) + 1 / (4 * math.pi * 400) + 3 / (48 * math.pi * 400 * 402)
    assert found[0].value == pytest.approx(leading, rel=1e-8)
    assert found[1].exact == sp.Rational(1, 1600)
    squared = funk_hecke(product("relu", "relu"), 3, 3, kind="nngp")
    t, w = np.polynomial.legendre.leggauss(400)
    values = _kernel("relu", "nngp", t) ** 2 * w / 2
    assert squared[0].exact is not None
    assert squared[0].value == pytest.approx(values.sum(), abs=1e-9)
    assert squared[2].value == pytest.approx(values @ (1.5 * t**2 - 0.5), abs=1e-9)


def test_coefficients_given() -> None:
    """κ = 1/2 + ρ/3 + ρ²: its NTK is (ρκ)' = 1/2 + 2ρ/3 + 3ρ²."""
    kappa = [Fraction(1, 2), Fraction(1, 3), 1]
    found = funk_hecke(kappa, 4, 4)
    assert [level.exact for level in found] == [
        sp.Rational(1, 2) + sp.Rational(3, 4),
        sp.Rational(1, 6),
        3 * sp.Rational(1, 12),
        0,
    ]
    plain = funk_hecke(kappa, 4, [1], kind="nngp")
    assert plain[0].exact == sp.Rational(1, 12)
    assert plain[0].level == 1
    surd = funk_hecke([sp.sqrt(2)], 4, 1, kind="nngp")
    assert surd[0].value == math.sqrt(2)
    assert surd[0].error < 1e-15


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: funk_hecke("relu", 1, 3), DomainError, "d is 1"),
        (lambda: funk_hecke("relu", 2.5, 3), DomainError, "d is 2.5"),  # type: ignore[arg-type]
        (lambda: funk_hecke("relu", 3, 0), DomainError, "levels is 0"),
        (lambda: funk_hecke("relu", 3, [2, -1]), DomainError, "levels"),
        (lambda: funk_hecke("relu", 3, 2, kind="nkt"), DomainError, "kind is 'nkt'"),
        (lambda: funk_hecke([0.5, math.nan], 3, 2), DomainError, "coefficient 1"),
        (lambda: funk_hecke("step", 2, 2), DomainError, "not integrable"),
        (lambda: funk_hecke(product("step", "gelu"), 3, 2), DerivationError, "jumps"),
        (lambda: multiplicity(0, 1), DomainError, "d is 0"),
        (lambda: multiplicity(3, -1), DomainError, "level is -1"),
        (lambda: multiplicity(True, 1), DomainError, "d is True"),
    ],
)
def test_bad_arguments(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
