"""Functions whose mean square is infinite from some variance on: the sentence says so, and what it advises works."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, product, readout, rmsnorm, scale
from glutheory.numeric.own.remedy import moment_ends, remedy

#: Of f ~ e^(κz²) on one side at least: E[f(u)²] is infinite from the variance 1/(4κ) on.
ENDS = {
    "exp(z**2)": 1 / 4,
    "z*exp(z**2/4)": 1.0,
    "cosh(z**2/3)": 3 / 4,
    "exp(z**2/8)*sin(z)": 2.0,
    "exp(max(0,z)**2)": 1 / 4,
    "exp(sqrt(2)*z**2)": 1 / (4 * math.sqrt(2)),
    "exp(z**4)": 0.0,
    "exp(exp(z))": 0.0,
}


@pytest.mark.parametrize(("text", "variance"), ENDS.items())
def test_where_the_mean_square_ends(text: str, variance: float) -> None:
    # read off at |z| = 1e6, where log z/z² is below 1e-10
    assert moment_ends(glu.Activation(text).expr) == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("text", ["exp(z)", "z**5", "tanh(z)", "exp(-z**2)", "relu(z)", "z*exp(z)*sin(z)"])
def test_others_have_all_mean_squares(text: str) -> None:
    expr = glu.Activation(text).expr
    assert moment_ends(expr) is None
    assert remedy(expr).endswith("or use `evaluate` pair by pair.")


def normed(text: str, factor: float = 1.0) -> Stack:
    return composed(dense(), rmsnorm(), scale(factor), product(glu.Activation(text)), dense(), readout())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exp(z**2)", "variances of 1/4 and more, so there is no kernel behind a norm: scale the rows down"),
        ("exp(0.3*z**2)", "variances of 5/6 and more, so there is no kernel behind a norm: scale the rows down"),
        ("exp(z**4)", "infinite at every variance, so there is no kernel"),
    ],
)
def test_behind_a_norm_the_sentence_says_that_there_is_no_kernel(text: str, words: str) -> None:
    X = np.random.default_rng(0).standard_normal((3, 4))
    with pytest.raises(DomainError, match=words):
        glu.gram(normed(text), X)
    # and of a network, whose rows may be scaled
    with pytest.raises(DomainError, match=words):
        glu.gram(glu.Activation(text), 3 * X)


def closed(kappa: float, a: float, b: float, c: float) -> float:
    """E exp(κ(u² + v²)), a Gaussian integral."""
    return 1 / math.sqrt((1 - 2 * kappa * a) * (1 - 2 * kappa * b) - (2 * kappa * c) ** 2)


def test_scaled_down_behind_the_norm_it_has_its_kernel() -> None:
    """Variance 1/16 is below 1/4; 1e-13 is what gram promises of the scale."""
    X = np.random.default_rng(0).standard_normal((4, 6))
    unit = X / np.linalg.norm(X, axis=1)[:, None]
    K = glu.gram(normed("exp(z**2)", 0.25), X, kind="nngp")
    claimed = [[closed(1.0, 1 / 16, 1 / 16, float(x @ y) / 16) for y in unit] for x in unit]
    assert np.abs(K - claimed).max() <= 1e-13 * np.max(claimed)
    half = composed(dense(), product(glu.Activation("exp(z**2)"), variance=Fraction(1, 64)), readout())
    small = glu.gram(half, X, kind="nngp")
    S = X @ X.T / 6 / 64
    claimed = [[closed(1.0, S[i, i], S[j, j], S[i, j]) for j in range(4)] for i in range(4)]
    assert np.abs(small - claimed).max() <= 1e-13 * np.max(claimed)
