"""The NTK of one feed-forward network with several outputs, without a Jacobian.

    z(x) = V h(x) + c,     h(x) = ∏_i φ_i(W_i x + b_i)          (gated: φ_1 the identity, as a rule)

With β_i = ∂h/∂(W_i x + b_i) and s_r = Σ_o V_or² the sum over the outputs of J Jᵀ, all parameters counted, is

    K = d_out (h·h' + [c]) + Σ_i (x·x' + [b_i]) Σ_r s_r β_ir β'_ir

where [c] and [b_i] are 1 if there is that bias and 0 otherwise. Every hidden unit adds its own term: they are taken
some at a time, so that no weight matrix is copied to float64 as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from glutheory.audit.nonlinearities import Nonlinearity, value_and_slope

#: Bytes of temporaries: what decides how many hidden units are taken at once.
_WORKSPACE = 64 * 2**20
_UNIT = 2.0**-53


@dataclass(frozen=True)
class Weights:
    """A feed-forward network as numbers; the tensors may be views of a model's own, and are never written.

    Attributes:
        branches: W_i, shape (width, inputs) each; of a gated network the value, then the gate.
        biases: b_i, shape (width,), or None, one per branch.
        readout: V, shape (outputs, width).
        offset: c, shape (outputs,), or None.
        activation: φ of the last branch.
        value: the function of the other branch of a gated network; None for the identity, which it nearly always is.
    """

    branches: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor | None, ...]
    readout: torch.Tensor
    offset: torch.Tensor | None
    activation: Nonlinearity
    value: Nonlinearity | None = None

    @property
    def gated(self) -> bool:
        """Whether there is a value branch beside the gate."""
        return len(self.branches) == 2

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Inputs, width, outputs."""
        width, inputs = self.branches[0].shape
        return inputs, width, self.readout.shape[0]

    @property
    def parameters(self) -> int:
        """How many parameters it has."""
        tensors = (*self.branches, *self.biases, self.readout, self.offset)
        return sum(tensor.numel() for tensor in tensors if tensor is not None)


def _parts(weights: Weights, rows: int) -> Iterator[slice]:
    inputs, width, outputs = weights.sizes
    bytes_per_unit = 8 * (8 * rows + len(weights.branches) * inputs + outputs)
    step = max(1, _WORKSPACE // bytes_per_unit)
    return (slice(start, min(start + step, width)) for start in range(0, width, step))


def _features(weights: Weights, X: torch.Tensor, part: slice) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The features h and the slopes β_i of some hidden units, shape (n, units) each."""
    arguments = []
    for matrix, bias in zip(weights.branches, weights.biases, strict=True):
        argument = X @ matrix[part].double().mT
        arguments.append(argument if bias is None else argument + bias[part].double())
    value, slope = value_and_slope(weights.activation.function, arguments[-1])
    if not weights.gated:
        return value, [slope]
    if weights.value is None:
        return arguments[0] * value, [value, arguments[0] * slope]
    other, other_slope = value_and_slope(weights.value.function, arguments[0])
    return other * value, [other_slope * value, other * slope]


@torch.no_grad()
def hidden(weights: Weights, X: torch.Tensor) -> torch.Tensor:
    """The features h, float64, shape (n, width)."""
    X = X.double()
    return torch.cat([_features(weights, X, part)[0] for part in _parts(weights, len(X))], dim=1)


@torch.no_grad()
def outputs(weights: Weights, X: torch.Tensor) -> torch.Tensor:
    """The outputs z, float64, shape (n, outputs)."""
    X = X.double()
    total = torch.zeros(len(X), weights.sizes[2], dtype=torch.float64, device=X.device)
    for part in _parts(weights, len(X)):
        total += _features(weights, X, part)[0] @ weights.readout[:, part].double().mT
    return total if weights.offset is None else total + weights.offset.double()


@torch.no_grad()
def ntk(weights: Weights, X: torch.Tensor, *, biases: bool = True) -> torch.Tensor:
    """The kernel K above, float64, shape (n, n), on the device of X.

    Args:
        weights: the network.
        X: its inputs, shape (n, inputs), on the device of the weights.
        biases: whether biases are parameters too; else they act, but [c] and [b_i] are 0.
    """
    X = X.double()
    readouts = torch.zeros(len(X), len(X), dtype=torch.float64, device=X.device)
    slopes = [torch.zeros_like(readouts) for _ in weights.branches]
    for part in _parts(weights, len(X)):
        h, betas = _features(weights, X, part)
        readouts += h @ h.mT
        scale = weights.readout[:, part].double().square().sum(dim=0)
        for total, beta in zip(slopes, betas, strict=True):
            total += (beta * scale) @ beta.mT
    if biases and weights.offset is not None:
        readouts += 1
    kernel = readouts * weights.readout.shape[0]
    products = X @ X.mT
    for total, bias in zip(slopes, weights.biases, strict=True):
        kernel += total * (products + 1 if biases and bias is not None else products)
    return (kernel + kernel.mT) / 2


def entry_error(weights: Weights) -> float:
    """The e such that rounding moves the entries of `ntk` by about e·√(K_ii K_jj) at most.

    Sums of k products are off by √k roundings, where the worst case would be k of them.
    """
    inputs, width, _ = weights.sizes
    return float(4 * _UNIT * (inputs**0.5 + width**0.5))
