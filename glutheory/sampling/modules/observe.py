"""The calls of a model's modules in one forward pass: how often, and with which shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from glutheory.sampling.modules.batches import Arguments, Call
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor


def observe(subject: Subject, arguments: Arguments, rows: int) -> tuple[Tensor, dict[str, Call]]:
    """The outputs of a batch, and the calls of the model's modules, by path."""
    calls: dict[str, Call] = {}

    def note(path: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            plain = isinstance(output, Tensor) and output.is_floating_point()
            shapes, shape = tuple(Arguments(args, kwargs).shapes()), output.shape if plain else None
            first = calls.get(path, Call(0, shapes, shape))
            alike = first.alike and (first.arguments, first.output) == (shapes, shape)
            calls[path] = replace(first, count=first.count + 1, alike=alike)

        return hook

    hooks = [
        module.register_forward_hook(note(path), with_kwargs=True)
        for path, module in subject.model.named_modules(remove_duplicate=False)
        if path
    ]
    try:
        return subject.outputs(arguments, rows).detach(), calls
    finally:
        for handle in hooks:
            handle.remove()
