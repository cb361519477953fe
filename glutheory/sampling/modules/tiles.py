"""The rows of a kernel and its tiles: the part of it that one batch of the model gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from glutheory.sampling.modules.batches import Arguments

Tensor = torch.Tensor


@dataclass(frozen=True)
class Rows:
    """The rows of one side of a kernel: the samples, or each of them once for every output.

    Attributes:
        arguments: of the model, for all samples.
        samples: n.
        name: of the argument that they were given as.
        outputs: k where the kernel has a row for each output, else 1.
    """

    arguments: Arguments
    samples: int
    name: str
    outputs: int = 1

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.samples * self.outputs

    def take(self, rows: slice) -> Arguments:
        """The model's arguments for these rows."""
        if rows == slice(0, self.samples) and self.outputs == 1:
            return self.arguments
        return self.arguments.rows(torch.arange(rows.start, rows.stop) // self.outputs)

    def labels(self, rows: slice) -> list[str]:
        """What these rows are called."""
        return [f"row {row // self.outputs} of {self.name}" for row in range(rows.start, rows.stop)]


@dataclass(frozen=True)
class Tile:
    """Some rows of the left side with some of the right one; without these, with themselves.

    Attributes:
        left, right: the sides.
        p, q: the ranges of their rows.
        together: whether p and q are the same rows of the same side.
    """

    left: Rows
    right: Rows
    p: slice
    q: slice
    together: bool

    @property
    def split(self) -> int | None:
        """How many rows of the batch are on the left; None: all of them are on both sides."""
        return None if self.together else self.p.stop - self.p.start

    @property
    def arguments(self) -> Arguments:
        """Of the model, for the batch of this tile."""
        ours = self.left.take(self.p)
        return ours if self.together else ours.joined(self.right.take(self.q))

    @property
    def labels(self) -> list[str]:
        """Of the rows of the batch."""
        return self.left.labels(self.p) + ([] if self.together else self.right.labels(self.q))

    def cotangents(self, k: int, like: Tensor) -> Iterator[Tensor]:
        """The directions in which the outputs are differentiated, each of shape (rows, k): one at a time."""
        rows = len(self.labels)
        if self.left.outputs == 1:
            for output in range(k):
                one = like.new_zeros((1, k))
                one[0, output] = 1
                yield one.expand(rows, k)
            return
        places = [*range(self.p.start, self.p.stop), *([] if self.together else range(self.q.start, self.q.stop))]
        unit = like.new_zeros((rows, k))
        unit[torch.arange(rows), torch.tensor(places) % k] = 1
        yield unit

    def direction(self, like: Tensor, seed: int) -> Tensor:
        """The direction in which the outputs are differentiated to test a batch, shape (rows, k).

        Where there is only one it is that of the kernel; else it is drawn, the same for all rows.
        """
        rows, k = like.shape
        if self.left.outputs > 1 or k == 1:
            return next(self.cotangents(k, like))
        draw = torch.randn((1, k), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        return draw.to(like).expand(rows, k)


def tiles(left: Rows, right: Rows | None, block: int | None) -> list[Tile]:
    """The tiles of the kernel of the left rows with the right ones; without these, of the upper triangle.

    Args:
        left: one side.
        right: the other.
        block: rows of each side in a batch; None: all.
    """
    other = right or left
    return [
        Tile(left, other, p, q, right is None and p == q)
        for p in _ranges(left.count, block)
        for q in _ranges(other.count, block)
        if right is not None or q.start >= p.start
    ]


def _ranges(count: int, block: int | None) -> list[slice]:
    step = block or count
    return [slice(start, min(count, start + step)) for start in range(0, count, step)]
