"""Routed experts: each one and their mixture, against the Jacobian of the model's own module."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev

from glutheory.audit import Audit, audit, models
from glutheory.audit.experts import Expert, Mixture, Stack, stacked
from glutheory.audit.gates import factors, interleaved
from glutheory.audit.inputs import example
from glutheory.audit.recording import record
from glutheory.audit.search import find_blocks
from glutheory.audit.text import report
from glutheory.errors import DomainError
from glutheory.terminal import Terminal
from tests.audit.audit_models import GEMMA, GROUPED, rows
from tests.audit.audited_blocks import gram_of

#: Type: (configuration, kind, width of an expert, the other feed-forward networks of its layers).
ROUTED: dict[str, tuple[dict[str, Any], str, int, set[str]]] = {
    "mixtral": ({**GROUPED, "num_local_experts": 4}, "SwiGLU", 86, set()),
    "qwen2_moe": (
        {**GROUPED, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 48, "num_experts": 4},
        "SwiGLU", 24, {"shared_expert"},
    ),
    "qwen3_moe": (
        {**GROUPED, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "num_experts": 4}, "SwiGLU", 24, set(),
    ),
    "olmoe": ({**GROUPED, "num_experts": 8, "num_experts_per_tok": 2, "pad_token_id": 0}, "SwiGLU", 86, set()),
    "llama4_text": (
        {**GEMMA, "intermediate_size_mlp": 60, "num_local_experts": 4}, "SwiGLU", 86, {"shared_expert"},
    ),
    "gpt_oss": (
        {**GEMMA, "num_local_experts": 4}, "gated clamped quick-gelu with clamped value + 1", 86, set(),
    ),
    "deepseek_v2": (
        {**GROUPED, "num_key_value_heads": 2, "moe_intermediate_size": 24, "n_routed_experts": 4,
         "num_experts_per_tok": 2, "first_k_dense_replace": 1, "q_lora_rank": 8, "kv_lora_rank": 8,
         "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8, "n_shared_experts": 1},
        "SwiGLU", 24, {"shared_experts", "mlp"},
    ),
    "deepseek_v3": (
        {**GROUPED, "num_key_value_heads": 2, "moe_intermediate_size": 24, "n_routed_experts": 8,
         "num_experts_per_tok": 2, "first_k_dense_replace": 1, "q_lora_rank": 8, "kv_lora_rank": 8,
         "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8, "n_shared_experts": 1, "n_group": 2,
         "topk_group": 1},
        "SwiGLU", 24, {"shared_experts", "mlp"},
    ),
}  # fmt: skip
N = 9


@cache
def model_of(name: str) -> Any:
    model: Any = models.build(name, ROUTED[name][0]).model
    config: Any = model.config
    config._experts_implementation = "eager"  # others want multiples of 16 bytes
    with torch.no_grad():
        for label, parameter in model.named_parameters():
            if "bias" in label:  # transformers draws zeros, at which a bias that is forgotten does not show
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(len(label)))
    return model


@cache
def audit_of(name: str) -> Audit:
    return audit(model_of(name), samples=N, length=3, draws=2)


def kernel(stack: Stack, *arguments: torch.Tensor) -> torch.Tensor:
    """The NTK of the experts' own module in float64, by torch.func; of stacked rows their sum."""
    owner: Any = stack.owner.double()
    if hasattr(owner, "config"):  # the fast product of groups knows no float64
        owner.config._experts_implementation = "eager"
    parameters = {name: value.detach() for name, value in owner.named_parameters()}

    def outputs(values: dict[str, torch.Tensor]) -> Any:
        found = functional_call(owner, values, arguments)
        return found.reshape(-1, N, found.shape[-1]).sum(dim=0)

    with torch.no_grad():
        jacobians = jacrev(outputs)(parameters)
    owner.float()
    return gram_of(jacobians)


def condition(kernel: torch.Tensor) -> float:
    ends = np.linalg.eigvalsh(kernel.numpy())[[0, -1]]
    return float(ends[1] / ends[0])


