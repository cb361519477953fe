"""The parts of the derived evaluators, and that a wrong number is noticed by the look from another side."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.numeric.own import near as near_module
from glutheory.numeric.own.check import TOLERANCE, check, plain
from glutheory.numeric.own.curve import curves
from glutheory.numeric.own.features import features
from glutheory.numeric.own.line import USUAL, Pairs
from glutheory.numeric.own.near import PARTIALS, VALUES, Near
from glutheory.numeric.own.plane import expectations
from glutheory.numeric.own.rule import reach
from glutheory.numeric.own.spectrum import HEAD, TERMS, Spectrum
from glutheory.numeric.own.truncated import rules
from tests.numeric.own.activations import OWN


@pytest.mark.parametrize("name", ["mish", "cancelling", "elu", "log_cosh", "growing"])
def test_a_curve_is_accurate_near_0_and_far_out(name: str) -> None:
    """Against mpmath with 60 digits: relative to the value, but for what has faded beside the values near 0."""
    found = curves(OWN[name])
    phi = sp.lambdify(Z, OWN[name], "mpmath")
    z = np.concatenate([sign * 10.0 ** np.linspace(-6, 1.7, 50) for sign in (-1, 1)])
    with mpmath.workdps(60):
        wanted = np.array([float(phi(mpmath.mpf(float(v)))) for v in z])
    error = np.abs(found.value.at(64.0)(z) - wanted)
    assert (error <= 4e-15 * np.maximum(np.abs(wanted), np.where(np.abs(z) > 1, 1.0, 0.0))).all()


def test_panels_do_not_miss_a_narrow_peak() -> None:
    """The twenty nodes of [−256, 256] see nothing of it."""
    assert len(curves(sp.exp(-2 * Z**2)).value.breaks(200.0)) > 10


@pytest.mark.parametrize(("name", "wanted"), [("shifted", 13.0), ("growing", 19.0)])
def test_integrals_reach_as_far_as_the_function_asks(name: str, wanted: float) -> None:
    assert reach(curves(OWN[name]).value, 1.0) == wanted
    # a kink at ten standard deviations
    assert reach(curves(sp.Max(0, Z - 10)).value, 1.0) == 19.0


@pytest.mark.parametrize("r", [1e-3, 0.7, 1.0, math.sqrt(2) * (1 - 1e-15), 50.0])
def test_coefficients_of_the_relu(r: float) -> None:
    """h_0 = r/√2π, h_1 = r/2, h_2 = r/(2√π), h_3 = 0; r² E[φ'²] = r²/2; −r² E[φ'(u)φ'(−u)] = 0."""
    found = Spectrum(curves(sp.Max(0, Z))).rows(np.array([r]))[:, 0]
    wanted = [r * r / 2, r * r / 2, 0, 0, r / math.sqrt(2 * math.pi), r / 2, r / (2 * math.sqrt(math.pi)), 0]
    np.testing.assert_allclose(found[: HEAD + 4], wanted, rtol=4e-15, atol=4e-15 * r)


@pytest.mark.parametrize("name", ["mish", "hard_tanh", "jump", "elu"])
def test_the_look_from_another_side_agrees_with_road_2(name: str) -> None:
    S, T = (float(ball.mid()) for ball in glu.enclose(glu.Activation(name, OWN[name]), "4", "1", "1.2", digits=15))
    found = plain(curves(OWN[name]), 2.0, 1.0, 0.6, 13.0)
    assert found == pytest.approx((S, 1.2 * T), rel=TOLERANCE)


def _features() -> tuple[Spectrum, np.ndarray, np.ndarray]:
    spectrum = Spectrum(curves(OWN["hard_tanh"]))
    r = np.linspace(0.8, 1.3, 7)
    return spectrum, r, features(spectrum, r, False)


def test_the_check_passes_what_is_right() -> None:
    spectrum, r, found = _features()
    check(curves(OWN["hard_tanh"]), spectrum, r, found[: 1 + HEAD + TERMS], number=8)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_check_notices_a_wrong_coefficient(k: int) -> None:
    """By a relative 1e-11 of the coefficient, in every row."""
    spectrum, r, found = _features()
    found[1 + HEAD + k] *= 1 + 1e-10
    with pytest.raises(glu.DomainError, match="two ways of computing it differ"):
        check(curves(OWN["hard_tanh"]), spectrum, r, found[: 1 + HEAD + TERMS], number=8)


def test_a_wrong_table_of_coefficients_is_noticed_by_gram(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = Spectrum(curves(OWN["hard_tanh"]))
    right = Spectrum.octave

    def wrong(self: Spectrum, number: int) -> object:
        (found,) = right(self, number)
        coefficients = found.coefficients.copy()
        coefficients[HEAD + 1] *= 1 + 1e-9
        return (replace(found, coefficients=coefficients),)

    monkeypatch.setattr(Spectrum, "octave", wrong)
    r = np.ones(3)
    with pytest.raises(glu.DomainError, match="two ways of computing it differ"):
        check(curves(OWN["hard_tanh"]), spectrum, r, features(spectrum, r, False)[: 1 + HEAD + TERMS])


def test_every_interval_of_radii_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    act = glu.Activation("kinked", sp.Max(0, Z - sp.Rational(1, 7)))

    def note(curves: Any, r: float, q: float, rho: float, reach: float) -> tuple[float, float]:
        seen.append(r)
        return plain(curves, r, q, rho, reach)

    monkeypatch.setattr("glutheory.numeric.own.check.plain", note)
    X = np.array([[0.0, 0.0], [1.0, 0.0], [1.05, 0.0], [2.0, 2.0], [8.0, 0.0]])
    for rows, count in ((X[:3], 1), (X[:3], 1), (X, 3)):
        glu.gram(glu.Network("kinked", (act,)), rows * 2**0.5)
        assert len(seen) == count


@pytest.mark.parametrize(
    ("low", "high"), [(-9.5, 9.5), (0.0, 9.5), (-9.5, -0.3), (-1e-9, 2e-9), (1.0, 1.5), (6.0, 9.5)]
)
def test_rules_of_the_truncated_density(low: float, high: float) -> None:
    """Powers of the distance to the nearer of 0 and the ends, up to twice the number of nodes, against mpmath."""
    count = 16
    y, w, tails = (part[0] for part in rules(np.array([low]), np.array([high]), count, 3))
    assert (low < y).all()
    assert (y < high).all()
    with mpmath.workdps(30):
        # in units of the interval: mpmath's own error is absolute
        length = high - low
        start = min(max(0.0, low), high)
        places = [mpmath.mpf(end - start) / length for end in (low, start, high)]
        for degree in (0, 1, 2, 7, 20, 31):
            parts = [
                mpmath.quad(lambda t, k=degree: t**k * mpmath.npdf(start + length * t), ends) * length
                for ends in pairwise(places)
                if ends[0] < ends[1]
            ]
            found = float(np.sum(w * ((y - start) / length) ** degree))
            # nodes have errors of ulps of the interval, which powers multiply
            allowed = (6e-14 + degree * 1.2e-14) * float(sum(map(abs, parts)))
            assert abs(found - float(sum(parts))) <= allowed
    # of polynomials of low degree the last coefficients are 0, and of the one of degree count - 1 the last is not
    middle, half = (low + high) / 2, (high - low) / 2
    t = (y - middle) / half
    assert np.abs((t**5) @ tails).max() <= 1e-13 * w.sum()
    assert abs((t**15 @ tails)[-1]) > 0


def _near_pairs() -> Pairs:
    gaps = np.array([1e-2, 1e-4, 1e-8])
    return Pairs.of(np.full(3, 1.2), np.full(3, 0.9), 1 - gaps, np.sqrt(gaps * (2 - gaps)))


def test_the_order_of_integration_does_not_matter() -> None:
    found = curves(OWN["hard_swish"])
    Near(found, Spectrum(found)).expectations(VALUES, _near_pairs(), np.ones((2, 3)))


def test_a_wrong_integral_of_near_pairs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is off by another factor, as two rules are that do not resolve the integrand."""
    found = curves(OWN["shifted"])
    near = Near(found, Spectrum(found))
    calls = []

    def wrong(*arguments: Any) -> Any:
        calls.append(1)
        return expectations(*arguments) * (1 + 1e-11 * len(calls))

    monkeypatch.setattr(near_module, "expectations", wrong)
    with pytest.raises(glu.DomainError, match="two ways of computing it differ"):
        near.expectations(VALUES, _near_pairs(), np.ones((2, 3)))


@pytest.mark.parametrize(("name", "rough"), [("root", True), ("shifted", False), ("mish", False), ("softsign", False)])
def test_branch_points_are_told_from_kinks(name: str, rough: bool) -> None:
    found = curves(OWN[name])
    assert Near(found, Spectrum(found))._side(8.0, False).rough is rough


@pytest.mark.long
def test_a_branch_point_integrated_as_if_it_were_a_kink_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows of one norm, whose integral is the same one with the order exchanged."""
    found = curves(OWN["root"])
    sine = np.array([0.1, 0.14])
    pairs = Pairs.of(np.ones(2), np.ones(2), np.sqrt(1 - sine**2), sine)
    Near(found, Spectrum(found)).expectations(VALUES, pairs, np.ones((2, 2)))
    monkeypatch.setattr(near_module, "USUAL", replace(USUAL, rough=USUAL.settled))
    with pytest.raises(glu.DomainError, match="two ways of computing it differ"):
        Near(found, Spectrum(found)).expectations(VALUES, pairs, np.ones((2, 2)))


def test_a_pair_and_its_mirror_image() -> None:
    """E[f_i(u) f_j(v)] with the rows exchanged; the direct integral knows nothing of it."""
    found = curves(sp.Max(0, Z) * sp.tanh(Z))
    near = Near(found, Spectrum(found))
    r, q = np.array([0.7, 1.3, 0.7, 1.0]), np.array([1.3, 0.7, -1.3, 1.0])
    rho = np.array([0.99, 0.99, 0.97, 1.0])
    pairs = Pairs.of(r, q, rho, np.sqrt((1 - rho) * (1 + rho)))
    scale = np.ones((len(PARTIALS), 4))
    values = near.expectations(PARTIALS, pairs, scale)
    mirror = [PARTIALS.index((j, i)) for i, j in PARTIALS]
    np.testing.assert_array_equal(values[:, 0], values[mirror, 1])
    direct = near._direct(PARTIALS, pairs.take(np.array([0, 1, 2])), scale[:, :3])
    np.testing.assert_allclose(values[:, :3], direct, rtol=1e-12, atol=1e-13)
    # negative control: the mixed ones are not symmetric
    assert abs(values[3, 0] - values[3, 1]) > 1e-2
    # parallel rows: E[φ(z)²] by the trapezoidal rule on either side of the kink
    x = np.linspace(0, 10, 200_001)
    phi = (x * np.tanh(x)) ** 2 * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    assert abs(values[0, 3] - np.trapezoid(phi, x)) < 1e-10
