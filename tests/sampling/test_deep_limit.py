"""Sampled stacks tend to their limit as 1/width, block by block; a wrong rule of the limit is rejected."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import sampling
from glutheory.layers import Stack, composed, dense, layernorm, positions, product, readout, residual, rmsnorm, stack
from glutheory.sampling.deep.sampler import DeepSampler, deep_sampler
from tests.sampling.deep_limit import SMOOTH, Recursion, duals, limit

# ---- the limit that the samples are held against


@pytest.mark.parametrize("name", [*SMOOTH, "relu"])
def test_the_duals_of_the_reference_are_right(name: str) -> None:
    """T = ∂S/∂c by a difference quotient (errors of order 1e-8), and S at c = 0 is the product of the means."""
    a, b, c, h = 1.3, 0.7, 0.4, 1e-4

    def pair(c: float) -> tuple[float, float]:
        S, T, _ = duals(name, np.array([[a, c], [c, b]]))
        return S[0, 1], T[0, 1]

    assert (pair(c + h)[0] - pair(c - h)[0]) / (2 * h) == pytest.approx(pair(c)[1], abs=1e-7)
    S, _, mean = duals(name, np.diag([a, b]))
    assert S[0, 1] == pytest.approx(mean[0] * mean[1], abs=1e-12)


def test_the_recursion_has_the_known_kernels() -> None:
    """Deep linear networks: Σ = c̄ and Θ = (number of dense layers)·c̄; bilinear networks: 3c̄²; a gain adds Σ."""
    X = np.random.default_rng(0).standard_normal((3, 5))
    cbar = X @ X.T / 5
    linear = limit(stack("identity", 4, norm=None, residual=False), X)
    assert np.allclose(linear.sigma, cbar, rtol=1e-13)
    assert np.allclose(linear.ntk, 10 * cbar, rtol=1e-12)
    assert np.allclose(limit(composed(product("bilinear"), readout()), X).ntk, 3 * cbar**2, rtol=1e-12)
    normed = limit(composed(dense(), rmsnorm(gain=True)), X)
    cosine = cbar / np.sqrt(np.outer(np.diag(cbar), np.diag(cbar)))
    assert np.allclose(normed.theta["norm"], cosine, rtol=1e-13)
    assert np.allclose(normed.theta["dense"], cosine, rtol=1e-13)


# ---- block by block

#: Chosen before any draw: two widths, whose kernels 2·K(2m) − K(m) have no bias of order 1/m, and what is left, some
#: 25/(2m²) of a block (1 % here), is a fraction of a standard error.
WIDTH, DRAWS, SEED = 32, 600, 11
ALARM = 1e-6  #: probability that a right stack is rejected
MISSED = 3.1  #: so many deviations beyond the limit a wrong block is, which is missed with a probability below 1e-3

#: Each with the mistakes that it must show.
CASES: dict[str, tuple[Stack, tuple[str, ...]]] = {
    "gains": (stack("swiglu", 1, gain=True), ("gain", "slope", "residual")),
    "scales": (stack("relu", 1, norm=None, scale="1/2", bias="1/2"), ("scale", "slope", "residual")),
    "layernorm of images": (
        composed(dense(), product("silu"), layernorm(True, True), product("reglu"), dense(), readout()),
        ("slope", "norm"),
    ),
    "shared stream": (
        composed(
            dense(3), residual(rmsnorm(True), product("identity", "tanh"), dense(2), scale=2), rmsnorm(), readout()
        ),
        ("gain", "scale", "slope", "norm", "residual"),
    ),
    "sequences": (
        composed(dense(2), residual(rmsnorm(True), product("geglu"), dense()), positions(), readout()),
        ("gain", "slope", "residual"),
    ),
    "no readout": (composed(dense(2), rmsnorm(True), product("gelu", "sigmoid"), dense(2)), ("gain", "slope", "norm")),
}  # fmt: skip


def rows(case: Stack) -> np.ndarray:
    shape = (2, 2, 6) if case.sequences else (3, 6)
    return np.random.default_rng(8).standard_normal(shape)


def prepared(case: Stack, X: np.ndarray, width: int) -> DeepSampler:
    return deep_sampler(
        case, X, width=width, device="cpu", dtype=torch.float64, parametrization="ntk", kind="ntk", variances=None,
        trained=None, workspace=2**24,
    )  # fmt: skip


@lru_cache(maxsize=1)
def extrapolated(name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """2·K(2m) − K(m) by groups of weights: mean and standard error."""
    case = CASES[name][0]
    X = rows(case)
    mean: dict[str, np.ndarray] = {}
    square: dict[str, np.ndarray] = {}
    for width, factor, seed in ((WIDTH, -1.0, SEED), (2 * WIDTH, 2.0, SEED + 1)):
        batches = list(prepared(case, X, width).batches(seed, range(DRAWS)))
        for group in case.groups:
            kernels = np.concatenate([blocks[group].numpy() for blocks in batches])
            mean[group] = mean.get(group, 0) + factor * kernels.mean(0)
            square[group] = square.get(group, 0) + factor**2 * kernels.var(0, ddof=1) / DRAWS
    return mean, {group: np.sqrt(part) for group, part in square.items()}


def furthest(name: str, expected: dict[str, np.ndarray]) -> float:
    """The largest deviation of any entry of any block, in standard errors."""
    mean, error = extrapolated(name)
    # a block may be fixed (that of a readout after a norm): then its deviation is rounding
    return max(
        float(np.max(np.abs(mean[group] - block) / np.maximum(error[group], 1e-12)))
        for group, block in expected.items()
    )


def most(name: str) -> float:
    """The limit of `furthest`, with the alarm divided among all entries."""
    n = len(rows(CASES[name][0]))
    return float(scipy.stats.t.isf(ALARM / 2 / (len(CASES[name][0].groups) * n * (n + 1) / 2), DRAWS - 1))


@pytest.mark.parametrize(
    "name", [name if name == "shared stream" else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_the_blocks_tend_to_their_limit_and_wrong_rules_are_rejected(name: str) -> None:
    case, mistakes = CASES[name]
    X = rows(case)
    right = limit(case, X).theta
    _, error = extrapolated(name)
    assert furthest(name, right) < most(name)
    for mistake in mistakes:
        wrong = limit(case, X, mistake).theta
        power = max(float(np.max(np.abs(wrong[group] - right[group]) / error[group].clip(1e-12))) for group in right)
        assert power > most(name) + MISSED, mistake
        assert furthest(name, wrong) > most(name), mistake


def test_every_mistake_is_tried() -> None:
    assert {mistake for _, mistakes in CASES.values() for mistake in mistakes} == {
        "gain", "scale", "slope", "norm", "residual",
    }  # fmt: skip
    assert Recursion(1).mistake == ""


@pytest.mark.parametrize("name", ["shared stream", "sequences"])
def test_the_nngp_tends_to_its_limit(name: str) -> None:
    """The mean over 400 draws of width 128, whose own bias is below a standard error."""
    case = CASES[name][0]
    X = rows(case)
    found = sampling.monte_carlo(case, X, kind="nngp", width=128, draws=400, seed=5)
    n = len(X)
    most = scipy.stats.t.isf(ALARM / 2 / (n * (n + 1) / 2), 399)
    expected = limit(case, X).sigma
    error = np.maximum(found.standard_error, 1e-12)
    assert np.all(np.abs(found.mean - expected) < most * error)
    assert np.max(0.1 * np.abs(expected) / error) > most + MISSED
