"""Activations as sampled networks compute them: no overflow, kinks, powers, jumps."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from collections.abc import Callable
from math import erf as scalar_erf
from typing import Any

import numpy as np
import pytest
import sympy as sp

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import Activation, Network, network
from glutheory.activations import Z
from glutheory.sampling.features import features
from tests.strategies import named

Function = Callable[[float], float]


def run(expr: sp.Expr, values: list[float], dtype: Any) -> tuple[Any, Any]:
    """φ and φ' of an expression as the sampler computes them, shape of `values`."""
    compiled = features(Network("test", (Activation("test", expr),)), "ntk")
    z = torch.tensor([values], dtype=dtype)
    buffers = [z, *(torch.empty_like(z) for _ in range(compiled.program.buffers - 1))]
    phi, slope = compiled.program.run(buffers, torch.ones(len(values), dtype=dtype))
    return phi[0], slope[0]


@pytest.mark.parametrize(
    ("expr", "phi", "slope"),
    [
        (1 / (1 + sp.exp(-Z)), lambda z: 1 if z > 0 else 0, lambda _: 0),
        (sp.exp(Z) / (1 + sp.exp(Z)), lambda z: 1 if z > 0 else 0, lambda _: 0),
        (Z / (1 + sp.exp(-Z)), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (Z / (3 + 2 * sp.exp(-Z)), lambda z: max(z, 0) / 3, lambda z: 1 / 3 if z > 0 else 0),
        (sp.log(1 + sp.exp(Z)), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (sp.log(sp.exp(Z) + sp.exp(-Z)), abs, lambda z: 1 if z > 0 else -1),
        ((sp.exp(Z) - sp.exp(-Z)) / (sp.exp(Z) + sp.exp(-Z)), lambda z: 1 if z > 0 else -1, lambda _: 0),
        ((sp.exp(Z) - 1) / (sp.exp(Z) + 1), lambda z: 1 if z > 0 else -1, lambda _: 0),
        (sp.exp(2 * Z) / (1 + sp.exp(Z)) ** 2, lambda z: 1 if z > 0 else 0, lambda _: 0),
        (sp.sinh(Z) / sp.cosh(Z), lambda z: 1 if z > 0 else -1, lambda _: 0),
        (Z * sp.sinh(Z) / sp.cosh(Z) ** 2, lambda _: 0, lambda _: 0),
        (Z * sp.tanh(sp.log(1 + sp.exp(Z))), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2, lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
    ],
    ids=named,
)
def test_nothing_overflows_in_float32(expr: sp.Expr, phi: Function, slope: Function) -> None:
    far = [-1000.0, -100.0, 100.0, 1000.0]
    values, slopes = run(expr, far, torch.float32)
    assert torch.allclose(values, torch.tensor([float(phi(z)) for z in far]), rtol=1e-6, atol=1e-6)
    assert torch.allclose(slopes, torch.tensor([float(slope(z)) for z in far]), rtol=1e-6, atol=1e-6)
    near = [-3.25, -0.5, 0.0, 0.75, 3.5, 21.0]
    values, slopes = run(expr, near, torch.float64)
    for value, derivative, z in zip(values.tolist(), slopes.tolist(), near, strict=True):
        exact, exact_slope = (float(e.subs(Z, sp.Rational(z)).evalf(30)) for e in (expr, sp.diff(expr, Z)))
        assert value == pytest.approx(exact, rel=1e-13, abs=1e-14)
        assert derivative == pytest.approx(exact_slope, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("expr", "phi", "slope"),
    [
        (Z * sp.Heaviside(Z), lambda z: max(z, 0), lambda z: float(z > 0)),
        (sp.Max(Z, -Z, 1), lambda z: max(z, -z, 1), lambda z: np.sign(z) * (abs(z) > 1)),
        (sp.Min(2, sp.Max(-1, Z)), lambda z: min(2, max(-1, z)), lambda z: float(-1 < z < 2)),
        (sp.Max(0, Z**2 - 1), lambda z: max(0, z * z - 1), lambda z: 2 * z * (abs(z) > 1)),
        (Z**5 - Z**7, lambda z: z**5 - z**7, lambda z: 5 * z**4 - 7 * z**6),
        (1 / (1 + Z**2), lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2),
        (sp.sqrt(1 + Z**2), lambda z: (1 + z * z) ** 0.5, lambda z: z / (1 + z * z) ** 0.5),
        (sp.atan(Z) + 3, lambda z: np.arctan(z) + 3, lambda z: 1 / (1 + z * z)),
        (sp.erfc(Z), lambda z: 1 - scalar_erf(z), lambda z: -2 / np.pi**0.5 * np.exp(-z * z)),
        (2 - 3 * Z, lambda z: 2 - 3 * z, lambda _: -3.0),
    ],
    ids=named,
)
def test_kinks_powers_and_others(expr: sp.Expr, phi: Function, slope: Function) -> None:
    where = [-2.5, -1.25, -0.5, 0.25, 1.5, 2.75]
    values, slopes = run(expr, where, torch.float64)
    assert values.tolist() == pytest.approx([phi(z) for z in where], rel=1e-13, abs=1e-15)
    assert slopes.tolist() == pytest.approx([slope(z) for z in where], rel=1e-13, abs=1e-15)


def test_a_step_has_the_value_one_half_at_zero() -> None:
    compiled = features(network("step"), "nngp")
    z = torch.tensor([[-2.0, 0.0, 3.0]])
    buffers = [z, *(torch.empty_like(z) for _ in range(compiled.program.buffers - 1))]
    (phi,) = compiled.program.run(buffers, torch.ones(3))
    assert phi.tolist() == [[0.0, 0.5, 1.0]]
