"""The kernel of an audited block: that of its Jacobian, its rounding, its twin and its mean over draws."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import jacrev

from glutheory.audit import Ratio, audit
from glutheory.audit import kernels as kernel_module
from glutheory.audit.kernels import Weights, hidden, ntk
from glutheory.audit.nonlinearities import Nonlinearity
from glutheory.audit.twin import Recipe
from glutheory.errors import DomainError
from glutheory.sampling.feed_forward import FeedForward
from tests.audit.audit_models import Gated, rows
from tests.audit.audited_blocks import ACTIVATIONS, gram_of


def reference(weights: Weights, X: torch.Tensor, biases: bool = True) -> torch.Tensor:
    """The NTK by its definition: full Jacobians, summed over the outputs."""
    parameters = {f"w{i}": matrix.double() for i, matrix in enumerate(weights.branches)}
    constants: dict[str, torch.Tensor] = {}
    chosen = parameters if biases else constants
    chosen.update({f"b{i}": bias.double() for i, bias in enumerate(weights.biases) if bias is not None})
    parameters["v"] = weights.readout.double()
    if weights.offset is not None:
        chosen["c"] = weights.offset.double()

    def outputs(given: dict[str, torch.Tensor]) -> torch.Tensor:
        both = {**constants, **given}
        parts = [X @ both[f"w{i}"].mT + both.get(f"b{i}", torch.zeros(())) for i in range(len(weights.branches))]
        parts[-1] = weights.activation.function(parts[-1])
        features: torch.Tensor = math.prod(parts[1:], start=parts[0])
        return features @ both["v"].mT + both.get("c", torch.zeros(()))

    return gram_of(jacrev(outputs)(parameters))


def drawn(
    seed: int, d: int, m: int, o: int, *, gated: bool, biased: str = "", act: str = "silu", dtype: Any = torch.float64
) -> Weights:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype)

    k = 2 if gated else 1
    return Weights(
        tuple(normal(m, d) for _ in range(k)),
        tuple(normal(m) if str(i) in biased else None for i in range(k)),
        normal(o, m),
        normal(o) if "c" in biased else None,
        ACTIVATIONS[act],
    )


@given(
    st.integers(0, 2**31),
    st.integers(1, 6),
    st.integers(1, 7),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from(["", "0", "1", "01c", "c", "0c"]),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.booleans(),
)
def test_the_kernel_is_that_of_the_jacobian(
    seed: int, d: int, m: int, o: int, gated: bool, biased: str, act: str, counted: bool
) -> None:
    weights = drawn(seed, d, m, o, gated=gated, biased=biased, act=act)
    X = torch.randn(5, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = reference(weights, X, counted)
    torch.testing.assert_close(ntk(weights, X, biases=counted), expected, rtol=1e-11, atol=1e-11)


def test_hidden_units_may_be_taken_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = drawn(0, 5, 33, 3, gated=True, biased="01c")
    X = torch.randn(6, 5, dtype=torch.float64)
    whole, features = ntk(weights, X), hidden(weights, X)
    monkeypatch.setattr(kernel_module, "_WORKSPACE", 4000)
    torch.testing.assert_close(ntk(weights, X), whole, rtol=1e-13, atol=0)
    torch.testing.assert_close(hidden(weights, X), features)


def test_weights_of_low_precision_are_taken_exactly() -> None:
    low = drawn(1, 4, 9, 2, gated=True, biased="1", dtype=torch.bfloat16)
    X = torch.randn(5, 4, dtype=torch.float64)
    torch.testing.assert_close(ntk(low, X), reference(low, X), rtol=1e-12, atol=1e-12)


def test_the_stated_rounding_is_not_exceeded() -> None:
    """Against the same sums in extended precision."""
    weights = drawn(2, 40, 300, 8, gated=True, act="identity")
    X = torch.randn(20, 40, dtype=torch.float64)
    x, u, w, v = (part.numpy().astype(np.longdouble) for part in (X, *weights.branches, weights.readout))
    value, gate = x @ u.T, x @ w.T
    scale = (v**2).sum(axis=0)
    exact = 8 * (value * gate) @ (value * gate).T + (x @ x.T) * ((gate * scale) @ gate.T + (value * scale) @ value.T)
    root = np.sqrt(np.diag(exact))
    error = np.abs(ntk(weights, X).numpy() - exact) / np.outer(root, root)
    assert error.max() < kernel_module.entry_error(weights)


@pytest.mark.parametrize(
    ("d", "m", "o", "gated", "width"),
    [(64, 172, 64, True, 258), (64, 258, 64, False, 172), (4096, 11008, 4096, True, 16512), (10, 7, 1, True, 13),
     (768, 3072, 768, False, 2048), (1, 5, 1, False, 3)],
    ids=str,
)  # fmt: skip
def test_the_twin_has_as_many_parameters(d: int, m: int, o: int, gated: bool, width: int) -> None:
    k = 2 if gated else 1
    own = Recipe(d, m, o, ACTIVATIONS["silu"], (0.1, 0.2)[:k], (None,) * k, 0.3, None)
    twin = own.twin()
    assert (twin.width, twin.gated) == (width, not gated)
    assert abs(twin.parameters - own.parameters) <= (2 - gated) * d + o
    assert twin.branches == ((0.2,) if gated else (0.1, 0.1))


def test_a_network_too_narrow_has_no_gated_twin() -> None:
    with pytest.raises(DomainError, match="width is 1: a feed-forward network so narrow"):
        Recipe(3, 1, 1, ACTIVATIONS["silu"], (1.0,), (None,), 1.0, None).twin()


@pytest.mark.parametrize("gated", [True, False], ids=["gated", "plain"])
def test_networks_drawn_anew_have_the_scales_of_the_old(gated: bool) -> None:
    weights = drawn(3, 60, 70, 50, gated=gated, biased="01c")
    scaled = Weights(
        tuple(matrix * (i + 2) for i, matrix in enumerate(weights.branches)),
        weights.biases, weights.readout / 3, weights.offset, weights.activation,
    )  # fmt: skip
    recipe = Recipe.of(scaled)
    assert recipe.parameters == scaled.parameters
    anew = recipe.draw((1, 2, 3), torch.device("cpu"))
    again = Recipe.of(anew)
    for old, new in zip((*recipe.branches, recipe.readout), (*again.branches, again.readout), strict=True):
        assert new == pytest.approx(old, rel=0.05)
    assert again.biases == pytest.approx(recipe.biases, rel=0.4)
    assert torch.equal(anew.readout, recipe.draw((1, 2, 3), torch.device("cpu")).readout)
    assert not torch.equal(anew.readout, recipe.draw((1, 2, 4), torch.device("cpu")).readout)


@pytest.mark.parametrize("gated", [True, False], ids=["gated", "plain"])
def test_the_expected_kernel_is_the_mean_of_those_drawn(gated: bool) -> None:
    own = Recipe(5, 40, 3, ACTIVATIONS["silu"], (0.5, 0.8)[: 1 + gated], (None,) * (1 + gated), 0.4, None)
    X = torch.randn(4, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    draws = torch.stack([ntk(own.draw((0, i), torch.device("cpu")), X) / 3 for i in range(400)])
    expected = own.expected(X)
    assert expected is not None
    score = (draws.mean(dim=0) - torch.from_numpy(expected)) / (draws.std(dim=0) / 400**0.5)
    assert float(score.abs().max()) < 5
    # and a wrong scale is told apart
    wrong = Recipe(5, 40, 3, ACTIVATIONS["silu"], (0.5, 0.7)[: 1 + gated], (None,) * (1 + gated), 0.5, None).expected(X)
    assert wrong is not None
    score = (draws.mean(dim=0) - torch.from_numpy(wrong)) / (draws.std(dim=0) / 400**0.5)
    assert float(score.abs().max()) > 5


def test_no_expectation_is_made_up() -> None:
    X = torch.randn(4, 5, dtype=torch.float64)
    biased = Recipe(5, 6, 3, ACTIVATIONS["silu"], (1.0,), (0.0,), 1.0, 0.0)
    assert biased.expected(X) is None
    assert biased.expected(X, biases=False) is not None
    assert Recipe(5, 6, 3, ACTIVATIONS["silu"], (1.0,), (0.1,), 1.0, None).expected(X, biases=False) is None
    assert Recipe(5, 6, 3, ACTIVATIONS["silu"], (1.0,), (None,), 0.0, None).expected(X) is None
    other = Nonlinearity("mish", nn.functional.mish)
    assert Recipe(5, 6, 3, other, (1.0,), (None,), 1.0, None).expected(X) is None


def test_a_kernel_that_is_singular_by_construction_is_said_to_be() -> None:
    found = audit(FeedForward("relu", inputs=1, width=2, outputs=1, bias=False, seed=0), inputs=rows(9, 1), draws=1)
    assert any("9 inputs are more than the rank" in note for note in found.notes)
    assert found.ratio is None


def test_equal_inputs_give_no_ratio() -> None:
    X = rows(6, 6)
    found = audit(Gated(), inputs=torch.cat((X, X)), draws=2)
    block = found.blocks[0]
    assert math.isinf(block.as_it_is.value)
    assert block.ratio is None
    assert block.expected_ratio is None
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["blocks"][0]["as_it_is"]["value"] == "inf"


def test_a_ratio_is_students() -> None:
    logs = [0.3, 0.5, 0.9, 0.1]
    ratio = Ratio.of(logs)
    low, high = scipy.stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    assert (ratio.mean, ratio.low, ratio.high) == pytest.approx((math.exp(0.45), math.exp(low), math.exp(high)))
    assert str(Ratio.of([0.0])) == "1"
    assert Ratio.of([0.0]).as_json() == {"mean": 1.0, "low": 0.0, "high": "inf"}
