"""`glutheory audit`: feed-forward networks as they occur in transformers, their kernels, twins, and the command."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, jacrev

from glutheory import cli
from glutheory import network as named_network
from glutheory.audit import Audit, Ratio, audit, configurations, models
from glutheory.audit import kernels as kernel_module
from glutheory.audit.blocks import distance, find_blocks, readings, tolerance
from glutheory.audit.command import parse_changes, parse_layers
from glutheory.audit.inputs import example
from glutheory.audit.kernels import Weights, hidden, ntk
from glutheory.audit.nonlinearities import Nonlinearity, known, recognise
from glutheory.audit.recording import record
from glutheory.audit.report import report
from glutheory.audit.twin import Recipe
from glutheory.errors import DomainError, GlutheoryError, UnknownNameError
from glutheory.printing.terminal import Terminal
from glutheory.sampling import module_ntk
from glutheory.sampling.feed_forward import FeedForward
from tests.strategies import named

DECODER = {
    "hidden_size": 32,
    "intermediate_size": 86,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 200,
}
GROUPED = {**DECODER, "num_key_value_heads": 1}
GEMMA = {**GROUPED, "head_dim": 16}
IMAGE = {"image_size": 16, "patch_size": 8}
ENCODER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}

VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, **IMAGE}

#: Type, configuration; kinds and widths of the networks found and of their twins.
WILD: dict[str, tuple[dict[str, Any], str, int, str, int]] = {
    "llama": (GROUPED, "SwiGLU", 86, "plain silu", 129),
    "qwen2": (GROUPED, "SwiGLU", 86, "plain silu", 129),
    "gemma": (GEMMA, "tanh-GEGLU", 86, "plain tanh-gelu", 129),
    "phi3": ({**GROUPED, "pad_token_id": 0}, "SwiGLU", 86, "plain silu", 129),
    "gpt2": (
        {"n_embd": 32, "n_head": 2, "n_layer": 2, "vocab_size": 200},
        "plain tanh-gelu", 128, "tanh-GEGLU", 85,
    ),
    "vit": ({**ENCODER, **IMAGE}, "plain gelu", 128, "GEGLU", 85),
}  # fmt: skip
#: Further structures: of one family each, run on request.
MORE: dict[str, tuple[dict[str, Any], str, int, str, int]] = {
    "qwen3": (GEMMA, "SwiGLU", 86, "plain silu", 129),
    "gemma2": (GEMMA, "tanh-GEGLU", 86, "plain tanh-gelu", 129),
    "gemma3": (GEMMA, "tanh-GEGLU", 86, "plain tanh-gelu", 129),
    "mistral": (GROUPED, "SwiGLU", 86, "plain silu", 129),
    "MistralForCausalLM": (GROUPED, "SwiGLU", 86, "plain silu", 129),
    "bert": ({**ENCODER, "vocab_size": 200}, "plain gelu", 128, "GEGLU", 85),
    "t5": ({"d_model": 32, "num_layers": 2, "d_ff": 128, "vocab_size": 200}, "plain relu", 128, "ReGLU", 85),
    "dinov2": ({**VISION, "use_swiglu_ffn": True}, "SwiGLU", 88, "plain silu", 132),
    "modernbert": (
        {**ENCODER, "intermediate_size": 86, "vocab_size": 200, "pad_token_id": 0}, "GEGLU", 86, "plain gelu", 129,
    ),
}  # fmt: skip

SMALL: dict[str, Any] = {"samples": 12, "length": 4, "draws": 2}


@cache
def wild(name: str) -> Any:
    """A tiny model of that type."""
    return models.build(name, {**WILD, **MORE}[name][0]).model


@cache
def audited(name: str) -> Audit:
    return audit(wild(name), **SMALL)


# --- the kernel


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


def gram_of(jacobians: dict[str, torch.Tensor]) -> torch.Tensor:
    flat = torch.cat([J.flatten(2) for J in jacobians.values()], dim=2).flatten(1)
    return flat @ flat.mT


ACTIVATIONS = {own.name: own for own in known()}


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


# --- twins


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


# --- activations


@pytest.mark.parametrize(
    ("function", "name"),
    [(nn.SiLU(), "silu"), (nn.SiLU(inplace=True), "silu"), (nn.GELU(), "gelu"), (nn.GELU("tanh"), "tanh-gelu"),
     (nn.ReLU(inplace=True), "relu"), (nn.Tanh(), "tanh"), (nn.Sigmoid(), "sigmoid"), (nn.Identity(), "identity"),
     (nn.Mish(), "Mish"), (torch.cos, "cos")],
    ids=named,
)  # fmt: skip
def test_an_activation_is_known_by_its_values(function: Any, name: str) -> None:
    own = recognise(function)
    assert own is not None
    assert own.name == name
    assert (own.zoo is None) == (name in ("Mish", "cos"))
    z = torch.linspace(-3, 3, 50, dtype=torch.float64)
    torch.testing.assert_close(own.function(z.clone()), function(z.clone()))


@pytest.mark.parametrize(
    "function", [nn.Softmax(dim=0), nn.Linear(3, 3), lambda z: z[:5], lambda _: 3, nn.LayerNorm(241)], ids=named
)
def test_what_is_no_activation_is_refused(function: Any) -> None:
    assert recognise(function) is None


@pytest.mark.slow
def test_the_activations_of_transformers_are_known() -> None:
    from transformers.activations import ACT2FN

    expected = {"gelu_new": "tanh-gelu", "gelu_pytorch_tanh": "tanh-gelu", "quick_gelu": "quick-gelu", "silu": "silu",
                "swish": "silu", "relu2": "relu2", "gelu": "gelu", "linear": "identity"}  # fmt: skip
    for key, name in expected.items():
        own = recognise(ACT2FN[key])
        assert own is not None
        assert own.name == name, key


def test_names_and_networks_of_an_activation() -> None:
    assert [ACTIVATIONS[name].kind(True) for name in ("silu", "quick-gelu")] == ["SwiGLU", "gated quick-gelu"]
    assert ACTIVATIONS["silu"].network(True) == named_network("swiglu")
    assert ACTIVATIONS["gelu"].network(False) == named_network("gelu")
    quick = ACTIVATIONS["quick-gelu"].network(True)
    assert quick is not None
    assert quick.gated
    assert Nonlinearity("mish", nn.functional.mish).network(True) is None


# --- models in the wild


def check_wild(name: str) -> None:
    _, kind, width, twin_kind, twin_width = {**WILD, **MORE}[name]
    model, found = wild(name), audited(name)
    assert not found.skipped
    assert len(found.blocks) == len(find_blocks(model)) >= 2
    arguments, _ = example(model, SMALL["samples"], SMALL["length"], 0)
    blocks = {block.index: block for block in find_blocks(model)}
    seen = record(model, list(blocks.values()), arguments, SMALL["samples"])
    for block in found.blocks:
        assert (block.own.kind, block.own.width, block.twin.kind, block.twin.width) == (
            kind, width, twin_kind, twin_width,
        )  # fmt: skip
        assert block.own.gated != block.twin.gated
        assert block.verified
        assert block.own.parameters == blocks[block.index].parameters
        assert abs(block.own.parameters - block.twin.parameters) <= 100
        X = seen[block.index].inputs.double()
        K = module_kernel(blocks[block.index], X)
        ends = np.linalg.eigvalsh(K.numpy())[[0, -1]]
        assert block.as_it_is.value == pytest.approx(ends[1] / ends[0], rel=1e-6)
        if name != "bert":  # whose feed-forward network is no module of its own
            owner = blocks[block.index].owner.double()
            torch.testing.assert_close(module_ntk(owner, X[:, None]), K, rtol=1e-9, atol=0)
            owner.float()


def module_kernel(block: Any, X: torch.Tensor) -> torch.Tensor:
    """The NTK of the module itself, by torch.func; of BERT's two modules the composition."""
    owner = block.owner.double()
    names = [name for name, _ in owner.named_parameters() if name.split(".")[0] not in ("attention", "crossattention")]
    parameters = {name: owner.get_parameter(name).detach() for name in names if "LayerNorm" not in name}

    def outputs(values: dict[str, torch.Tensor]) -> Any:
        if not hasattr(owner, "intermediate"):
            return functional_call(owner, values, (X[:, None],))[:, 0]
        hidden_states = owner.intermediate.intermediate_act_fn(
            nn.functional.linear(X, values["intermediate.dense.weight"], values["intermediate.dense.bias"])
        )
        return nn.functional.linear(hidden_states, values["output.dense.weight"], values["output.dense.bias"])

    with torch.no_grad():
        jacobians = jacrev(outputs)(parameters)
    owner.float()
    return gram_of(jacobians)


