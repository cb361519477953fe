"""What is inside a pair of axes: the series, intervals and the map of a chart, with the marks that all figures share.

Needs matplotlib (the extra ``report``); called by `glutheory.figures.draw`, which puts titles and legends around it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.figures.chart import Chart, Role, Series

#: Okabe and Ito's colours, told apart by all kinds of colour vision; markers and dashes tell them apart in print.
BLUE, VERMILLION, BLACK = "#0072B2", "#D55E00", "#000000"
COLOURS = {
    Role.PLAIN: (BLUE,),
    Role.GATED: (VERMILLION,),
    Role.THEORY: (BLACK,),
    Role.OTHER: ("#009E73", "#CC79A7", "#56B4E9", "#E69F00"),
}
_MARKERS = {Role.PLAIN: "o^v8H", Role.GATED: "sDPXp", Role.THEORY: "x+123", Role.OTHER: "d<>*h"}
_LINES = ("-", (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
_DASHED = ("--", (0, (3, 2, 1, 2)), (0, (7, 3)))
#: From negative to positive: the plain colour, white, the gated colour.
_DIVERGING = ("#003F63", BLUE, "#8EC1DD", "#F7F7F7", "#EDB48C", VERMILLION, "#7A3500")
_NO_VALUE: dict[str, Any] = {"facecolor": "#EEEEEE", "edgecolor": "#999999", "hatch": "////", "linewidth": 0.0}
#: Inches: the shortest axes that a map has, and what a tick's label takes: across per character and beside it, and up.
_ACROSS, _UP, _CHARACTER, _BESIDE, _LINE = 2.8, 3.1, 0.08, 0.1, 0.17
#: Characters of a label of a map's row or column; longer ones are no round numbers.
_ROUND = 5
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
    _scale(axes, "x", chart.xscale, [x for x, _ in columns])
    _scale(axes, "y", chart.yscale, [y for _, y in columns])
    mesh, handles = (None, []) if chart.map is None else _map(axes, chart)
    rank: Counter[Role | tuple[Role, bool]] = Counter()
    bands = []
    for order, (series, (x, y)) in enumerate(zip(chart.series, columns, strict=True), start=3):
        drawn = _line(axes, series, x, y, (rank[series.role], rank[series.role, series.dashed]), order)
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
    for axis in (axes.xaxis, axes.yaxis):
        _short_scale(axis)
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


def _scale(axes: Any, name: str, scale: str, columns: Sequence[Array]) -> None:
    """The scale of one axis; a symmetric logarithm is linear up to the smallest size, or a millionth of the largest."""
    if scale == "linear":
        axes.ticklabel_format(axis=name, style="sci", scilimits=(-3, 5), useMathText=True)
        return
    options: dict[str, float] = {}
    if scale == "symlog":
        sizes = np.abs(np.concatenate([np.zeros(0), *columns]))
        sizes = sizes[sizes > 0]
        smallest = max(sizes.min(), 1e-6 * sizes.max()) if len(sizes) else 1.0
        # a power of ten: else the labels next to 0 overlap
        options["linthresh"] = 10.0 ** math.ceil(math.log10(smallest))
    getattr(axes, f"set_{name}scale")(scale, **options)
    if scale == "log":
        axis = getattr(axes, f"{name}axis")
        axis.set_minor_formatter(lambda value, _: _between(value, *np.log10(axis.get_view_interval())))


def _short_scale(axis: Any) -> None:
    """Plain numbers at round steps on a log axis of less than a decade: powers of ten have next to none there."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and high < 10 * low:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())


def _between(value: float, low: float, high: float) -> str:
    """The label of a tick between powers of ten on a log axis from 10^low to 10^high, or nothing.

    Where one power of ten at most is shown, all on 0.4 decades and 2 and 5 on more: matplotlib's 2, 3, 4, 6 overlap.
    """
    power = math.floor(math.log10(value) + 1e-9)
    digit = round(value / 10.0**power)
    if math.floor(high) > math.ceil(low) or (high - low > 0.4 and digit not in (2, 5)):
        return ""
    return rf"${digit}\times10^{{{power}}}$"


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


