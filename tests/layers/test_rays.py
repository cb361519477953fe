"""Rows that stay multiples of each other: against units of an activation at such rows."""

from __future__ import annotations

from fractions import Fraction

import pytest

from glutheory.activations import activation
from glutheory.ground.symmetry import Ray
from glutheory.layers import dense, product, rays
from glutheory.layers.records import Dense, Product
from tests.zoo import ROWS

NAMES = ("relu", "leaky_relu", "abs", "relu2", "tanh", "erf", "gelu", "silu", "cos", "monomial3", "sign", "identity")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 2)])
def test_activations_keep_what_their_values_keep(name: str, ratio: Fraction) -> None:
    """φ(ratio·z)/φ(z) at several z: constant where the rule says so, and only there."""
    phi = ROWS[name].phi
    found = rays.through_activation(Ray(1 if ratio > 0 else -1, abs(ratio)), activation(name))
    points = (0.3, 0.7, 1.9, -0.4, -1.1)
    quotients = {round(phi(float(ratio) * z) / phi(z), 9) for z in points if phi(z) != 0}
    if found is None:
        assert len(quotients) > 1 or any(phi(z) == 0 != phi(float(ratio) * z) for z in points)
    else:
        assert found.ratio is not None
        assert quotients == {round(found.sign * float(found.ratio), 9)}


def test_rows() -> None:
    assert rays.ray_of(Fraction(1), Fraction(4), Fraction(-2)) == Ray(-1, Fraction(2))
    assert rays.ray_of(Fraction(1), Fraction(4), Fraction(2) - Fraction(1, 10**40)) is None
    assert rays.ray_of(Fraction(0), Fraction(4), Fraction(0)) is None
    assert rays.ray_of(Fraction(0), Fraction(0), Fraction(0)) == Ray(1, Fraction(1))


def test_biases_keep_equal_units_only() -> None:
    biased = dense(1, 1)
    assert rays.through_dense(Ray(1, Fraction(1)), biased) == Ray(1, Fraction(1))
    assert rays.through_dense(Ray(-1, Fraction(1)), biased) is None
    assert rays.through_dense(Ray(1, Fraction(2)), biased) is None
    assert rays.through_dense(Ray(-1, Fraction(2)), dense()) == Ray(-1, Fraction(2))


@pytest.mark.parametrize(
    ("layer", "ray", "result"),
    [
        (product("reglu"), Ray(1, Fraction(2)), Ray(1, Fraction(4))),
        (product("reglu"), Ray(-1, Fraction(1)), None),
        (product("identity", "tanh"), Ray(-1, Fraction(1)), Ray(1, Fraction(1))),
        (product("identity", "tanh"), Ray(1, Fraction(2)), None),
        (product("swiglu", bias=(0, 1)), Ray(1, Fraction(1)), Ray(1, Fraction(1))),
    ],
)
def test_products(layer: Product, ray: Ray, result: Ray | None) -> None:
    assert rays.through_product(ray, layer) == result


def test_norms_and_sums() -> None:
    assert rays.normed(Ray(-1, Fraction(7))) == Ray(-1, Fraction(1))
    assert rays.added(Ray(1, Fraction(2)), Ray(1, Fraction(2))) == Ray(1, Fraction(2))
    assert rays.added(Ray(1, Fraction(2)), Ray(1, Fraction(4))) is None
    assert rays.added(Ray(1, Fraction(1)), Ray(-1, Fraction(1))) is None


def test_digits_of_a_ratio_are_bounded() -> None:
    """Squared in every block, a ratio soon has more digits than memory: its sign is kept, its size given up."""
    ray: Ray | None = Ray(1, Fraction(3, 2))
    layer: Product = product("bilinear")
    for _ in range(64):
        ray = rays.through_product(ray, layer)
    assert ray == Ray(1, None)
    assert rays.added(ray, ray) is None
    assert rays.through_dense(ray, Dense()) == ray
