"""Small models of every family, for the tests."""

# ruff: noqa: E402  (the architectures can be imported only where torch is)

from __future__ import annotations

import importlib
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="glutheory.architectures needs torch")
for package in ("transformers", "einops"):
    pytest.importorskip(package, reason="the extra 'models' is not installed")

from torch import nn

from glutheory.architectures import Architecture, build, example_inputs, models
from glutheory.architectures.catalog import architecture
from glutheory.networks import Network

#: One of each family, as small as can be; the vit's heads are narrower than its states together.
TINY = {
    "vit": architecture("vit-digits", dim=12, width=12, heads=2, head_dim=4, outputs=3),
    "shared-norm-vit": architecture("vit-released-digits", dim=12, width=12, heads=2, head_dim=4, outputs=3),
    "gpt2": architecture("gpt2-bytes", dim=12, width=12, heads=2, head_dim=6, outputs=3, vocabulary=40, sequence=6),
    "mixer": architecture("mixer-digits", dim=12, width=12, token_width=9, outputs=3),
}
PLAIN, GATED = ("relu", "gelu", "silu"), ("reglu", "geglu", "swiglu")


def inputs(size: Architecture, n: int = 3, seed: int = 0) -> Any:
    """In float64 where they are real."""
    found = example_inputs(size, n, seed)
    return found.double() if found.is_floating_point() else found


def make(size: str | Architecture, network: str | Network = "geglu", seed: int = 5, **options: Any) -> Any:
    return build(size, network, seed=seed, **({"dtype": torch.float64} | options))


def on_meta(size: Architecture, network: str) -> nn.Module:
    """The model without its numbers, at no cost."""
    module, name, _ = models._CLASSES[size.name]
    with torch.device("meta"):
        found: nn.Module = getattr(importlib.import_module(module), name)(size, network)
    return found


def count(model: nn.Module, names: tuple[str, ...] | None = None) -> int:
    chosen = dict(model.named_parameters())
    return sum(chosen[name].numel() for name in (names or chosen))
