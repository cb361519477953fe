"""Two-layer networks trained by full-batch gradient descent in torch, many at once; nothing of the theory is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.tools.roads import one_thread
from glutheory.networks import network

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks of one width, LeCun, trained side by side with the same data and rate.

    Attributes:
        losses: ‖f − Y‖², shape (networks, steps + 1).
        outputs: f at initialisation, shape (networks, n).
        kernels: J Jᵀ at initialisation, shape (networks, n, n).
    """

    losses: Array
    outputs: Array
    kernels: Array


def train(
    name: str, X: Array, Y: Array, *, width: int, count: int, rate: float, steps: int, seed: int, device: str = "cpu"
) -> Trained:
    """Gradient descent on ½‖f − Y‖² over all weights, by automatic differentiation, in float64."""
    import torch

    net, d = network(name), X.shape[1]
    rng = np.random.default_rng(seed)

    def draw(*shape: int, fan: int) -> torch.Tensor:
        values = rng.standard_normal(shape) / np.sqrt(fan)
        return torch.from_numpy(values).to(device).requires_grad_()

    with one_thread():
        hidden = [draw(count, width, d, fan=d) for _ in net.branches]
        readout = draw(count, width, 1, fan=width)
        activations = [_activation(branch.name) for branch in net.branches]
        inputs, targets = (torch.from_numpy(np.array(value, dtype=np.float64)).to(device) for value in (X, Y))
        losses, outputs, kernels = [], torch.empty(0), torch.empty(0)
        for step in range(steps + 1):
            before = [inputs @ weights.transpose(1, 2) for weights in hidden]
            unit = activations[0](before[0])
            for activation, values in zip(activations[1:], before[1:], strict=True):
                unit = unit * activation(values)
            f = (unit @ readout)[:, :, 0]
            if step == 0:
                outputs, kernels = f.detach().clone(), _kernels(f, unit, before, inputs)
            loss = ((f - targets) ** 2).sum(dim=1)
            losses.append(loss.detach())
            if step < steps:
                gradients = torch.autograd.grad(loss.sum() / 2, [*hidden, readout])
                with torch.no_grad():
                    for weights, gradient in zip([*hidden, readout], gradients, strict=True):
                        weights -= rate * gradient
        return Trained(torch.stack(losses, dim=1).cpu().numpy(), outputs.cpu().numpy(), kernels.cpu().numpy())


def _kernels(f: Any, unit: Any, before: list[Any], inputs: Any) -> Any:
    """J Jᵀ of every network, shape (networks, n, n): readout block h hᵀ, hidden blocks (X Xᵀ) ⊙ b bᵀ, b = ∂f/∂(w·x)."""
    import torch

    slopes = torch.autograd.grad(f.sum(), before, retain_graph=True)
    blocks = sum(slope @ slope.transpose(1, 2) for slope in slopes)
    return (unit @ unit.transpose(1, 2) + (inputs @ inputs.T) * blocks).detach()


def _activation(name: str) -> Callable[[Any], Any]:
    import torch

    table: dict[str, Callable[[Any], Any]] = {
        "identity": lambda z: z,
        "relu": torch.relu,
        "gelu": torch.nn.functional.gelu,
        "silu": torch.nn.functional.silu,
    }
    return table[name]
