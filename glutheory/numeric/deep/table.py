"""A profile on equal cells of t, for arrays of pairs: one place to look up, a polynomial in what is left.

Of powers such as max(0, z)^1.5 the slope is no smooth function of t at 0, but falls like t² log t beside one: cells
that are equal in √t resolve it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import array_api_compat
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace, constant
from glutheory.numeric.deep.panels import Panels, local
from glutheory.numeric.deep.profile import Profile, profile

#: The degree of the polynomials.
_DEGREE = 4
#: What cells may lose of the largest value; those in √t serve evaluators from definitions, which promise less.
_LOST, _LOST_OF_ROOTS = 2e-15, 1e-14
#: Where in a cell that is looked at.
_INSIDE = (0.071, 0.389, 0.642, 0.934)


class Cells(NamedTuple):
    """Equal cells of [0, 1] for one sign of ρ.

    Attributes:
        number: how many.
        root: whether they are equal in √t.
    """

    number: int
    root: bool = False

    def warped(self, function: Panels) -> Callable[[Array], Array]:
        """The function of t as one of the place."""
        return (lambda place: function(place * place)) if self.root else function

    def kink(self, rows: Array) -> float:
        """What stands before t at t = 0, the larger of both signs."""
        at_zero = np.abs(rows[-3 if self.root else -2, [0, self.number + 1]])
        return float(at_zero.max()) * self.number ** (2 if self.root else 1)


#: Those that are tried.
_CELLS = (Cells(1024), Cells(4096), Cells(16384), Cells(4096, root=True), Cells(16384, root=True))


@dataclass(frozen=True, eq=False)
class Table:
    """A profile that arrays can be looked up in.

    Attributes:
        profile: what it holds.
        cells: on which.
        slopes, gaps: shape (5, 2·(number + 1)): the polynomials for ρ ≥ 0, then those for ρ < 0, those of `gaps` with
            the sign that they have in 1 − ρ' = there + gaps·t^order.
        there: 1 − ρ' at ρ = −1.
    """

    profile: Profile
    cells: Cells
    slopes: Array
    gaps: Array
    there: float


@dataclass(frozen=True, eq=False)
class Places:
    """Where pairs are in tables on the same cells.

    Attributes:
        gap, t: 1 − |ρ| and its root.
        negative: which ρ are; None where none is.
        index: the column of the table, shape of the pairs.
        rest: where in the cell, in [0, 1).
    """

    gap: Array
    t: Array
    negative: Array | None
    index: Array
    rest: Array


@lru_cache(maxsize=256)
def table(act: Activation, variance: Fraction | float) -> Table:
    """The table of an activation at a variance.

    Raises:
        DomainError: as `profile` does, and for a function that cells do not resolve.
    """
    made = profile(act, variance)
    for cells in _CELLS:
        slopes, gaps = (_joined(both, cells) for both in (made.slopes, made.gaps))
        lost = max(_lost(both, found, cells) for both, found in ((made.slopes, slopes), (made.gaps, gaps)))
        if lost <= (_LOST_OF_ROOTS if cells.root else _LOST):
            gaps[:, cells.number + 1 :] *= -1.0
            return Table(made, cells, slopes, gaps, 2.0 - made.end if made.opposite else made.end)
    raise _too_fast(f"the kernel of {act.label}", variance)


def on_cells(
    both: tuple[Panels, Panels], lost: float, what: str, variance: Fraction | float, least: float = 0.0
) -> tuple[Cells, Array]:
    """A function of t for both signs of ρ on as few cells as lose no more than `lost`: these and the polynomials.

    That is of the largest value, or of `least` if that is larger.

    Raises:
        DomainError: it changes too fast; the sentence begins with `what`.
    """
    for cells in _CELLS:
        found = _joined(both, cells)
        if _lost(both, found, cells, least) <= lost:
            return cells, found
    raise _too_fast(what, variance)


def _too_fast(what: str, variance: Fraction | float) -> DomainError:
    return DomainError(
        f"{what} changes too fast for the tables of a stack at a variance of {float(variance):.4g}: scale its layers "
        "down if it has many waves there, or use evaluate."
    )


def _joined(both: tuple[Panels, Panels], cells: Cells) -> Array:
    parts = [local(cells.warped(part), cells.number, _DEGREE) for part in both]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _lost(both: tuple[Panels, Panels], found: Array, cells: Cells, least: float = 0.0) -> float:
    """The largest error within the cells, over the largest value, or over `least`."""
    worst = 0.0
    for sign, part in enumerate(both):
        rows = found[:, sign * (cells.number + 1) : (sign + 1) * (cells.number + 1) - 1]
        for inside in _INSIDE:
            wanted = cells.warped(part)((np.arange(cells.number) + inside) / cells.number)
            scale = max(least, float(np.max(np.abs(wanted))))
            worst = max(worst, float(np.max(np.abs(np.polyval(rows, inside) - wanted))) / scale)
    return worst


def places(xp: Namespace, minus: Array, plus: Array, cells: Cells) -> Places:
    """The places of pairs with these 1 − ρ and 1 + ρ."""
    gap = xp.minimum(minus, plus)
    # at right angles a rounding may lead beyond 1, but not its root
    t = xp.sqrt(gap)
    rest = (xp.sqrt(t) if cells.root else t) * float(cells.number)
    index = xp.astype(rest, xp.int64)
    rest -= xp.astype(index, xp.float64)
    negative = plus < minus
    if not bool(xp.any(negative)):
        return Places(gap, t, None, index, rest)
    index += xp.astype(negative, xp.int64) * (cells.number + 1)
    return Places(gap, t, negative, index, rest)


def look_up(xp: Namespace, rows: Array, at: Places) -> Array:
    """The polynomials at these places, by Horner's rule."""
    if array_api_compat.is_numpy_namespace(xp):
        result, part = np.empty_like(at.rest), np.empty_like(at.rest)
        # "clip" takes without a copy; every index is inside
        np.take(rows[0], at.index, out=result, mode="clip")
        for row in rows[1:]:
            result *= at.rest
            np.take(row, at.index, out=part, mode="clip")
            result += part
        return result
    columns, flat = constant(xp, at.rest, rows), xp.reshape(at.index, (-1,))
    result = xp.reshape(xp.take(columns[0, :], flat), at.rest.shape)
    for k in range(1, rows.shape[0]):
        result = result * at.rest + xp.reshape(xp.take(columns[k, :], flat), at.rest.shape)
    return result
