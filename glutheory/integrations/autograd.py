"""The kernels as functions that autograd knows: `gram` and its diagonal, one matrix at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glutheory.errors import MissingDependencyError
from glutheory.layers import Stack
from glutheory.numeric import gram as plain_gram
from glutheory.numeric.backward import Wanted
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.diagonals import paired_rows
from glutheory.numeric.differentiate import field_of, gradient, rates
from glutheory.numeric.duals import evaluator
from glutheory.numeric.paired import paired, paired_values
from glutheory.numeric.plan import make_plan
from glutheory.numeric.reading import prepare, read

try:
    import torch
except ImportError:
    raise MissingDependencyError.of("this needs", "torch", "torch") from None

from glutheory.integrations.batches import result_type
from glutheory.integrations.kernel import Kernel


def _host(tensor: torch.Tensor) -> Any:
    """The numpy array that shares the memory of a tensor on the CPU; another device's tensor itself."""
    return tensor.detach().numpy() if tensor.device.type == "cpu" else tensor.detach()


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
    wanted = Wanted(left, right, any(asked))
    parts = {kind: _host(part) for kind, part in weights.items()}
    rows = _host(X), None if Y is None else _host(Y)
    numbers = [role for role, need in zip(kernel.roles, asked, strict=True) if need]
    options = kernel.options(tuple(values))
    found = gradient(kernel.network, *rows, parts, wanted, diagonal=diagonal, numbers=numbers, **options)
    slopes = rates(kernel.network, kernel.parametrization, found, numbers)
    shares = [slopes.get(role, 0.0) / value.item() for role, value in zip(kernel.roles, values, strict=True)]
    return [
        torch.as_tensor(part, dtype=tensor.dtype, device=tensor.device) if need else None
        for part, tensor, need in zip((found.left, found.right, *shares), tensors, needs, strict=True)
    ]


class GradientFunction(torch.autograd.Function):
    """The gradient as a function of its own, so that transforms of `torch.func` see plain tensors; it has none itself.

    The inputs are the kernel, whether its diagonal is meant, of which tensors the gradient is wanted, the tensors, and
    a weight for each kind; the outputs the gradients that are wanted.
    """

    @staticmethod
    def forward(kernel: Kernel, diagonal: bool, needs: tuple[bool, ...], *given: torch.Tensor) -> Any:
        """The gradients."""
        tensors, weights = given[: len(needs)], given[len(needs) :]
        named = dict(zip(kernel.kinds, weights, strict=True))
        found = differentiate(kernel, tensors, named, needs, diagonal=diagonal)
        return tuple(part for part in found if part is not None)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is saved."""

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        """There is none."""
        raise NotImplementedError(
            "the kernels of glutheory have no second derivative: do not differentiate a gradient."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *given: Any) -> Any:
        """One after the other."""
        return one_by_one(GradientFunction, info, in_dims, given)


def one_by_one(function: Any, info: Any, in_dims: Any, given: tuple[Any, ...]) -> Any:
    """The function of every member of a batch of `torch.vmap`, stacked; and where the outputs have the batch."""
    found = []
    for i in range(info.batch_size):
        pairs = zip(given, in_dims, strict=True)
        own = [part.select(dim, i) if isinstance(dim, int) else part for part, dim in pairs]
        found.append(function.apply(*own))
    if isinstance(found[0], tuple):
        return tuple(torch.stack(parts) for parts in zip(*found, strict=True)), (0,) * len(found[0])
    return torch.stack(found), 0


class _Function(torch.autograd.Function):
    """One matrix or diagonal, or with `kind` "both" two; the inputs are X, Y or None, and one scalar per role."""

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004 (torch's signature)
        kernel, *tensors = inputs
        ctx.kernel = kernel
        ctx.save_for_backward(*tensors)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """There is none."""
        raise NotImplementedError("the kernels of glutheory have no forward mode: use torch.func.vjp or jacrev.")

    @staticmethod
    def _gradient(ctx: Any, weights: tuple[torch.Tensor, ...], diagonal: bool) -> Any:
        needs = tuple(ctx.needs_input_grad[1:])
        apply: Any = GradientFunction.apply
        found = iter(apply(ctx.kernel, diagonal, needs, *ctx.saved_tensors, *weights))
        return None, *(next(found) if need else None for need in needs)


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

    @staticmethod
    def vmap(info: Any, in_dims: Any, *given: Any) -> Any:
        """One after the other."""
        return one_by_one(GramFunction, info, in_dims, given)


class DiagonalFunction(_Function):
    """The kernel of row i with row i."""

    @staticmethod
    def forward(kernel: Kernel, X: torch.Tensor, Y: torch.Tensor | None, *values: torch.Tensor) -> Any:
        """The values, of the evaluators of the derivatives."""
        parts: list[Any]
        rows = _host(X), None if Y is None else _host(Y)
        if isinstance(kernel.network, Stack):
            plan = prepare(kernel.network, *rows, **kernel.options(values))
            assert isinstance(plan, DeepPlan)
            parts = [paired_rows(plan, kind) for kind in kernel.kinds]
        elif any(evaluator(act).values_only for act in kernel.network.branches):
            found = read(kernel.network, *rows, **kernel.options(values))
            with np.errstate(all="ignore"):
                flat = make_plan(kernel.network, *found)
            parts = [paired_values(flat, kind) for kind in kernel.kinds]
        else:
            field = field_of(kernel.network, *rows, lift=False, **kernel.options(values))
            parts = [paired(field, kind) for kind in kernel.kinds]
        tensors = tuple(torch.as_tensor(part, dtype=result_type(X, Y)) for part in parts)
        return tensors if kernel.kind == "both" else tensors[0]

    @staticmethod
    def backward(ctx: Any, *weights: torch.Tensor) -> Any:
        """The gradient, row by row."""
        return _Function._gradient(ctx, weights, True)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *given: Any) -> Any:
        """One after the other."""
        return one_by_one(DiagonalFunction, info, in_dims, given)
