"""The NTK of anything that can be trained, the slowest way: one input and one output at a time, each on a copy."""

from __future__ import annotations

import copy
from typing import Any

import torch

Tensor = torch.Tensor


def per_sample(model: Any, inputs: Any, output: Any = None, others: Any = None) -> Tensor:
    """The kernel summed over outputs, float64, shape (n, n) or (n, m).

    It shares nothing with the package: every gradient is that of one output of one input alone, by the loop that a
    user would write, on a fresh copy of the model each time.
    """
    ours = jacobian(model, inputs, output)
    theirs = ours if others is None else jacobian(model, others, output)
    return torch.einsum("iap,jap->ij", ours, theirs)


def jacobian(model: Any, inputs: Any, output: Any = None) -> Tensor:
    """Shape (n, k, parameters); complex parameters count twice."""
    items = inputs if isinstance(inputs, dict) else {"": inputs}
    rows = []
    for i in range(len(next(iter(items.values())))):
        one = {key: value[i : i + 1] for key, value in items.items()}
        gradients: list[Tensor] = []
        count = 1
        while len(gradients) < count:
            fresh = copy.deepcopy(model).requires_grad_()
            given = {key: value.clone() for key, value in one.items()}
            returned = fresh(**given) if isinstance(inputs, dict) else fresh(given[""])
            flat = (returned if output is None else output(returned)).reshape(-1)
            flat[len(gradients)].backward()
            gradients.append(torch.cat([_flat(p) for p in fresh.parameters()]).double())
            count = len(flat)
        rows.append(torch.stack(gradients))
    return torch.stack(rows)


def _flat(parameter: Tensor) -> Tensor:
    gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.to_dense()
    return (torch.view_as_real(gradient) if gradient.is_complex() else gradient).reshape(-1)
