"""Formulas that a user may bring, and their kernels by brute force: a tensor product of Gauss–Legendre panels.

The reference knows neither the parser nor any road: φ and φ' are written by hand in numpy, panels end at the kinks, and
c·T = ρ ∂S/∂ρ is had from the derivative of the bivariate density, so that a jump of φ needs no delta function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from scipy.special import expit

import glutheory as glu
from glutheory.activations.parser import parse_expression
from glutheory.networks import Network

Array = np.ndarray
#: What is promised of derived evaluators, of √(K(x,x) K(x',x')); the reference has 1e-14 (a test below).
PROMISED = 1e-12
#: Ends of the integrals: e^(−R²/2) is 1e-18 there, and no φ here is larger than z⁴.
_REACH = 10.0
#: For |ρ| ≤ 0.8 the density turns on a scale of 0.6, so that 16 nodes on a panel of 0.5 leave nothing.
_CLOSE, _PANEL, _NODES = 0.8, 0.5, 16


@dataclass(frozen=True)
class Formula:
    """An activation as a user types it, and by hand.

    Attributes:
        text: what is typed.
        phi: φ of an array.
        slope: φ' of an array, where it is a function.
        kinks: where φ or φ' jumps.
        jumps: whether φ does.
    """

    text: str
    phi: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    kinks: tuple[float, ...] = ()
    jumps: bool = False

    @property
    def plain(self) -> Network:
        return glu.product(glu.Activation(self.text, parse_expression(self.text)))

    @property
    def gated(self) -> Network:
        return glu.gated(self.plain.gate)


def _silu_slope(z: Array) -> Array:
    return np.asarray(expit(z) + z * expit(z) * expit(-z))


def _mish_slope(z: Array) -> Array:
    soft = np.tanh(np.logaddexp(0, z))
    return np.asarray(soft + z * (1 - soft**2) * expit(z))


#: Smooth ones, one with kinks, one that jumps.
FORMULAS: dict[str, Formula] = {
    "mish": Formula("z*tanh(log(1+exp(z)))", lambda z: z * np.tanh(np.logaddexp(0, z)), _mish_slope),
    "squared silu": Formula("silu(z)**2", lambda z: (z * expit(z)) ** 2, lambda z: 2 * z * expit(z) * _silu_slope(z)),
    "hard tanh": Formula("max(-1,min(1,z))", lambda z: np.clip(z, -1, 1), lambda z: 1.0 * (abs(z) < 1), (-1.0, 1.0)),
    "jump": Formula("z*heaviside(z-1)", lambda z: z * (z > 1), lambda z: 1.0 * (z > 1), (1.0,), jumps=True),
}

#: Two equal rows, their opposite, a zero row, and two others: |ρ| ≤ 0.8 between rows that are not parallel.
ROWS = np.array([[2.0, 0, 0], [2.0, 0, 0], [-2.0, 0, 0], [0, 0, 0], [1.0, 1.5, 0], [-0.5, 0.8, 1.5]])


def _line(formula: Formula, r: float) -> tuple[Array, Array]:
    """Nodes x and weights, the normal density not counted; panels end at the kinks of φ(r x) and φ(−r x)."""
    cuts = [sign * kink / r for kink in formula.kinks for sign in (-1, 1)] if r else []
    base = np.arange(-_REACH, _REACH + _PANEL / 2, _PANEL)
    edges = np.unique(np.clip([*base, *cuts], -_REACH, _REACH))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


@lru_cache(maxsize=4096)
def pair(formula: Formula, r: float, q: float, rho: float) -> tuple[float, float]:
    """S and c·T at the standard deviations r, q and the correlation ρ, which is ±1 or within ±0.8."""
    (x, w), (y, v) = _line(formula, r), _line(formula, q)
    if abs(rho) == 1:
        assert r == q
        density = w * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
        S = float(density @ (formula.phi(r * x) * formula.phi(rho * r * x)))
        if formula.jumps and rho == 1:
            return S, np.inf
        return S, float(rho * r * r * density @ (formula.slope(r * x) * formula.slope(rho * r * x)))
    assert abs(rho) <= _CLOSE
    far = 1 - rho * rho
    product, squares = np.outer(x, y), np.add.outer(x * x, y * y)
    density = np.exp((2 * rho * product - squares) / (2 * far)) / (2 * np.pi * np.sqrt(far))
    slope = (rho * far + (1 + rho * rho) * product - rho * squares) / far**2
    left, right = w * formula.phi(r * x), v * formula.phi(q * y)
    return float(left @ density @ right), float(rho * (left @ (density * slope) @ right))


def kernels(formula: Formula, X: Array, gated: bool, variance: float = 1.0) -> dict[str, Array]:
    """NNGP and NTK of the network in the ntk parametrisation; `variance` is that of the gate's (or only) weights."""
    c = X @ X.T / X.shape[1]
    r = np.sqrt(variance * np.diag(c))
    S, cT = np.empty_like(c), np.empty_like(c)
    for i in range(len(X)):
        for j in range(i + 1):
            rho = variance * c[i, j] / (r[i] * r[j]) if r[i] * r[j] else 0.0
            rho = float(np.sign(rho)) if abs(abs(rho) - 1) < 1e-12 else float(rho)
            S[i, j], cT[i, j] = S[j, i], cT[j, i] = pair(formula, float(r[i]), float(r[j]), rho)
    if not gated:
        return {"nngp": S, "ntk": S + cT}
    return {"nngp": c * S, "ntk": 2 * c * S + c * cT}


def scale(K: Array) -> Array:
    """√(K(x,x) K(x',x')), what errors are relative to."""
    return np.sqrt(np.diag(K))[:, None] * np.sqrt(np.diag(K))


def close(found: Array, wanted: Array, error: float = PROMISED) -> None:
    """Within the error of the scale; infinite together, and there is no scale then but the value."""
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(np.isinf(found), ~finite)
    # an infinite diagonal is no scale
    size = np.minimum(scale(np.where(finite, wanted, 1e300)), np.where(finite, np.maximum(1, abs(wanted)), np.inf))
    assert (abs(found[finite] - wanted[finite]) <= error * size[finite]).all(), abs(
        found[finite] - wanted[finite]
    ).max()


def _case(name: str, gated: bool) -> object:
    marks = [pytest.mark.slow] * (name == "squared silu")
    return pytest.param(FORMULAS[name], gated, id=f"{name}-{'gated' if gated else 'plain'}", marks=marks)


#: Every formula as the activation of a network, and as a gate.
CASES = pytest.mark.parametrize(
    ("formula", "gated"), [_case(name, gated) for name in FORMULAS for gated in (False, True)]
)
