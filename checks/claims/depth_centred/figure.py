"""The figures: the two parts of the gain against the number of blocks, and the share of the mean on all data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from checks.claims.depth_centred.four import foreseen, seen
from checks.claims.depth_centred.law import Law
from checks.tools.deep_kernels import Block
from checks.tools.deep_spectra import Cell
from glutheory.figures.chart import Chart, Role, Series

_TITLES = {"reglu": "ReLU/ReGLU", "geglu": "GELU/GEGLU", "swiglu": "SiLU/SwiGLU", "glu": "sigmoid/GLU"}
_LINE = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def charts(sphere: Sequence[Cell], other: Sequence[Cell]) -> tuple[Chart, ...]:
    """Parts for ReLU and SiLU, the share on the sphere, and on other rows."""
    largest = max((cell.n, cell.d) for cell in sphere)
    chosen = [cell for cell in sphere if (cell.n, cell.d) == largest]
    with_residual = {cell.block: cell for cell in chosen if cell.residual}
    return (
        *(_parts(with_residual[Block(gate, False)]) for gate in ("reglu", "swiglu")),
        _share(list(with_residual.values())),
        *(
            _rows([cell for cell in other if cell.block.gate == "reglu" and cell.residual == how])
            for how in (True, False)
        ),
    )


def _parts(cell: Cell) -> Chart:
    lines, points = foreseen(cell, Law(), _LINE), seen(cell, Law())
    series, x, y = [], list[float](), list[float]()
    for label, name, role in (
        ("centring", "mean", Role.PLAIN),
        ("gating beyond centring", "shift", Role.GATED),
        ("gating, both centred", "centred_shift", Role.OTHER),
    ):
        line = [math.exp(getattr(logs, name)) for logs in lines.values()]
        series.append(Series(label, list(lines), line, role, dashed=role is Role.OTHER))
        x += [depth for depth, _ in points]
        y += [math.exp(getattr(logs, name)) for _, logs in points]
    series.append(Series("measured", x, y, Role.THEORY, line=False))
    return Chart(
        f"{_TITLES[cell.block.gate]}: what centring gains, and what the gate gains beyond it",
        "blocks",
        "factor of the condition number",
        series,
        xscale="log",
        yscale="log",
        note=f"Sphere, n = {cell.n}, d = {cell.d}, RMSNorm, residuals. The gain of gating is the product of both.",
    )


def _share(cells: Sequence[Cell]) -> Chart:
    series = []
    for cell in cells:
        lines = foreseen(cell, Law(), _LINE)
        series.append(
            Series(_TITLES[cell.block.gate], list(lines), [logs.share for logs in lines.values()], Role.OTHER)
        )
    x, y = list[float](), list[float]()
    for cell in cells:
        found = seen(cell, Law())
        x += [float(depth) for depth, _ in found]
        y += [logs.share for _, logs in found]
    series.append(Series("measured", x, y, Role.THEORY, line=False))
    return Chart(
        "The share of the mean in the gain of gating",
        "blocks",
        r"$\ln(\mathrm{cond} K/\mathrm{cond} K_c)\,/\,\ln(\mathrm{cond} K/\mathrm{cond}\tilde K)$",
        series,
        xscale="log",
        note=f"Sphere, n = {cells[0].n}, d = {cells[0].d}, RMSNorm, residuals; lines: limiting spectra. It tends to 1.",
    )


def _rows(cells: Sequence[Cell]) -> Chart:
    series = []
    for cell in cells:
        found = seen(cell, Law())
        x, y = [depth for depth, _ in found], [logs.share for _, logs in found]
        series.append(Series(f"{cell.data}, n = {cell.n}, d = {cell.d}", x, y, Role.OTHER))
    how = "with residuals" if cells[0].residual else "without residuals"
    return Chart(
        f"The share of the mean on rows of different norms, {how}",
        "blocks",
        "share of the mean in the gain",
        series,
        xscale="log",
        note="ReLU and ReGLU, RMSNorm, rows as they are.",
    )
