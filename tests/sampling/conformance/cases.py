"""What the conformance suite is made of: cases, each a model with inputs and an output of a few numbers a sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Tensor = torch.Tensor
#: Samples of a case, and outputs of each.
SAMPLES, OUTPUTS = 3, 2


class NotBuiltError(Exception):
    """There is nothing to judge here.

    Attributes:
        reason: one of a few, in words.
        detail: what was said.
    """

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = " ".join(str(detail).split())[:200]


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        model: in evaluation mode, float64.
        inputs: a tensor or named tensors, whose first axis counts the samples.
        output: makes a tensor of shape (n, …) of what the model returns; None: it is one.
        refused: words of the refusal where there must be one.
    """

    model: nn.Module
    inputs: Any
    output: Callable[[Any], Tensor] | None = None
    refused: str = ""


@dataclass(frozen=True)
class Case:
    """A model to judge.

    Attributes:
        family: the table that it belongs to.
        name: of it there.
        make: builds it, always the same; raises `NotBuiltError`.
    """

    family: str
    name: str
    make: Callable[[], Subject]


def projected(leaf: Callable[[Any], Tensor], outputs: int = OUTPUTS) -> Callable[[Any], Tensor]:
    """A few random combinations of all numbers that a tensor has for each sample, so that every one of them counts."""

    def output(returned: Any) -> Tensor:
        found = leaf(returned)
        flat = found.reshape(len(found), -1).to(torch.float64)
        draw = torch.randn((flat.shape[1], outputs), generator=torch.Generator().manual_seed(7), dtype=torch.float64)
        return torch.matmul(flat, draw) / math.sqrt(max(1, flat.shape[1]))

    return output


def alone(inputs: Any, index: Any) -> Any:
    """These samples of the inputs, as copies."""
    if isinstance(inputs, dict):
        return {name: value[index].clone() for name, value in inputs.items()}
    return inputs[index].clone()


def call(model: nn.Module, inputs: Any) -> Any:
    """What the model returns for all samples at once."""
    return model(**inputs) if isinstance(inputs, dict) else model(inputs)