def calls(model: Any, stack: Stack) -> tuple[torch.Tensor, ...]:
    """What the experts' module is given at the last positions, read by a hook of the test's own."""
    kept: list[tuple[Any, ...]] = []
    handle = stack.owner.register_forward_pre_hook(lambda _m, a, k: kept.append((*a, *k.values())), with_kwargs=True)
    arguments, _ = example(model, N, 3, 0)
    with torch.no_grad():
        model(**arguments)
    handle.remove()
    given = [part for part in kept[0] if isinstance(part, torch.Tensor)]
    if len(given) == 1:  # one row per input and expert
        return (given[0].reshape(stack.count, N, 3, -1)[:, :, -1].reshape(stack.count * N, -1).double(),)
    last = [part.reshape(N, 3, -1)[:, -1] for part in given]
    return tuple(part.double() if part.is_floating_point() else part for part in last)


@pytest.mark.parametrize(
    "name",
    [
        "qwen2_moe",
        pytest.param("llama4_text", marks=pytest.mark.long),
        pytest.param("gpt_oss", marks=pytest.mark.slow),
    ],
)
def test_experts_and_their_mixture(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(ROUTED) - {"qwen2_moe", "gpt_oss", "llama4_text"}))
def test_more_experts_and_their_mixture(name: str) -> None:
    check(name)


def check(name: str) -> None:
    _, kind, width, others = ROUTED[name]
    model, found = model_of(name), audit_of(name)
    assert not found.skipped
    blocks = {block.index: block for block in found.blocks}
    parts = find_blocks(model)
    assert len(blocks) == len(parts)
    mixtures = [part for part in parts if isinstance(part, Mixture)]
    assert mixtures
    assert {part.name.rsplit(".", 1)[-1] for part in parts if not isinstance(part, Expert | Mixture)} == others
    arguments, _ = example(model, N, 3, 0)
    seen = record(model, parts, arguments, N)
    for mixture in mixtures:
        stack = mixture.stack
        block = blocks[mixture.index]
        assert (block.own.kind, block.own.width, block.experts) == (kind, width, stack.count)
        assert block.own.parameters == sum(parameter.numel() for parameter in stack.owner.parameters())
        given = calls(model, stack)
        # the kernel entry by entry is that of the module; the model's arithmetic before it is float32
        assert block.as_it_is.value == pytest.approx(condition(kernel(stack, *given)), rel=1e-5)
        X = seen[mixture.index].shared.double()  # type: ignore[union-attr]
        for number in range(stack.count):
            own = blocks[mixture.index - stack.count + number]
            assert own.name == f"{mixture.name}.{number}"
            assert own.experts is None
            assert own.own.parameters * stack.count == block.own.parameters
            assert own.as_it_is.value == pytest.approx(condition(alone(stack, number, X)), rel=1e-5)
        # a negative control: other weights of the router give another kernel
        if len(given) == 3:
            swapped = kernel(stack, given[0], given[1], given[2] * torch.linspace(0.5, 2, N)[:, None])
            assert abs(condition(swapped) / block.as_it_is.value - 1) > 1e-3


def alone(stack: Stack, number: int, X: torch.Tensor) -> torch.Tensor:
    """The kernel of one expert: every row is sent to it with weight 1."""
    if name_of(stack).startswith("Llama4"):  # one row per input and expert: zeros for the others
        given = torch.zeros(stack.count, *X.shape, dtype=X.dtype)
        given[number] = X
        return kernel(stack, given.reshape(-1, X.shape[1]))
    return kernel(stack, X, torch.full((len(X), 1), number), torch.ones(len(X), 1, dtype=X.dtype))


def name_of(stack: Stack) -> str:
    return type(stack.owner).__name__


def test_the_report_says_what_is_routed() -> None:
    text = report(audit_of("qwen2_moe"), Terminal())
    assert "layers.0.mlp.experts.3 " in text
    assert "layers.0.mlp.experts (4 routed) " in text
    assert "with the router fixed" in " ".join(text.split())
    wide = report(audit_of("gpt_oss"), Terminal())
    assert "redrawn: gated" not in wide  # the kind is a column's head no longer, but stands above the table
    assert "gated clamped quick-gelu with clamped value + 1, 32 → 86 → 32, 8,460 parameters" in wide


