"""The diagonal of a Gram matrix in a time proportional to the number of rows."""

from __future__ import annotations

from functools import partial

from glutheory.numeric.arrays import Array
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Plan

#: Rows at a time, for the cache.
_CHUNK = 4096


def diagonal(plan: Plan, kind: str) -> Array:
    """The entries K(x_i, x_i), shape (n,), of the plan of a symmetric matrix; `kind` is "ntk" or "nngp".

    A row is at the angle 0 to itself, exactly; a zero row counts as at right angles to all, as everywhere.
    """
    rows = plan.left
    xp = rows.xp
    pieces = []
    for start in range(0, rows.count, _CHUNK):
        some = slice(start, min(start + _CHUNK, rows.count))
        zero = rows.norm[some] == 0
        rho = xp.where(zero, 0.0 * rows.length[some], 0.0 * rows.length[some] + 1.0)
        pairs = Geometry(xp, rho, True, 1.0, 1.0 - rho, 0.0 * rho)
        pick = partial(_pick, some)
        pieces += plan.kernels(pairs, pick, pick, (kind,))
    return xp.concat(pieces) if pieces else rows.norm


def _pick(some: slice, features: Array) -> Array:
    return features[..., some]
