"""The arguments of `module_ntk`, checked: a bad one is answered by a sentence that names it and the remedy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from glutheory.activations import nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.sampling.modules.batches import Arguments

Tensor = torch.Tensor
_DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def check_model(model: nn.Module) -> None:
    """Refuse what has no NTK, or one that depends on chance or on the other samples of the batch."""
    if not isinstance(model, nn.Module):
        raise DomainError(f"model is of type {type(model).__name__}: give a torch.nn.Module.")
    if isinstance(model, torch.jit.ScriptModule):
        raise DomainError("model is a ScriptModule, whose layers cannot be watched: give the module it was made of.")
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
        if parameter.dtype not in _DTYPES:
            raise DomainError(
                f"model's parameter {name!r} is of dtype {parameter.dtype}: call model.float() or model.double() first."
            )
        if parameter.is_meta or isinstance(parameter, nn.parameter.UninitializedParameter):
            raise DomainError(f"model's parameter {name!r} has no values yet: load or initialise the model first.")


def names_of(model: nn.Module, parameters: Iterable[str] | None) -> tuple[str, ...]:
    """The names of the parameters that are asked for, each once."""
    known = {name: parameter for name, parameter in model.named_parameters() if parameter.numel()}
    if parameters is None:
        names = tuple(known)
    else:
        if isinstance(parameters, str):
            raise DomainError(f"parameters is the string {parameters!r}: give a list of names.")
        if not isinstance(parameters, Iterable):
            raise DomainError(f"parameters is of type {type(parameters).__name__}: give a list of names.")
        names = tuple(dict.fromkeys(parameters))
        for name in names:
            if not isinstance(name, str):
                raise DomainError(
                    f"parameters has an element of type {type(name).__name__}: give names, those of "
                    "model.named_parameters()."
                )
            if name not in known:
                raise UnknownNameError(f"unknown parameter {name!r}: {nearest(name, tuple(known))}")
    if not names:
        raise DomainError("parameters is empty: choose at least one parameter of a model that has some.")
    return names


def samples_of(name: str, inputs: Any) -> tuple[Arguments, int]:
    """The model's arguments, and how many samples they hold."""
    if isinstance(inputs, Mapping):
        arguments = Arguments((), dict(inputs))
    else:
        arguments = Arguments(tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,), {})
    counts = [x.shape[0] if x.ndim else 0 for x in arguments.leaves() if isinstance(x, Tensor)]
    if not counts:
        raise DomainError(
            f"{name} is of type {type(inputs).__name__} without a tensor: give a tensor, or a tuple or mapping of some."
        )
    if len(set(counts)) > 1 or counts[0] < 1:
        raise DomainError(f"{name} has tensors of {sorted(set(counts))} samples: all must have the same number, >= 1.")
    return arguments, counts[0]


def check_dtype(dtype: Any) -> torch.dtype | None:
    """float32, float64 or None."""
    if dtype not in (None, torch.float32, torch.float64):
        raise DomainError(f"dtype is {dtype!r}: use torch.float64, torch.float32, or None for that of the model.")
    return dtype  # type: ignore[no-any-return]


def fingerprint(model: nn.Module, *arguments: Arguments) -> str:
    """A hash of the model's parameters and buffers, and of inputs."""
    found = hashlib.sha256(type(model).__qualname__.encode())
    named = [*model.named_parameters(), *model.named_buffers()]
    values = [(name, tensor) for name, tensor in named if not tensor.is_meta]
    for name, value in [*values, *((str(k), x) for item in arguments for k, x in enumerate(item.leaves()))]:
        found.update(name.encode())
        if isinstance(value, Tensor):
            found.update(f"{tuple(value.shape)} {value.dtype}".encode())
            found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            found.update(repr(value).encode())
    return found.hexdigest()
