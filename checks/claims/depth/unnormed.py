"""Stacks without norms on rows of different norms: the recursion, how fast variances part, and what gating loses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from checks.claims.depth.law import Law
from checks.claims.depth.plane import recursion
from checks.tools.deep_kernels import Rule
from checks.tools.deep_pairs import by_pairs, cosines, partners, same
from checks.tools.deep_spectra import Cell, Ends, measured, net
from glutheory.claims import Evidence, Figure, Finding, Grade
from glutheory.layers import stack
from glutheory.numeric import grams_by_depth

#: Of √(K_ii K_jj): entries of the matrices have 1e-13, the moments sums of some thousand terms.
_ENTRY = 1e-11
#: Blocks up to which single pairs are carried: beyond, variances of thousands need panels too many.
_PAIRED = 2


def unnormed(law: Law, cells: Sequence[Cell]) -> Evidence:
    """Every gate without norms on Gaussian and real rows."""
    if law.rule != Rule() or law.exchanged or law.swapped:
        cells = []
    if not law.norms:
        cells = [cell for cell in cells if cell.data == "gaussian" and cell.block.gate == "reglu"]
    wrong, rows, gains = list[str](), dict[str, Figure](), dict[str, Figure]()
    for cell in cells:
        wrong += _not_as_claimed(law, cell)
        rows[_name(cell)] = {
            f"L={depth}": {"condition number": one.condition, "of the bulk": one.bulk}
            for depth, one in zip(cell.depths, measured(cell), strict=True)
            if one.known
        }
    for plain, gated in partners(cells):
        found = list(zip(plain.depths, measured(plain), measured(gated), strict=True))
        gains[_name(plain)] = {f"L={depth}": a.condition / b.condition for depth, a, b in found if a.known and b.known}
        loses = law.worse(plain.block.gate)
        if not plain.residual and not (_loses(found[-1][1:]) if loses else all(_gains(both) for _, *both in found)):
            wrong.append(f"{_name(plain)}: gating {'does not lose' if loses else 'loses'}")
    others = [cell for cell in cells if cell.block.gate != "reglu"]
    figures: dict[str, Figure] = {
        "stacks": len(cells),
        "not as claimed": wrong[:5],
        "largest error of an entry": max(map(apart, others), default=0.0),
        "gains": gains,
        "condition numbers": rows,
    }
    what = (
        "every gate without norms on Gaussian and real rows: the recursion pair by pair; without residuals the "
        "condition number is at least (max q/min q)^(p^L), and gating loses at the last depth where φ(0) = 0, and at "
        "none for sigmoid"
    )
    finding = Finding.of(not wrong) if cells else Finding.UNDECIDED
    return Evidence(Grade.NUMERICAL, what, finding, part="without norms", figures=figures)


def _name(cell: Cell) -> str:
    return f"{cell.data}, {cell.block.title}, {'residual' if cell.residual else 'no residual'}"


def _not_as_claimed(law: Law, cell: Cell) -> Iterator[str]:
    """What of one stack is not."""
    found, q = measured(cell), cosines(cell)[1]
    ratio, power = float(q.max() / q.min()), law.power(cell.block)
    if not cell.residual and any(
        one.known and one.most < ratio**power**depth for depth, one in zip(cell.depths, found, strict=True)
    ):
        yield f"{_name(cell)}: below the bound"
    if cell.block.gate == "reglu":
        claimed = by_pairs(cell, cell.block, cell.residual, None if law.norms else "rms")
        if not all(same(one, other, cell.n) for one, other in zip(found, claimed, strict=True) if one.known):
            yield f"{_name(cell)}: the recursion"
    elif apart(cell) > _ENTRY:
        yield f"{_name(cell)}: the recursion for pairs"


@lru_cache(maxsize=1024)
def apart(cell: Cell) -> float:
    """The matrices' entries against the recursion, over √(K_ii K_jj), of three pairs and their diagonals.

    They are the closest pair, the most opposite one, and the shortest row with the longest.
    """
    rho, q = cosines(cell)
    upper = np.where(np.triu(np.ones_like(rho), 1) > 0, rho, np.nan)
    ends = (divmod(int(find(upper)), len(rho)) for find in (np.nanargmax, np.nanargmin))
    depths = tuple(depth for depth in cell.depths if depth <= _PAIRED)
    made = stack(net(cell.block), 1, norm=None, residual=cell.residual)
    worst = 0.0
    for pair in (*ends, (int(np.argmin(q)), int(np.argmax(q)))):
        X = cell.rows()[np.array(pair)]
        matrices = [ntk for _, ntk in grams_by_depth(made, X, depths, threads=1).values()]
        for i, j in ((0, 0), (1, 1), (0, 1)):
            claimed = recursion(X[i], X[j], cell.block, depths, cell.residual)
            for K, (_, value) in zip(matrices, claimed, strict=True):
                worst = max(worst, abs(float(K[i, j]) - value) / math.sqrt(K[i, i] * K[j, j]))
    return worst


def _loses(both: Sequence[Ends]) -> bool:
    """Whether the gated condition number is certainly the larger."""
    plain, gated = both
    return plain.most < gated.least


def _gains(both: Sequence[Ends]) -> bool:
    plain, gated = both
    return gated.most < plain.least
