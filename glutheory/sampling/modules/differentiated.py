"""Gram matrices of parameters of any module by torch.func: per-sample gradients of that module alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.func import functional_call, vjp, vmap

from glutheory.sampling.modules.batches import Arguments, Layout

Tensor = torch.Tensor
#: What a module returns as the tensor whose derivatives are given.
Output = Callable[[object], Tensor]
#: What torch raises where a module cannot be mapped over samples: data-dependent branches, calls of `.item()`, …
_UNMAPPABLE = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError)


def differentiated(
    module: nn.Module,
    parameters: Mapping[str, Tensor],
    arguments: Arguments,
    layout: Layout,
    g: Tensor,
    *,
    workspace: int,
    output: Output | None = None,
) -> dict[str, Tensor]:
    """The Gram matrix of each of these parameters, in float64.

    Args:
        module: the smallest module that contains every use of the parameters.
        parameters: by their names in it, without a graph.
        arguments: those of its call, for all samples.
        layout: the samples' axes of the arguments and of the output.
        g: derivatives with respect to its output.
        workspace: bytes of temporary arrays. One Jacobian of these parameters may take four times as much; a larger
            one is formed by blocks of samples, again for each pair of blocks.
        output: makes one tensor of what the module returns.
    """
    n = g.shape[layout.output.dim or 0]
    size = sum(parameter.numel() * parameter.itemsize for parameter in parameters.values())
    blocks = _blocks(n, max(1, 2 * workspace // size) if n * size > 4 * workspace else n)
    kernels = {name: g.new_zeros((n, n), dtype=torch.float64) for name in parameters}

    def jacobian(block: slice) -> dict[str, Tensor]:
        return _jacobian(module, parameters, arguments, layout, g, block, workspace, output or _itself)

    for k, p in enumerate(blocks):
        left = jacobian(p)
        for q in blocks[k:]:
            right = left if q == p else jacobian(q)
            for name, kernel in kernels.items():
                part = (left[name] @ right[name].T).double()
                kernel[p, q] = part
                kernel[q, p] = part.T
    return kernels


def _itself(returned: object) -> Tensor:
    assert isinstance(returned, Tensor)
    return returned


def _blocks(n: int, size: int) -> list[slice]:
    return [slice(start, min(n, start + size)) for start in range(0, n, size)]


def _jacobian(
    module: nn.Module,
    parameters: Mapping[str, Tensor],
    arguments: Arguments,
    layout: Layout,
    g: Tensor,
    block: slice,
    workspace: int,
    output: Output,
) -> dict[str, Tensor]:
    """Per-sample gradients of Σ g · output, one row per sample of the block and parameter."""
    leaves = arguments.detached().leaves()
    mapped = [(k, a.dim) for k, a in enumerate(layout.arguments) if a is not None and a.dim is not None]
    count, along = block.stop - block.start, layout.output.dim or 0
    cotangents, *values = (
        x.narrow(dim, block.start, count) for x, dim in [(g, along), *((leaves[k], dim) for k, dim in mapped)]
    )

    def gradients(cotangent: Tensor, *values: Tensor) -> dict[str, Tensor]:
        whole = list(leaves)
        for (k, dim), value in zip(mapped, values, strict=True):
            whole[k] = value.unsqueeze(dim)
        call = arguments.replaced(whole)

        def run(chosen: dict[str, Tensor]) -> Tensor:
            return output(functional_call(module, chosen, call.args, dict(call.kwargs)))

        back = vjp(run, dict(parameters))[1]
        found: dict[str, Tensor] = back(cotangent.unsqueeze(along))[0]
        return found

    dims = (along, *(dim for _, dim in mapped))
    numbers = sum(value.numel() * value.itemsize for value in values) // count * 32
    weight = sum(4 * p.numel() * p.itemsize for p in parameters.values())
    chunk = min(count, max(1, workspace // max(1, numbers + weight)))
    with torch.no_grad(), warnings.catch_warnings():
        # an operation that torch maps by a loop is slower, not wrong
        warnings.filterwarnings("ignore", message="There is a performance drop")
        try:
            found = vmap(gradients, in_dims=dims, chunk_size=chunk)(cotangents, *values)
        except _UNMAPPABLE:
            rows = [
                gradients(*(x.select(dim, k) for x, dim in zip((cotangents, *values), dims, strict=True)))
                for k in range(count)
            ]
            found = {name: torch.stack([row[name] for row in rows]) for name in parameters}
    return {name: found[name].reshape(count, -1) for name in parameters}
