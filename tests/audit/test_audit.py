"""`glutheory audit`: feed-forward networks as they occur in transformers, their kernels and twins."""

from __future__ import annotations

import copy
import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, jacrev

from glutheory import network as named_network
from glutheory.audit import Ratio, audit, configurations, models
from glutheory.audit import kernels as kernel_module
from glutheory.audit.blocks import distance, find_blocks, readings, tolerance
from glutheory.audit.inputs import example
from glutheory.audit.kernels import Weights, hidden, ntk
from glutheory.audit.nonlinearities import Nonlinearity, known, recognise
from glutheory.audit.recording import record
from glutheory.audit.twin import Recipe
from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.feed_forward import FeedForward
from tests.audit.audit_models import GROUPED, MORE, SMALL, WILD, Gated, audited, rows, wild
from tests.strategies import named


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
