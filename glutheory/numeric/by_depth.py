"""Gram matrices of stacks that differ in how often their block is repeated, at the cost of the deepest one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.layers.records import Layer, Repeat
from glutheory.numeric.arrays import Array
from glutheory.numeric.reading import read_both
from glutheory.numeric.tiles import SIDE, Tile, cores, cover, for_each, positive


def grams_by_depth(
    stack: Stack, X: Array, depths: Collection[int], *, threads: int | None = None
) -> dict[int, tuple[Array, Array]]:
    """NNGP and NTK of a stack on the rows of X for several numbers of repetitions of its one repeated block.

    As `gram` for each of them, at the cost of the deepest one. In the ntk parametrisation, all weights trained.

    Args:
        stack: with one `repeat` among its layers and no mean over positions; its own number of repetitions is not used.
        X: shape (n, d), as for `gram`.
        depths: numbers of repetitions, positive integers.
        threads: as for `gram`.

    Returns:
        For each depth, ascending, the pair of (n, n) matrices in float64.

    Raises:
        DomainError: no such stack, or as `gram`.
    """
    from glutheory.numeric.deep.plan import Own, make_deep_plan  # loads SymPy

    wanted = sorted({integer("depths", depth, 1) for depth in depths})
    if not wanted or stack.sequences:
        raise DomainError(f"depths is {list(depths)!r}: give positive integers, for a stack without positions.")
    left, _ = read_both(X, None)
    deepest = replace(stack, layers=_repeated(stack.layers, wanted[-1]))
    own = Own(False, int(left.scaled.shape[1]), 1, deepest.chosen(None))
    plan = make_deep_plan(deepest, left, left, own, depths=wanted)
    n, xp = left.count, left.xp
    found = {depth: (xp.empty((n, n), dtype=xp.float64), xp.empty((n, n), dtype=xp.float64)) for depth in wanted}

    def work(tile: Tile) -> None:
        rows, columns = tile
        with np.errstate(all="ignore"):
            for depth, parts in plan.by_depth(rows, columns, wanted):
                for result, part in zip(found[depth], parts, strict=True):
                    result[rows, columns] = part
                    # rounding is that of one triangle
                    result[columns, rows] = part.T if rows != columns else xp.triu(part) + xp.triu(part, k=1).T

    side = min(SIDE, max(64, n // 8))
    for_each(cover(n, n, side, True), work, positive("threads", threads, cores()))
    return found


def _repeated(layers: tuple[Layer, ...], times: int) -> tuple[Layer, ...]:
    return tuple(replace(layer, times=times) if isinstance(layer, Repeat) else layer for layer in layers)
