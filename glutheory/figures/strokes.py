"""What is inside a pair of axes: the series, intervals and the map of a chart, with the marks that all figures share.

Needs matplotlib (the extra ``report``); called by `glutheory.figures.draw`, which puts titles and legends around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.figures import ticks
from glutheory.figures.chart import Chart, Role, Series

#: Okabe and Ito's colours, told apart by all kinds of colour vision; markers and dashes tell them apart in print.
#: Several plain or gated networks have shades of the one colour.
BLUE, VERMILLION, BLACK = "#0072B2", "#D55E00", "#000000"
COLOURS = {
    Role.PLAIN: (BLUE, "#004A75", "#4793C4"),
    Role.GATED: (VERMILLION, "#8C3E00", "#DD7729"),
    Role.THEORY: (BLACK,),
    Role.OTHER: ("#009E73", "#CC79A7", "#56B4E9", "#E69F00"),
}
_MARKERS = {Role.PLAIN: "o^v8H", Role.GATED: "sDPXp", Role.THEORY: "x+123", Role.OTHER: "d<>*h"}
_LINES = ("-", (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
_DASHED = ("--", (0, (3, 2, 1, 2)), (0, (7, 3)))
#: From negative to positive: the plain colour, white, the gated colour.
_DIVERGING = ("#003F63", BLUE, "#8EC1DD", "#F7F7F7", "#EDB48C", VERMILLION, "#7A3500")
_NO_VALUE: dict[str, Any] = {"facecolor": "#EEEEEE", "edgecolor": "#999999", "hatch": "////", "linewidth": 0.0}
#: More points than this and a line carries only about eight markers.
_FEW = 12

Array = npt.NDArray[np.float64]


def paint(axes: Any, chart: Chart) -> tuple[Any | None, list[Any], str]:
    """Draw the chart's content.

    Args:
        axes: matplotlib's, empty.
        chart: what to draw.

    Returns:
        The coloured mesh of the map or None, the handles of the legend, and a remark that belongs under the figure.
    """
    columns, hidden = visible(chart)
    ticks.scale(axes, "x", chart.xscale, [x for x, _ in columns])
    ticks.scale(axes, "y", chart.yscale, [y for _, y in columns])
    mesh, handles = (None, []) if chart.map is None else _map(axes, chart)
    rank: Counter[Role | tuple[Role, bool]] = Counter()
    paired = _paired(chart.series)
    bands = []
    for order, (series, (x, y)) in enumerate(zip(chart.series, columns, strict=True), start=3):
        ranks = rank[series.role], rank[series.role, series.dashed]
        colours = COLOURS[series.role]
        colour = colours[ranks[series.role in paired] % len(colours)]
        drawn = _line(axes, series, x, y, ranks, colour, order)
        handles += [drawn] if series.label else []
        rank.update((series.role, (series.role, series.dashed)))
        if series.low:
            bands.append((series, x, drawn.get_color(), order - 0.5))
            axes.update_datalim(_ends(series, x, y, chart.yscale))
    axes.autoscale_view()
    across, up = (axes.get_xlim(), axes.get_ylim()) if mesh is None else (mesh.sticky_edges.x, mesh.sticky_edges.y)
    for series, x, colour, above in bands:
        _band(axes, series, x, (up[0], up[1]), colour, above)
    if mesh is None and chart.yscale != "log" and up[0] < 0 < up[1]:
        axes.axhline(0, color="#888888", linewidth=0.8, zorder=2)
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    ticks.readable(axes.xaxis)
    ticks.readable(axes.yaxis)
    if chart.names:
        ticks.named(axes, chart.names)
    return mesh, handles, hidden


def visible(chart: Chart) -> tuple[list[tuple[Array, Array]], str]:
    """The columns, NaN where a logarithmic axis has no place for them, and a remark on those."""
    columns: list[tuple[Array, Array]] = []
    hidden = 0
    for series in chart.series:
        x, y = np.array(series.x), np.array(series.y)
        there = np.isfinite(x) & np.isfinite(y)
        gone = there & (((chart.xscale == "log") & (x <= 0)) | ((chart.yscale == "log") & (y <= 0)))
        hidden += int(gone.sum())
        columns.append((np.where(there & ~gone, x, np.nan), np.where(there & ~gone, y, np.nan)))
    points = "1 point, which is" if hidden == 1 else f"{hidden} points, which are"
    return columns, f"Not on the logarithmic scale: {points} 0 or negative." if hidden else ""


def _ends(series: Series, x: Array, y: Array, scale: str) -> Array:
    """The finite ends of the intervals, as points that the axes are to reach; not those far off on a log axis."""
    found = np.array([(at, end) for ends in (series.low, series.high) for at, end in zip(x, ends, strict=True)])
    there = np.isfinite(found).all(axis=1)
    if scale == "log":
        there &= found[:, 1] > np.nanmin(np.append(y, np.inf)) / 30
    return np.asarray(found[there])


def _band(axes: Any, series: Series, x: Array, edges: tuple[float, float], colour: str, order: float) -> None:
    """The intervals, cut off at the edges: a band around a line, bars at single points."""
    low, high = (np.clip(ends, *edges) for ends in (series.low, series.high))
    if series.line and len(x) > 1:
        axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0, zorder=order)
    else:
        axes.vlines(x, low, high, color=colour, linewidth=1.1, zorder=order)


def _paired(series: Sequence[Series]) -> set[Role]:
    """The roles in which a dashed series has the colour of the undashed one of its rank.

    Those of a network's kernels, and any other of which as many series are dashed as are not.
    """
    counts = Counter((item.role, item.dashed) for item in series)
    return {Role.PLAIN, Role.GATED} | {role for role in Role if counts[role, True] == counts[role, False]}


def _line(axes: Any, series: Series, x: Array, y: Array, ranks: tuple[int, int], colour: str, order: int) -> Any:
    """One series; its ranks in its role, among all and among the (un)dashed, decide the marker and the dashes."""
    rank, among = ranks
    markers = _MARKERS[series.role]
    style: dict[str, Any] = {"color": colour, "zorder": order, "label": series.label or "_"}
    style["marker"] = markers[rank % len(markers)]
    style["markersize"] = 5.5 if len(x) <= _FEW or series.line else 3.5 if len(x) <= 60 else 2.5
    if series.dashed:
        style["markerfacecolor"] = "white"
    if series.line:
        dashes = _DASHED if series.dashed else _LINES
        style["linestyle"] = dashes[among % len(dashes)]
        if series.guide or _level(series, x, y) or (series.role is Role.THEORY and _joined(y)):
            style["marker"] = ""
        elif len(x) > _FEW:
            step = len(x) // 8
            style["markevery"] = (rank * step // 3 % step, step)
    else:
        style["linestyle"] = "none"
    return axes.plot(x, y, **style)[0]


def _level(series: Series, x: Array, y: Array) -> bool:
    """Whether it is a straight level or upright line through two points: a guide, whatever it was called."""
    return len(x) == 2 and not series.low and bool(y[0] == y[1] or x[0] == x[1])


def _joined(y: Array) -> bool:
    """Whether two neighbours are there, so that a line can be seen without marks."""
    there = np.isfinite(y)
    return bool((there[1:] & there[:-1]).any())


def _map(axes: Any, chart: Chart) -> tuple[Any, list[Any]]:
    """Cells coloured around 0; those without a value are hatched, and the legend says so."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.patches import Patch

    assert chart.map is not None
    values = np.array(chart.map.values)
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    colours = LinearSegmentedColormap.from_list("plain-gated", _DIVERGING)
    x, y = ticks.edges(chart.map.x, chart.xscale), ticks.edges(chart.map.y, chart.yscale)
    axes.patch.set(**_NO_VALUE)
    cells = np.ma.masked_invalid(np.clip(values, -largest, largest))
    mesh = axes.pcolormesh(x, y, cells, cmap=colours, norm=Normalize(-largest, largest), rasterized=True, zorder=1)
    mesh.sticky_edges.x[:], mesh.sticky_edges.y[:] = (x[0], x[-1]), (y[0], y[-1])
    axes.grid(visible=False)
    ticks.centres(axes.xaxis, chart.map.x, chart.xscale)
    ticks.centres(axes.yaxis, chart.map.y, chart.yscale)
    return mesh, [Patch(label="no value", **_NO_VALUE)] if np.isnan(values).any() else []
