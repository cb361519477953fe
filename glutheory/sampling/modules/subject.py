"""What is differentiated: a model, the parameters that are asked for, and the numbers made of what it returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.state import scratch

Tensor = torch.Tensor
#: Said of outputs whose gradients by all parameters are 0 whatever the inputs are.
CONSTANT = (
    "model's output does not depend on the parameters in a way that torch can differentiate: "
    "remove torch.no_grad, detach and rounding from its forward pass, or choose other parameters."
)
#: What torch.utils.checkpoint warns of where it loses the gradients of all parameters in a block.
LOST = "None of the inputs have requires_grad"


@dataclass(frozen=True)
class Subject:
    """A model and its outputs.

    Attributes:
        model: the network.
        names: of the parameters that are asked for.
        output: makes a tensor of what the model returns; None: the tensor itself, or its ``logits``.
        changing: tensors that the model changes in place whenever it is called.
        single: whether some of its arithmetic is float32, or coarser, whatever its parameters are.
    """

    model: nn.Module
    names: tuple[str, ...]
    output: Callable[[Any], Tensor] | None = None
    changing: tuple[Tensor, ...] = field(default=(), repr=False)
    single: bool = False

    @cached_property
    def chosen(self) -> dict[str, nn.Parameter]:
        """The parameters that are asked for, by name."""
        known = dict(self.model.named_parameters(remove_duplicate=False))
        return {name: known[name] for name in self.names}

    def dtype(self, outputs: torch.dtype) -> torch.dtype:
        """float32 where a parameter or the outputs are, else float64."""
        found = [outputs, *(parameter.dtype for parameter in self.model.parameters())]
        return torch.float32 if any(dtype in (torch.float32, torch.complex64) for dtype in found) else torch.float64

    def scratch(self, module: nn.Module | None = None) -> AbstractContextManager[None]:
        """While this lasts the model, or this module of it, may be called; its state is then put back."""
        return scratch(self.model if module is None else module, self.changing)

    def parameters(self) -> dict[str, Tensor]:
        """All parameters without a graph; a shared one is one tensor under the first of its names."""
        return {name: parameter.detach() for name, parameter in self.model.named_parameters()}

    def forward(self, arguments: Arguments, rows: int) -> Tensor:
        """The outputs of a batch by the model as it is, its own parameters in their places, shape (rows, k)."""
        fresh = arguments.fresh()
        with warnings.catch_warnings():
            # true of a forward pass whose gradients nobody will ask for
            warnings.filterwarnings("ignore", message=LOST)
            return self.read(self.model(*fresh.args, **fresh.kwargs), rows)

    def outputs(self, arguments: Arguments, rows: int) -> Tensor:
        """The outputs of a batch, shape (rows, k); the model's attributes and buffers are afterwards as they were."""
        with self.scratch():
            return self.forward(arguments, rows)

    def read(self, returned: Any, rows: int) -> Tensor:
        """Shape (rows, k) of what the model returns.

        Raises:
            DomainError: it is no tensor of floating-point numbers with one row per input.
        """
        found: Any = returned if isinstance(returned, Tensor) else getattr(returned, "logits", None)
        if self.output is not None:
            found = self.output(returned)
        if isinstance(found, Tensor) and found.is_complex():
            raise DomainError(
                f"model returns {found.dtype} numbers: give output=, a function that makes real ones of them, such as "
                "lambda z: torch.view_as_real(z)."
            )
        # squeeze() takes away the axis of a batch of one
        alone = rows == 1 and isinstance(found, Tensor) and found.shape[:1] != (1,)
        if alone and found.is_floating_point():
            return torch.reshape(found, (1, -1))
        if not isinstance(found, Tensor) or found.ndim < 1 or not found.is_floating_point():
            raise DomainError(
                f"model returns {type(returned).__name__}, from which no tensor of shape (n, ...) was made: give "
                "output=, a function that makes one, such as lambda returned: returned.logits[:, -1]."
            )
        if found.dtype not in (torch.float32, torch.float64):
            raise DomainError(
                f"model returns numbers of dtype {found.dtype}: call it outside torch.autocast, or give output= with "
                "a conversion to float32."
            )
        if len(found) != rows:
            raise DomainError(
                f"model returns the shape {tuple(found.shape)} for {rows} inputs: "
                "give output=, a function that makes one row per input of what it returns."
            )
        return found.reshape(rows, -1)
