"""How a layer routes its inputs to stacked experts: what each is given, and by what its output is weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from glutheory.audit.experts import Stack


@dataclass(frozen=True)
class Routed:
    """What passed through a stack of experts, one row per example.

    Attributes:
        inputs: of the experts, shape (n, d); or (experts, n, d) where each has its own.
        factors: by what the router weighs their outputs, shape (experts, n), 0 where an input is not sent.
        outputs: what the experts gave together, shape (n, outputs).
        layer: what reached the layer that routes, shape (n, d); None if it took something else.
    """

    inputs: torch.Tensor
    factors: torch.Tensor
    outputs: torch.Tensor
    layer: torch.Tensor | None = None

    @property
    def shared(self) -> torch.Tensor | None:
        """The rows that any expert could be given, shape (n, d)."""
        return self.inputs if self.inputs.ndim == 2 else self.layer

    def of(self, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of one expert: the numbers of the rows that are sent to it, these rows, and their factors."""
        inputs = self.inputs if self.inputs.ndim == 2 else self.inputs[number]
        places = self.factors[number].nonzero().flatten()
        return places, inputs[places], self.factors[number][places]


def joined(parts: Sequence[Routed]) -> Routed:
    """The same for several batches of examples."""
    return Routed(
        torch.cat([part.inputs for part in parts], dim=-2),
        torch.cat([part.factors for part in parts], dim=1),
        torch.cat([part.outputs for part in parts]),
        torch.cat(layers)
        if len(layers := [part.layer for part in parts if part.layer is not None]) == len(parts)
        else None,
    )


def routed(stack: Stack, given: Sequence[Any], output: Any, n: int) -> Routed | None:
    """The routing that a call of the experts shows, at the last position of each of n examples.

    Args:
        stack: the experts.
        given: the arguments of the call: rows, the numbers of experts and their weights, shape (rows, k) each; or one
            row per input and expert, the experts one after the other, weighed already.
        output: what the call gave.
        n: how many examples there are.
    """
    tensors = [part.detach() for part in given if isinstance(part, torch.Tensor)]
    if not tensors or not isinstance(output, torch.Tensor) or tensors[0].numel() % n:
        return None
    rows = tensors[0].reshape(-1, tensors[0].shape[-1])
    results = output.detach().reshape(-1, output.shape[-1])
    if len(tensors) == 1:
        if len(rows) % (stack.count * n) or results.shape[0] != rows.shape[0]:
            return None
        own = rows.reshape(stack.count, n, -1, rows.shape[-1])[:, :, -1]
        sums = results.reshape(stack.count, n, -1, results.shape[-1])[:, :, -1].sum(dim=0)
        return Routed(own.clone(), (own != 0).any(dim=-1).double(), sums)
    chosen = next((part for part in tensors[1:] if not part.is_floating_point()), None)
    weights = next((part for part in tensors[1:] if part.is_floating_point()), None)
    if chosen is None or weights is None or len(rows) % n or len(results) != len(rows):
        return None
    chosen, weights = (part.reshape(len(rows), -1) for part in (chosen, weights))
    if chosen.shape != weights.shape:
        return None
    # a number beyond the experts sends a row to none of them
    factors = torch.zeros(len(rows), stack.count + 1, dtype=torch.float64, device=rows.device)
    factors.scatter_add_(1, chosen.long().clamp(0, stack.count), weights.double())
    last = torch.arange(1, n + 1, device=rows.device) * (len(rows) // n) - 1
    return Routed(rows[last], factors[last, : stack.count].mT.contiguous(), results[last])
