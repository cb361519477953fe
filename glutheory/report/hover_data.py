"""What the page needs to read values off a figure: the numbers drawn, each with its place in the drawing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.charts import Chart
from glutheory.report.plain import plain
from glutheory.report.svg import NAMES
from glutheory.strokes import edges

Array = npt.NDArray[np.float64]
#: Significant digits of what is shown; more where a column varies little.
DIGITS = 5


def hover_data(figure: Any, chart: Chart) -> dict[str, Any]:
    """The numbers of a figure of one chart; places are in points from the upper left corner.

    Args:
        figure: what `glutheory.plotting.draw` returns for the chart.
        chart: that chart.

    Returns:
        ``size`` and ``box`` (left, top, right, bottom of the axes); ``x`` and ``y``, the names of the axes; ``series``,
        each with ``label``, ``colour`` (its name in the style sheet), ``x``, ``y``, ``low``, ``high`` (or neither) and
        the places ``at``; ``map``, None or with ``label``, ``x``, ``y``, ``values`` and the places of the borders of
        its cells, ``across`` and ``down``. Points that the figure does not show are left out.
    """
    axes = figure.axes[0]
    scale = 72 / figure.dpi
    height = axes.figure.bbox.height * scale

    def places(x: Sequence[float] | Array, y: Sequence[float] | Array) -> Array:
        with np.errstate(all="ignore"):
            found = axes.transData.transform(np.column_stack([x, y])) * scale
        return np.column_stack([found[:, 0], height - found[:, 1]])

    corners = axes.bbox.get_points() * scale
    left, top, right, bottom = corners[0, 0], height - corners[1, 1], corners[1, 0], height - corners[0, 1]
    rows = []
    for series, line in zip(chart.series, axes.get_lines(), strict=False):
        x, y = line.get_xdata(), line.get_ydata()
        at = places(x, y)
        inside = np.all((at >= (left - 1, top - 1)) & (at <= (right + 1, bottom + 1)), axis=1)
        row = {
            "label": plain(series.label),
            "colour": NAMES[line.get_color().lower()],
            "at": at[inside].round(1).tolist(),
        }
        columns = {"x": x, "y": y, "low": series.low, "high": series.high}
        rows.append(row | {name: _digits(np.array(column)[inside]) for name, column in columns.items() if len(column)})
    grid = None
    if chart.map is not None:
        borders = edges(chart.map.x, chart.xscale), edges(chart.map.y, chart.yscale)
        grid = {
            "label": plain(chart.map.label),
            "x": _digits(chart.map.x),
            "y": _digits(chart.map.y),
            "values": [_digits(row) for row in chart.map.values],
            "across": places(borders[0], np.full(len(borders[0]), borders[1][0]))[:, 0].round(1).tolist(),
            "down": places(np.full(len(borders[1]), borders[0][0]), borders[1])[:, 1].round(1).tolist(),
        }
    return {
        "size": [round(axes.figure.bbox.width * scale, 2), round(height, 2)],
        "box": [round(float(part), 1) for part in (left, top, right, bottom)],
        "x": plain(chart.x),
        "y": plain(chart.y),
        "series": rows,
        "map": grid,
    }


def script_json(data: Any) -> str:
    """The data as JSON for a ``<script>``: no sign in it has a meaning in HTML or XML.

    NaN becomes null, and infinity 1e999, which every reader of JSON rounds to it.
    """
    text = json.dumps(_plain(data), separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.replace("Infinity", "1e999")


def _plain(data: Any) -> Any:
    """The data without NaN, and whole numbers without a point."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    if not isinstance(data, float) or math.isinf(data):
        return data
    return None if math.isnan(data) else int(data) if data.is_integer() and abs(data) < 1e15 else data


def _digits(values: Iterable[float]) -> list[float]:
    """The values with as many digits as tell neighbours apart."""
    column = np.array(list(values), dtype=float)
    there = column[np.isfinite(column)]
    more = 0
    if len(there) and np.ptp(there) > 0:
        more = math.floor(math.log10(max(1.0, np.abs(there).max() / np.ptp(there))))
    return [float(f"{value:.{DIGITS + more}g}") for value in column]
