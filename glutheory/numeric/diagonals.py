"""Entries of rows with themselves, and of the rows of two sets in pairs, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from glutheory.numeric.arrays import Array
from glutheory.numeric.plan import Plan

if TYPE_CHECKING:
    from glutheory.numeric.deep.plan import DeepPlan

#: Rows at a time, for the cache.
_PIECE = 4096


def diagonal(plan: Plan | DeepPlan, kind: str) -> Array:
    """The entries K(x_i, x_i), shape (n,), of the plan of a symmetric matrix; `kind` is "ntk" or "nngp".

    A row is at the angle 0 to itself, exactly; a zero row counts as at right angles to all, as everywhere.
    """
    return _in_pieces(plan, lambda some: plan.diagonal(some, kind))


def paired_rows(plan: DeepPlan, kind: str) -> Array:
    """The entries K(x_i, y_i), shape (n,), of a plan without positions that has as many rows on both sides."""
    return _in_pieces(plan, lambda some: plan.paired(some, kind))


def _in_pieces(plan: Plan | DeepPlan, function: Callable[[slice], Array]) -> Array:
    count = plan.shape[0]
    starts = range(0, count, _PIECE)
    with np.errstate(all="ignore"):
        pieces = [function(slice(start, min(start + _PIECE, count))) for start in starts]
    return plan.left.xp.concat(pieces) if pieces else plan.left.norm
