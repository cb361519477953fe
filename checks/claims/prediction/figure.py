"""The figures: condition numbers over the width beside their limits, and the errors over nL/w."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from checks.claims.prediction.cells import Cell, seen
from checks.claims.prediction.law import Law
from checks.settings import Settings
from glutheory.figures.chart import Chart, Role, Series

_ROLES = {"plain": Role.PLAIN, "gated": Role.GATED}


def charts(cells: Sequence[Cell], law: Law, settings: Settings) -> tuple[Chart, ...]:
    """Over the width, for the shallowest and the deepest networks; and all errors."""
    own = [cell for cell in cells if cell.gate == "swiglu"]
    n = min(cell.n for cell in own)
    depths = sorted({cell.depth for cell in own})
    return (
        *(_widths([c for c in own if (c.n, c.depth) == (n, L)], settings) for L in (depths[0], depths[-1])),
        _errors(own, law, settings),
    )


def _widths(cells: Sequence[Cell], settings: Settings) -> Chart:
    series = []
    widths = [float(cell.width) for cell in cells]
    for column, (name, role) in enumerate(_ROLES.items()):
        logs = [seen(cell, settings).measured[:, column] for cell in cells]
        middle, low, high = ([math.exp(float(f(x))) for x in logs] for f in (np.mean, np.min, np.max))
        wide = [math.exp(float(seen(cell, settings).predicted[:, column].mean())) for cell in cells]
        series.append(Series(f"{name}, measured", widths, middle, role, low, high, line=False))
        series.append(Series(f"{name}, wide limit", widths, wide, role, dashed=True))
    one = cells[0]
    return Chart(
        title=f"SiLU and SwiGLU, {one.depth} block{'s' if one.depth > 1 else ''}: measured and predicted",
        x="width of the stream",
        y="condition number",
        series=series,
        xscale="log",
        yscale="log",
        note=f"{one.n} inputs, RMSNorm and residuals. Geometric means and ranges over the seeds.",
    )


def _errors(cells: Sequence[Cell], law: Law, settings: Settings) -> Chart:
    series = []
    for column, (name, role) in enumerate(_ROLES.items()):
        x = [cell.ratio for cell in cells]
        y = [float(np.abs(seen(cell, settings).errors[:, column]).mean()) for cell in cells]
        series.append(Series(name, x, y, role, line=False))
    ends = [min(cell.ratio for cell in cells), max(cell.ratio for cell in cells)]
    series.append(
        Series(f"{law.bound:g} sqrt(nL/w)", ends, [law.bound * math.sqrt(x) for x in ends], Role.THEORY, dashed=True)
    )
    return Chart(
        title="How far condition numbers are from the wide limit",
        x="$nL/w$",
        y=r"mean of $|\ln(\mathrm{cond}_w/\mathrm{cond}_\infty)|$",
        series=series,
        xscale="log",
        yscale="log",
        note="SiLU and SwiGLU. The bound holds; the number nL/w does not say where below it a network is.",
    )
