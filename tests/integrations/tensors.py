"""Rows as tensors, the networks and the gradients of their kernels."""

from __future__ import annotations

from typing import Any

import pytest

import glutheory as glu
from glutheory.activations import activation
from glutheory.layers import Stack
from glutheory.networks import Network, product
from tests.strategies import named
from tests.zoo import FAST_NETWORKS, JUMPS

torch = pytest.importorskip("torch")
from glutheory.integrations.torch import gram  # noqa: E402

NETWORKS: tuple[Network, ...] = (
    *(glu.network(name) for name in FAST_NETWORKS),
    product(activation("leaky_relu", slope="0.3"), activation("silu", beta=2), name="two"),
    product("identity", "sin", "relu2", name="three"),
    product("exp", "step", name="exp * step"),
)


def by_label(value: Any) -> str:
    return value.name if isinstance(value, Network) else named(value)


def rows(n: int, d: int, seed: int, dtype: Any = None) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=dtype or torch.float64)


def jumps(net: Network) -> bool:
    return any(act.name in JUMPS for act in net.branches)


def roles(net: Network) -> tuple[str, ...]:
    return ("readout", *net.roles)


def gradient(net: Network | Stack | str, X: Any, Y: Any = None, **options: Any) -> Any:
    X = X.clone().requires_grad_()
    gram(net, X, Y, **options).sum().backward()
    return X.grad
