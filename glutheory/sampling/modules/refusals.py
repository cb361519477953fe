"""Inputs that a model cannot read: told in a sentence by what it takes, not in torch's words for two matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from glutheory.errors import DomainError, GlutheoryError
from glutheory.sampling.modules.batches import Arguments

Tensor = torch.Tensor
_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)


@contextmanager
def readable(model: nn.Module, arguments: Arguments, run: Callable[[], object], name: str = "inputs") -> Iterator[None]:
    """What fails in this block because the model cannot read its inputs fails in a sentence.

    Args:
        model: the network.
        arguments: the inputs.
        run: calls the model on them: where that does not fail the error is none of the inputs'.
        name: of the inputs.
    """
    try:
        yield
    except (GlutheoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a model is code of other people: it may raise anything
        try:
            run()
        except GlutheoryError:
            raise
        except Exception as said:  # noqa: BLE001
            raise DomainError(_sentence(model, arguments, said, name)) from None
        raise error from None


def _sentence(model: nn.Module, arguments: Arguments, error: Exception, name: str) -> str:
    tensors = [x for x in arguments.leaves() if isinstance(x, Tensor)]
    own = list(dict.fromkeys(p.device for p in model.parameters()))
    away = [x.device for x in tensors if x.device not in own]
    if away:
        return (
            f"{name} are on the device {away[0]} and model's parameters on {own[0]}: move both to one, as by "
            f"{name}.to({str(own[0])!r})."
        )
    found = _layer(model, error)
    if found is not None:
        path, layer, given = found
        wanted = _wanted(layer, given)
        if wanted:
            what = f"its {type(layer).__name__} {path!r}" if path else f"the {type(layer).__name__}"
            # what an inner layer was given is no input of the user's
            same = any(x.shape[1:] == given.shape[1:] for x in tensors)
            remedy = wanted[1] if same else "give inputs of the size that the model was made for"
            return f"model cannot read {name} of {_kinds(tensors)}: {what} {wanted[0]}: {remedy}."
    dtypes = list(dict.fromkeys(p.dtype for p in model.parameters()))
    others = list(dict.fromkeys(str(x.dtype) for x in tensors if x.dtype not in dtypes))
    if others and "type" in str(error):
        mine = ", ".join(sorted(map(str, dtypes)))
        return (
            f"{name} are {', '.join(sorted(others))} and model's parameters {mine}, which its forward pass "
            f"refuses: give both the same dtype, as by {name}.to({mine})."
        )
    said = " ".join(str(error).split())[:200].rstrip(".")
    return (
        f"model's forward pass fails on {name} of {_kinds(tensors)} ({type(error).__name__}: {said}): give arguments "
        "on which it runs, a tensor, a tuple or a mapping by the names of its arguments."
    )


def _kinds(tensors: list[Tensor]) -> str:
    return ", ".join(f"shape {tuple(x.shape)} and dtype {x.dtype}" for x in tensors)


def _layer(model: nn.Module, error: Exception) -> tuple[str, nn.Module, Tensor] | None:
    """The innermost module in which this was raised, its path, and the tensor that it was called with."""
    paths = {id(module): path for path, module in model.named_modules()}
    found, step = None, error.__traceback__
    while step is not None:
        values = step.tb_frame.f_locals
        module = values.get("self")
        if isinstance(module, nn.Module) and id(module) in paths and step.tb_frame.f_code.co_name == "forward":
            given = values.get("input", values.get("x"))
            found = (paths[id(module)], module, given) if isinstance(given, Tensor) else None
        step = step.tb_next
    return found


def _wanted(layer: Any, x: Tensor) -> tuple[str, str] | None:
    """What a layer takes that this is not, and the remedy; None where that is not known."""
    shape = tuple(x.shape)
    if isinstance(layer, nn.Embedding):
        if x.dtype not in _INTEGERS:
            return f"takes whole numbers and got {x.dtype}", "give ids, as by .long()"
        low, high = (int(x.min()), int(x.max())) if x.numel() else (0, 0)
        if low < 0 or high >= layer.num_embeddings:
            worst = low if low < 0 else high
            return f"has rows 0 to {layer.num_embeddings - 1} and was asked for {worst}", "give ids in that range"
        return None
    if isinstance(layer, nn.Linear) and shape[-1:] != (layer.in_features,):
        return f"takes {layer.in_features} numbers on the last axis and got the shape {shape}", "give so many features"
    if isinstance(layer, _ConvNd):
        axes = len(layer.kernel_size)
        if x.ndim != axes + 2 or shape[1] != layer.in_channels:
            dims = ", ".join(("depth", "height", "width")[3 - axes :]) if axes > 1 else "length"
            return f"takes the shape (n, {layer.in_channels}, {dims}) and got {shape}", "give that"
    if isinstance(layer, nn.LayerNorm) and shape[-len(layer.normalized_shape) :] != tuple(layer.normalized_shape):
        return f"takes the last axes {tuple(layer.normalized_shape)} and got the shape {shape}", "give such features"
    return None
