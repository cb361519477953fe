"""What reaches the feed-forward networks of a model: recorded by hooks while the model reads an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from glutheory.audit.blocks import Block

#: Examples per forward pass: what bounds the memory of a large model's activations.
_BATCH = 16


class _EnoughError(Exception):
    """Every block has been seen: the rest of the forward pass is not needed."""


@dataclass(frozen=True)
class Seen:
    """What passed through a block, one row per example.

    Attributes:
        inputs: shape (n, inputs), in the model's dtype.
        features: what its readout read, shape (n, width).
    """

    inputs: torch.Tensor
    features: torch.Tensor


def _row(tensor: torch.Tensor, n: int) -> torch.Tensor | None:
    """One row per example, the last position's; None if the tensor does not have the examples first."""
    if tensor.ndim < 2 or tensor.shape[0] % n:
        return None
    return tensor.detach().reshape(n, -1, tensor.shape[-1])[:, -1]


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """No dropout and no gradients; afterwards every module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad():
            model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training


def record(
    model: nn.Module, blocks: Sequence[Block], arguments: Mapping[str, Any] | tuple[Any, ...], n: int
) -> dict[int, Seen]:
    """Call the model and record what its blocks see; by `Block.index`, without those that were not reached.

    Args:
        model: is left as it was: hooks are removed and modes restored.
        blocks: where to look.
        arguments: of the call, by position or by name.
        n: how many examples it is called with, the first axis of what it computes with.
    """
    seen: dict[tuple[int, str], torch.Tensor] = {}

    def watch(index: int, what: str) -> Any:
        def hook(_module: nn.Module, given: tuple[Any, ...]) -> None:
            row = _row(given[0], n) if given and isinstance(given[0], torch.Tensor) else None
            # a block that is called twice keeps what it saw first
            if row is not None and (index, what) not in seen:
                seen[index, what] = row.clone()
            if len(seen) == 2 * len(blocks):
                raise _EnoughError

        return hook

    handles = []
    try:
        for block in blocks:
            handles.append(block.branches[0].register_forward_pre_hook(watch(block.index, "inputs")))
            handles.append(block.readout.register_forward_pre_hook(watch(block.index, "features")))
        with _evaluation(model):
            if isinstance(arguments, tuple):
                model(*arguments)
            else:
                model(**arguments)
    except _EnoughError:
        pass
    finally:
        for handle in handles:
            handle.remove()
    both = [block.index for block in blocks if {(block.index, what) for what in ("inputs", "features")} <= set(seen)]
    return {index: Seen(seen[index, "inputs"], seen[index, "features"]) for index in both}


def record_examples(
    model: nn.Module, blocks: Sequence[Block], arguments: Mapping[str, torch.Tensor]
) -> dict[int, Seen]:
    """As `record`, for many examples: some at a time."""
    n = len(next(iter(arguments.values())))
    parts = []
    for start in range(0, n, _BATCH):
        some = {name: tensor[start : start + _BATCH] for name, tensor in arguments.items()}
        parts.append(record(model, blocks, some, min(_BATCH, n - start)))
    return {
        index: Seen(
            torch.cat([part[index].inputs for part in parts]), torch.cat([part[index].features for part in parts])
        )
        for index in parts[0]
    }


def probe(block: Block, X: torch.Tensor) -> Seen | None:
    """What a block sees if its owner alone is called with these rows; None if it takes something else."""
    like = block.readout.weight
    rows = X.to(device=like.device, dtype=like.dtype)  # type: ignore[arg-type]
    try:
        return record(block.owner, (block,), (rows[:, None],), len(rows)).get(block.index)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None
