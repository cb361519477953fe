"""The numbers behind a chart as a small table: a row for each place along it, a column for each series."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from checks.layout import cell, grid
from glutheory.errors import DomainError
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


def section(table: FigureTable, terminal: Terminal) -> tuple[str, list[RenderableType]]:
    """The table as a section of a page: its title, and what stands under it."""
    head, *rows = table.rows
    return table.title, [grid(rows, terminal, head), Text(table.note)]


def tables(charts: Sequence[Chart], terminal: Terminal) -> Iterator[FigureTable]:
    """Of curves, of points at few places or in categories, and at last of clouds; the rest is left to the eye."""
    clouds = []
    for chart in charts:
        series = [item for item in chart.series if not item.guide and item.label and not _marks(item)]
        measured = [item for item in series if item.role is not Role.THEORY]
        if chart.map is not None or not series:
            continue
        if chart.names:
            yield _categories(chart, measured, terminal)
        elif measured and all(not item.line and len(set(item.x)) > _ROWS for item in measured):
            clouds.append(_clouds(chart, measured, terminal))
        elif places := _places(series):
            yield _table(chart, series, places, terminal)
    yield from clouds


def _marks(series: Series) -> bool:
    """Whether these are marks on several curves of the chart, of which a median would be one of unlike numbers."""
    return series.role is Role.THEORY and not series.line and len(set(series.x)) < len(series.x)


def _categories(chart: Chart, series: Sequence[Series], terminal: Terminal) -> FigureTable:
    """A row for each series and a column for each category, or the other way round where that is narrower."""
    heads = [_words(name, terminal) for _, name in chart.names or ()]
    labels = [_words(item.label, terminal) for item in series]
    cells = [[_within(item, place) for place, _ in chart.names or ()] for item in series]
    one = [["", *heads], *([label, *row] for label, row in zip(labels, cells, strict=True))]
    other = [list(column) for column in zip(*one, strict=True)]
    rows, left = min((_cut(rows, terminal) for rows in (one, other)), key=lambda cut: cut[1])
    return _framed(chart, rows, left, terminal)


def _within(series: Series, place: float) -> str:
    """The value in the category, with its interval: "2.53 (2.21 to 2.89)"; the median of several."""
    here = [k for k, x in enumerate(series.x) if abs(x - place) < 0.5 and math.isfinite(series.y[k])]
    if not here:
        return "-"
    if len(here) > 1 or not series.low:
        return cell(median(series.y[k] for k in here))
    return f"{_short(series.y[here[0]])} ({_short(series.low[here[0]])} to {_short(series.high[here[0]])})"


def _short(value: float) -> str:
    return f"{value:.3g}"


def _clouds(chart: Chart, series: Sequence[Series], terminal: Terminal) -> FigureTable:
    """How many points each cloud has, and from where to where it goes."""
    rows = [["", "points", _words(chart.x, terminal), _words(chart.y, terminal)]]
    for item in series:
        pairs = [pair for pair in zip(item.x, item.y, strict=True) if all(map(math.isfinite, pair))]
        spans = [f"{_short(min(values))} to {_short(max(values))}" for values in zip(*pairs, strict=True)]
        rows.append([_words(item.label, terminal), str(len(pairs)), *spans])
    return _framed(chart, *_cut(rows, terminal), terminal)


def _cut(rows: Sequence[Sequence[str]], terminal: Terminal) -> tuple[list[Sequence[str]], int]:
    """As many columns as fit, and how many do not."""
    widths = [2 + max(map(wide, column)) for column in zip(*rows, strict=True)]
    kept = max(1, sum(total <= terminal.width for total in accumulate(widths, initial=2)) - 1)
    return [row[:kept] for row in rows], len(widths) - kept


def _framed(chart: Chart, rows: Sequence[Sequence[str]], left: int, terminal: Terminal) -> FigureTable:
    """With the title of the chart, and its note after what is shown and what is not."""
    beyond = f" Not shown: {left} more column{'s' * (left > 1)}." if left else ""
    what = f"{_words(chart.y, terminal)}. " if chart.names else ""
    note = f"{what}{_words(chart.note, terminal)}{beyond}"
    return FigureTable(_words(chart.title, terminal), tuple(map(tuple, rows)), note)


def _places(series: Sequence[Series]) -> list[float]:
    """Where what was measured lies; some places of curves alone; none where it is a cloud."""
    marked = [item for item in series if item.role is not Role.THEORY and len(set(item.x)) <= _ROWS]
    chosen = marked or [item for item in series if item.line]
    found = sorted({x for item in chosen for x in item.x if math.isfinite(x)})
    if not marked and len(found) > _PLACES:
        return [found[round(k)] for k in np.linspace(0, len(found) - 1, _PLACES)]
    return found if len(found) <= _CLOUD else []


def _table(chart: Chart, series: Sequence[Series], places: list[float], terminal: Terminal) -> FigureTable:
    head = [_words(chart.x, terminal), *(_words(item.label, terminal) for item in series)]
    rows = [head, *([cell(place), *(_at(item, place) for item in series)] for place in places[:_ROWS])]
    kept, rest = _cut(rows, terminal)
    beyond = f" Not shown: {rest} more column{'s' * (rest > 1)}." if rest else ""
    beyond += f" {len(places) - _ROWS} more rows." if len(places) > _ROWS else ""
    what = f"{_words(chart.y, terminal)}. " if len(kept[0]) > 1 else ""
    title, note = _words(chart.title, terminal), f"{what}{_words(chart.note, terminal)}{beyond}"
    return FigureTable(title, tuple(map(tuple, kept)), note)


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
    except DomainError:
        return shown(text.replace("$", ""), terminal)
