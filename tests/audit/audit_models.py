"""Models for the tests of the audit: those of transformers made small, and one that computes something else."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn

from glutheory.audit import Audit, audit, models

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
