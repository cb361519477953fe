"""The figures of a page: the same drawing as everywhere, inline, in the page's colours, with values to be read off.

For that the page gets the numbers drawn, each with its place in the drawing.
"""

from __future__ import annotations

import dataclasses
import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.figures import draw
from glutheory.figures.chart import Chart
from glutheory.figures.strokes import visible
from glutheory.figures.ticks import edges
from glutheory.report.mathml import prose
from glutheory.report.plain import plain
from glutheory.report.svg import NAMES, page_svg

Array = npt.NDArray[np.float64]
#: Significant digits of what is shown; more where a column varies little.
_DIGITS = 5
#: Inches: narrow enough that the letters can be read on a telephone, where the figure shrinks.
_WIDTH = 4.7


def inline(charts: Chart | Sequence[Chart], *, name: str, defined: set[str] | None = None) -> str:
    """The charts as HTML: an element ``div.charts`` with a ``figure.panel`` for each.

    The style sheet ``figures.css`` gives it its colours, and ``hover.js`` lets readers read values off; without scripts
    it is a picture.

    Args:
        charts: one or several.
        name: begins the ids in it: letters, digits, ``-`` and ``_``, and no other figure of the page has it.
        defined: the ids of the letters' outlines that stand elsewhere in the page; those that this adds are added to
            the set. Pass the same set for all figures of a page, and every outline stands there once. Left out: the
            fragment has all that it needs.

    Returns:
        HTML that is well-formed XML too.

    Raises:
        DomainError: no chart, a name that does not do, or mathematics that cannot be read.
        MissingDependencyError: matplotlib is not installed.
    """
    charts = (charts,) if isinstance(charts, Chart) else tuple(charts)
    if not charts:
        raise DomainError("charts is empty: give at least one.")
    if not name.replace("-", "").replace("_", "").isalnum():
        raise DomainError(f"name is {name!r}: use letters, digits, - and _.")
    defined = set() if defined is None else defined
    panels = [_panel(chart, f"{name}-{number}", defined) for number, chart in enumerate(charts, start=1)]
    return f'<div class="charts">\n{"".join(panels)}</div>'


def _panel(chart: Chart, name: str, defined: set[str]) -> str:
    """One chart: its title and note are text of the page, the rest is the drawing."""
    figure = draw.draw(dataclasses.replace(chart, title="", note=""), width=_WIDTH)
    figure.patch.set_visible(False)
    title, note = plain(chart.title), plain(chart.note)
    axes = f"Across: {plain(chart.x)}. Upwards: {plain(chart.y)}."
    summary = " ".join(part for part in (note, axes, visible(chart)[1]) if part)
    drawing = page_svg(draw.vector(figure), prefix=name, title=title, description=summary)
    new = {glyph: path for glyph, path in drawing.glyphs.items() if glyph not in defined}
    defined.update(new)
    data = script_json(_hover_data(figure, chart))
    return (
        f'<figure class="panel" id="{name}">\n<figcaption>{prose(chart.title)}</figcaption>\n{_definitions(new)}'
        f'<div class="plot{" map" if chart.map else ""}">{drawing.text}</div>\n'
        + (f'<p class="note">{prose(chart.note)}</p>\n' if note else "")
        + f'<script type="application/json">{data}</script>\n</figure>\n'
    )


def _definitions(glyphs: dict[str, str]) -> str:
    """The outlines as an element that is not seen."""
    if not glyphs:
        return ""
    root = ET.Element("svg", {"class": "glyphs", "width": "0", "height": "0", "aria-hidden": "true"})
    defs = ET.SubElement(root, "defs")
    for glyph, path in glyphs.items():
        ET.SubElement(defs, "path", id=glyph, d=path, transform="scale(.015625)")
    return ET.tostring(root, encoding="unicode") + "\n"


def _hover_data(figure: Any, chart: Chart) -> dict[str, Any]:
    """The numbers of a figure of one chart; places are in points from the upper left corner.

    Args:
        figure: what `glutheory.figures.draw.draw` returns for the chart.
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


def _digits(values: Iterable[float]) -> list[float]:
    """The values with as many digits as tell neighbours apart."""
    column = np.array(list(values), dtype=float)
    there = column[np.isfinite(column)]
    more = 0
    if len(there) and np.ptp(there) > 0:
        more = math.floor(math.log10(max(1.0, np.abs(there).max() / np.ptp(there))))
    return [float(f"{value:.{_DIGITS + more}g}") for value in column]


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
