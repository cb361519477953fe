"""Gram matrices of parameters of any module by torch.func: per-sample gradients of that module alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vjp, vmap

from glutheory.errors import GlutheoryError
from glutheory.sampling.modules.batches import Arguments, Layout
from glutheory.sampling.modules.contractions import Products, real
from glutheory.sampling.modules.sinks import Sink

Tensor = torch.Tensor
#: What a module returns as the tensor whose derivatives are given.
Output = Callable[[object], Tensor]
#: The flat per-sample gradients of some rows, by parameter.
Jacobian = Callable[[slice], dict[str, Tensor]]
#: Makes a context in which a module may be called.
Scratch = Callable[[], AbstractContextManager[None]]
#: What torch raises where a module cannot be mapped over samples, by torch.func or at all: data-dependent branches,
#: calls of `.item()`, functions without a rule, layers that are not called as their form says, …
UNMAPPABLE = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError, KeyError)


def hopeless(error: BaseException) -> bool:
    """Whether an error is no sign of a way that cannot be taken, but one that the caller has to see."""
    return isinstance(error, GlutheoryError | torch.OutOfMemoryError)


def differentiated(
    module: nn.Module,
    parameters: Mapping[str, Tensor],
    arguments: Arguments,
    layout: Layout,
    g: Tensor,
    *,
    how: Products,
    sink: Sink,
    names: Mapping[str, str],
    output: Output | None = None,
    scratch: Scratch = nullcontext,
) -> None:
    """Hand over the gradients of these parameters, or their products.

    Args:
        module: the smallest module that contains every use of the parameters.
        parameters: by their names in it, without a graph.
        arguments: those of its call, for all samples.
        layout: the samples' axes of the arguments and of the output.
        g: derivatives with respect to its output.
        how: which products are wanted. One Jacobian of these parameters may take four times the workspace; a larger
            one is formed by blocks of samples, again for each pair of blocks.
        sink: takes them.
        names: of the parameters in the model.
        output: makes one tensor of what the module returns.
        scratch: a context in which the module may be called once; its state is then put back.
    """

    def jacobian(block: slice) -> dict[str, Tensor]:
        return _jacobian(module, parameters, arguments, layout, g, block, how.workspace, output or _itself, scratch)

    size = sum(parameter.numel() * parameter.itemsize for parameter in parameters.values())
    gram_of(jacobian, size, g.shape[layout.output.dim or 0], how, sink, names)


def gram_of(
    jacobian: Jacobian, size: int, n: int, how: Products, sink: Sink, names: Mapping[str, str] | None = None
) -> None:
    """Hand over per-sample gradients by parameter, or their products.

    Args:
        jacobian: the gradients of a block of rows.
        size: bytes of those of one row.
        n: rows.
        how: which products are wanted.
        sink: takes them.
        names: of the parameters in the model; None: those of the Jacobian.
    """
    if n * size <= 4 * how.workspace:
        found = jacobian(slice(0, n))
        for name in list(found):
            sink.rows(names[name] if names else name, found.pop(name))
        return
    step = max(1, 2 * how.workspace // size)
    left, right = how.sides(n)
    for p in _blocks(left, step):
        ours = jacobian(p)
        for q in _blocks(right, step):
            if how.split is None and q.start < p.start:
                continue
            theirs = ours if q == p else jacobian(q)
            for name, rows in ours.items():
                sink.pairs(names[name] if names else name, p, q, how.cast(rows) @ how.cast(theirs[name]).T)


def _itself(returned: object) -> Tensor:
    assert isinstance(returned, Tensor)
    return returned


def _blocks(rows: slice, size: int) -> list[slice]:
    return [slice(start, min(rows.stop, start + size)) for start in range(rows.start, rows.stop, size)]


@contextmanager
def mappable() -> Iterator[None]:
    """While this lasts attention is computed in the form that vmap takes for all samples at once.

    For the others it has no rule, and takes one sample after the other. What this torch does not have stays as it is.
    """
    attention: Any = getattr(nn, "attention", None)
    fused: Any = getattr(torch.backends, "mha", None)
    fast = fused is not None and fused.get_fastpath_enabled()
    chosen = attention.sdpa_kernel(attention.SDPBackend.MATH) if hasattr(attention, "sdpa_kernel") else nullcontext()
    try:
        if fast:
            fused.set_fastpath_enabled(False)
        with chosen:
            yield
    finally:
        if fast:
            fused.set_fastpath_enabled(True)


def _jacobian(
    module: nn.Module,
    parameters: Mapping[str, Tensor],
    arguments: Arguments,
    layout: Layout,
    g: Tensor,
    block: slice,
    workspace: int,
    output: Output,
    scratch: Scratch,
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
            # a copy: the module may work in place
            whole[k] = value.unsqueeze(dim).clone()
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
    with torch.no_grad(), mappable(), warnings.catch_warnings():
        # an operation that torch maps by a loop is slower, not wrong
        warnings.filterwarnings("ignore", message="There is a performance drop")
        try:
            found: dict[str, Tensor] = {}
            for first in range(0, count, chunk):
                some = (
                    x.narrow(dim, first, min(chunk, count - first))
                    for x, dim in zip((cotangents, *values), dims, strict=True)
                )
                with scratch():
                    _put(found, vmap(gradients, in_dims=dims)(*some), first, count)
        except UNMAPPABLE as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            found = {}
            for k in range(count):
                row = (x.select(dim, k) for x, dim in zip((cotangents, *values), dims, strict=True))
                with scratch():
                    _put(found, {name: part[None] for name, part in gradients(*row).items()}, k, count)
    return {name: real(found[name]).reshape(count, -1) for name in parameters}


def _put(found: dict[str, Tensor], part: dict[str, Tensor], first: int, count: int) -> None:
    """Some rows of each of these, in their places among so many: parts that are joined later would be there twice."""
    for name in list(part):
        rows = part.pop(name)
        if len(rows) == count:
            found[name] = rows
            continue
        if name not in found:
            found[name] = rows.new_empty((count, *rows.shape[1:]))
        found[name][first : first + len(rows)] = rows
