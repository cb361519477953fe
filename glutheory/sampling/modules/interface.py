"""`module_ntk`: the arguments checked, the rows of the batch laid out, the kernels summed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, overload

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from glutheory.activations import nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.ground.arguments import integer
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.plan import plan
from glutheory.sampling.modules.run import Run

Tensor = torch.Tensor
#: Bytes of temporary arrays, unless given.
WORKSPACE = 64 * 2**20


@overload
def module_ntk(
    model: nn.Module,
    inputs: Any,
    *,
    parameters: Iterable[str] | None = ...,
    output: Callable[[Any], Tensor] | None = ...,
    outputs: str = ...,
    blocks: Literal[False] = ...,
    workspace: int = ...,
) -> Tensor: ...
@overload
def module_ntk(
    model: nn.Module,
    inputs: Any,
    *,
    parameters: Iterable[str] | None = ...,
    output: Callable[[Any], Tensor] | None = ...,
    outputs: str = ...,
    blocks: Literal[True],
    workspace: int = ...,
) -> dict[str, Tensor]: ...
def module_ntk(
    model: nn.Module,
    inputs: Any,
    *,
    parameters: Iterable[str] | None = None,
    output: Callable[[Any], Tensor] | None = None,
    outputs: str = "trace",
    blocks: bool = False,
    workspace: int = WORKSPACE,
) -> Tensor | dict[str, Tensor]:
    """The empirical NTK of any network: the Gram matrix of the Jacobian of its outputs by its parameters.

    One forward pass, and one backward pass per output; each layer's part is formed while the backward pass goes by, so
    that no more than one layer's Jacobian is ever in memory. Linear layers (and transformers' Conv1D), convolutions,
    embeddings and layer normalisation use the cheaper of two contractions (see `contractions`); for all other
    parameters torch.func differentiates the smallest module that holds all their uses, shared weights included. The
    whole is first tried on the first and the last input against plain gradients of each alone, which also finds out
    whether the samples are independent.

    Args:
        model: any module whose samples are independent: no active dropout, no batch statistics; float32 or float64.
            It is not changed.
        inputs: a tensor whose first axis counts the n samples; or a tuple of arguments or a mapping of named
            arguments, whose tensors all begin with that axis.
        parameters: names as in ``model.named_parameters()``; None: all of them, frozen ones too.
        output: makes a tensor of shape (n,) or (n, …) of what the model returns; None: the tensor itself, or its
            ``logits``.
        outputs: "trace": the sum over all k outputs of the kernel of each; "full": the kernel of each pair of outputs,
            at k times the memory of the forward pass.
        blocks: return the contribution of each parameter, by name.
        workspace: bytes of temporary arrays besides what the forward pass keeps for the backward pass.

    Returns:
        A symmetric tensor in float64, on the model's device, of shape (n, n), or (n, n, k, k) with ``outputs="full"``,
        whose entry [i, j, o, p] is the product of the gradients of output o at input i and of output p at input j.
        With ``blocks=True`` a dict of such tensors, whose sum it is. The sums over a layer are in the model's dtype.

    Raises:
        DomainError: a bad argument; a model in training mode with dropout or batch statistics, one that mixes samples
            or draws random numbers, one of another dtype, one that returns no tensor.
        UnknownNameError: no parameter of that name.
    """
    if outputs not in ("trace", "full"):
        raise DomainError(f"outputs is {outputs!r}: use 'trace' or 'full'.")
    workspace = integer("workspace", workspace, 1)
    _check_model(model)
    names = _names(model, parameters)
    arguments, n = _arguments(inputs)
    readout = _readout(output)
    routes, k = plan(model, arguments, readout, names, workspace)
    first = model.get_parameter(names[0])
    if outputs == "full":
        repeated = arguments.rows(torch.arange(n, device="cpu").repeat_interleave(k)) if k > 1 else arguments
        unit = torch.eye(k, device=first.device).repeat(n, 1)
        found = Run(model, routes, repeated, readout, n * k, workspace).forward([unit])
        found = {name: kernel.view(n, k, n, k).transpose(1, 2).contiguous() for name, kernel in found.items()}
    else:
        units = (row.expand(n, k) for row in torch.eye(k, device=first.device))
        found = Run(model, routes, arguments, readout, n, workspace).forward(units)
    return {name: found[name] for name in names} if blocks else sum(found[name] for name in names)  # type: ignore[return-value]


def _check_model(model: nn.Module) -> None:
    """Refuse what has no NTK, or one that depends on chance or on the other samples of the batch."""
    if not isinstance(model, nn.Module):
        raise DomainError(f"model is of type {type(model).__name__}: give a torch.nn.Module.")
    for name, module in model.named_modules():
        where = f"model has the module {name or 'itself'!r} ({type(module).__name__})"
        if isinstance(module, _DropoutNd) and module.training and module.p > 0:
            raise DomainError(f"{where} with dropout in training mode: call model.eval() first.")
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            raise DomainError(
                f"{where} that uses the statistics of the batch, with which samples are not independent: call "
                "model.eval() first, and keep track_running_stats=True."
            )
    for name, parameter in model.named_parameters():
        if parameter.dtype not in (torch.float32, torch.float64):
            raise DomainError(
                f"model's parameter {name!r} is of dtype {parameter.dtype}: call model.float() or model.double() first."
            )
        if parameter.is_meta or isinstance(parameter, nn.parameter.UninitializedParameter):
            raise DomainError(f"model's parameter {name!r} has no values yet: load or initialise the model first.")


def _names(model: nn.Module, parameters: Iterable[str] | None) -> tuple[str, ...]:
    known = {name: parameter for name, parameter in model.named_parameters() if parameter.numel()}
    if parameters is None:
        names = tuple(known)
    else:
        if isinstance(parameters, str):
            raise DomainError(f"parameters is the string {parameters!r}: give a list of names.")
        names = tuple(dict.fromkeys(parameters))
        for name in names:
            if name not in known:
                raise UnknownNameError(f"unknown parameter {name!r}: {nearest(str(name), tuple(known))}")
    if not names:
        raise DomainError("parameters is empty: choose at least one parameter of a model that has some.")
    return names


def _arguments(inputs: Any) -> tuple[Arguments, int]:
    if isinstance(inputs, Mapping):
        arguments = Arguments((), dict(inputs))
    else:
        arguments = Arguments(tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,), {})
    counts = [x.shape[0] if x.ndim else 0 for x in arguments.leaves() if isinstance(x, Tensor)]
    if not counts:
        raise DomainError(
            f"inputs is of type {type(inputs).__name__} without a tensor: give a tensor, or a tuple or mapping of some."
        )
    if len(set(counts)) > 1 or counts[0] < 1:
        raise DomainError(f"inputs has tensors of {sorted(set(counts))} samples: all must have the same number, >= 1.")
    return arguments, counts[0]


def _readout(output: Callable[[Any], Tensor] | None) -> Callable[[Any], Tensor]:
    def read(returned: Any) -> Tensor:
        found: Any = returned if isinstance(returned, Tensor) else getattr(returned, "logits", None)
        if output is not None:
            found = output(returned)
        if not isinstance(found, Tensor) or found.ndim < 1 or not found.is_floating_point():
            raise DomainError(
                f"model returns {type(returned).__name__}, from which no tensor of shape (n, ...) was made: give "
                "output=, a function that makes one, such as lambda returned: returned.logits[:, -1]."
            )
        return found.reshape(len(found), -1)

    return read
