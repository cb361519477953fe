"""Means over sampled networks: the exact kernel within the stated error, and 1 % more is not."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import sampling
from tests.sampling.rows import points

# Four points of R^4 with different norms and angles; 10 different entries.
FOUR = np.array([[1.0, 0.5, -0.3, 2.0], [0.2, -1.0, 0.4, 1.0], [-1.5, 0.1, 0.1, 0.6], [0.9, 0.6, -0.2, 1.9]])
ALARM = 1e-6  #: probability that a right kernel is rejected, in all entries together
DRAWS, WIDTH = 400, 2**15


def arc_cosine(variance: float) -> tuple[np.ndarray, np.ndarray]:
    """S and T of ReLU (Cho & Saul 2009) at `FOUR`, weights of this variance."""
    norms = np.sqrt(variance) * np.linalg.norm(FOUR, axis=1)
    cosine = np.clip(variance * FOUR @ FOUR.T / np.outer(norms, norms), -1, 1)
    angle = np.arccos(cosine)
    T = (np.pi - angle) / (2 * np.pi)
    return np.outer(norms, norms) * (np.sin(angle) / (2 * np.pi) + cosine * T), T


def largest_z(estimate: sampling.Estimate, kernel: np.ndarray) -> float:
    return float(np.max(np.abs(estimate.mean - kernel) / estimate.standard_error))


#: Each entry's mean over draws is normal to a good approximation (each draw averages 2^15 neurons), so that z has
#: Student's distribution; ALARM is divided among the 10 entries.
LIMIT = float(scipy.stats.t.isf(ALARM / 2 / 10, DRAWS - 1))
CBAR = FOUR @ FOUR.T / 4
S, T = arc_cosine(1 / 4)
EXACT: dict[str, tuple[str, str, np.ndarray]] = {
    "relu": ("relu", "ntk", S + CBAR * T),
    "relu nngp": ("relu", "nngp", S),
    "reglu": ("reglu", "ntk", 2 * CBAR * S + CBAR**2 * T),
    "reglu nngp": ("reglu", "nngp", CBAR * S),
    "bilinear": ("bilinear", "ntk", 3 * CBAR**2),
    "step nngp": ("step", "nngp", T),
}


@pytest.mark.long
@pytest.mark.parametrize(
    "case", [case if case in ("relu", "reglu") else pytest.param(case, marks=pytest.mark.slow) for case in EXACT]
)
def test_the_mean_is_the_exact_kernel_and_one_percent_more_is_not(case: str) -> None:
    name, kind, kernel = EXACT[case]
    found = sampling.monte_carlo(name, FOUR, kind=kind, width=WIDTH, draws=DRAWS, seed=20)
    assert found.draws == DRAWS
    assert largest_z(found, kernel) < LIMIT
    assert largest_z(found, 1.01 * kernel) > LIMIT
    # the power: 1 % of some entry is so many standard errors that it is missed with a probability below 1e-3
    assert np.max(0.01 * np.abs(kernel) / found.standard_error) > LIMIT + 3.1


@pytest.mark.long
def test_the_mean_with_given_variances() -> None:
    p, w, v, m = 0.5, 2.0, 0.25, WIDTH
    G = FOUR @ FOUR.T
    S, T = arc_cosine(w)
    found = sampling.monte_carlo(
        "reglu", FOUR, width=m, draws=DRAWS, seed=21, parametrization="standard",
        variances={"value": p, "gate": w, "readout": v},
    )  # fmt: skip
    assert largest_z(found, m * ((p + v) * G * S + v * p * G**2 * T)) < LIMIT
    assert largest_z(found, m * (v * G * S + v * p * G**2 * T)) > LIMIT  # the readout block left out


def test_mean_and_error_are_those_of_the_draws() -> None:
    X = points(3, 2)
    found = sampling.monte_carlo("swiglu", X, width=30, draws=12, seed=7)
    options: dict[str, Any] = {"width": 30, "seed": 7, "dtype": torch.float64}
    kernels = np.stack([sampling.empirical_ntk("swiglu", X, draw=i, **options) for i in range(12)])
    assert np.allclose(found.mean, kernels.mean(0), rtol=1e-14)
    assert np.allclose(found.standard_error, kernels.std(0, ddof=1) / 12**0.5, rtol=1e-12)
    assert found.mean.dtype == found.standard_error.dtype == np.float64
    assert np.all(sampling.monte_carlo("relu", X, width=3, draws=1, seed=0).standard_error == np.inf)


def test_the_mean_is_independent_of_the_chunk() -> None:
    one, two = (
        sampling.monte_carlo("geglu", points(5, 3), width=500, draws=9, seed=1, workspace=workspace).mean
        for workspace in (2**28, 1)
    )
    assert np.allclose(one, two, rtol=0, atol=1e-14 * np.abs(one).max())


def test_a_progress_bar_is_shown_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    sampling.monte_carlo("relu", points(2, 2), width=4, draws=3, seed=0)
    assert capsys.readouterr() == ("", "")
    sampling.monte_carlo("relu", points(2, 2), width=4, draws=3, seed=0, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3/3" in shown.err
