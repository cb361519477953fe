"""The checks of Theorem 3.1: the proofs that they rest on, and mistakes in them."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from checks.tools.spectral_grid import kernels
from derivations.proofs import relu_expansion, spectral_orders
from derivations.proofs.relu_expansion import LEVEL0, coefficient, d, n
from derivations.tools.runs import run as run_proof
from tests.checks.claims.spectral_cases import Array, relu
from tests.strategies import datasets

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")


def enough_rows() -> st.SearchStrategy[Array]:
    """Any inputs other than 0, more of them than dimensions plus one: some with columns left out, some repeated."""

    def enough(X: Array, repeated: bool) -> Array:
        while repeated and len(X) < X.shape[1] + 2:
            X = np.concatenate([X, X])
        return X[:, : len(X) - 2]

    found = st.builds(enough, datasets(rows=(3, 10)), st.booleans())
    return found.filter(lambda X: bool(np.all(np.abs(X).sum(axis=1) > 0)))


@given(enough_rows(), st.sampled_from([0, 1, 3, 50]))
def test_the_bounds_of_every_data_set(X: Array, width: int) -> None:
    size, dim = X.shape
    ratio = dim / width if width else 0.0
    weights = np.sum(X**2, axis=1) / dim
    plain, gated = (np.linalg.eigvalsh(K)[::-1] for K in kernels(X, width))
    linear = np.linalg.eigvalsh(X @ X.T / dim)[::-1]
    H = np.linalg.eigvalsh(np.sqrt(np.outer(weights, weights)) * (X @ X.T) / dim)[::-1]
    values = {
        relu_expansion.n: size,
        relu_expansion.d: dim,
        relu_expansion.delta: ratio,
        spectral_orders.tau: float(weights.sum()),
        spectral_orders.tau2: float((weights**2).sum()),
    }
    top, gated_top, low, gated_low = (
        float(sp.sympify(bound).subs(values))
        for bound in (
            spectral_orders.TOP,
            spectral_orders.GATED_TOP,
            spectral_orders.LOW,
            spectral_orders.GATED_LOW,
        )
    )
    rounding = 1e-12 * max(plain[0], gated[0], 1.0)
    rest = 0.5 - 1 / (2 * math.pi) + ratio / 2
    assert top - rounding <= plain[0] <= top + rest * linear[0] + rounding
    assert plain[1] <= rest * linear[0] + rounding
    assert np.all(plain >= (1 + ratio) / 4 * linear - rounding)
    assert np.all(gated >= (1 + ratio) / (2 * math.pi) * H - rounding)
    assert gated_top - rounding <= gated[0] <= (0.5 + ratio) * H[0] + rounding
    assert plain[-1] <= min(low, (1 + ratio) / 2 * weights.mean()) + rounding
    assert gated[-1] <= min(gated_low, (0.5 + ratio) * (weights**2).mean()) + rounding


def test_exact_means_by_sampling() -> None:
    """In dimension 3, 100,000 pairs; each mean within 5 standard errors."""
    rng = np.random.default_rng(11)
    x, y = rng.standard_normal((2, 100_000, 3))
    a, b, g = np.sum(x * x, axis=1), np.sum(y * y, axis=1), np.sum(x * y, axis=1)
    rho = g / np.sqrt(a * b)
    s, T = relu(rho)
    S = np.sqrt(a * b) / 3 * s
    expected = [
        (S, 1 / (2 * math.pi)),
        (g / 3 * S, 1 / 12),
        (g**2 * T / 3, 1 / 4),
        (g * T, 1 / (2 * math.pi)),
        (rho**2, 1 / 3),
        (rho**4, 1 / 5),
        (s, float(LEVEL0.subs(d, 3))),
        (rho * s, 1 / 12),
    ]
    for values, mean in expected:
        assert abs(values.mean() - mean) < 5 * values.std() / math.sqrt(len(values))


def test_the_series_is_that_of_the_kernel() -> None:
    rho = np.linspace(-0.6, 0.6, 7)
    total = sum(float(coefficient(j)) * rho**j for j in range(60))
    assert total == pytest.approx(relu(rho)[0], abs=1e-14)


#: (module, name in it, wrong value, step that must notice).
MISTAKES: list[tuple[ModuleType, str, Any, str]] = [
    (relu_expansion, "KAPPA", relu_expansion.KAPPA * 2, "the kernel as a function of ρ"),
    (relu_expansion, "coefficient", lambda j: coefficient(j) * (1 + (j == 4)), "power series"),
    (relu_expansion, "SUM", sp.Rational(1, 3), "signs and sums"),
    (relu_expansion, "FLOOR", relu_expansion.FLOOR / 2, "the approximation and its floors"),
    (relu_expansion, "plain_weight", coefficient, "finite width"),
    (relu_expansion, "LEVEL0", LEVEL0 * 2, "β in every dimension"),
    (spectral_orders, "TOP", spectral_orders.TOP * 2, "the largest eigenvalues of K"),
    (spectral_orders, "GATED_TOP", spectral_orders.GATED_TOP * 2, "the largest eigenvalues of K̃"),
    (spectral_orders, "PLAIN_FLOOR", relu_expansion.GATED_FLOOR, "the smallest eigenvalues"),
    (spectral_orders, "CONDITION", n, "condition numbers on every data set"),
    (spectral_orders, "edge", lambda scale, sign: scale * (2 + sign), "the bulk on Gaussian data"),
    (spectral_orders, "THRESHOLD", sp.Integer(3), "the spikes"),
    (spectral_orders, "GAIN", sp.Integer(2), "what gating gains"),
]


@pytest.mark.parametrize(("script", "attribute", "wrong", "step"), MISTAKES)
def test_a_mistake_in_a_script_is_found(
    script: ModuleType, attribute: str, wrong: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, attribute, wrong)
    found = run_proof(script.proof())
    assert found.failure is not None
    assert found.failure.step.name == step


def test_orders_that_hold_are_not_refuted_by_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bound of the claimed order nothing is unbounded, and the step of the orders says so."""
    monkeypatch.setattr(spectral_orders, "GATED_CONDITION", n / d**2)
    found = run_proof(spectral_orders.proof())
    assert found.failure is not None
    assert found.failure.step.name == "condition numbers on every data set"
    assert not spectral_orders._orders().passed
