"""The kernels as functions that autograd knows: `gram` and its diagonal, one matrix at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric import gram as plain_gram
from glutheory.numeric.backward import Gradient, Slopes, Wanted, contract, lifted
from glutheory.numeric.deep.field import make_deep_field
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.duals import evaluator
from glutheory.numeric.field import Field, make_field
from glutheory.numeric.matrix import paired_rows, prepare, read
from glutheory.numeric.paired import paired, paired_gradient, paired_values
from glutheory.numeric.plan import make_plan
from glutheory.numeric.rows import read_rows
from glutheory.numeric.tiles import cores
from glutheory.numeric.weights import scales

try:
    import torch
except ImportError:
    raise MissingDependencyError("this needs torch: pip install 'glutheory[torch]'.") from None

from glutheory.integrations.batches import Kernel, result_type

#: Rows of a tile, on a CPU and elsewhere.
_SIDE, _DEVICE_SIDE = 128, 1024


def _host(tensor: torch.Tensor) -> Any:
    """The numpy array that shares the memory of a tensor on the CPU; another device's tensor itself."""
    return tensor.detach().numpy() if tensor.device.type == "cpu" else tensor.detach()


def _field(
    kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, values: tuple[torch.Tensor, ...], *, lift: bool
) -> Field:
    """All that is computed once per row, by numpy on the CPU and by torch elsewhere; zero rows lifted for gradients."""
    assert isinstance(kernel.network, Network)
    with np.errstate(all="ignore"):
        left = read_rows("X", _host(X))
        right = left if Y is None else read_rows("Y", _host(Y))
        if left.scaled.shape[1] != right.scaled.shape[1]:
            raise DomainError(
                f"X has {left.scaled.shape[1]} features and Y has {right.scaled.shape[1]}: give rows of equal length."
            )
        if lift:
            left, right = (lifted(left),) * 2 if right is left else (lifted(left), lifted(right))
        return make_field(kernel.network, left, right, scales(kernel.network, X.shape[1], **kernel.options(values)))


def _slopes(kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, values: tuple[torch.Tensor, ...]) -> Slopes:
    """What the gradient is contracted from."""
    if isinstance(kernel.network, Stack):
        return make_deep_field(_deep_plan(kernel, X, Y, values))
    return _field(kernel, X, Y, values, lift=True)


def _deep_plan(kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, values: tuple[torch.Tensor, ...]) -> DeepPlan:
    plan = prepare(kernel.network, _host(X), None if Y is None else _host(Y), **kernel.options(values))
    assert isinstance(plan, DeepPlan)
    return plan


def differentiate(
    kernel: Kernel,
    tensors: Sequence[Any],
    weights: Mapping[str, torch.Tensor],
    needs: Sequence[bool],
    *,
    diagonal: bool = False,
) -> list[Any]:
    """The gradient of Σ weights · K, of one matrix or its diagonal.

    Args:
        kernel: which one.
        tensors: X, Y or None, and the variances that are tensors.
        weights: of each kind, of the shape of K.
        needs: of which tensors the gradient is wanted.
        diagonal: whether K(x_i, y_i) is meant.

    Returns:
        A gradient for each tensor, or None.
    """
    X, Y, *values = tensors
    left, right, *asked = needs
    field = _slopes(kernel, X, Y, tuple(values))
    wanted = Wanted(left, right, any(asked))
    parts = {kind: _host(part) for kind, part in weights.items()}
    if diagonal:
        found = paired_gradient(field, parts, wanted)
    else:
        side, threads = (_SIDE, cores()) if isinstance(field.left.unit, np.ndarray) else (_DEVICE_SIDE, 1)
        found = contract(field, parts, wanted, side=side, threads=threads)
    slopes = _rates(kernel, found) if values else {}
    shares = [slopes[role] / value.item() for role, value in zip(kernel.roles, values, strict=True)]
    return [
        torch.as_tensor(part, dtype=tensor.dtype, device=tensor.device) if need else None
        for part, tensor, need in zip((found.left, found.right, *shares), tensors, needs, strict=True)
    ]


class _Function(torch.autograd.Function):
    """One matrix or diagonal, or with `kind` "both" two; the inputs are X, Y or None, and one scalar per role."""

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004 (torch's signature)
        kernel, *tensors = inputs
        ctx.kernel = kernel
        ctx.save_for_backward(*tensors)

    @staticmethod
    def _gradient(ctx: Any, weights: tuple[torch.Tensor, ...], diagonal: bool) -> Any:
        named = dict(zip(ctx.kernel.kinds, weights, strict=True))
        found = differentiate(ctx.kernel, ctx.saved_tensors, named, ctx.needs_input_grad[1:], diagonal=diagonal)
        return None, *final(found, (*ctx.saved_tensors, *weights))


class GramFunction(_Function):
    """The whole matrix."""

    @staticmethod
    def forward(kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, *values: torch.Tensor) -> Any:
        """The values of `glutheory.gram`."""
        return plain_gram(kernel.network, X, Y, kind=kernel.kind, **kernel.options(values))

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        """The gradient, in tiles."""
        return _Function._gradient(ctx, weights, False)


class DiagonalFunction(_Function):
    """The kernel of row i with row i."""

    @staticmethod
    def forward(kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, *values: torch.Tensor) -> Any:
        """The values, of the evaluators of the derivatives."""
        parts: list[Any]
        if isinstance(kernel.network, Stack):
            plan = _deep_plan(kernel, X, Y, values)
            parts = [paired_rows(plan, kind) for kind in kernel.kinds]
        elif any(evaluator(act).values_only for act in kernel.network.branches):
            rows = read(kernel.network, _host(X), None if Y is None else _host(Y), **kernel.options(values))
            with np.errstate(all="ignore"):
                flat = make_plan(kernel.network, *rows)
            parts = [paired_values(flat, kind) for kind in kernel.kinds]
        else:
            field = _field(kernel, X, Y, values, lift=False)
            parts = [paired(field, kind) for kind in kernel.kinds]
        found = tuple(torch.as_tensor(part, dtype=result_type(X, Y)) for part in parts)
        return found if kernel.kind == "both" else found[0]

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        """The gradient, row by row."""
        return _Function._gradient(ctx, weights, True)


class _Last(torch.autograd.Function):
    """A gradient that says so when it is to be differentiated once more, and is not taken for a constant."""

    @staticmethod
    def forward(ctx: Any, gradient: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        raise NotImplementedError(
            "the kernels of glutheory have no second derivative: do not differentiate a gradient."
        )


def final(gradients: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """The gradients, with a node behind them that refuses a second derivative, if a graph of them is being made."""
    if not torch.is_grad_enabled():
        return list(gradients)
    last: Any = _Last
    tensors = [tensor for tensor in inputs if tensor is not None]
    return [None if part is None else last.apply(part, *tensors) for part in gradients]


def _rates(kernel: Kernel, found: Gradient) -> dict[str, float]:
    """The derivatives with respect to the logarithm of each variance (see `weights` for where each one stands)."""
    assert isinstance(kernel.network, Network)
    branches = len(kernel.network.branches)
    total = dict.fromkeys(("readout", *kernel.network.roles), 0.0)
    for kind, sums in found.sums.items():
        product, tangents, variances = sums[0], sums[1 : 1 + branches], sums[1 + branches :]
        # there the readout's variance scales what trains the branches, over the variance of each branch
        separate = kind == "ntk" and kernel.parametrization == "standard"
        total["readout"] += float(tangents.sum() + (0.0 if separate else product))
        for role, variance, tangent in zip(kernel.network.roles, variances, tangents, strict=True):
            total[role] += float(variance - tangent if separate else variance)
    return total
