"""Straight-line programs on a grid: every operation is done as seldom as its operands allow, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import sympy as sp

from glutheory.ground.balls import Ball, Step, Tape, constant, execute

#: What a slot depends on: the head alone, x, y, or both.
_HEAD, _X, _Y, _BOTH = range(4)


class GridTape(Tape):
    """A `Tape` for all x, y of a grid, where x and y are the last two of its symbols and the others are its head.

    Sums and products are grouped so that few operations are left for the pairs (x, y).
    """

    def __init__(self, expressions: Sequence[sp.Expr], symbols: Sequence[sp.Symbol]) -> None:
        self._depends = [*repeat(_HEAD, len(symbols) - 2), _X, _Y]
        super().__init__(expressions, symbols)

    def _new(self, key: sp.Expr | None) -> int:
        self._depends.append(_HEAD)
        return super()._new(key)

    def _emit(self, key: sp.Expr | None, operation: str, operands: tuple[int, ...], extra: Any = None) -> int:
        slot = super()._emit(key, operation, operands, extra)
        for operand in operands:
            self._depends[slot] |= self._depends[operand]
        return slot

    def _fold(self, key: sp.Expr | None, operation: str, slots: Sequence[int]) -> int:
        groups = [[slot for slot in slots if self._depends[slot] in kinds] for kinds in ((_HEAD, _X), (_Y,), (_BOTH,))]
        filled = [group for group in groups if group]
        if len(filled) == 1:
            return super()._fold(key, operation, slots)
        first, *others = (super(GridTape, self)._fold(None, operation, group) for group in filled[:-1])
        return super()._fold(key, operation, [first, *others, *filled[-1]])

    def rows(
        self, head: Sequence[Ball], grid: Sequence[Ball], triangle: bool
    ) -> Iterator[tuple[int, list[list[Ball]]]]:
        """The outputs at (*head, x, y), one row per x: (first, columns), each output's values for y = grid[first:].

        first is 0, or with `triangle` the index of x. What depends on the head alone is computed once, what depends on
        one of x, y once per grid point; only the rest is left for the double loop.
        """
        memory: list[Any] = [None] * self._size
        for slot, value in self._constants:
            memory[slot] = constant(value)
        memory[: len(head)] = head
        x_slot, y_slot = len(head), len(head) + 1
        stages: list[list[Step]] = [[], [], [], []]
        for step in self.steps():
            stages[self._depends[step[1]]].append(step)
        execute(stages[_HEAD], memory)
        memory[y_slot] = list(grid)
        self._columns(stages[_Y], memory)
        whole = {slot: memory[slot] for slot in (y_slot, *(slot for _, slot, _ in stages[_Y]))}
        for index, x in enumerate(grid):
            first = index if triangle else 0
            memory[x_slot] = x
            execute(stages[_X], memory)
            for slot, column in whole.items():
                memory[slot] = column[first:] if first else column
            self._columns(stages[_BOTH], memory)
            yield (
                first,
                [
                    memory[slot] if self._depends[slot] & _Y else [memory[slot]] * (len(grid) - first)
                    for slot in self._outputs
                ],
            )

    def pairs(
        self, head: Sequence[Ball], grid: Sequence[Ball], triangle: bool
    ) -> Iterator[tuple[int, int, list[Ball]]]:
        """As `rows`, pair by pair: (i, j, outputs) for x = grid[i], y = grid[j]; only j ≥ i with `triangle`."""
        for i, (first, columns) in enumerate(self.rows(head, grid, triangle)):
            for j, outputs in enumerate(zip(*columns, strict=True), start=first):
                yield i, j, list(outputs)

    def _columns(self, steps: Sequence[Step], memory: list[Any]) -> None:
        """Run steps whose results depend on y, on whole columns of it."""
        for function, slot, operands in steps:
            columns = [memory[o] if self._depends[o] & _Y else repeat(memory[o]) for o in operands]
            if len(columns) == 1:
                columns.append(repeat(False))  # `analytic`
            memory[slot] = list(map(function, *columns))
