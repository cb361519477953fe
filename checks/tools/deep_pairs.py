"""The recursion for every pair of rows of a data set, as matrices, and their ends against those of measured ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from checks.tools.deep_kernels import RULE, Array, Block, Rule, flow
from checks.tools.deep_spectra import Cell, Ends, ends_of
from glutheory.claims import Assumption

#: Eigenvalues of two matrices whose entries differ by 1e-11 of the diagonal: n times that over λ_n.
_SAME = 1e-11


def cosines(cell: Cell) -> tuple[Array, Array]:
    """The cosines of the rows, shape (n, n), and ‖x‖²/d, shape (n,)."""
    X = cell.rows()
    G = X @ X.T / X.shape[1]
    q = np.array(np.diag(G))
    rho = np.clip((G + G.T) / 2 / np.sqrt(np.outer(q, q)), -1.0, 1.0)
    np.fill_diagonal(rho, 1.0)
    return rho, q


def distinct(cells: Iterable[Cell]) -> Assumption:
    """That no two rows of a cell are parallel or opposite, which all limits over the depth presuppose.

    Cosines of parallel rows are 1 up to rounding, and an angle of 1e-6 is not told from 0.
    """
    closest = max(float(np.max(np.abs(np.triu(cosines(cell)[0], 1)))) for cell in cells)
    said = "no two rows are parallel or opposite"
    return Assumption("rows", said, closest < 1 - 1e-12, f"largest |cos| is {closest:.6f}")


@lru_cache(maxsize=1024)
def by_pairs(
    cell: Cell, block: Block, residual: bool = True, norm: str | None = "rms", rule: Rule = RULE
) -> tuple[Ends, ...]:
    """The spectra that the recursion gives these rows at the depths of the cell."""
    rho, q = cosines(cell)
    found = flow(block, rho, cell.depths, residual=residual, norm=norm, sides=(q[:, None], q), rule=rule)
    return tuple(ends_of(deep.ntk if norm else deep.kernel, 0.0) for _, deep in found)


def errors(one: Ends, other: Ends) -> tuple[float, float, float]:
    """Of spike, bulk and floor: ln of the quotients of λ_1, λ_2 and λ_n, over the diagonal."""
    both = zip((one.first, one.second, one.last), (other.first, other.second, other.last), strict=True)
    a, b, c = (math.log(max(x, 1e-300) / max(y, 1e-300)) for x, y in both)
    return a, b, c


def apart(one: Ends, other: Ends) -> float:
    """The largest relative error of the three eigenvalues."""
    return max(abs(math.expm1(x)) for x in errors(one, other))


def same(one: Ends, other: Ends, n: int) -> bool:
    """Whether they are those of one matrix, but for the entries' errors."""
    return apart(one, other) <= _SAME * n * one.condition


def partners(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """Each plain cell with the gated one on the same rows."""
    gated = {replace(cell, block=replace(cell.block, gated=False)): cell for cell in cells if cell.block.gated}
    return [(cell, gated[cell]) for cell in cells if not cell.block.gated]
