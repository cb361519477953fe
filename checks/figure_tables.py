"""The numbers behind a chart as a small table: a row for each place along it, a column for each series."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from checks.layout import cell
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.figures.chart import Chart, Role, Series
from glutheory.report.plain import plain
from glutheory.terminal import Terminal, shown, wide

#: Rows of a table, and places of a curve that has more.
_ROWS, _PLACES = 12, 6
#: A cloud of more places than this is no table.
_CLOUD = 40


@dataclass(frozen=True)
class FigureTable:
    """A table of a chart.

    Attributes:
        title: of the chart.
        rows: with the head first.
        note: of the chart, and what is left out.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    note: str


def tables(charts: Sequence[Chart], terminal: Terminal) -> Iterator[FigureTable]:
    """Of the charts that are curves, or points at few places; maps and clouds are left to the eye."""
    for chart in charts:
        series = [item for item in chart.series if not item.guide and item.label]
        places = _places(series)
        if chart.map is None and places and not chart.names:
            yield _table(chart, series, places, terminal)


def _places(series: Sequence[Series]) -> list[float]:
    """Where what was measured lies; some places of curves alone; none where it is a cloud."""
    marked = [item for item in series if item.role is not Role.THEORY and len(set(item.x)) <= _ROWS]
    chosen = marked or [item for item in series if item.line]
    found = sorted({x for item in chosen for x in item.x if math.isfinite(x)})
    if not marked and len(found) > _PLACES:
        return [found[round(k)] for k in np.linspace(0, len(found) - 1, _PLACES)]
    return found if len(found) <= _CLOUD else []


def _table(chart: Chart, series: Sequence[Series], places: list[float], terminal: Terminal) -> FigureTable:
    left = len(places) - _ROWS
    head = [_words(chart.x, terminal), *(_words(item.label, terminal) for item in series)]
    rows = [[cell(place), *(_at(item, place) for item in series)] for place in places[:_ROWS]]
    kept = 1
    width = 2 + max(map(wide, (head[0], *(row[0] for row in rows))))
    for column in range(1, len(head)):
        width += 2 + max(map(wide, (head[column], *(row[column] for row in rows))))
        if width > terminal.width:
            break
        kept = column + 1
    rest = len(head) - kept
    beyond = f" Not shown: {rest} more column{'s' * (rest > 1)}." if rest else ""
    beyond += f" {left} more rows." if left > 0 else ""
    what = f"{_words(chart.y, terminal)}. " if kept > 1 else ""
    lines = tuple(tuple(row[:kept]) for row in (head, *rows))
    return FigureTable(_words(chart.title, terminal), lines, f"{what}{_words(chart.note, terminal)}{beyond}")


def _at(series: Series, place: float) -> str:
    """The value there: the median of several, or between two points of a finer curve; else nothing."""
    here = [y for x, y in zip(series.x, series.y, strict=True) if x == place and math.isfinite(y)]
    if here:
        return cell(median(here))
    points = sorted((x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(x) and math.isfinite(y))
    if not series.line or len(points) <= _ROWS or not points[0][0] <= place <= points[-1][0]:
        return "-"
    xs, ys = zip(*points, strict=True)
    return cell(float(np.interp(place, xs, ys)))


def _words(text: str, terminal: Terminal) -> str:
    """A label with its mathematics in characters."""
    try:
        return shown(plain(text), terminal)
    except (DomainError, MissingDependencyError):
        return shown(text.replace("$", ""), terminal)
