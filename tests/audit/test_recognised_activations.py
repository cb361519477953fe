"""Activations are known by their values, whatever they are called."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from glutheory import network as named_network
from glutheory.audit.nonlinearities import Nonlinearity, recognise
from tests.audit.audited_blocks import ACTIVATIONS
from tests.strategies import named


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
