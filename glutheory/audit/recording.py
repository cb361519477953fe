"""What reaches the feed-forward networks of a model: recorded by hooks while the model reads an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from glutheory.audit.blocks import Block
from glutheory.audit.experts import Stack
from glutheory.audit.routing import Routed, joined, routed
from glutheory.audit.search import Found

#: Examples per forward pass: what bounds the memory of a large model's activations.
_BATCH = 16
#: Where a configuration of transformers says how experts are computed.
_EXPERTS = "_experts_implementation"


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


def _row(tensor: torch.Tensor, n: int, length: int | None) -> torch.Tensor | None:
    """One row per example, the last position's; None if the tensor has the examples neither first nor second.

    XLNet has the positions first. `length`, how many there are, tells the two apart where it is not n.
    """
    if tensor.ndim == 3 and length != n and tuple(tensor.shape[:2]) == (length, n):
        return tensor.detach()[-1]
    if tensor.ndim < 2 or tensor.shape[0] % n:
        return None
    return tensor.detach().reshape(n, -1, tensor.shape[-1])[:, -1]


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """No dropout and no gradients; afterwards every module is in the mode it was in.

    The experts of transformers compute one after the other: its faster products want sizes that are multiples of 16
    bytes, and know no float64.
    """
    modes = [(module, module.training) for module in model.modules()]
    configs = {id(own): own for module in model.modules() if hasattr(own := getattr(module, "config", None), _EXPERTS)}
    before = [(own, getattr(own, _EXPERTS)) for own in configs.values()]
    try:
        with torch.no_grad():
            model.eval()
            for own, _ in before:
                setattr(own, _EXPERTS, "eager")
            yield
    finally:
        for own, chosen in before:
            setattr(own, _EXPERTS, chosen)
        for module, training in modes:
            module.training = training


def record(
    model: nn.Module, blocks: Sequence[Found], arguments: Mapping[str, Any] | tuple[Any, ...], n: int
) -> dict[int, Seen | Routed]:
    """Call the model and record what its blocks see; by their index, without those that were not reached.

    Args:
        model: is left as it was: hooks are removed and modes restored.
        blocks: where to look; all experts of a stack see the same `Routed`.
        arguments: of the call, by position or by name.
        n: how many examples it is called with, the first axis of what it computes with.
    """
    plain = [block for block in blocks if isinstance(block, Block)]
    layers = {block.stack.name: block.stack for block in blocks if not isinstance(block, Block)}
    length = _length(arguments.values() if isinstance(arguments, Mapping) else arguments)
    seen: dict[tuple[int, str], torch.Tensor] = {}
    sent: dict[str, Routed | None] = {}

    def done() -> None:
        if len(seen) == 2 * len(plain) and len(sent) == len(layers):
            raise _EnoughError

    def watch(index: int, what: str) -> Any:
        def hook(_module: nn.Module, given: tuple[Any, ...]) -> None:
            row = _row(given[0], n, length) if given and isinstance(given[0], torch.Tensor) else None
            # a block that is called twice keeps what it saw first
            if row is not None and (index, what) not in seen:
                seen[index, what] = row.clone()
            done()

        return hook

    def route(stack: Stack) -> Any:
        def hook(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            sent.setdefault(stack.name, routed(stack, (*given, *named.values()), output, n))
            done()

        return hook

    entering: dict[str, torch.Tensor | None] = {}

    def enter(stack: Stack) -> Any:
        def hook(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            first = next((part for part in (*given, *named.values()) if isinstance(part, torch.Tensor)), None)
            row = None if first is None else _row(first, n, length)
            fits = row is not None and row.shape[-1] == stack.sizes[0]
            entering.setdefault(stack.name, row.clone() if row is not None and fits else None)

        return hook

    handles = []
    try:
        for block in plain:
            handles.append(block.branches[0].register_forward_pre_hook(watch(block.index, "inputs")))
            handles.append(block.readout.register_forward_pre_hook(watch(block.index, "features")))
        for stack in layers.values():
            handles.append(stack.parent.register_forward_pre_hook(enter(stack), with_kwargs=True))
            handles.append(stack.owner.register_forward_hook(route(stack), with_kwargs=True))
        with evaluation(model):
            if isinstance(arguments, tuple):
                model(*arguments)
            else:
                model(**arguments)
    except _EnoughError:
        pass
    finally:
        for handle in handles:
            handle.remove()
    found: dict[int, Seen | Routed] = {}
    for part in blocks:
        if isinstance(part, Block):
            if {(part.index, what) for what in ("inputs", "features")} <= set(seen):
                found[part.index] = Seen(seen[part.index, "inputs"], seen[part.index, "features"])
        elif (routing := sent.get(part.stack.name)) is not None:
            found[part.index] = replace(routing, layer=entering.get(part.stack.name))
    return found


def _length(arguments: Iterable[Any]) -> int | None:
    """How many positions the first argument has, where it has two axes."""
    first = next((part for part in arguments if isinstance(part, torch.Tensor)), None)
    return first.shape[1] if first is not None and first.ndim == 2 else None


def record_examples(
    model: nn.Module, blocks: Sequence[Found], arguments: Mapping[str, torch.Tensor]
) -> dict[int, Seen | Routed]:
    """As `record`, for many examples: some at a time."""
    n = len(next(iter(arguments.values())))
    parts = []
    length = _length(arguments.values())
    # no batch is as large as a sequence is long: examples and positions would not be told apart
    steps = range(min(_BATCH, n), 0, -1)
    step = next((size for size in steps if length not in (size, n % size)), _BATCH)
    for start in range(0, n, step):
        some = {name: tensor[start : start + step] for name, tensor in arguments.items()}
        parts.append(record(model, blocks, some, min(step, n - start)))
    return {index: _joined([part[index] for part in parts]) for index in parts[0] if all(index in p for p in parts)}


def _joined(parts: Sequence[Seen | Routed]) -> Seen | Routed:
    whole = [part for part in parts if isinstance(part, Routed)]
    if whole:
        return joined(whole)
    seen = [part for part in parts if isinstance(part, Seen)]
    return Seen(torch.cat([part.inputs for part in seen]), torch.cat([part.features for part in seen]))


def probe(block: Found, X: torch.Tensor) -> Seen | Routed | None:
    """What a block sees if its owner alone is called with these rows; None if it takes something else.

    Of experts the owner is the layer that routes to them.
    """
    owner, like = (
        (block.owner, block.readout.weight)
        if isinstance(block, Block)
        else (block.stack.parent, next(block.stack.owner.parameters()))
    )
    rows = X.to(device=like.device, dtype=like.dtype)  # type: ignore[arg-type]
    try:
        return record(owner, (block,), (rows[:, None],), len(rows)).get(block.index)
    except Exception:  # noqa: BLE001 (a module is code of other people: it may raise anything)
        return None
