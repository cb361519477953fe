"""The figures of the phase diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from checks.claims.phase_diagram.law import FACTOR, Sample, level
from glutheory.datasets.tabular import SETS
from glutheory.figures.chart import Chart, Role, Series
from glutheory.studies.phase.boundary import crossing, reach, sphere_limit
from glutheory.studies.phase.cells import Cell, Task
from glutheory.studies.phase.figure import diagram

#: Gates that get a map for every kind of data.
SHOWN = ("reglu", "swiglu")
_NAMES = {"reglu": "ReGLU", "swiglu": "SwiGLU"}


def charts(cells: Sequence[Cell], samples: Sequence[Sample]) -> tuple[Chart, ...]:
    """Maps for every kind of data and gate shown, the shares of random data, and the critical dimension."""
    table = {cell.task: cell for cell in cells}
    maps = [_map(table, data, gate, "wide") for data in ("gaussian", "sphere", *SETS) for gate in SHOWN]
    return (shares(samples), *maps, _map(table, "sphere", "reglu", "ntk", draw=1), dimensions(cells))


def _map(table: dict[Task, Cell], data: str, gate: str, setting: str, draw: int = 0) -> Chart:
    """The log ratio over (n, d), with the boundary that is derived for it."""
    chosen = {
        (t.n, t.d): (cell,)
        for t, cell in table.items()
        if (t.data, t.gate, t.setting, t.draw) == (data, gate, setting, draw)
    }
    kernels = "wide limit" if setting == "wide" else "full kernels, ntk parametrisation"
    title = f"{_NAMES[gate]} on {_words(data)}: where gating helps ({kernels})"
    return diagram(chosen, title, _note(data, gate, setting))


def _words(data: str) -> str:
    return {"gaussian": "Gaussian data", "sphere": "the sphere"}.get(data, data)


def _note(data: str, gate: str, setting: str) -> str:
    if data == "gaussian" and gate == "reglu":
        return "Gating hurts below the solid line, where many rows in few dimensions include very short ones."
    if data == "gaussian":
        return "Gating certainly helps above the line; below it hurts where the shortest of many rows decides."
    if data == "sphere" and setting == "wide":
        return "With equal norms it never hurts, by majorisation: no boundary is to be drawn."
    if data == "sphere":
        return "With equal norms the full kernels can still be worse conditioned in two and three dimensions."
    return "The norms of real rows spread widely, and the shortest row decides; after normalisation it never hurts."


def shares(samples: Sequence[Sample]) -> Chart:
    """P(help) against n over the crossing of the limiting spectra."""
    alpha = level(samples)
    series = []
    dims = [d for d in sorted({s.d for s in samples}) if math.isfinite(crossing(d))]
    for d in dims:
        row = sorted((s for s in samples if s.d == d), key=lambda s: s.n)
        low, high = zip(*(s.interval(alpha) for s in row), strict=True)
        x = [s.n / crossing(d) for s in row]
        y = [s.share for s in row]
        series.append(Series(f"$d={d}$", x, y, Role.OTHER, list(low), list(high)))
    series.append(Series("$n^*(d)$", [reach(d) / crossing(d) for d in dims], [0.5] * len(dims), Role.OTHER, line=False))
    series += [
        Series(f"{edge:.3g} x the crossing", [edge, edge], [0.0, 1.0], Role.THEORY, dashed=True)
        for edge in (1 / FACTOR, FACTOR)
    ]
    return Chart(
        "ReGLU on Gaussian data: the share of data sets that gating helps",
        "$n$ over the predicted crossing",
        r"$P(\mathrm{cond}(\tilde K)<\mathrm{cond}(K))$",
        series,
        xscale="log",
        note="Every curve falls through one half between the dashed lines; the single points n* lie left of them.",
    )


def dimensions(cells: Sequence[Cell]) -> Chart:
    """ReGLU on the sphere: the ratio at the largest n against its limit, both settings."""
    series = []
    for setting, dashed in (("wide", False), ("ntk", True)):
        chosen = [
            c
            for c in cells
            if (c.task.data, c.task.gate, c.task.setting) == ("sphere", "reglu", setting) and c.task.draw > 0
        ]
        largest = max(c.task.n for c in chosen)
        last = sorted((c for c in chosen if c.task.n == largest and math.isfinite(c.gain)), key=lambda c: c.task.d)
        dims = sorted({c.task.d for c in last})
        limits = [sphere_limit(d, setting) for d in dims]
        series.append(Series(f"limit of the tops, {setting}", dims, limits, Role.THEORY, dashed=dashed))
        ratios = [10**c.gain for c in last]
        series.append(Series(f"{setting}, n = {largest}", [c.task.d for c in last], ratios, line=False))
    return Chart(
        "ReGLU on the sphere: what gating gains",
        "input dimension $d$",
        r"$\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$",
        series,
        xscale="log",
        yscale="log",
        note="For n far beyond the powers of d the gain falls to the ratio of the largest eigenvalues, about 2d/π.",
    )
