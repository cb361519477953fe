"""Straight-line programs of torch calls on a fixed set of buffers.

Each value gets a buffer that is handed on after its last use. So a run allocates nothing, and its memory is known
beforehand: ``buffers`` arrays of the shape of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class RowVector:
    """Stands for the row vector in a list of operands."""


#: A value (buffer number), the row, a number for torch.pow, or a 0-dimensional tensor, which torch broadcasts.
Operand = int | RowVector | float | torch.Tensor


@dataclass(frozen=True)
class Call:
    """One elementwise call ``function(*operands, **options, out=buffer[target])``."""

    function: Callable[..., torch.Tensor]
    operands: tuple[Operand, ...]
    target: int
    options: tuple[tuple[str, float], ...] = ()

    @property
    def values(self) -> set[int]:
        """The buffers it reads."""
        return {operand for operand in self.operands if isinstance(operand, int)}


@dataclass(frozen=True)
class TorchProgram:
    """A straight-line program.

    Attributes:
        steps: the calls, in order.
        buffers: how many arrays it works on; the first ones hold the inputs and are overwritten.
        outputs: the buffer of each output.
    """

    steps: tuple[Call, ...]
    buffers: int
    outputs: tuple[int, ...]

    def run(self, buffers: Sequence[torch.Tensor], row: torch.Tensor) -> list[torch.Tensor]:
        """Run in place.

        Args:
            buffers: ``self.buffers`` distinct tensors of shape (n, c); the inputs are in the first ones.
            row: shape (c,), one number per column, or anything that broadcasts to (n, c).

        Returns:
            The output tensors, each one of `buffers`, shape (n, c).
        """
        for step in self.steps:
            operands = [
                buffers[operand] if isinstance(operand, int) else row if isinstance(operand, RowVector) else operand
                for operand in step.operands
            ]
            step.function(*operands, **dict(step.options), out=buffers[step.target])
        return [buffers[output] for output in self.outputs]


def allocate(steps: Sequence[Call], results: Sequence[int], inputs: int) -> TorchProgram:
    """The program with few buffers that does what `steps` do with a buffer of its own for every value.

    Args:
        steps: in order; each has a target of its own.
        results: the values wanted.
        inputs: how many values, 0 to inputs − 1, are given.
    """
    last = {value: index for index, step in enumerate(steps) for value in step.values}
    last.update(dict.fromkeys(results, len(steps)))
    place = {value: value for value in range(inputs)}
    # an input that nothing uses may be overwritten at once
    free = [value for value in range(inputs) if value not in last]
    count = inputs
    placed = []
    for index, step in enumerate(steps):
        operands = tuple(place[operand] if isinstance(operand, int) else operand for operand in step.operands)
        # every call is elementwise, so that its target may be one of its own operands
        free += sorted(place[value] for value in step.values if last[value] == index)
        if not free:
            free.append(count)
            count += 1
        place[step.target] = free.pop()
        placed.append(Call(step.function, operands, place[step.target], step.options))
    return TorchProgram(tuple(placed), count, tuple(place[result] for result in results))
