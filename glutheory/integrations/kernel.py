"""What is the same for every matrix that an autograd asks for: the arguments of `gram` but the arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric.matrix import KINDS


@dataclass(frozen=True)
class Kernel:
    """Hashable, as autograds want it.

    Attributes:
        fixed: the variances that are numbers.
        roles: the names of those that are tensors or arrays.
    """

    network: Network | Stack
    kind: str
    parametrization: str
    width: int | None
    fixed: tuple[tuple[str, Any], ...]
    roles: tuple[str, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of matrices it returns."""
        return KINDS[self.kind]

    def options(self, values: Sequence[Any]) -> dict[str, Any]:
        """The arguments of `glutheory.gram`; of the tensors, their numbers."""
        variances = dict(self.fixed) | {role: float(value) for role, value in zip(self.roles, values, strict=True)}
        return {"parametrization": self.parametrization, "width": self.width, "variances": variances or None}
