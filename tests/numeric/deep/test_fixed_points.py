"""Fixed points of a block's map of correlations, and kernels at several depths in one pass."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.errors import DomainError
from glutheory.layers import composed, dense, product, readout, repeat
from glutheory.networks import gated, network
from glutheory.numeric import grams_by_depth
from glutheory.numeric.deep.fixed import FixedPoint, block_map, fixed_points, keeps_correlations

X = np.random.default_rng(7).standard_normal((12, 5))


@pytest.mark.parametrize(
    ("gate", "slope"), [("relu", 1 / math.pi), ("identity", 0.0), ("step", 0.5), ("abs", 2 / math.pi)]
)
def test_zero_attracts_every_gated_network(gate: str, slope: float) -> None:
    """f(0) = 0 and f'(0) = (E φ)²/E φ², by hand for these."""
    found = {round(point.rho, 12): point for point in fixed_points(gated(gate))}
    assert found[0.0].slope == pytest.approx(slope, abs=1e-14)
    assert found[0.0].stable
    assert (found[0.0].slope == 0) == (slope == 0)
    assert not found[1.0].stable


def test_the_plain_relu_is_marginal_at_one_and_has_no_other() -> None:
    (point,) = fixed_points(network("relu"))
    assert point.rho == 1
    assert point.slope == pytest.approx(1, abs=1e-14)
    assert point.stable is None


def test_a_fixed_point_by_hand() -> None:
    """z² has f(ρ) = (1 + 2ρ²)/3: fixed points 1/2 and 1 with the slopes 2/3 and 4/3."""
    half, one = fixed_points(network("monomial2"))
    assert (half.rho, half.slope) == pytest.approx((0.5, 2 / 3), abs=1e-13)
    assert (one.rho, one.slope) == pytest.approx((1, 4 / 3), abs=1e-13)
    assert half.stable
    assert not one.stable


def test_of_an_activation_of_ones_own() -> None:
    """Of z + z²: f = (1 + ρ + 2ρ²)/4 = ρ at 1/2 and 1, with f' = (1 + 4ρ)/4."""
    own = product(Activation("own", Z + Z**2)).network
    points = fixed_points(own)
    assert [point.rho for point in points] == pytest.approx([0.5, 1.0], abs=1e-11)
    assert [point.slope for point in points] == pytest.approx([0.75, 1.25], abs=1e-11)


def test_the_map_is_that_of_the_kernels() -> None:
    """Rows of norm √d through one product: Σ over its diagonal; and its slope by differences."""
    rho = np.array([-0.9, -0.3, 0.0, 0.4, 0.97])
    rows = math.sqrt(2) * np.stack([rho, np.sqrt(1 - rho**2)], axis=1)
    one = math.sqrt(2) * np.array([[1.0, 0.0]])
    sigma = glu.gram(composed(product("swiglu")), one, rows, kind="nngp")[0]
    top = glu.gram(composed(product("swiglu")), one, kind="nngp")[0, 0]
    value, slope = block_map(network("swiglu"), rho)
    assert value == pytest.approx(sigma / top, abs=2e-15)
    step = 1e-5
    ahead, back = (block_map(network("swiglu"), rho + h)[0] for h in (step, -step))
    assert slope == pytest.approx((ahead - back) / (2 * step), abs=1e-8)


@pytest.mark.parametrize(
    ("branches", "kept"),
    [
        ((Z,), True),
        ((-2 * Z,), True),
        ((Z, Z), False),
        ((Z + 1,), False),
        ((abs(Z),), False),
    ],
)
def test_where_every_correlation_is_a_fixed_point(branches: tuple[sp.Expr, ...], kept: bool) -> None:
    net = product(*(Activation(f"own{k}", expr) for k, expr in enumerate(branches))).network
    rho = np.linspace(-1, 1, 9)
    assert keeps_correlations(net) is kept
    assert bool(np.allclose(block_map(net, rho)[0], rho, rtol=0, atol=1e-14)) is kept
    assert (fixed_points(net) == ()) is kept


def test_stability_by_the_slope() -> None:
    assert FixedPoint(0.0, -0.5).stable
    assert FixedPoint(0.0, -1.5).stable is False
    assert FixedPoint(0.0, 1 + 1e-12).stable is None


@pytest.mark.parametrize(
    "options", [{}, {"residual": False}, {"norm": None, "scale": "1/4"}, {"norm": "layer", "gain": True}]
)
def test_several_depths_in_one_pass(options: dict[str, Any]) -> None:
    for depth, (nngp, ntk) in grams_by_depth(glu.stack("swiglu", 1, **options), X, [7, 1, 3]).items():
        wanted = glu.gram(glu.stack("swiglu", depth, **options), X, kind="both")
        assert nngp == pytest.approx(wanted[0], rel=1e-13)
        assert ntk == pytest.approx(wanted[1], rel=1e-13)
        assert (ntk == ntk.T).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: grams_by_depth(glu.stack("relu", 1), X, []), "depths is []"),
        (lambda: grams_by_depth(glu.stack("relu", 1), X, [0]), "depths is 0: give an integer >= 1"),
        (lambda: grams_by_depth(composed(product("relu"), readout()), X, [1]), "has 0 layers that are repeated"),
        (
            lambda: grams_by_depth(composed(repeat(2, dense()), repeat(2, product("relu"))), X, [1]),
            "has 2 layers that are repeated",
        ),
        (lambda: grams_by_depth(glu.stack("reglu", 1, norm=None), X, [1, 64]), "leave float64"),
    ],
)
def test_bad_input_is_one_sentence(call, said: str) -> None:
    with pytest.raises(DomainError) as error:
        call()
    assert said in str(error.value)


def test_the_limit_of_gated_stacks_is_the_identity() -> None:
    """Without residuals; the plain relu's is the matrix of ones plus a multiple of it (cond → (n + 4)/3 … slowly)."""
    grams = grams_by_depth(glu.stack("reglu", 1, residual=False), X, [40])
    K = grams[40][1]
    assert np.abs(K / K[0, 0] - np.eye(12)).max() < 1e-15
    plain = glu.gram(glu.stack("relu", 40, residual=False), X)
    assert plain.min() > 0.2 * plain.max()


@pytest.mark.long
def test_sympy_agrees_on_the_slope_of_silu_at_one() -> None:
    """1 is repelling for silu: a E[φ'²]/E[φ²] > 1, by one-dimensional quadrature."""
    z = sp.Symbol("z")
    phi = z / (1 + sp.exp(-z))
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    ends = (-12, 12)
    top, bottom = (sp.Integral(part**2 * density, (z, *ends)).evalf(20, maxn=200) for part in (sp.diff(phi, z), phi))
    point = fixed_points(network("silu"))[-1]
    assert point.slope == pytest.approx(float(top / bottom), rel=1e-14)
