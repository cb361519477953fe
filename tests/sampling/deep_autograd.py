"""The NTK of one sampled stack by autograd, group by group: the Jacobian of a forward pass written down once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from glutheory.layers import Stack, run
from glutheory.layers import records as layers
from glutheory.sampling.deep.streams import Streams
from tests.zoo import ROWS

WIDTH, SEED, DRAW = 9, 4, 2


#: The activations of the table of compositions that are not of the zoo.
OWN: dict[str, Callable[[Any], Any]] = {
    "z*erf(z)": lambda z: z * torch.erf(z),
    "sin(z) + cos(z)": lambda z: torch.sin(z) + torch.cos(z),
}


def torch_of(name: str) -> Callable[[Any], Any]:
    return OWN[name] if name in OWN else lambda z: ROWS[name].torch(torch, z)


class Forward:
    """Rules for `layers.run`: the forward pass of one input, for autograd.

    State: units, shape (positions, units). The parameters are given, or made and collected in `made`: of a dense layer
    (weights, biases if any), of a norm (gain, shift).
    """

    def __init__(self, streams: Streams, given: dict[str, Any] | None, *, standard: bool, width: int) -> None:
        self.streams, self.given, self.standard, self.width = streams, given, standard, width
        self.made: dict[str, Any] = {}

    def dense(self, state: Any, layer: layers.Dense, group: str) -> Any:
        fan_in, outside = state.shape[-1], (float(layer.variance) / state.shape[-1]) ** 0.5
        shift = float(layer.bias) ** 0.5
        if self.given is None:
            (rows,) = self.streams.neurons(1 if layer.readout else self.width, fan_in + (layer.bias > 0))
            numbers = rows.numbers()[0]
            W, b = numbers[:, :fan_in], numbers[:, fan_in:].sum(1)
            self.made[group] = (outside * W, shift * b) if self.standard else (W, b)
        W, b = (self.given or self.made)[group]
        z = state @ W.T if self.standard else outside * (state @ W.T)
        # without biases they are no parameters: their factor is 0
        return z + (b if self.standard else shift * b) * (layer.bias > 0)

    def product(self, state: Any, layer: layers.Product, groups: tuple[str, ...]) -> Any:
        result = 1.0
        for act, own, group in zip(layer.activations, layer.branches, groups, strict=True):
            result = result * torch_of(act.name)(self.dense(state, own, group))
        return result

    def norm(self, state: Any, layer: layers.Norm, group: str) -> Any:
        if layer.centred:
            state = state - state.mean(-1, keepdim=True)
        z = state / (state**2).mean(-1, keepdim=True).sqrt()
        if not group:
            return z
        if self.given is None:
            self.made[group] = (torch.ones_like(z[0]), torch.zeros_like(z[0]))
        gain, shift = (self.given or self.made)[group]
        # what is not trained does not depend on its parameter
        return z * (gain if layer.gain else 1.0) + (shift if layer.shift else 0.0)

    def scale(self, state: Any, layer: layers.Scale) -> Any:
        return float(layer.factor) * state

    def add(self, state: Any, other: Any) -> Any:
        return state + other

    def positions(self, state: Any, layer: layers.Positions) -> Any:  # noqa: ARG002
        return state.mean(0, keepdim=True)


def by_autograd(case: Stack, X: np.ndarray, parametrization: str, width: int = WIDTH) -> dict[str, Any]:
    """The blocks of the NTK of the first output from the Jacobian of the forward pass (the naive way)."""
    rows = torch.from_numpy(X).reshape(len(X), -1, X.shape[-1])
    standard = parametrization == "standard"
    streams = Streams(SEED, (DRAW,), rows)
    maker = Forward(streams, None, standard=standard, width=width)
    run(case.layers, rows[0], maker)

    def output(parameters: dict[str, Any], row: Any) -> Any:
        return run(case.layers, row, Forward(streams, parameters, standard=standard, width=width))[0, 0]

    jacobian = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))(maker.made, rows)
    blocks = {}
    for name in case.groups:
        flat = torch.cat([part.flatten(1) for part in jacobian[name]], dim=1)
        blocks[name] = flat @ flat.T
    return blocks


def options(parametrization: str = "ntk", width: int = WIDTH) -> dict[str, Any]:
    return {
        "width": width,
        "seed": SEED,
        "draw": DRAW,
        "dtype": torch.float64,
        "parametrization": parametrization,
    }


def furthest(found: dict[str, Any], expected: dict[str, Any]) -> float:
    """The largest difference of any entry, in units of its block's largest one."""
    return max(float((found[name] - block).abs().max() / block.abs().max()) for name, block in expected.items())
