"""A profile on equal cells of t, for arrays of pairs: one place to look up, a polynomial in what is left."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import array_api_compat
import numpy as np

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.numeric.arrays import Array, Namespace, constant
from glutheory.numeric.deep.panels import Panels, local
from glutheory.numeric.deep.profile import Profile, profile

#: Cells of [0, 1] that are tried, and the degree of the polynomials.
_CELLS, _DEGREE = (1024, 4096, 16384), 4
#: What cells may lose of the largest value.
_LOST = 2e-15
#: Where in a cell that is looked at.
_INSIDE = (0.071, 0.389, 0.642, 0.934)


@dataclass(frozen=True, eq=False)
class Table:
    """A profile that arrays can be looked up in.

    Attributes:
        profile: what it holds.
        cells: their number for one sign of ρ.
        slopes, gaps: shape (5, 2·(cells + 1)): the polynomials for ρ ≥ 0, then those for ρ < 0, those of `gaps` with
            the sign that they have in 1 − ρ' = there + gaps·t^order.
        there: 1 − ρ' at ρ = −1.
    """

    profile: Profile
    cells: int
    slopes: Array
    gaps: Array
    there: float


@dataclass(frozen=True, eq=False)
class Places:
    """Where pairs are in tables of one number of cells.

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
        if max(_lost(both, found, cells) for both, found in ((made.slopes, slopes), (made.gaps, gaps))) <= _LOST:
            gaps[:, cells + 1 :] *= -1.0
            return Table(made, cells, slopes, gaps, 2.0 - made.end if made.opposite else made.end)
    raise _too_fast(f"the kernel of {act.label}", variance)


def on_cells(
    both: tuple[Panels, Panels], lost: float, what: str, variance: Fraction | float, least: float = 0.0
) -> tuple[int, Array]:
    """A function of t for both signs of ρ on as few cells as lose no more than `lost`: their number and polynomials.

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
    return DomainError(f"{what} changes too fast for a stack at a variance of {float(variance):.4g}: scale its layers.")


def _joined(both: tuple[Panels, Panels], cells: int) -> Array:
    return np.ascontiguousarray(np.concatenate([local(part, cells, _DEGREE) for part in both], axis=1))


def _lost(both: tuple[Panels, Panels], found: Array, cells: int, least: float = 0.0) -> float:
    """The largest error within the cells, over the largest value, or over `least`."""
    worst = 0.0
    for sign, part in enumerate(both):
        rows = found[:, sign * (cells + 1) : (sign + 1) * (cells + 1) - 1]
        for inside in _INSIDE:
            wanted = part((np.arange(cells) + inside) / cells)
            scale = max(least, float(np.max(np.abs(wanted))))
            worst = max(worst, float(np.max(np.abs(np.polyval(rows, inside) - wanted))) / scale)
    return worst


def places(xp: Namespace, minus: Array, plus: Array, cells: int) -> Places:
    """The places of pairs with these 1 − ρ and 1 + ρ."""
    gap = xp.minimum(minus, plus)
    # at right angles a rounding may lead beyond 1, but not its root
    t = xp.sqrt(gap)
    rest = t * float(cells)
    index = xp.astype(rest, xp.int64)
    rest -= xp.astype(index, xp.float64)
    negative = plus < minus
    if not bool(xp.any(negative)):
        return Places(gap, t, None, index, rest)
    index += xp.astype(negative, xp.int64) * (cells + 1)
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