def test_rows_of_the_users_are_routed_by_the_layer_alone() -> None:
    found = audit(model_of("qwen2_moe"), inputs=rows(N, 32), draws=1)
    assert not found.skipped
    routed = next(block for block in found.blocks if block.experts)
    assert routed.verified
    model = model_of("qwen2_moe")
    stack = stacked(model, "layers.0.mlp.experts")
    assert stack is not None
    kept: list[tuple[Any, ...]] = []
    handle = stack.owner.register_forward_pre_hook(lambda _m, a: kept.append(a))
    with torch.no_grad():
        stack.parent(rows(N, 32)[:, None])
    handle.remove()
    X, index, weights = kept[0]
    assert routed.as_it_is.value == pytest.approx(
        condition(kernel(stack, X.double(), index, weights.double())), rel=1e-5
    )


class Clamped(nn.Module):
    """Experts with a gate of their own."""

    def __init__(self, apply: Any) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.randn(3, 8, 6))
        self.down_proj = nn.Parameter(torch.randn(3, 6, 4))
        self._apply_gate = apply

    def forward(self, x: torch.Tensor, index: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        up = torch.einsum("nkod,nd->nko", self.gate_up_proj[index], x)
        return torch.einsum("nkdm,nkm,nk->nd", self.down_proj[index], self._apply_gate(up), weights)


class Routing(nn.Module):
    def __init__(self, experts: nn.Module) -> None:
        super().__init__()
        self.experts, self.gate = experts, nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.reshape(-1, 6)
        weights, index = self.gate(flat).softmax(dim=-1).topk(2)
        return self.experts(flat, index, weights).reshape(x.shape)  # type: ignore[no-any-return]


#: A function of pairs; which layout, name of φ and of ψ and whether the gate is first, or None if it is no product.
PAIRINGS: dict[str, tuple[Any, tuple[bool, str, str | None, bool] | None]] = {
    "halves": (lambda z: nn.functional.silu(z.chunk(2, -1)[0]) * z.chunk(2, -1)[1], (False, "silu", None, True)),
    "neighbours": (lambda z: torch.relu(z[..., ::2]) * z[..., 1::2], (True, "relu", None, True)),
    "the value first": (lambda z: z[..., ::2] * torch.sigmoid(z[..., 1::2]), (True, "sigmoid", None, False)),
    "clamped": (
        lambda z: nn.functional.silu(z.chunk(2, -1)[0].clamp(max=7)) * z.chunk(2, -1)[1].clamp(-7, 7),
        (False, "clamped silu", "clamped value", True),
    ),
    "shifted": (lambda z: torch.tanh(z[..., ::2]) * (z[..., 1::2] + 1), (True, "tanh", "value + 1", True)),
    "no product": (lambda z: torch.sin(z[..., ::2] + z[..., 1::2]), None),
    "of all units": (lambda z: z.softmax(-1).chunk(2, -1)[0], None),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRINGS)
def test_gates_are_taken_apart(name: str) -> None:
    apply, expected = PAIRINGS[name]
    torch.manual_seed(1)
    model = Routing(Clamped(apply))
    if expected is None:
        assert factors(apply) is None
        with pytest.raises(DomainError, match="computes something else"):
            audit(model, inputs=rows(8, 6), draws=1)
        return
    layout, phi, psi, first = expected
    found = factors(apply)
    assert found is not None
    assert (interleaved(apply), found[0].name, found[1] and found[1].name, found[2]) == (layout, phi, psi, first)
    blocks = audit(model, inputs=4 * rows(8, 6), draws=1).blocks
    assert [block.experts for block in blocks] == [None, None, None, 3]
    assert all(block.verified for block in blocks)


def test_experts_of_another_form_are_named() -> None:
    class ParallelExperts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 4, 6))

    from tests.audit.audit_models import Gated

    found = audit(nn.Sequential(Gated(), ParallelExperts()), inputs=rows(8, 6), draws=1)
    assert found.skipped == (("1", "a mixture of experts (ParallelExperts) of a form that is not known here"),)