@pytest.mark.parametrize("name", WILD)
def test_feed_forward_networks_in_the_wild(name: str) -> None:
    check_wild(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_more_feed_forward_networks_in_the_wild(name: str) -> None:
    check_wild(name)


def test_a_gate_taken_for_the_value_is_refused() -> None:
    model = wild("llama")
    blocks = find_blocks(model)
    arguments, _ = example(model, 5, 4, 0)
    for block in blocks:
        seen = record(model, blocks, arguments, 5)[block.index]
        (right,) = readings(block)
        assert distance(right, seen.inputs, seen.features) < tolerance(torch.float32)
        swapped = Weights(right.branches[::-1], right.biases, right.readout, right.offset, right.activation)
        assert distance(swapped, seen.inputs, seen.features) > 100 * tolerance(torch.float32)


class Gated(nn.Module):
    """A gated network as people write it, with a twist."""

    def __init__(self, twist: float = 0.0, d: int = 6, m: int = 10) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(d, m, bias=False), nn.Linear(d, m, bias=False)
        self.down_proj = nn.Linear(m, d, bias=False)
        self.act_fn = nn.SiLU()
        self.dropout = nn.Dropout(0.5)
        self.twist = twist

    def forward(self, x: torch.Tensor) -> Any:
        return self.down_proj(self.dropout((self.up_proj(x) + self.twist) * self.act_fn(self.gate_proj(x))))


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_a_module_that_computes_something_else_is_skipped_or_refused() -> None:
    found = audit(nn.Sequential(Gated(), Gated(twist=1.0)), inputs=(rows(8, 6),), draws=1)
    assert [block.name for block in found.blocks] == ["0"]
    assert found.skipped[0] == ("1", "it computes something else than a feed-forward network with these weights")
    with pytest.raises(DomainError, match="1 cannot be audited: it computes something else"):
        audit(nn.Sequential(nn.Identity(), Gated(twist=1.0)), inputs=rows(8, 6), draws=1)


def test_a_model_is_only_read() -> None:
    model = nn.Sequential(Gated(), Gated()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    audit(model, inputs=(rows(8, 6),), draws=1)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_equal_networks_are_redrawn_independently() -> None:
    model = Gated()
    one, other = audit(nn.ModuleList([model, copy.deepcopy(model)]), inputs=rows(8, 6), draws=3).blocks
    assert one.as_it_is == other.as_it_is
    assert not set(one.own.draws) & set(other.own.draws)
    assert not set(one.twin.draws) & set(other.twin.draws)


def test_inputs_may_be_rows_or_arguments_of_the_model() -> None:
    model, X = nn.Sequential(Gated()), rows(8, 6)
    figures = [
        audit(model, inputs=given, draws=1).blocks[0].as_it_is.value
        for given in (X, X.numpy(), (X,), {"input": X}, (torch.stack((rows(8, 6, 1), X), dim=1),))
    ]
    assert figures == pytest.approx([figures[0]] * 5, rel=1e-5)


def test_arguments_that_do_not_reach_a_block() -> None:
    class Partial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = Gated(), Gated()

        def forward(self, x: torch.Tensor) -> Any:
            return self.used(x)

    found = audit(Partial(), inputs=(rows(8, 6),), draws=1)
    assert found.skipped == (("unused", "the model did not call it with one row per example"),)


@pytest.mark.parametrize("network", ["swiglu", "gelu", "glu", "sin"])
def test_our_own_feed_forward_networks(network: str) -> None:
    model = FeedForward(network, inputs=6, width=12, seed=1)
    block = audit(model, inputs="normalised", samples=9, draws=2, biases=False).blocks[0]
    assert block.verified
    assert block.own.gated == named_network(network).gated
    assert block.expected_ratio is not None


def test_products_of_branches_that_are_no_glu_are_refused() -> None:
    from glutheory import product

    with pytest.raises(DomainError, match="cannot be audited"):
        audit(FeedForward(product("gelu", "tanh"), inputs=6, width=12, seed=1), inputs="gaussian", samples=9)


def test_a_module_that_hides_its_activation_is_read_by_trying() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(5, 16), nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> Any:
            value, gate = self.fc1(x).chunk(2, dim=-1)
            return self.fc2(value * torch.relu(gate))

    block = audit(Hidden(), inputs="gaussian", samples=7, draws=1).blocks[0]
    assert (block.own.kind, block.own.width, block.name) == ("ReGLU", 8, "Hidden")


def test_an_owner_that_cannot_be_called_alone_is_reported() -> None:
    class Fussy(Gated):
        def forward(self, x: torch.Tensor, more: Any = None) -> Any:
            return super().forward(x * more)

    found = audit(Fussy(), inputs="gaussian", samples=7, draws=1)
    assert not found.blocks[0].verified
    assert "could not be held against" in found.notes[0]


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


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"inputs": rows(5, 4)}, "inputs has 4 columns, but Gated takes 6"), ({"inputs": rows(1, 6)}, "one row"),
     ({"inputs": "gausian"}, "inputs is 'gausian'"), ({"inputs": (3,)}, "no tensor"), ({"samples": 1}, "samples is 1"),
     ({"draws": 0}, "draws is 0"), ({"layers": []}, "layers is empty"), ({"layers": [3]}, "layers has 3"),
     ({"changes": {"a": 1}}, "changes go with"), ({"inputs": "model"}, "reads neither token ids nor pixels"),
     ({"inputs": rows(5, 6) * torch.inf}, "X has the value")],
    ids=named,
)  # fmt: skip
def test_bad_arguments(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        audit(Gated(), **changes)


def test_what_is_no_model() -> None:
    with pytest.raises(DomainError, match="model is a int"):
        audit(3)
    with pytest.raises(DomainError, match="no feed-forward network that is known here"):
        audit(nn.Linear(3, 3), inputs="gaussian")


def test_weights_that_are_no_matrix() -> None:
    model = Gated()
    model.up_proj = nn.Bilinear(6, 6, 10)  # type: ignore[assignment]
    with pytest.raises(DomainError, match=r"their weights \(Bilinear, Linear\) cannot be read"):
        audit(model, inputs="gaussian")


# --- models by name


def test_random_tokens_end_differently_and_are_not_special() -> None:
    model = wild("llama")
    arguments, words = example(model, 150, 3, seed=1)
    ids = arguments["input_ids"]
    assert len(set(ids[:, -1].tolist())) == 150
    assert not {1, 2} & set(ids.flatten().tolist())
    assert words == "the last position of 150 sequences of 3 random token ids"
    many, _ = example(model, 400, 3, seed=1)
    assert many["input_ids"].shape == (400, 3)


def test_encoders_with_decoders_and_tiny_vocabularies() -> None:
    config = SimpleNamespace(vocab_size=2, pad_token_id=0, eos_token_id=[1], is_encoder_decoder=True)
    model: Any = SimpleNamespace(config=config, main_input_name="input_ids")
    arguments, _ = example(model, 3, 2, 0)
    assert torch.equal(arguments["input_ids"], arguments["decoder_input_ids"])


def test_of_a_model_too_large_only_the_layers_needed_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sum(parameter.numel() for parameter in wild("llama").parameters())
    monkeypatch.setattr(models, "MOST_PARAMETERS", whole - 1)
    with pytest.raises(DomainError, match="choose layers, e"):
        audit("llama", changes=GROUPED)
    with pytest.raises(DomainError, match="billion parameters; at most"):
        audit("llama", changes=GROUPED, layers=[1])
    assert len(audit("qwen2", changes=GROUPED, layers=[0], **SMALL).blocks) == 1  # its list of layers is cut too
    found = audit("llama", changes=GROUPED, layers=[0], **SMALL)
    assert [block.name for block in found.blocks] == ["layers.0.mlp"]
    assert "built with 1 of its 2 layers" in found.notes[0]
    monkeypatch.setattr(models, "MOST_PARAMETERS", 1)
    with pytest.raises(DomainError, match="in the layers that were asked for"):
        audit("llama", changes=GROUPED, layers=[0])


def test_a_configuration_is_a_model_too() -> None:
    config = configurations.configure("llama", {}, {**GROUPED, "dtype": "bfloat16"})
    found = audit(config, **SMALL)
    again = audit("llama", changes=GROUPED, **SMALL)
    assert found.as_json() == again.as_json()
    assert found.trained is False
    assert str(config.dtype) == "torch.bfloat16"
    with pytest.raises(DomainError, match="a configuration of transformers"):
        audit(config, changes={"hidden_size": 3})


def test_the_default_configuration_of_a_large_model_is_not_drawn() -> None:
    with pytest.raises(DomainError, match=r"llama of this configuration has 6\.61 billion parameters; at most 1 "):
        audit("llama")


def test_mixtures_of_experts_are_named() -> None:
    class SparseExperts(nn.Module):
        pass

    with pytest.raises(DomainError, match=r"0 is a mixture of experts \(SparseExperts\), which is not supported"):
        audit(nn.Sequential(SparseExperts()), inputs="gaussian")


def saved(folder: Path) -> Path:
    """A trained model on disk: one whose weights are not what its initialization gives."""
    model = models.build("llama", GROUPED, seed=5).model
    with torch.no_grad():
        model.get_parameter("layers.0.mlp.gate_proj.weight").mul_(10)
    configurations.library().utils.logging.disable_progress_bar()
    model.save_pretrained(folder)  # type: ignore[operator]
    configurations.library().utils.logging.enable_progress_bar()
    return folder


def test_trained_weights_are_read_from_a_folder(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    found = audit(str(folder), **SMALL)
    assert found.trained
    model = models.build(str(folder)).model
    assert float(model.get_parameter("layers.0.mlp.gate_proj.weight").detach().std()) == pytest.approx(0.2, rel=0.1)
    assert good("audit", str(folder), "--samples", "12", "--draws", "2").count("The model's weights are trained") == 1
    assert "does not go with trained weights" in bad("audit", str(folder), "--set", "hidden_size=3")
    fields = json.loads((folder / "config.json").read_text())
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert "cannot be read: transformers says" in bad("audit", str(folder))
    file.write_bytes(content)
    (folder / "config.json").write_text(json.dumps({**fields, "num_hidden_layers": 3, "layer_types": None}))
    assert "the files lack weights of layers.2.mlp" in bad("audit", str(folder), "--samples", "5")
    lacking = " ".join(good("audit", str(folder), "--samples", "5", "--draws", "1", "--layers", "0").split())
    assert "the files lack 9 parameters, e.g. layers.2.input_layernorm.weight: they are random" in lacking
    file.rename(folder / "pytorch_model.bin")
    assert "no safetensors" in bad("audit", str(folder))
    (folder / "pytorch_model.bin").unlink()
    assert "comes without weights" in good("audit", str(folder), "--samples", "5", "--draws", "1")
    changed = good("audit", str(folder / "config.json"), "--set", "num_hidden_layers=1", "--samples", "5")
    assert "layers.1" not in changed


# --- the command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments), prog_name="glutheory")


def good(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def bad(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


TINY = (
    "audit",
    "llama",
    *(f"--set={key}={value}" for key, value in GROUPED.items()),
    "--samples",
    "12",
    "--draws",
    "3",
)


def test_a_tiny_llama_from_the_command_line() -> None:
    text = good(*TINY)
    assert "SwiGLU, 32 → 86 → 32, 8,256 parameters; twin: plain silu, 32 → 129 → 32, 8,256 parameters" in text
    for name in ("layers.0.mlp", "layers.1.mlp"):
        assert any(line.startswith(name) for line in text.splitlines())
    assert "The gated network is better conditioned in 2 of 2 blocks" in text
    assert "Expected: " in text
    assert max(map(len, text.splitlines())) <= 100
    assert good(*TINY, "--ascii").isascii()


def test_the_gated_network_of_a_tiny_llama_is_better_conditioned() -> None:
    """The figures behind the table: what is there, and as the derived formulas say."""
    found = audit("llama", changes=GROUPED, samples=32, draws=8)
    assert found.ratio is not None
    assert found.ratio.low > 1
    for block in found.blocks:
        assert block.ratio is not None
        assert block.expected_ratio is not None
        assert 0.4 < block.ratio.mean / block.expected_ratio < 2
        figures = [draw.value for draw in block.own.draws]
        assert min(figures) / 2 < block.as_it_is.value < 2 * max(figures)


def test_the_json_holds_everything_and_repeats(tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    assert good(*TINY, "--json", "--out", str(file)) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]
    content = json.loads(file.read_text())
    assert (content["schema"], content["schema_version"]) == ("glutheory.audit", 1)
    assert set(content) == {
        "schema", "schema_version", "model", "trained", "inputs", "samples", "seed", "biases", "level", "ratio",
        "blocks", "skipped", "notes",
    }  # fmt: skip
    block = content["blocks"][0]
    assert set(block) == {
        "name", "index", "inputs", "outputs", "as_it_is", "own", "twin", "ratio", "expected_ratio", "verified",
        "biased", "approximate",
    }  # fmt: skip
    logs = [
        math.log(t["value"] / o["value"]) for t, o in zip(block["twin"]["draws"], block["own"]["draws"], strict=True)
    ]
    assert block["ratio"]["mean"] == pytest.approx(math.exp(np.mean(logs)))
    assert good(*TINY, "--json") == file.read_text()
    assert json.loads(good(*TINY, "--json", "--seed", "1"))["ratio"] != content["ratio"]


def test_one_layer_of_several_is_what_it_is_among_all() -> None:
    both, one = (json.loads(good(*TINY, "--json", "--layers", which))["blocks"] for which in ("0-1", "1"))
    assert both[1:] == one


def shown(found: Audit, **options: Any) -> str:
    return " ".join(report(found, Terminal(**options)).split())


def test_the_report_says_what_is_not_there() -> None:
    X = rows(6, 6)
    equal = audit(Gated(), inputs=torch.cat((X, X)), draws=2)
    text = shown(equal)
    assert "No ratio is resolved in double precision" in text
    assert "not resolved" in text
    some = replace(equal, blocks=(*audit(Gated(), inputs=X, draws=2).blocks, *equal.blocks))
    assert "(1 more not resolved in double precision)" in shown(some)
    skipped = audit(nn.Sequential(Gated(), Gated(twist=1.0)), inputs=(X,), draws=1)
    assert "Skipped: 1: it computes something else" in shown(skipped)
    assert "of 1 blocks, by the factor" in shown(skipped)
    assert "one draw has no interval (--draws)" in shown(skipped)


def test_blocks_of_different_sizes_have_tables_of_their_own() -> None:
    model = nn.Sequential(Gated(), Gated(m=20), Gated(m=20))
    text = report(audit(model, inputs=(rows(6, 6),), draws=2), Terminal(colour=True))
    assert text.count("as it is") == 2
    assert text.count("\x1b[1m") == 2


def test_a_lower_bound_is_shown_as_one() -> None:
    X = rows(9, 6).double()
    X[1:] = X[:1] + 1e-9 * X[1:]
    found = audit(Gated(), inputs=X, draws=2)
    assert found.blocks[0].as_it_is.is_bound
    assert shown(found).count("≥") == 3
    assert shown(found, unicode=False).count(">=") == 3


def test_progress_is_told_to_a_caller_and_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int, str]] = []
    audit(wild("llama"), progress=lambda *args: calls.append(args), **SMALL)
    assert calls == [(0, 2, "layers.0.mlp"), (1, 2, "layers.1.mlp")]
    monkeypatch.setattr("glutheory.audit.command._shows_progress", lambda: True)
    result = run(*TINY)
    assert "1/2 layers.1.mlp" in result.stderr
    assert "1/2" not in result.stdout


def test_data_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    arguments = ("audit", "gpt2", "--set", "n_embd=32", "--set", "n_head=2", "--set", "n_layer=1", "--draws", "1")
    np.save(file, np.random.default_rng(0).standard_normal((9, 32)))
    text = good(*arguments, "--data", str(file))
    assert "at 9 given rows" in text
    assert "--weights-only" in text
    assert "expected" in good(*arguments, "--data", str(file), "--weights-only")
    assert "leave out --inputs and --samples" in bad(*arguments, "--data", str(file), "--samples", "5")
    np.save(file, np.array([{}], dtype=object))
    assert "cannot be read" in bad(*arguments, "--data", str(file))
    np.savez(tmp_path / "rows.npz", a=np.zeros(3))
    assert "an archive" in bad(*arguments, "--data", str(tmp_path / "rows.npz"))
    file.write_bytes(b"")
    assert "cannot be read" in bad(*arguments, "--data", str(file))
    assert "No such file" in bad(*arguments, "--data", str(tmp_path / "none.npy"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lama",), "unknown model 'lama': did you mean 'llama'"),
        (("0 0 0 0",), "it is no model type"),
        (("meta-llama/Llama-3",), "is no local file or folder, and nothing is downloaded"),
        (("none.json",), "is no local file or folder"),
        (("x" * 5000,), "unknown model"),
        (("llama", "--set", "hiden_size=3"), "llama has no field 'hiden_size': did you mean 'hidden_size'"),
        (("llama", "--set", "hidden_size=abc"), "the configuration of llama cannot be made: transformers says"),
        (("llama", "--set", "vocab_size.a=3"), "'vocab_size' of llama has no fields"),
        (("clip", "--set", "patch_size=3"), "did you mean 'vision_config.patch_size'?"),
        (("clip", "--set", "vision_config.patch=3"), "clip.vision_config has no field 'patch': did you mean"),
        (("llama", "--set", "hidden_size"), "give FIELD=VALUE"),
        (("llama", "--set", "hidden_size=1", "--set", "hidden_size=2"), "twice"),
        (("llama", "--layers", "1-"), "--layers is '1-'"),
        (("llama", "--layers", "3-1"), "give the smaller number first"),
        (("llama", "--out", "/no/such/folder/file"), "there is no such folder"),
        (("llama", "--inputs", "uniform"), "'--inputs'"),
        (("llama", "--device", "abacus", "--set", "num_hidden_layers=1"), "device is 'abacus'"),
        ((), "Missing argument 'SOURCE'"),
    ],
    ids=str,
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert said in bad("audit", *arguments)


def test_a_sequence_too_long_is_one_sentence() -> None:
    tiny = [f"--set={key}={value}" for key, value in WILD["gpt2"][0].items()]
    assert "cannot read the last position" in bad("audit", "gpt2", *tiny, "--set=n_positions=8", "--length", "9")


@pytest.mark.parametrize(
    ("content", "said"),
    [("[", "cannot be read as a configuration"), ("[]", "has no field 'model_type'"),
     ('{"model_type": "lama"}', "which transformers"), ('{"model_type": "llama", "hidden_size": 65}', "multiple of")],
    ids=["torn", "list", "unknown", "bad"],
)  # fmt: skip
def test_bad_configuration_files(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert said in bad("audit", str(tmp_path / "config.json"))
    assert said in bad("audit", str(tmp_path))


def test_a_folder_named_like_a_type_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "llama").mkdir()
    assert "layers.0.mlp" in good(*TINY)


def test_values_and_lists_of_the_command_line() -> None:
    assert parse_layers("3, 0-1,1") == [0, 1, 3]
    given = ("a=1", "b=2.5", "c=true", "d=True", "e=None", "f=gelu", "g=[1, 2]", "h=1e-5", "i=__import__('os')")
    values = [1, 2.5, True, True, None, "gelu", [1, 2], 1e-5, "__import__('os')"]
    assert parse_changes(given) == dict(zip("abcdefghi", values, strict=True))


def test_nested_fields_and_aliases_are_set() -> None:
    config = configurations.configure("clip", {}, {"text_config.hidden_size": 24, "vision_config.patch_size": 4})
    assert (config.text_config.hidden_size, config.vision_config.patch_size) == (24, 4)
    for name in ("n_embd", "hidden_size"):
        assert configurations.configure("gpt2", {"n_embd": 64, "n_head": 2}, {name: 32}).n_embd == 32


def test_transformers_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(GlutheoryError, match=r"needs transformers: pip install 'glutheory\[models\]'"):
        audit("llama")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("LlamaForCausalLM", "LlamaForCausalLM"), ("LlamaConfig", "LlamaModel"), ("Llama", "LlamaModel")],
)
def test_a_class_is_built_as_such(name: str, kind: str) -> None:
    model = models.build(name, GROUPED, seed=3).model
    assert type(model).__name__ == kind
    assert not model.training
    own, other = (models.build(name, GROUPED, seed=seed).model.state_dict() for seed in (3, 4))
    assert all(torch.equal(tensor, own[key]) for key, tensor in model.state_dict().items())
    assert not all(torch.equal(tensor, own[key]) for key, tensor in other.items())


def test_of_a_model_that_reads_more_than_text_the_text_model_is_taken() -> None:
    built = models.build("gemma3", GEMMA)
    assert built.notes == ("gemma3 reads text and more: its text model, gemma3_text, is audited.",)


def test_no_such_class() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'PreTrainedModel'"):
        models.build("PreTrainedModel")


def test_the_help_needs_no_torch() -> None:
    code = (
        "import sys, glutheory.audit.command as c; from click.testing import CliRunner; import glutheory.cli as m\n"
        "assert CliRunner().invoke(m.main, ['audit', '--help']).exit_code == 0\n"
        "assert 'audit' in CliRunner().invoke(m.main, ['--help']).output\n"
        "print([n for n in ('torch', 'transformers', 'numpy') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_torch_missing() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from click.testing import CliRunner; import glutheory.cli as m\n"
        "result = CliRunner().invoke(m.main, ['audit', 'llama']); print(result.exit_code, result.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "2 error: this needs torch: pip install 'glutheory[models]'."
