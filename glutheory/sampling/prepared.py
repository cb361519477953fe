"""Any network made ready for drawing: two layers or many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch

from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.sampling.deep.sampler import deep_sampler
from glutheory.sampling.sampler import WORKSPACE, sampler

__all__ = ["WORKSPACE", "Prepared", "prepare"]


class Prepared(Protocol):
    """Everything about a kernel but the draw."""

    @property
    def inputs(self) -> torch.Tensor:
        """X, in the dtype and on the device of the computation."""

    @property
    def width(self) -> int:
        """Units of a hidden layer."""

    def blocks(self, seed: int, draw: int) -> dict[str, torch.Tensor]:
        """The NTK of one draw by groups of weights."""

    def total(self, seed: int, draw: int) -> torch.Tensor:
        """The kernel of one draw."""

    def totals(self, seed: int, draws: range) -> Iterator[torch.Tensor]:
        """The kernels of some draws, one by one."""

    def settings(self) -> dict[str, Any]:
        """What the draws depend on beyond the inputs and the arguments below, as JSON."""


def prepare(
    network: str | Network | Stack,
    X: Any,
    *,
    width: int,
    device: str | torch.device,
    dtype: torch.dtype,
    parametrization: str,
    kind: str,
    variances: Mapping[str, float] | None,
    trained: str | Iterable[str] | None,
    workspace: int,
) -> Prepared:
    """Check every argument; they are those of `empirical_ntk`."""
    common: dict[str, Any] = {
        "width": width,
        "device": device,
        "dtype": dtype,
        "parametrization": parametrization,
        "kind": kind,
        "variances": variances,
        "workspace": workspace,
    }
    if isinstance(network, Stack):
        return deep_sampler(network, X, **common, trained=trained)
    if trained is not None:
        raise DomainError(
            f"trained is {repr(trained)[:60]}, but only a stack has groups to choose from: leave it out, or give "
            "blocks=True."
        )
    return sampler(network, X, **common)
