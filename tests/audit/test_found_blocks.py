"""Feed-forward networks found in models of the wild, and those that are skipped or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev

from glutheory import network as named_network
from glutheory.audit import audit
from glutheory.audit.blocks import Block, distance, readings, tolerance
from glutheory.audit.inputs import example
from glutheory.audit.kernels import Weights
from glutheory.audit.recording import Seen, record
from glutheory.audit.search import find_blocks
from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.feed_forward import FeedForward
from tests.audit.audit_models import MORE, SMALL, WILD, Gated, audited, rows, wild
from tests.audit.audited_blocks import gram_of


def check_wild(name: str) -> None:
    _, kind, width, twin_kind, twin_width = {**WILD, **MORE}[name]
    model, found = wild(name), audited(name)
    assert not found.skipped
    assert len(found.blocks) == len(find_blocks(model)) >= 2
    arguments, _ = example(model, SMALL["samples"], SMALL["length"], 0)
    blocks = {block.index: block for block in find_blocks(model) if isinstance(block, Block)}
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
        assert isinstance(block, Block)
        assert isinstance(seen, Seen)
        (right,) = readings(block)
        assert distance(right, seen.inputs, seen.features) < tolerance(torch.float32)
        swapped = Weights(right.branches[::-1], right.biases, right.readout, right.offset, right.activation)
        assert distance(swapped, seen.inputs, seen.features) > 100 * tolerance(torch.float32)


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


def test_mixtures_of_experts_are_named() -> None:
    class SparseExperts(nn.Module):
        pass

    with pytest.raises(DomainError, match=r"0: a mixture of experts \(SparseExperts\) of a form that is not"):
        audit(nn.Sequential(SparseExperts()), inputs="gaussian")
