"""A feed-forward network made of modules, and what it may compute.

It is recognised by the names of its linear maps (`glutheory.audit.forms`). What it computes between them, which half of
a fused map is the gate and which activation it has, is read from it and then held against what the model does compute:
a reading that does not reproduce the model's own hidden features is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from glutheory.audit.forms import ACTIVATIONS, child, matrix
from glutheory.audit.kernels import Weights, hidden
from glutheory.audit.nonlinearities import Nonlinearity, known, recognise
from glutheory.networks import Network
from glutheory.sampling.differentiable import differentiable

#: Largest distance between the features read and those computed, relative to their norm, in roundings of the dtype.
_ROUNDINGS, _LEAST = 8.0, 1e-4


@dataclass(frozen=True)
class Block:
    """A feed-forward network as found; nothing of it is copied or changed.

    Attributes:
        name: the path of the module that owns it.
        index: its place among all that were found, from 0.
        owner: that module.
        branches: the linear maps into the hidden layer, as in `Form`.
        readout: the linear map out of it.
        activation: the module between them, where its place says which one it is; else None.
    """

    name: str
    index: int
    owner: nn.Module
    branches: tuple[nn.Module, ...]
    readout: nn.Module
    activation: nn.Module | None = None

    @property
    def width_in(self) -> int:
        """The dimension of its inputs."""
        weight = matrix(self.branches[0])
        assert weight is not None  # fits has seen it
        return weight.shape[1]

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.readout.parameters()).device

    @property
    def parameters(self) -> int:
        """How many parameters its linear maps have."""
        return sum(parameter.numel() for part in (*self.branches, self.readout) for parameter in part.parameters())


def _activations(block: Block) -> Iterator[Nonlinearity]:
    """What a module shows as its activation; if nothing, all that are known, one of which may be right."""
    shown = [child(block.owner, path) for path in ACTIVATIONS] if block.activation is None else [block.activation]
    found = [own for function in shown if callable(function) and (own := recognise(function))]
    network = getattr(block.owner, "network", None)
    if isinstance(network, Network):  # our own FeedForward, with any activation
        gate = network.gate
        own = recognise(differentiable(gate))
        found = [own if own and own.zoo else Nonlinearity(gate.label, differentiable(gate), gate)]
    yield from found or known()


def readings(block: Block) -> Iterator[Weights]:
    """What the block may compute, the most likely first."""
    matrices = [found for part in block.branches if (found := matrix(part)) is not None]
    biases = [None if (bias := getattr(part, "bias", None)) is None else bias.detach() for part in block.branches]
    readout = matrix(block.readout)
    assert readout is not None  # find_blocks has seen it
    offset = getattr(block.readout, "bias", None)
    fused = len(matrices) == 1 and matrices[0].shape[0] == 2 * readout.shape[1]
    if fused:
        gate, value = matrices[0].chunk(2)
        gate_bias, value_bias = (None, None) if biases[0] is None else biases[0].chunk(2)
        matrices, biases = [value, gate], [value_bias, gate_bias]
    for activation in _activations(block):
        own = Weights(tuple(matrices), tuple(biases), readout, None if offset is None else offset.detach(), activation)
        yield own
        if fused:
            yield replace(own, branches=own.branches[::-1], biases=own.biases[::-1])


def distance(weights: Weights, X: torch.Tensor, features: torch.Tensor) -> float:
    """‖h(X) − features‖/‖features‖: how far a reading is from what the model computes."""
    return float((hidden(weights, X) - features.double()).norm() / features.double().norm().clamp_min(1e-300))


def tolerance(dtype: torch.dtype) -> float:
    """The largest `distance` that rounding explains in a model of this dtype."""
    return max(_LEAST, _ROUNDINGS * torch.finfo(dtype).eps)
