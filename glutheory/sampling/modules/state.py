"""A model that may be called as often as needed, and is afterwards as it was: weights, buffers, attributes, chance."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_, is_not
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from glutheory.errors import DomainError

Tensor = torch.Tensor
#: Containers whose contents are put back, one level deep; a module's own tables of parameters and hooks are such.
_CONTAINERS = (dict, OrderedDict, list, set)


@contextmanager
def scratch(model: nn.Module, changing: Sequence[Tensor] = ()) -> Iterator[None]:
    """While this lasts these tensors are copies; at its end every module has the attributes again that it had.

    So each call of the model begins in the same state, and what a call leaves behind, such as a counter, a cache or a
    step of a power iteration, does not reach the next one.
    """
    kept = [_attributes(module) for module in model.modules()]
    values = [(tensor, tensor.data) for tensor in changing]
    for tensor, value in values:
        tensor.data = value.clone()
    try:
        yield
    finally:
        for tensor, value in values:
            tensor.data = value
        for module, attributes, containers in kept:
            _put_back(module, attributes, containers)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[list[Tensor]]:
    """At the end, also after an error, the model and the generators of random numbers are as they were at the start.

    Yields:
        A list for the tensors that are known to change when the model is called, and are copies then.

    Raises:
        DomainError: a parameter was changed in place by a later call though not by the first, where nobody looked.
    """
    parameters = [(name, p, p._version, p.requires_grad, p.grad) for name, p in model.named_parameters()]
    others = [(tensor, tensor._version, tensor.detach().clone()) for tensor in _tensors(model)]
    python, numpy = random.getstate(), np.random.get_state()
    known: list[Tensor] = []
    devices = sorted({p.device.index or 0 for _, p, *_ in parameters if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices), scratch(model):
        try:
            # gradients are asked of copies; a checkpoint that runs its layers again, when these are gone, must do the
            # same as before
            for _, p, *_ in parameters:
                p.requires_grad_(False)
            yield known
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            for tensor, version, value in others:
                if tensor._version != version:
                    tensor.data.copy_(value)
            for _, p, _, flag, gradient in parameters:
                p.requires_grad_(flag)
                p.grad = gradient
    for name, p, version, _, _ in parameters:
        if p._version != version and all(p is not tensor for tensor in known):
            raise DomainError(
                f"model changed its parameter {name!r} in place, for some inputs only: its values are no longer those "
                "that were given; take that step out of its forward pass."
            )


class _Put(TorchFunctionMode):
    """Which tensors have something assigned to their ``.data``, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: set[int] = set()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function == torch.Tensor.data.__set__:  # type: ignore[attr-defined]
            self.tensors.add(id(args[0]))
        return function(*args, **(kwargs or {}))


def changes(model: nn.Module, run: Callable[[], object]) -> tuple[Tensor, ...]:
    """The parameters, buffers and other tensors of the model that this changes in place; they are put back.

    A parameter whose numbers are put there anew, as ``.to(dtype)`` of a layer does within a forward pass, is one of
    them even where they stay the same: torch.func crashes there.
    """
    every = [*model.parameters(), *_tensors(model)]
    places = [(module, key, p) for module in model.modules() for key, p in module._parameters.items()]
    values = [tensor.data for tensor in every]
    for tensor in every:
        tensor.data = tensor.data.clone()
    versions = [tensor._version for tensor in every]
    try:
        with scratch(model), _Put() as put:
            run()
            replaced = put.tensors | {id(p) for module, key, p in places if module._parameters.get(key) is not p}
        return tuple(
            tensor
            for tensor, value, version in zip(every, values, versions, strict=True)
            if id(tensor) in replaced or tensor._version != version or not _same(tensor.data, value)
        )
    finally:
        for tensor, value in zip(every, values, strict=True):
            tensor.data = value


def _same(one: Tensor, other: Tensor) -> bool:
    """Equal numbers of one dtype, NaN and all."""
    return (one.shape, one.dtype) == (other.shape, other.dtype) and bool(
        ((one == other) | ((one != one) & (other != other))).all()
    )


def _tensors(model: nn.Module) -> list[Tensor]:
    """Buffers, and the tensors that are plain attributes of modules; each once."""
    parameters = {id(p) for p in model.parameters()}
    found = {id(buffer): buffer for buffer in model.buffers()}
    for module in model.modules():
        found |= {id(value): value for value in module.__dict__.values() if isinstance(value, Tensor)}
    return [tensor for key, tensor in found.items() if key not in parameters and not tensor.is_meta]


def _attributes(module: nn.Module) -> tuple[nn.Module, dict[str, Any], list[tuple[Any, Any]]]:
    own = module.__dict__
    return module, dict(own), [(value, value.copy()) for value in own.values() if type(value) in _CONTAINERS]


def _put_back(module: nn.Module, attributes: dict[str, Any], containers: list[tuple[Any, Any]]) -> None:
    own = module.__dict__
    if len(own) != len(attributes) or any(map(is_not, map(own.get, attributes), attributes.values())):
        own.clear()
        own.update(attributes)
    for container, content in containers:
        # most are empty, or as they were: this is done after every call of the model
        if not container and not content:
            continue
        if isinstance(container, list):
            container[:] = content
        elif isinstance(container, set) or not _identical(container, content):
            container.clear()
            container.update(content)


def _identical(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """The same keys and values in the same order."""
    return len(one) == len(other) and all(map(is_, one, other)) and all(map(is_, one.values(), other.values()))