def _line(axes: Any, series: Series, x: Array, y: Array, ranks: tuple[int, int], order: int) -> Any:
    """One series; its ranks in its role, among all and among the (un)dashed, decide the marker and the dashes."""
    rank, among = ranks
    colours, markers = COLOURS[series.role], _MARKERS[series.role]
    style: dict[str, Any] = {"color": colours[rank % len(colours)], "zorder": order, "label": series.label or "_"}
    style["marker"] = markers[rank % len(markers)]
    style["markersize"] = 5.5 if len(x) <= _FEW or series.line else 3.5 if len(x) <= 60 else 2.5
    if series.dashed:
        style["markerfacecolor"] = "white"
    if series.line:
        dashes = _DASHED if series.dashed else _LINES
        style["linestyle"] = dashes[among % len(dashes)]
        if series.role is Role.THEORY:
            style["marker"] = ""
        elif len(x) > _FEW:
            step = len(x) // 8
            style["markevery"] = (rank * step // 3 % step, step)
    else:
        style["linestyle"] = "none"
    return axes.plot(x, y, **style)[0]


def _map(axes: Any, chart: Chart) -> tuple[Any, list[Any]]:
    """Cells coloured around 0; those without a value are hatched, and the legend says so."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.patches import Patch

    assert chart.map is not None
    values = np.array(chart.map.values)
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    colours = LinearSegmentedColormap.from_list("plain-gated", _DIVERGING)
    x, y = edges(chart.map.x, chart.xscale), edges(chart.map.y, chart.yscale)
    axes.patch.set(**_NO_VALUE)
    cells = np.ma.masked_invalid(np.clip(values, -largest, largest))
    mesh = axes.pcolormesh(x, y, cells, cmap=colours, norm=Normalize(-largest, largest), rasterized=True, zorder=1)
    mesh.sticky_edges.x[:], mesh.sticky_edges.y[:] = (x[0], x[-1]), (y[0], y[-1])
    axes.grid(visible=False)
    _centre_ticks(axes.xaxis, chart.map.x, chart.xscale, _ACROSS, lambda text: _CHARACTER * len(text) + _BESIDE)
    _centre_ticks(axes.yaxis, chart.map.y, chart.yscale, _UP, lambda _: _LINE)
    return mesh, [Patch(label="no value", **_NO_VALUE)] if np.isnan(values).any() else []


def _centre_ticks(axis: Any, centres: Sequence[float], scale: str, inches: float, room: Callable[[str], float]) -> None:
    """On a log axis ticks at the centres of cells, where these are round numbers; as many as have room for a label."""
    texts = [f"{centre:g}" for centre in centres]
    if scale != "log" or max(map(len, texts)) > _ROUND:
        return
    borders = np.log(edges(np.array(centres), scale))
    places = (np.log(centres) - borders[0]) / (borders[-1] - borders[0]) * inches
    kept: list[int] = []
    for i, text in enumerate(texts):
        if not kept or places[i] - places[kept[-1]] >= (room(text) + room(texts[kept[-1]])) / 2:
            kept.append(i)
    axis.set_ticks([centres[i] for i in kept], [texts[i] for i in kept])
    axis.set_ticks([], minor=True)


def edges(centres: Sequence[float] | Array, scale: str) -> Array:
    """The borders of cells around these centres, halfway between neighbours on the axis's scale."""
    points = np.log(centres) if scale == "log" else np.array(centres)
    halves = np.diff(points) / 2
    first, last = (halves[0], halves[-1]) if len(halves) else (0.5, 0.5)
    borders: Array = np.concatenate([[points[0] - first], points[:-1] + halves, [points[-1] + last]])
    return np.exp(borders) if scale == "log" else borders
