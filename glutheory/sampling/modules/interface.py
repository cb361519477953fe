"""`module_ntk`: the NTK of any torch module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Literal, overload

import torch
from torch import nn

from glutheory.errors import DomainError
from glutheory.ground import store
from glutheory.ground.arguments import integer
from glutheory.sampling.modules.arguments import (
    check_dtype,
    check_model,
    fingerprint,
    names_of,
    samples_of,
)
from glutheory.sampling.modules.assembly import TOTAL, Assembly, OtherOutputsError
from glutheory.sampling.modules.batches import Arguments, Axis, Layout
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.plan import plan, united
from glutheory.sampling.modules.precision import Precisions
from glutheory.sampling.modules.refusals import readable
from glutheory.sampling.modules.remembered import Plan, key_of, recall, remember
from glutheory.sampling.modules.state import changes, unchanged
from glutheory.sampling.modules.subject import Subject
from glutheory.sampling.modules.tiles import Rows, tiles

Tensor = torch.Tensor
#: Bytes of temporary arrays, unless given.
WORKSPACE = 64 * 2**20
#: Raised whenever what a checkpoint holds changes.
FORMAT = 2


class Blocks(dict[str, Tensor]):
    """The contribution of each parameter to a kernel, by its name.

    Attributes:
        ways: how each parameter was differentiated, by name: "layer", by the known form of its layer; "module", by
            torch.func in the smallest module that holds it; "model", by torch.func in the whole model; "autograd",
            plainly, for one input and one output at a time.
    """

    def __init__(self, kernels: dict[str, Tensor], ways: dict[str, str]) -> None:
        super().__init__(kernels)
        self.ways = ways


@overload
def module_ntk(
    model: nn.Module,
    inputs: Any,
    others: Any = ...,
    *,
    parameters: Iterable[str] | None = ...,
    output: Callable[[Any], Tensor] | None = ...,
    outputs: str = ...,
    blocks: Literal[False] = ...,
    block: int | None = ...,
    dtype: torch.dtype | None = ...,
    workspace: int = ...,
    seed: int = ...,
    progress: bool | None = ...,
    checkpoint: str | os.PathLike[str] | None = ...,
) -> Tensor: ...
@overload
def module_ntk(
    model: nn.Module,
    inputs: Any,
    others: Any = ...,
    *,
    parameters: Iterable[str] | None = ...,
    output: Callable[[Any], Tensor] | None = ...,
    outputs: str = ...,
    blocks: Literal[True],
    block: int | None = ...,
    dtype: torch.dtype | None = ...,
    workspace: int = ...,
    seed: int = ...,
    progress: bool | None = ...,
    checkpoint: str | os.PathLike[str] | None = ...,
) -> Blocks: ...
def module_ntk(
    model: nn.Module,
    inputs: Any,
    others: Any = None,
    *,
    parameters: Iterable[str] | None = None,
    output: Callable[[Any], Tensor] | None = None,
    outputs: str = "trace",
    blocks: bool = False,
    block: int | None = None,
    dtype: torch.dtype | None = None,
    workspace: int = WORKSPACE,
    seed: int = 0,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Tensor | Blocks:
    """The empirical NTK of any network: the Gram matrix of the Jacobian of its outputs by its parameters.

    One forward pass, and one backward pass per output; each layer's part is formed while the backward pass goes by,
    so that no more than one layer's Jacobian is ever in memory, or of small ones what fits half of the workspace.
    Linear layers (and transformers' Conv1D), convolutions, embeddings and layer normalisation use the cheaper of
    two contractions (see `contractions`); for all other parameters torch.func differentiates the smallest module
    that holds all their uses, shared weights included, and where it cannot, plain autograd does, for one input and
    one output at a time, with a `PerformanceWarning`.

    No layer's form is taken on trust. The rows of every batch are run again alone, or in random sub-batches, and every
    parameter's kernel is compared with plain gradients on the rows as they are in that batch: models that mix their
    inputs are refused, and parameters whose rows are not where they seem to be go the slower way. What may escape, and
    with what probability, is told in the modules `independence` and `verify` here; another `seed` draws other
    sub-batches. A model that comes again with inputs of the same shapes keeps its plan, not its tests: see the module
    `remembered`.

    Args:
        model: any module whose samples are independent: no active dropout, no batch statistics; float32 or float64,
            also complex (of a complex parameter the real and the imaginary part count). It is not changed: parameters,
            buffers, attributes, modes and generators of random numbers are put back, also after an error; each
            of its calls begins in the state that was given.
        inputs: a tensor whose first axis counts the n samples; or a tuple of arguments or a mapping of named
            arguments, whose tensors all begin with that axis.
        others: m more samples of the same kind. None: the inputs again, and a symmetric kernel.
        parameters: names as in ``model.named_parameters()``; None: all of them, frozen ones too.
        output: makes a tensor of shape (n,) or (n, …) of what the model returns; None: the tensor itself, or its
            ``logits``.
        outputs: "trace": the sum over all k outputs of the kernel of each, one backward pass each; "full": the kernel
            of each pair of outputs, on a batch with each sample k times.
        blocks: return the contribution of each parameter, by name.
        block: rows of a batch on each side: the samples, in "full" mode the pairs of sample and output. The memory
            beside the result is then that of a batch of 2·block rows, however many there are; each pair of blocks is
            a forward and a backward pass. None: one batch of all.
        dtype: of the sums and of the result. None: the model's, so that a float32 kernel says that it is one, and
            `condition_number` knows it. With torch.float64 a float32 model's gradients are still those of float32,
            about 1e-6 of their length: for more call ``model.double()``.
        workspace: bytes of temporary arrays besides what the forward pass keeps for the backward pass.
        seed: of the tests of each batch.
        progress: show a progress bar on stderr; by default where that is a terminal.
        checkpoint: a file (.npz) written every 30 seconds and at the end. If it exists, the run goes on from there. It
            knows the weights, the inputs and the settings; of `output` and of the forward pass's code, the numbers they
            give for the first input.

    Returns:
        A tensor on the model's device of shape (n, n), or (n, n, k, k) with ``outputs="full"``, symmetric, whose entry
        [i, j, o, p] is the product of the gradients of output o at input i and of output p at input j; (n, m) or
        (n, m, k, k) with `others`. With ``blocks=True`` a dict of such tensors, whose sum it is, that also says how
        each was had (`Blocks.ways`). The products of a layer's gradients are summed in `dtype`, without `blocks`
        those of several small layers together; these sums are added up in float64.

    Raises:
        DomainError: a bad argument; a ScriptModule; inputs that the model cannot read; a model in training mode
            with dropout or batch statistics, one that mixes samples or draws random numbers, one of another dtype, one
            that returns no tensor; an output or a gradient that is not finite (the message names the row); a checkpoint
            of another run.
        UnknownNameError: no parameter of that name.
    """
    if outputs not in ("trace", "full"):
        raise DomainError(f"outputs is {outputs!r}: use 'trace' or 'full'.")
    workspace, seed = integer("workspace", workspace, 1), integer("seed", seed, 0)
    block = None if block is None else integer("block", block, 1)
    dtype, path = check_dtype(dtype), store.check_path(checkpoint)
    check_model(model)
    names = names_of(model, parameters)
    arguments, n = samples_of("inputs", inputs)
    more, m = (None, n) if others is None else samples_of("others", others)
    settings = {"format": FORMAT, "outputs": outputs, "blocks": bool(blocks), "block": block, "seed": seed}
    settings |= {"parameters": list(names), "dtype": str(dtype)}
    with torch.inference_mode(mode=False), torch.enable_grad(), unchanged(model) as known:
        if path is not None:
            settings["data"] = fingerprint(model, *(item for item in (arguments, more) if item is not None))
        root = Layout(tuple(Axis(0) if isinstance(x, Tensor) else None for x in arguments.leaves()), Axis(0))
        key = key_of(model, names, output, arguments, more)

        def assembled(found: Plan) -> Assembly:
            per = found.k if outputs == "full" else 1
            left = Rows(arguments, n, "inputs", per)
            right = None if more is None else Rows(more, m, "others", per)
            subject, parts = Subject(model, names, output, tuple(known), found.single), tiles(left, right, block)
            together = None if blocks else united(subject, found.routes, len(parts[0].labels), workspace)
            made = Assembly(
                subject,
                parts,
                together or found.routes,
                root,
                found.k,
                (n * per, m * per),
                Products(workspace, dtype=dtype),
                blocks,
                seed,
                found.routes if together else None,
            )
            made.run(progress, path, settings)
            return made

        def planned() -> Plan:
            pair = _pair(arguments, n, more, m, seed)
            with Precisions() as seen:
                known.extend(changes(model, lambda: Subject(model, names, output).forward(pair.rows(slice(0, 1)), 1)))
            routes, k = plan(Subject(model, names, output, tuple(known), seen.single), pair, workspace)
            return Plan(routes, k, seen.single)

        def called() -> None:
            """On all rows, and on one."""
            every = [item for item in (arguments, more) if item is not None]
            for given in [*every, *(item.rows(slice(0, 1)) for item in every)]:
                fresh = given.fresh()
                model(*fresh.args, **fresh.kwargs)

        remembered = recall(model, key)
        with readable(model, arguments, called):
            try:
                assembly = assembled(remembered or planned())
            except OtherOutputsError:
                if remembered is None:
                    raise
                assembly = assembled(planned())
        # what a batch has found out stays found out
        routes = assembly.apart or assembly.routes
        remember(model, key, None if known else Plan(routes, assembly.k, assembly.subject.single))
        kernels, chosen = assembly.kernels, dtype or assembly.dtype()
    found = {name: _shaped(kernel, outputs, n, m).to(chosen) for name, kernel in kernels.items()}
    if not blocks:
        return found[TOTAL]
    ways = {name: route.way for route in assembly.routes for name in route.names.values()}
    return Blocks(found, {name: ways[name] for name in names})


def _pair(arguments: Arguments, n: int, more: Arguments | None, m: int, seed: int) -> Arguments:
    """Two samples, drawn from the seed: different ones where there are any, one of each side where there are two."""
    generator = torch.Generator().manual_seed(seed)
    if more is None:
        order = torch.randperm(n, generator=generator)[:2]
        return arguments.rows(order if n > 1 else torch.tensor([0, 0]))
    first, second = (int(torch.randint(size, (1,), generator=generator)) for size in (n, m))
    return arguments.rows(slice(first, first + 1)).joined(more.rows(slice(second, second + 1)))


def _shaped(kernel: Tensor, outputs: str, n: int, m: int) -> Tensor:
    """With the outputs behind where they are wanted."""
    if outputs == "trace":
        return kernel
    return kernel.view(n, len(kernel) // n, m, -1).transpose(1, 2).contiguous()
