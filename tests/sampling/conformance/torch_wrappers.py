"""Networks around a layer of torch, and ways to call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor
#: How a layer is called on what comes before it: (layer, h) ↦ a tensor, or a tuple that begins with one.
Called = Callable[[Any, Tensor], Any]


def plainly(layer: Any, h: Tensor) -> Any:
    return layer(h)


def twice(layer: Any, h: Tensor) -> Any:
    return layer(h, h.flip(-1))


def attended(layer: Any, h: Tensor) -> Any:
    return layer(h, h.flip(-1), h)


class Between(nn.Module):
    """A linear map of the last axis, the layer, and a linear map of all that it returns."""

    def __init__(self, layer: nn.Module, shape: tuple[int, ...], called: Called) -> None:
        super().__init__()
        self.before, self.layer, self.called = nn.Linear(shape[-1], shape[-1]), layer, called
        with torch.no_grad():
            size = self._flat(torch.randn(2, *shape)).shape[1]
        self.after = nn.Linear(size, 2)

    def _flat(self, x: Tensor) -> Tensor:
        found = self.called(self.layer, self.before(x))
        return (found if isinstance(found, Tensor) else found[0]).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.after(self._flat(x).tanh())
        return found


class Bags(nn.Module):
    """Ids, a table, and a linear map."""

    def __init__(self, table: nn.Module) -> None:
        super().__init__()
        self.table, self.after = table, nn.Linear(4, 2)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.after(self.table(ids).tanh().reshape(len(ids), -1, 4).mean(1))
        return found


class Kept(nn.Module):
    """A layer that stays in training mode."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def train(self, mode: bool = True) -> Kept:
        super().train(mode)
        self.layer.train()
        return self

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


def unpooled(d: int, layer: Any, h: Tensor) -> Tensor:
    pooled, places = getattr(nn.functional, f"max_pool{d}d")(h, 2, return_indices=True)
    result: Tensor = layer(pooled, places)
    return result


def log_probabilities(layer: Any, h: Tensor) -> Any:
    return layer.log_prob(h)


def cell(layer: Any, h: Tensor) -> Any:
    return layer(h, torch.zeros_like(h[:, :1]).expand(-1, 4) + h[:, :4])


def unrolled(cell: Any, h: Tensor) -> Any:
    state = h[:, 0, :4]
    for step in h.unbind(1):
        state = cell(step, state)
    return state
