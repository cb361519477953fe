"""Moments of a neuron's contribution: closed values, the other road, brute force, and a long simulation."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb

from checks.claims.finite_width_mean.brute import moments
from checks.tools.neuron_moments import mean_of_product, neuron_fourth, neuron_variance, product_mean, raw_moment
from checks.tools.roads import generic, sample
from glutheory.activations import Activation, Z, activation
from glutheory.errors import DomainError
from glutheory.ground.exact import Point
from glutheory.networks import network, product
from glutheory.quadrature import enclose

UNIT = Point.of(1, 1, 1)
POINTS = (UNIT, Point.of("1.5", "0.5", "1/3"), Point.of(1, 4, -2), Point.of(4, 9, 5))


def test_relu_on_the_diagonal() -> None:
    """Here k = u²H + v²H at a = s = 1: E k² = 3/2 + 1 + 3/2 = 4, and the rest by hand likewise."""
    relu, one = network("relu"), Fraction(1)
    # E k^n = ½ Σ_j C(n, j) (2j−1)!! (2n−2j−1)!!
    raw = [sum(math.comb(n, j) * _odd(j) * _odd(n - j) for j in range(n + 1)) / 2 for n in range(1, 5)]
    assert raw[:2] == [1, 4]
    for n, value in enumerate(raw, start=1):
        assert raw_moment(relu, [UNIT], one, n).overlaps(arb(value))
    assert neuron_variance(relu, [UNIT], one).overlaps(arb(3))
    assert neuron_fourth(relu, [UNIT], one).overlaps(arb(raw[3] - 4 * raw[2] + 6 * raw[1] - 3))
    assert neuron_variance(network("reglu"), [UNIT, UNIT], one).overlaps(arb("20.25"))


def _odd(n: int) -> int:
    return math.prod(range(1, 2 * n, 2))


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("name", ["silu", "tanh", "gelu"])
def test_the_polar_rule_agrees_with_road_2(name: str, point: Point) -> None:
    f = activation(name).expr ** 2
    found = mean_of_product(f, point)
    exact, _ = enclose(Activation("f", f), point.a, point.b, point.c, digits=12)
    assert found.overlaps(exact)
    assert found.rad() < arb("1e-11") * (1 + abs(exact))


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_polar_rule_agrees_with_closed_forms_across_kinks(point: Point) -> None:
    for expr in (sp.Max(0, Z) ** 2, sp.Max(0, Z), sp.Abs(Z), sp.Heaviside(Z)):
        assert mean_of_product(expr, point).overlaps(product_mean(Activation("f", expr), 1, 0, point))


@pytest.mark.parametrize("names", [("monomial2",), ("identity", "identity"), ("identity", "monomial2")])
@pytest.mark.parametrize("width", [1, 2])
def test_brute_force_over_every_weight(names: tuple[str, ...], width: int) -> None:
    X = ((Fraction(1), Fraction(1, 2)), (Fraction(-1, 4), Fraction(3, 2)))
    setting = generic(product(*names), X, width)
    for pair in setting.pairs:
        mean, variance = moments(setting, pair)
        factor = setting.readout * setting.gram[pair[0]][pair[1]]
        points = setting.points(*pair)
        assert (width * raw_moment(setting.network, points, factor, 1)).overlaps(_ball(mean))
        assert (width * neuron_variance(setting.network, points, factor)).overlaps(_ball(variance))


def _ball(value: Fraction) -> arb:
    return arb(value.numerator) / value.denominator


FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "identity": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "silu": (
        lambda z: z / (1 + np.exp(-z)),
        lambda z: (1 + z / (1 + np.exp(z))) / (1 + np.exp(-z)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("names", [("tanh",), ("silu",), ("identity", "relu"), ("tanh", "silu")], ids="*".join)
def test_the_variance_of_a_long_simulation(names: tuple[str, ...]) -> None:
    """The naive neuron in NumPy; four standard errors of the sample variance, whose size is computed as well."""
    draws = 400_000
    rng = np.random.default_rng(7)
    setting = generic(product(*names), sample(3, 3), 1)
    X = setting.array()
    for i, j in ((0, 0), (0, 1), (0, 2)):
        values, slopes = [], []
        for name, variance in zip(names, setting.branches, strict=True):
            w = rng.standard_normal((draws, 3)) * math.sqrt(variance)
            u, v = w @ X[i], w @ X[j]
            phi, slope = FUNCTIONS[name]
            values.append(phi(u) * phi(v))
            slopes.append(slope(u) * slope(v))
        chi = rng.standard_normal(draws) ** 2
        total = sum(slope * np.prod(values[:n] + values[n + 1 :], axis=0) for n, slope in enumerate(slopes))
        factor = setting.readout * setting.gram[i][j]
        sampled = np.prod(values, axis=0) + float(factor) * chi * total
        points = setting.points(i, j)
        mean = float(raw_moment(setting.network, points, factor, 1).mid())
        spread = float(neuron_variance(setting.network, points, factor).mid())
        fourth = float(neuron_fourth(setting.network, points, factor).mid())
        assert abs(sampled.mean() - mean) < 4 * math.sqrt(spread / draws)
        assert abs(np.mean((sampled - mean) ** 2) - spread) < 4 * math.sqrt((fourth - spread**2) / draws)


def test_what_has_no_moments_is_refused() -> None:
    with pytest.raises(DomainError, match="jumps"):
        product_mean(activation("step"), 0, 1, UNIT)
    with pytest.raises(DomainError, match="variance is 0"):
        product_mean(activation("relu"), 1, 0, Point.of(0, 1, 0))
    with pytest.raises(DomainError, match="does not converge"):
        mean_of_product(1 / (1 + sp.exp(-40 * (Z - 2))), Point.of(900, 900, 1))
