"""Llama's blocks without attention in torch, as their library writes them: RMSNorm, feed-forward network, residual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from glutheory.sampling import module_ntk

Tensor = torch.Tensor
Array = npt.NDArray[np.float64]
#: Llama's; next to the mean square of a stream, which is about 1, it is nothing.
_EPSILON = 1e-6
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"silu": nn.functional.silu, "relu": torch.relu}


class Block(nn.Module):
    """``x + down(act(gate(h)) * up(h))`` with ``h = norm(x)``; without a gate ``x + down(act(up(h)))``."""

    def __init__(self, width: int, hidden: int, act: str, *, gated: bool) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=_EPSILON)
        self.up = _linear(width, hidden)
        self.gate = _linear(width, hidden) if gated else None
        self.down = _linear(hidden, width)
        self._act = ACTIVATIONS[act]

    def forward(self, x: Tensor) -> Tensor:
        """The stream after the block, shape (n, width)."""
        h = self.norm(x)
        u = self.up(h)
        image: Tensor = self.down(self._act(u) if self.gate is None else self._act(self.gate(h)) * u)
        return x + image


class Stream(nn.Module):
    """A dense embedding, blocks, a norm and one output: rows of shape (n, inputs) to shape (n,)."""

    def __init__(self, inputs: int, width: int, hidden: int, depth: int, act: str, *, gated: bool) -> None:
        super().__init__()
        self.embedding = _linear(inputs, width)
        self.blocks = nn.Sequential(*(Block(width, hidden, act, gated=gated) for _ in range(depth)))
        self.norm = nn.RMSNorm(width, eps=_EPSILON)
        self.head = _linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs."""
        found: Tensor = self.head(self.norm(self.blocks(self.embedding(x))))
        return found[:, 0]


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Without biases and not yet initialised."""
    with torch.device("meta"):
        made = nn.Linear(inputs, outputs, bias=False, dtype=torch.float64)
    return made.to_empty(device="cpu")


def initialised(model: nn.Module, seed: int) -> nn.Module:
    """All dense weights drawn with LeCun's variance, 1 over the fan-in, and all gains 1; in float64."""
    generator = torch.Generator().manual_seed(seed)
    model.double()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5, generator=generator)
    return model


def measured(model: nn.Module, X: Array, seed: int) -> Array:
    """The NTK of a freshly initialised model, by `module_ntk`; shape (n, n)."""
    kernel = module_ntk(initialised(model, seed), torch.as_tensor(X), progress=False)
    return np.asarray(kernel.numpy())
