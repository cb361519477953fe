"""The figures of the phase diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from checks.phase_boundary import certified_dimension, crossing, reach, sphere_limit
from checks.phase_cells import Cell, Task
from checks.phase_law import FACTOR, Sample, level
from checks.real_data import SETS
from glutheory.charts import Chart, Map, Role, Series

#: Gates that get a map for every kind of data.
SHOWN = ("reglu", "swiglu")
_LABEL = r"$\log_{10}\,\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$"
_NAMES = {"reglu": "ReGLU", "swiglu": "SwiGLU"}


def charts(cells: Sequence[Cell], samples: Sequence[Sample]) -> tuple[Chart, ...]:
    """Maps for every kind of data and gate shown, the shares of random data, and the critical dimension."""
    table = {cell.task: cell for cell in cells}
    maps = [_map(table, data, gate, "wide") for data in ("gaussian", "sphere", *SETS) for gate in SHOWN]
    return (shares(samples), *maps, _map(table, "sphere", "reglu", "ntk", draw=1), dimensions(cells))


def _map(table: dict[Task, Cell], data: str, gate: str, setting: str, draw: int = 0) -> Chart:
    """The log ratio over (n, d), with the boundary that is derived for it."""
    chosen = {
        (t.n, t.d): cell
        for t, cell in table.items()
        if (t.data, t.gate, t.setting, t.draw) == (data, gate, setting, draw)
    }
    x, y = sorted({n for n, _ in chosen}), sorted({d for _, d in chosen})
    values = [[chosen[n, d].gain if (n, d) in chosen else math.nan for n in x] for d in y]
    certified = [key for key, cell in chosen.items() if cell.certificate > 1]
    series = _boundary(data, gate, setting, x, y)
    if setting == "wide" and data != "sphere" and certified:
        series.append(_marks(r"certified: $\lambda_1(K)/\lambda_1(\tilde K)\,\min\|x\|^2/d>1$", certified, Role.THEORY))
    missing = any(math.isnan(value) for row in values for value in row)
    hatched = " Hatched: not resolved in double precision." if missing else ""
    kernels = "wide limit" if setting == "wide" else "full kernels, ntk parametrisation"
    return Chart(
        f"{_NAMES[gate]} on {_words(data)}: where gating helps ({kernels})",
        "rows $n$",
        "input dimension $d$",
        series,
        Map(_LABEL, x, y, values),
        "log",
        "log",
        f"Above 0 the gated kernel is better conditioned. {_note(data, gate, setting)}{hatched}",
    )


def _marks(label: str, keys: Sequence[tuple[int, int]], role: Role) -> Series:
    ordered = sorted(keys)
    return Series(label, [float(n) for n, _ in ordered], [float(d) for _, d in ordered], role, line=False)


def _boundary(data: str, gate: str, setting: str, x: Sequence[int], y: Sequence[int]) -> list[Series]:
    if data == "sphere" and setting == "ntk":
        return [Series("critical dimension 3, $n\\to\\infty$", [x[0], x[-1]], [3.0, 3.0], Role.THEORY)]
    if data != "gaussian":
        return []
    dims = [certified_dimension(n, gate) for n in x]
    inside = [d if y[0] <= d <= y[-1] else math.nan for d in dims]
    found = [Series("certified above, with probability 1/2", x, inside, Role.THEORY, dashed=True)]
    if gate == "reglu":
        kept: list[tuple[float, float]] = []
        for d in range(5, y[-1] + 1):
            kept.append((crossing(d), float(d)))
            if 1.5 * kept[-1][0] > x[-1]:  # it grows by more than that
                break
        found.append(Series("the limiting spectra cross", [n for n, _ in kept], [d for _, d in kept], Role.THEORY))
    return found


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
    dims = sorted({s.d for s in samples})
    for d in dims:
        row = sorted((s for s in samples if s.d == d), key=lambda s: s.n)
        low, high = zip(*(s.interval(alpha) for s in row), strict=True)
        x = [s.n / crossing(d) for s in row]
        y = [s.share for s in row]
        series.append(Series(f"$d={d}$", x, y, Role.GATED, list(low), list(high)))
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
        series.append(Series(f"{setting}, n = {largest}", [c.task.d for c in last], ratios, Role.GATED, line=False))
    return Chart(
        "ReGLU on the sphere: what gating gains",
        "input dimension $d$",
        r"$\mathrm{cond}(K)/\mathrm{cond}(\tilde K)$",
        series,
        xscale="log",
        yscale="log",
        note="For n far beyond the powers of d the gain falls to the ratio of the largest eigenvalues, about 2d/π.",
    )
