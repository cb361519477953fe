"""Matrices of the four kernels against what is claimed: the parts on the sphere, and rows of different norms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checks.claims.depth_centred.four import cells_of, foreseen, seen
from checks.claims.depth_centred.law import Law
from checks.tools.deep_pairs import apart, by_pairs, same
from checks.tools.deep_spectra import Cell, measured
from checks.tools.margins import edge_margin
from glutheory.claims import Evidence, Figure, Finding, Grade

#: Wrong laws are tried on small matrices.
FEW = 200
_NAMES = ("mean", "shift", "shift among centred")


def parts(law: Law, cells: Sequence[Cell]) -> Evidence:
    """Mean, shift and shift among centred kernels at every depth on the sphere, against the limiting spectra."""
    if not law.usual:
        cells = [cell for cell in cells if cell.n <= FEW]
    table: dict[tuple[int, int], list[tuple[str, tuple[float, ...]]]] = {}
    shares: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        claimed = foreseen(cell, law)
        for depth, found in seen(cell, law):
            if depth not in claimed:
                continue
            theory = claimed[depth].parts
            if law.renamed:
                theory = (theory[1], theory[0], theory[2])
            gaps = tuple(x - y for x, y in zip(found.parts, theory, strict=True))
            how = "residual" if cell.residual else "no residual"
            table.setdefault((cell.n, cell.d), []).append((f"{cell.block.gate}, L={depth}, {how}", gaps))
            if (cell.n, cell.d) == (cells[-1].n, cells[-1].d):
                row = shares.setdefault(f"{cell.block.gate}, {how}", {})
                row[f"L={depth}"] = [found.mean, found.shift, found.share]
    sizes = sorted(table)
    spread = {size: float(np.mean([np.abs(gaps) for _, gaps in table[size]])) for size in sizes}
    worst = max(table[sizes[-1]], key=lambda row: max(map(abs, row[1])))
    n, d = sizes[-1]
    margin = edge_margin(d)
    good = max(map(abs, worst[1])) <= margin and spread[sizes[-1]] < spread[sizes[0]]
    figures: dict[str, Figure] = {
        "compared": sum(map(len, table.values())),
        "margin": margin,
        "mean |ln| by size": {f"n={n}, d={d}": value for (n, d), value in spread.items()},
        "worst at the largest size": [worst[0], *worst[1]],
        "mean, shift and share of the mean at the largest size": shares,
    }
    what = (
        f"{', '.join(_NAMES)} at every depth over those of the limiting spectra, sphere: within a factor "
        f"{math.exp(margin):.2f} at n = {n}, d = {d}, and closer than at the smallest size"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="parts", figures=figures)


def shares(law: Law, cells: Sequence[Cell]) -> Evidence:
    """On the sphere the mean's share is larger at the last depth than at one block, with residuals and without."""
    if not law.usual or law.renamed:
        cells = []
    wrong, rows = list[str](), dict[str, Figure]()
    for cell in cells:
        found = seen(cell, law)
        name = f"{cell.block.gate}, {'residual' if cell.residual else 'no residual'}, n={cell.n}"
        rows[name] = [found[0][1].share, found[-1][1].share]
        if not found[-1][1].share > found[0][1].share:
            wrong.append(name)
    figures: dict[str, Figure] = {"not as claimed": wrong, "share at the first and the last depth": rows}
    what = "sphere: the share of the mean in the gain of gating is larger at the last depth than at one block"
    finding = Finding.of(not wrong) if cells else Finding.UNDECIDED
    return Evidence(Grade.NUMERICAL, what, finding, part="share", figures=figures)


def rows_of(law: Law, cells: Sequence[Cell]) -> Evidence:
    """Rows of different norms: one constant is the mean of every row, pair by pair; and what centring costs at most."""
    if not law.usual:
        cells = [cell for cell in cells if cell.data == "gaussian" and cell.block.gate == "reglu"]
    wrong, worst, cost = list[str](), 0.0, -math.inf
    rows: dict[str, Figure] = {}
    for cell in cells:
        for one in cells_of(cell):
            taken = measured(replace(one, block=law.taken(one.block)))
            for depth, a, b in zip(
                cell.depths, taken, by_pairs(one, law.block(one.block), cell.residual, "rms", law.rule), strict=True
            ):
                if a.known:
                    worst = max(worst, apart(a, b) / a.condition)
                    if not same(a, b, cell.n):
                        wrong.append(f"{cell.data}, {one.block.title}, L={depth}")
        found = seen(cell, law)
        cost = max(cost, *(-logs.mean for _, logs in found))
        how = "residual" if cell.residual else "no residual"
        rows[f"{cell.data}, {cell.block.gate}, {how}"] = {
            f"L={depth}": [logs.mean, logs.shift, logs.share] for depth, logs in found
        }
    good = not wrong and cost <= math.log1p(law.costs)
    figures: dict[str, Figure] = {
        "not as claimed": wrong[:5],
        "largest error over the condition number": worst,
        "largest cond(K_c)/cond(K)": math.exp(cost),
        "mean, shift and share of the mean": rows,
    }
    what = (
        "Gaussian and real rows as they are: all four kernels are those of the recursion with one constant, and "
        "cond(K_c) "
        f"is at most {1 + law.costs:g} cond(K)"
    )
    return Evidence(Grade.NUMERICAL, what, Finding.of(good), part="other rows", figures=figures)
