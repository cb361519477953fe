"""Matrices against what is claimed: spectra and gains on the sphere, and other rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from checks.claims.depth.law import Law
from checks.tools.deep_kernels import Rule
from checks.tools.deep_pairs import apart, by_pairs, errors, partners, same
from checks.tools.deep_spectra import Cell, Ends, measured, predicted
from checks.tools.margins import edge_margin
from glutheory.claims import Evidence, Figure, Finding, Grade

#: Condition numbers beyond this are not looked at: the floor under a predicted spectrum is a difference of 1.
_LARGEST = 1e8
#: Wrong laws are tried on small matrices.
FEW = 200


def _claimed(law: Law, cell: Cell) -> tuple[Ends, ...]:
    """The limiting spectra that the law gives a cell on the sphere."""
    return predicted(
        law.block(cell.block), cell.n, cell.d, cell.depths, law.residual(cell.residual), cell.norm, law.rule
    )


def spectra(law: Law, cells: Sequence[Cell]) -> Evidence:
    """λ_1, λ_2 and λ_n of every stack on the sphere against the limiting spectra of the recursion."""
    if law.rule != Rule() or law.exchanged or law.swapped:
        cells = [cell for cell in cells if cell.n <= FEW and cell.norm == "rms"]
    table: dict[tuple[int, int], list[tuple[str, tuple[float, float, float]]]] = {}
    for cell in cells:
        for depth, one, other in zip(cell.depths, measured(cell), _claimed(law, cell), strict=True):
            if one.known and one.condition < _LARGEST:
                name = f"{cell.block.title}, L={depth}, {_how(cell)}"
                table.setdefault((cell.n, cell.d), []).append((name, errors(one, other)))
    sizes = sorted(table)
    spread = {size: [float(np.mean([abs(e[k]) for _, e in table[size]])) for k in range(3)] for size in sizes}
    worst = max(table[sizes[-1]], key=lambda row: max(map(abs, row[1])))
    n, d = sizes[-1]
    margin = edge_margin(d)
    good = max(map(abs, worst[1])) <= margin and sum(spread[sizes[-1]]) < sum(spread[sizes[0]])
    figures: dict[str, Figure] = {
        "spectra": sum(map(len, table.values())),
        "margin": margin,
        "mean |ln| of λ_1, λ_2, λ_n by size": {f"n={n}, d={d}": value for (n, d), value in spread.items()},
        "worst at the largest size": [worst[0], *worst[1]],
    }
    what = (
        f"λ_1, λ_2 and λ_n over the diagonal against the limiting spectra of the recursion: within a factor "
        f"{math.exp(margin):.2f} at n = {n}, d = {d}, and closer than at the smallest size"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="spectra", figures=figures)


def _how(cell: Cell) -> str:
    return ("residual" if cell.residual else "no residual") + ("" if cell.norm else ", no norm")


def gain(law: Law, cells: Sequence[Cell]) -> Evidence:
    """On the sphere with norms: cond(K̃_L) falls with depth; the gain grows for ever, or falls in the end."""
    if law.rule != Rule() or law.exchanged or law.swapped:
        cells = []
    wrong, rows, gated_rises, count = [], dict[str, Figure](), 0, 0
    for plain, gated in partners(cells):
        first, second = measured(plain), measured(gated)
        gated_rises += sum(later.least > earlier.most for earlier, later in pairwise(second))
        known = [k for k, one in enumerate(first) if one.known]
        low = [first[k].least / second[k].most for k in known]
        high = [first[k].most / second[k].least for k in known]
        name = f"{plain.block.gate}, {_how(plain)}, n={plain.n}, d={plain.d}"
        rows[name] = {f"L={plain.depths[k]}": first[k].condition / second[k].condition for k in known}
        said, falls, grows = law.phase(plain.block.gate), _falls(low, high), _grows(low, high)
        if (said == "grows" and not grows) or (said == "maximum" and not falls):
            wrong.append(name)
        count += 1
    figures: dict[str, Figure] = {
        "pairs of networks": count,
        "not as claimed": wrong,
        "steps in depth at which a gated condition number certainly rises": gated_rises,
        "cond(plain)/cond(gated)": rows,
    }
    what = (
        "sphere, RMSNorm: gated condition numbers fall with every step in depth; the gain grows at every step where "
        "χ < 1, and is certainly below an earlier value at the last depth where χ ≥ 1"
    )
    finding = Finding.of(not wrong and not gated_rises) if count else Finding.UNDECIDED
    return Evidence(Grade.NUMERICAL, what, finding, part="gain", figures=figures)


def _falls(low: Sequence[float], high: Sequence[float]) -> bool:
    """Whether the last one is certainly below another."""
    return high[-1] < max(low)


def _grows(low: Sequence[float], high: Sequence[float]) -> bool:
    """Whether each is certainly above the one before."""
    return all(later > earlier for later, earlier in zip(low[1:], high[:-1], strict=True))


def rows_of(law: Law, cells: Sequence[Cell]) -> Evidence:
    """Gaussian and real rows: the recursion pair by pair against the matrices, and whether gating helps."""
    if law.rule != Rule() or law.exchanged or law.swapped:
        cells = [cell for cell in cells if cell.data == "gaussian" and cell.block.gate == "reglu"]
    worst, wrong, rows = 0.0, list[str](), dict[str, Figure]()
    for cell in cells:
        for depth, one, other in zip(cell.depths, measured(cell), _by_pairs(law, cell), strict=True):
            if not one.known:
                continue
            worst = max(worst, apart(one, other) / one.condition)
            if not same(one, other, cell.n):
                wrong.append(f"{cell.data}, {cell.block.title}, L={depth}, {_how(cell)}")
    least = math.inf
    for plain, gated in partners(cells):
        found = list(zip(plain.depths, measured(plain), measured(gated), strict=True))
        gains = {f"L={depth}": a.condition / b.condition for depth, a, b in found if a.known}
        bulk = {f"L={depth}": a.bulk / b.bulk for depth, a, b in found if a.known}
        rows[f"{plain.data}, {plain.block.gate}, {_how(plain)}"] = {"gain": gains, "of the bulk": bulk}
        least = min(least, *(a.least / b.most for _, a, b in found if a.known))
    figures: dict[str, Figure] = {
        "stacks": len(cells),
        "not as claimed": wrong[:5],
        "largest error over the condition number": worst,
        "least gain": least,
        "gains": rows,
    }
    what = (
        "Gaussian and real rows as they are, RMSNorm: λ_1, λ_2 and λ_n of the recursion pair by pair are those of the "
        "matrices, and cond(K̃_L) is never above cond(K_L)"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong and least >= 1), part="other rows", figures=figures)


def _by_pairs(law: Law, cell: Cell) -> tuple[Ends, ...]:
    return by_pairs(cell, law.block(cell.block), law.residual(cell.residual), cell.norm, law.rule)
