"""Gram matrices of stacks that differ in how often their block is repeated, at the cost of the deepest one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.layers.records import Repeat
from glutheory.numeric.arrays import Array
from glutheory.numeric.reading import read_both
from glutheory.numeric.tiles import SIDE, Tile, cores, cover, for_each, positive


def grams_by_depth(
    stack: Stack, X: Array, depths: Collection[int], *, threads: int | None = None, reachable: bool = False
) -> dict[int, tuple[Array, Array]]:
    """NNGP and NTK of a stack on the rows of X for several numbers of repetitions of its one repeated block.

    As `gram` for each of them, at the cost of the deepest one. In the ntk parametrisation, all weights trained.

    Args:
        stack: with one `repeat` among its layers and no mean over positions; its own number of repetitions is not used.
        X: shape (n, d), as for `gram`.
        depths: numbers of repetitions, positive integers.
        threads: as for `gram`.
        reachable: leave out the depths at which variances leave float64, as they do without norms, if there are others.

    Returns:
        For each depth, ascending, the pair of (n, n) matrices in float64.

    Raises:
        DomainError: no such stack, or as `gram`.
    """
    from glutheory.numeric.deep.plan import BeyondFloat64Error, DeepPlan, Own, make_deep_plan  # loads SymPy

    wanted = sorted({integer("depths", depth, 1) for depth in depths})
    if not wanted or stack.sequences:
        raise DomainError(f"depths is {list(depths)!r}: give positive integers, for a stack without positions.")
    left, _ = read_both(X, None)

    def planned(count: int) -> DeepPlan | None:
        """For the first so many depths; None where the last of these is beyond float64."""
        deepest = _repeated(stack, wanted[count - 1])
        own = Own(False, int(left.scaled.shape[1]), 1, deepest.chosen(None))
        try:
            return make_deep_plan(deepest, left, left, own, depths=wanted[:count])
        except BeyondFloat64Error:
            if not reachable or count == 1:
                raise
            return None

    plan = planned(len(wanted))
    if plan is None:
        count = bisect_left(range(2, len(wanted)), True, key=lambda k: planned(k) is None) + 1
        wanted = wanted[:count]
        plan = planned(count)
    assert plan is not None
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


def _repeated(stack: Stack, times: int) -> Stack:
    """With this many repetitions, which its name says where it is another number than its own."""
    layers = tuple(replace(layer, times=times) if isinstance(layer, Repeat) else layer for layer in stack.layers)
    name = stack.name if layers == stack.layers else f"{stack.name} with {times} times its block"
    return replace(stack, layers=layers, name=name)
