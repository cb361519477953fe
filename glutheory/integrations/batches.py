"""The arguments of the kernels for torch: read, checked, and taken apart into the members of a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.integrations.kernel import Kernel
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.matrix import KINDS

try:
    import torch
except ImportError:
    raise MissingDependencyError.of("this needs", "torch", "torch") from None


def result_type(X: torch.Tensor, Y: torch.Tensor | None) -> torch.dtype:
    """Of the kernel of X and Y: float32 if both are."""
    single = X.dtype == torch.float32 and (Y is None or Y.dtype == torch.float32)
    return torch.float32 if single else torch.float64


def read(
    network: Network | Stack | str,
    X: Any,
    Y: Any,
    kind: str,
    parametrization: str,
    width: int | None,
    variances: Mapping[str, Any] | None,
) -> tuple[Kernel, tuple[torch.Tensor, ...], torch.Size]:
    """The arguments checked: the kernel, the variances that are tensors, and the shape of the batch."""
    net = network if isinstance(network, Stack) else named_network(network)
    rank = rank_of(net)
    if kind not in KINDS:
        raise DomainError(f"kind is {kind!r}: use {', '.join(map(repr, KINDS))}.")
    for name, value in (("X", X), ("Y", Y)):
        if not isinstance(value, torch.Tensor) and not (name == "Y" and value is None):
            raise DomainError(f"{name} is of type {type(value).__name__}: give a tensor, e.g. torch.as_tensor({name}).")
        if value is not None and value.ndim < rank:
            what = "rows, of shape (…, rows, features)" if rank == 2 else "sequences, of shape (…, n, positions, d)"
            raise DomainError(f"{name} has shape {tuple(value.shape)}: give {what}.")
    given = dict(variances or {})
    roles = tuple(role for role, value in given.items() if isinstance(value, torch.Tensor))
    tensors = tuple(given[role] for role in roles)
    for role, value in zip(roles, tensors, strict=True):
        if value.is_meta:
            what = "is on torch's device meta, where tensors have no values"
            raise DomainError(f"variances[{role!r}] {what}: give a tensor with values.")
    fixed = tuple((role, value) for role, value in given.items() if role not in roles)
    batches = {"X": X.shape[:-rank]} | ({} if Y is None else {"Y": Y.shape[:-rank]})
    batches |= {f"variances[{role!r}]": value.shape for role, value in zip(roles, tensors, strict=True)}
    try:
        shape = torch.Size(np.broadcast_shapes(*map(tuple, batches.values())))
    except ValueError:
        listed = ", ".join(f"{name} {tuple(batch)}" for name, batch in batches.items())
        raise DomainError(f"the shapes of the batches do not fit each other ({listed}): make them broadcast.") from None
    return Kernel(net, kind, parametrization, width, fixed, roles), tensors, shape


def rank_of(network: Network | Stack) -> int:
    """The dimensions of its data: (rows, features), or (sequences, positions, features)."""
    return 3 if isinstance(network, Stack) and network.sequences else 2


def members(
    batch: Sequence[int], sides: Sequence[Any], values: Sequence[torch.Tensor], rank: int = 2
) -> Iterator[tuple[Any, ...]]:
    """The data (or None for those left out) and the numbers of each member of a batch, all broadcast to its shape."""
    count = math.prod(batch)
    spread: list[Any] = []
    for side in sides:
        if side is None:
            spread.append([None] * count)
        else:
            spread.append(side.expand(*batch, *side.shape[-rank:]).reshape(count, *side.shape[-rank:]).unbind())
    spread += [value.expand(batch).reshape(count).unbind() for value in values]
    return zip(*spread, strict=True)
