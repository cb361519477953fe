"""The bias of finite stacks falls as 1/width: the fit of a power, and what it says of sampled stacks."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import sampling
from glutheory.errors import GlutheoryError
from glutheory.layers import Stack, composed, product, readout, stack
from glutheory.sampling.power_law import power_law
from tests.sampling.deep_limit import limit

# ---- the fit

WIDTHS = (16, 40, 100, 160)


def test_exact_powers_are_found() -> None:
    for slope in (-2.0, -1.0, -0.5, 0.0):
        values = [-3.0 * width**slope for width in WIDTHS]
        found, (low, high), p_value = power_law(WIDTHS, values, [1e-3 * abs(value) for value in values], 0.999)
        assert found == pytest.approx(slope, abs=1e-6)
        assert low < slope < high < low + 0.02
        assert p_value > 0.999


def test_the_interval_holds_the_slope_as_often_as_it_says() -> None:
    """Of 400 fits 95 % within 4.4 deviations of a binomial number (a false alarm of 1e-5; the seed is fixed)."""
    rng, held, fitting = np.random.default_rng(0), 0, []
    exact = np.array([5.0 / width for width in WIDTHS])
    errors = 0.1 * exact
    for _ in range(400):
        _, (low, high), p_value = power_law(WIDTHS, list(exact + errors * rng.standard_normal(4)), list(errors), 0.95)
        held += low < -1 < high
        fitting.append(p_value)
    assert abs(held - 380) < 4.4 * (400 * 0.95 * 0.05) ** 0.5
    # p-values are uniform: their mean is 1/2 within 4.4 deviations
    assert abs(np.mean(fitting) - 0.5) < 4.4 * (1 / 12 / 400) ** 0.5


def test_noise_has_no_slope_and_a_bend_is_no_power() -> None:
    _, interval, _ = power_law(WIDTHS, [0.01, -0.02, 0.005, -0.01], [1.0] * 4, 0.999)
    assert interval == (-6.0, 3.0)
    # a kernel that is 5 % off at all widths, besides its bias of 1/m
    off = [1 / width + 0.05 for width in WIDTHS]
    slope, (low, high), p_value = power_law(WIDTHS, off, [0.02 * value for value in off], 0.999)
    assert not low < -1 < high
    assert slope > -0.5
    assert p_value < 1e-3


# ---- sampled stacks

#: Chosen after a pilot with other seeds, before any draw of these: widths over a decade, draws, the contrast (the mean
#: of K_ii/Θ_ii − 1), the level of the interval. The bias A of the first two is 11 to 12, of the third 1.6, of a draw
#: the deviation √(c/m) with c from 12 (at 240) to 46 (at 24), and 4.
LEVEL = 0.999
X = np.random.default_rng(7).standard_normal((4, 8))
CASES: dict[str, Stack] = {
    "swiglu": stack("swiglu", 2, residual=False),
    "geglu layernorm gain": stack("geglu", 2, residual=False, norm="layer", gain=True),
    "swiglu residual": stack("swiglu", 2, gain=True),
}


def measured(case: Stack, exact: np.ndarray, widths: tuple[int, ...], draws: Any, seed: int) -> sampling.WidthBias:
    contrast = np.diag(1 / np.diag(exact) / len(X))
    return sampling.width_bias(
        case, X, exact, widths=widths, draws=draws, seed=seed, contrast=contrast, level=LEVEL, workspace=2**25
    )


def check(case: Stack, mistake: str, widths: tuple[int, ...], draws: Any, seed: int) -> None:
    """The slope is −1 and not −1/2 or −2 (the power); with a wrong limit it is not −1."""
    found = measured(case, limit(case, X).ntk, widths, draws, seed)
    low, high = found.interval
    assert low < -1 < high
    assert -2 < low < high < -0.5
    assert found.p_value > 1e-4
    assert np.all(np.diag(found.coefficient) > 4 * np.diag(found.coefficient_error))
    # the same draws held against a wrong limit
    shift = np.mean(np.diag(limit(case, X).ntk - limit(case, X, mistake).ntk) / np.diag(limit(case, X).ntk))
    _, (low, high), p_value = power_law(widths, [own + shift for own in found.bias], found.standard_error, LEVEL)
    assert not low < -1 < high or p_value < 1e-6


@pytest.mark.long
def test_the_bias_falls_as_one_over_the_width() -> None:
    check(CASES["swiglu"], "slope", (12, 40, 120), (400, 400, 600), 21)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mistake", "widths", "draws"),
    [
        ("swiglu", "slope", (24, 52, 112, 240), 2000),
        ("geglu layernorm gain", "gain", (24, 52, 112, 240), 2000),
        ("swiglu residual", "gain", (16, 40, 100, 160), (3000, 4000, 4000, 4000)),
    ],
)
def test_the_bias_falls_as_one_over_the_width_over_a_decade(
    name: str, mistake: str, widths: tuple[int, ...], draws: Any
) -> None:
    check(CASES[name], mistake, widths, draws, 22)


def test_two_layers_have_no_bias() -> None:
    """Their mean is the limit at every width: no coefficient differs from 0 by 5.5 of its errors."""
    case = composed(product("swiglu"), readout())
    found = measured(case, limit(case, X).ntk, (16, 160), 500, 23)
    assert np.all(np.abs(found.coefficient) < 5.5 * found.coefficient_error)
    assert found.p_value == 1
    assert found.interval[0] == -6 or found.interval[1] == 3


def test_the_numbers_are_those_of_the_draws() -> None:
    case, widths, draws = CASES["swiglu"], (6, 9), (3, 4)
    exact = limit(case, X).ntk
    found = sampling.width_bias(case, X, exact, widths=widths, draws=draws, seed=3)
    start, law = 0, []
    for k, (width, count) in enumerate(zip(widths, draws, strict=True)):
        kernels = np.stack([
            sampling.empirical_ntk(case, X, width=width, seed=3, draw=start + i, dtype=torch.float64).numpy()
            for i in range(count)
        ])  # fmt: skip
        start += count
        root = np.sqrt(np.diag(exact))
        numbers = ((kernels - exact) / np.outer(root, root)).mean(axis=(1, 2))
        assert found.bias[k] == pytest.approx(numbers.mean(), rel=1e-10)
        assert found.standard_error[k] == pytest.approx(numbers.std(ddof=1) / count**0.5, rel=1e-10)
        law.append((width, kernels.mean(0) - exact, kernels.std(0, ddof=1) / count**0.5))
    up = sum(bias / width / error**2 for width, bias, error in law)
    down = sum(1 / width**2 / error**2 for width, _, error in law)
    assert np.allclose(found.coefficient, up / down, rtol=1e-9)
    assert np.allclose(found.coefficient_error, down**-0.5, rtol=1e-9)
    assert (found.widths, found.draws, found.level) == (widths, draws, 0.999)


EXACT = np.eye(2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stack": "swiglu"}, "stack is 'swiglu': give a glutheory.Stack"),
        ({"widths": 8}, "widths is 8: give at least two widths, increasing."),
        ({"widths": (8,)}, "widths is (8,): give at least two"),
        ({"widths": (8, 8)}, "widths is (8, 8): give at least two widths, increasing."),
        ({"widths": (0, 8)}, "widths is 0: give an integer >= 1."),
        ({"draws": 1}, "draws is 1: give an integer >= 2."),
        ({"draws": (3,)}, "draws has 1 entries: give one number, or one for each of the 2 widths."),
        ({"limit": np.eye(3)}, "limit has the shape (3, 3): give a matrix of shape (2, 2)."),
        ({"limit": np.nan * EXACT}, "limit has the entry nan: give finite numbers."),
        ({"limit": 0 * EXACT}, "limit has a diagonal that is not positive: give contrast."),
        ({"contrast": [1, 2]}, "contrast has the shape (2,): give a matrix of shape (2, 2)."),
        ({"level": 1}, "level is 1: give a finite number > 0 and < 1."),
        ({"stack": composed(readout())}, "stack has the same kernel in all draws: there is no bias to measure"),
    ],
    ids=str,
)
def test_a_bad_argument_gets_a_sentence(changed: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {
        "stack": CASES["swiglu"], "X": np.eye(2), "limit": EXACT, "widths": (8, 16), "draws": 3, "seed": 0, **changed,
    }  # fmt: skip
    with pytest.raises(GlutheoryError) as caught:
        sampling.width_bias(**given)
    assert words in str(caught.value)
