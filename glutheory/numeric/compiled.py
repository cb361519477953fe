"""Gram matrices by a compiled loop: whether there is one for a plan, and the tiles that it takes.

The loop (`loops`) takes the far pairs of tiles whose branches all have one (`duals.far`); nearly parallel pairs, the
diagonal, and tiles in which some pairs need more than a series are left to the arrays of `plan`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.numeric.angles import SHARE
from glutheory.numeric.arrays import inner
from glutheory.numeric.duals.far import BODIES, Loop
from glutheory.numeric.plan import Plan

#: From this many entries on one call saves the 0.4 s that importing numba and reading its cache take, once a process.
WORTH = 1 << 25
#: How many numbers the loop of a branch may have.
_NUMBERS = 5


def chosen(fast: Any, entries: int) -> bool:
    """Whether a compiled loop is to be used where there is one, for a matrix of so many entries.

    Raises:
        DomainError: `fast` is no choice.
        MissingDependencyError: it is asked for, and numba is not installed.
    """
    if fast is None:
        return entries >= WORTH and find_spec("numba") is not None
    if not isinstance(fast, bool):
        raise DomainError(f"fast is {repr(fast)[:60]}: give True, False, or None for what is faster.")
    if fast and find_spec("numba") is None:
        raise MissingDependencyError.of("fast=True needs", "numba", "fast")
    return fast


class _Known(NamedTuple):
    """Of some rows: the bounds of the loops that have one, and the summaries of all."""

    bounds: list[np.ndarray]
    summaries: list[Any]


@dataclass(frozen=True, eq=False)
class Compiled:
    """The loop of a plan.

    Attributes:
        plan: whose branches all have a loop.
        kinds: the kernels.
        targets: the matrices of these kinds.
    """

    plan: Plan
    kinds: tuple[str, ...]
    targets: list[Any]
    _known: dict[tuple[str, int], _Known] = field(default_factory=dict)

    @cached_property
    def _loops(self) -> tuple[Loop, ...]:
        return tuple(branch.dual.loop for branch in self.plan.branches if branch.dual.loop is not None)

    @cached_property
    def _features(self) -> tuple[np.ndarray, np.ndarray]:
        plan = self.plan
        left = np.concatenate([branch.left for branch in plan.branches])
        right = left if plan.left is plan.right else np.concatenate([branch.right for branch in plan.branches])
        return left, right

    @cached_property
    def _numbers(self) -> np.ndarray:
        found = np.zeros((len(self._loops), 2 + _NUMBERS))
        for row, loop, branch in zip(found, self._loops, self.plan.branches, strict=True):
            row[: 2 + len(loop.numbers)] = loop.factor, branch.share, *loop.numbers
        return found

    @cached_property
    def _branches(self) -> np.ndarray:
        sizes = [branch.left.shape[0] for branch in self.plan.branches]
        begins = [sum(sizes[:k]) for k in range(len(sizes))]
        return np.array([[BODIES.index(loop.body), at] for loop, at in zip(self._loops, begins, strict=True)])

    def _known_of(self, some: slice, side: str) -> _Known:
        """What the loops need of these rows; each tile of a row of tiles asks for the same."""
        key = side, some.start
        if key not in self._known:
            xp, loops = self.plan.left.xp, self._loops
            parts = [getattr(branch, side)[:, some] for branch in self.plan.branches]
            pairs = list(zip(loops, parts, strict=True))
            bounds = [loop.bound(xp, part) for loop, part in pairs if loop.bound is not None]
            self._known[key] = _Known(bounds, [loop.summary(xp, part) for loop, part in pairs])
        return self._known[key]

    def tile(self, rows: slice, columns: slice) -> bool:
        """Write a tile, of a symmetric matrix its image as well; False, and nothing written, where it needs arrays."""
        from glutheory.numeric import loops

        plan = self.plan
        xp, symmetric = plan.left.xp, plan.left is plan.right
        half = symmetric and rows == columns
        sides = [(br.left[:, rows], br.right[:, columns]) for br in plan.branches]
        limit = min(br.dual.limit(*side) for br, side in zip(plan.branches, sides, strict=True))
        rho = inner(xp, plan.left.unit[rows, :], plan.right.unit[columns, :])
        known, known2 = self._known_of(rows, "left"), self._known_of(columns, "left" if symmetric else "right")
        bounds = list(zip(known.bounds, known2.bounds, strict=True))
        near = _taken(rho, limit, bounds, half)
        if near is not None and near[0].shape[0] > SHARE * rho.size:
            return False
        found = [
            loop.reaches(*both) for loop, *both in zip(self._loops, known.summaries, known2.summaries, strict=True)
        ]
        reaches = np.full((len(found), max(1, *map(len, found))), np.inf)
        for row, part in zip(reaches, found, strict=True):
            row[: len(part)] = part
        wanted = "nngp" in self.kinds, "ntk" in self.kinds
        loops.fill(
            rho,
            (rows.start, columns.start),
            half,
            symmetric,
            self._branches,
            self._numbers,
            reaches,
            *self._features,
            plan.weight_left,
            plan.weight_right,
            plan.power,
            (plan.front, plan.readout),
            wanted,
            self.targets[0],
            self.targets[-1],
        )
        self._finish(rows, columns, near, half, symmetric)
        return True

    def _finish(
        self, rows: slice, columns: slice, near: tuple[np.ndarray, ...] | None, half: bool, symmetric: bool
    ) -> None:
        """The diagonal, and the nearly parallel pairs."""
        parts = [target[rows, columns] for target in self.targets]
        if half:
            for part, values in zip(parts, self.plan.diagonals(rows, self.kinds), strict=True):
                np.fill_diagonal(part, values)
        if near is None:
            return
        self.plan.repair(parts, near, (rows.start, columns.start), self.kinds, half)
        if symmetric:
            for target, part in zip(self.targets, parts, strict=True):
                target[columns, rows].T[near] = part[near]


def _taken(
    rho: np.ndarray, limit: float, bounds: list[tuple[np.ndarray, np.ndarray]], half: bool
) -> tuple[np.ndarray, ...] | None:
    """The indices of the pairs that the loop must not have, which are put at right angles; None if there are none.

    They are those with |ρ| beyond the limit or a product of bounds; with `half` only those above the diagonal count.
    """
    if half:
        np.fill_diagonal(rho, 0.0)
    reach = max(float(rho.max()), -float(rho.min()))
    bounds = [(left, right) for left, right in bounds if not reach <= float(left.min()) * float(right.min())]
    if reach <= limit and not bounds:
        return None
    size = np.abs(np.triu(rho) if half else rho)
    # NaN, of rows that overflow, is no far pair
    mask = ~(size <= limit)
    for left, right in bounds:
        mask |= size > np.outer(left, right)
    near = np.nonzero(mask)
    rho[near] = 0.0
    if half:
        rho.T[near] = 0.0
    return near


def compiled(plan: Any, kinds: tuple[str, ...], targets: list[Any]) -> Compiled | None:
    """The loop of a plan that fills these matrices; None where there is none."""
    if not isinstance(plan, Plan) or plan.overflows or not array_api_compat.is_numpy_namespace(plan.left.xp):
        return None
    if any(branch.dual.loop is None for branch in plan.branches):
        return None
    alike = {target.dtype for target in targets}
    if len(alike) > 1 or not all(isinstance(t, np.ndarray) and t.flags.c_contiguous for t in targets):
        return None
    return Compiled(plan, kinds, [np.asarray(target) for target in targets])
