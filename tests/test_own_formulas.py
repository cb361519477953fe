"""The brute force of `tests.own_formulas` against closed forms, and `gram` against it: values, both kinds, any rows."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import glutheory as glu
from tests.own_formulas import CASES, FORMULAS, ROWS, Formula, close, kernels, pair

RELU = Formula("relu(z)", lambda z: np.maximum(0, z), lambda z: 1.0 * (z > 0), (0.0,))
STEP = Formula("heaviside(z)", lambda z: 1.0 * (z > 0), lambda z: 0 * z, (0.0,), jumps=True)


@pytest.mark.parametrize(("r", "q", "rho"), [(1, 1, 0.8), (0.3, 2, -0.7), (1.5, 1.5, 1), (1.5, 1.5, -1), (2, 1, 0.0)])
def test_the_reference_has_closed_forms(r: float, q: float, rho: float) -> None:
    """ReLU (Cho and Saul 2009) and the step, whose T is the density of its two deltas."""
    theta = math.acos(rho)
    S = r * q * (math.sin(theta) + (math.pi - theta) * rho) / (2 * math.pi)
    cT = r * q * rho * (math.pi - theta) / (2 * math.pi)
    assert pair(RELU, r, q, rho) == pytest.approx((S, cT), rel=0, abs=1e-14 * r * q)
    found = pair(STEP, r, q, rho)
    assert found[0] == pytest.approx((math.pi - theta) / (2 * math.pi), abs=1e-14)
    if abs(rho) < 1:
        assert found[1] == pytest.approx(rho / (2 * math.pi * math.sqrt(1 - rho**2)), abs=1e-14)


@CASES
def test_gram(formula: Formula, gated: bool) -> None:
    net, wanted = formula.gated if gated else formula.plain, kernels(formula, ROWS, gated)
    found = dict(zip(("nngp", "ntk"), glu.gram(net, ROWS, kind="both"), strict=True))
    for kind, K in wanted.items():
        close(found[kind], K)
    assert found["nngp"][0, 1] == found["nngp"][0, 0]


@CASES
def test_a_wrong_slope_would_be_seen(formula: Formula, gated: bool) -> None:
    """Negative control: the NNGP in place of the NTK, and a kernel that is off by 1e-10."""
    wanted = kernels(formula, ROWS, gated)
    for kind, wrong in (("ntk", wanted["nngp"]), ("nngp", wanted["nngp"] * (1 + 1e-10))):
        with pytest.raises(AssertionError):
            close(wrong, wanted[kind])


@pytest.mark.parametrize("gap", [1e-3, 1e-7, 1e-11])
def test_nearly_parallel_rows_of_a_jump(gap: float) -> None:
    """T grows like the inverse angle, and its error is relative to it. Road 1 has a closed form at any angle."""
    net, x, y = FORMULAS["jump"].plain, np.array([[1.5, 0.0]]), np.array([[1.5, gap]])
    a, b, c = (Fraction(v) / 2 for v in (Fraction(9, 4), Fraction(9, 4) + Fraction(gap) ** 2, Fraction(9, 4)))
    S, T = (float(value) for value in glu.evaluate(net.gate, a, b, c, digits=20))
    found = [float(part[0, 0]) for part in glu.gram(net, x, y, kind="both")]
    assert found == pytest.approx([S, S + float(c) * T], rel=1e-12)


def test_errors_of_products_add() -> None:
    own, zoo = FORMULAS["mish"].plain.gate, "relu"
    assert glu.entry_error("swiglu") == 1e-14
    assert glu.entry_error(glu.product(own)) == glu.entry_error(glu.gated(own)) == glu.entry_error("mish_glu") == 1e-12
    assert glu.entry_error(glu.product(own, zoo, own)) == 2e-12
