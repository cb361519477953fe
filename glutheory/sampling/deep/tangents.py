"""The kernels of the groups of weights, summed up on the way back."""

from __future__ import annotations

import torch


class Tangents:
    """The kernels of the groups of weights, summed up while δ goes back.

    Args:
        inputs: their number n.
        wanted: the groups that count.
        apart: whether each group is kept for itself; else they are added up.
    """

    def __init__(self, inputs: int, wanted: frozenset[str], *, apart: bool) -> None:
        self._inputs, self._wanted, self._apart = inputs, wanted, apart
        self.sums: dict[str, torch.Tensor] = {}

    def wants(self, group: str) -> bool:
        """Whether the group counts."""
        return group in self._wanted

    def add(self, group: str, kernel: torch.Tensor) -> None:
        """Add what a group contributes, shape (draws, rows, rows); positions are summed over."""
        n = self._inputs
        if kernel.shape[1] != n:
            kernel = kernel.view(len(kernel), n, -1, n, kernel.shape[1] // n).sum((2, 4))
        key = group if self._apart else ""
        self.sums[key] = self.sums[key].add_(kernel) if key in self.sums else kernel

    def summed(self, delta: torch.Tensor) -> torch.Tensor:
        """δ summed over the positions of each input, shape (draws, n, units)."""
        n = self._inputs
        return delta if delta.shape[1] == n else by_inputs(delta, n).sum(2)


def by_inputs(rows: torch.Tensor, n: int) -> torch.Tensor:
    """Shape (draws, n, positions, units)."""
    return rows.view(len(rows), n, -1, rows.shape[-1])


def gram(rows: torch.Tensor) -> torch.Tensor:
    """The inner products of the rows, shape (draws, rows, rows)."""
    return rows @ rows.mT
