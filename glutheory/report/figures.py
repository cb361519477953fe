"""The figures of a page: the same drawing as everywhere, inline, in the page's colours, with values to be read off."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from glutheory import plotting
from glutheory.charts import Chart
from glutheory.errors import DomainError
from glutheory.report.hover_data import hover_data, script_json
from glutheory.report.mathml import prose
from glutheory.report.plain import plain
from glutheory.report.svg import page_svg
from glutheory.strokes import visible

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
        MissingDependencyError: matplotlib or latex2mathml is not installed.
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
    figure = plotting.draw(dataclasses.replace(chart, title="", note=""), width=_WIDTH)
    figure.patch.set_visible(False)
    title, note = plain(chart.title), plain(chart.note)
    axes = f"Across: {plain(chart.x)}. Upwards: {plain(chart.y)}."
    summary = " ".join(part for part in (note, axes, visible(chart)[1]) if part)
    drawing = page_svg(plotting.vector(figure), prefix=name, title=title, description=summary)
    new = {glyph: path for glyph, path in drawing.glyphs.items() if glyph not in defined}
    defined.update(new)
    data = script_json(hover_data(figure, chart))
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
