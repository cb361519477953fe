"""A panel of a figure: title, axes, legend and note, one below the other, each with the room that its text needs.

Needs matplotlib (the extra ``report``); called by `glutheory.figures.draw`, which arranges the panels in a figure.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.figures.chart import Chart
from glutheory.figures.strokes import paint
from glutheory.ground.files import replacing

#: Inches: the height of the axes; the space between parts, right of the axes and for a colour bar.
_TALL, _GAP, _RIGHT, _COLOUR_BAR = 3.1, 0.13, 0.2, 0.95
#: Points.
_TITLE, _LABEL, _LEGEND, _NOTE = 10.5, 9.5, 9.0, 8.5
_LEADING = 1.35
#: Words, each with the mathematics in it unbroken.
_WORD = re.compile(r"(?:\$[^$]*\$|\S)+")


class Panel:
    """One chart with its texts.

    Attributes:
        height: in inches, of everything.
        left: the room in inches that the ticks and the label of the y axis take.
    """

    def __init__(self, figure: Any, chart: Chart, width: float) -> None:
        self._figure, self._width = figure, width
        self._axes = figure.add_axes((0, 0, 1, 1))
        self._mesh, handles, remark = paint(self._axes, chart)
        self._axes.set_xlabel(self._fold(chart.x, _LABEL, width - 1), fontsize=_LABEL)
        self._axes.set_ylabel(self._fold(chart.y, _LABEL, _TALL), fontsize=_LABEL)
        self._bar = None
        if self._mesh is not None and chart.map is not None:
            self._bar = figure.colorbar(self._mesh, cax=figure.add_axes((0, 0, 1, 1)))
            self._bar.set_label(self._fold(chart.map.label, _LABEL, _TALL), fontsize=_LABEL)
            self._bar.outline.set_visible(False)
        self._title = self._text(chart.title, _TITLE, weight="bold")
        self._legend = self._best_legend(handles)
        self._note = self._text(f"{chart.note} {remark}".strip(), _NOTE, color="#444444")
        # ticks are chosen for the size that the axes will have
        self._put(self._axes, 0, 0, width - 1, _TALL)
        renderer, box = figure.canvas.get_renderer(), self._axes.bbox
        ticks = self._axes.xaxis.get_tightbbox(renderer), self._axes.yaxis.get_tightbbox(renderer)
        self.left = (box.x0 - ticks[1].x0) / figure.dpi + _GAP
        self._below = (box.y0 - ticks[0].y0) / figure.dpi
        self._above = max(0.0, ticks[1].y1 - box.y1) / figure.dpi
        parts = [_TALL + self._above + self._below, *map(self._high, self._texts)]
        self.height = sum(part + _GAP for part in parts if part) + _GAP

    @property
    def _texts(self) -> Sequence[Any]:
        return self._title, self._legend, self._note

    def place(self, x: float, top: float, left: float) -> None:
        """Put every part where it belongs.

        Args:
            x: of the panel's left edge in the figure, inches.
            top: of its upper edge.
            left: from the left edge to the axes.
        """
        across, up = self._figure.get_size_inches()
        y = top - _GAP
        if self._title is not None:
            self._title.set_position(((x + _GAP) / across, y / up))
            y -= self._high(self._title) + _GAP
        y -= self._above + _TALL
        wide = self._width - left - _RIGHT - (0 if self._bar is None else _COLOUR_BAR)
        self._put(self._axes, x + left, y, wide, _TALL)
        if self._bar is not None:
            self._put(self._bar.ax, x + left + wide + 0.12, y, 0.16, _TALL)
        y -= self._below + _GAP
        if self._legend is not None:
            self._legend.set_bbox_to_anchor(((x + _GAP) / across, y / up), transform=self._figure.transFigure)
            y -= self._high(self._legend) + _GAP
        if self._note is not None:
            self._note.set_position(((x + _GAP) / across, y / up))

    def _put(self, axes: Any, x: float, y: float, wide: float, high: float) -> None:
        across, up = self._figure.get_size_inches()
        axes.set_position((x / across, y / up, wide / across, high / up))

    def _high(self, part: Any | None) -> float:
        """The height of a text or legend in inches; 0 where there is none."""
        return 0.0 if part is None else float(self._extent(part).height) / self._figure.dpi

    def _extent(self, part: Any) -> Any:
        return part.get_window_extent(self._figure.canvas.get_renderer())

    def _text(self, text: str, size: float, **style: Any) -> Any | None:
        """The text on as many lines as the panel's width demands."""
        if not text:
            return None
        lines = self._fold(text, size, self._width - 2 * _GAP, **style)
        return self._figure.text(0, 0, lines, fontsize=size, va="top", linespacing=_LEADING, **style)

    def _fold(self, text: str, size: float, width: float, **style: Any) -> str:
        """The text with line breaks, so that no line is wider than this unless a single word is.

        Raises:
            DomainError: the mathematics in it cannot be read.
        """
        lines: list[str] = []
        probe = self._figure.text(0, 0, "", fontsize=size, **style)
        try:
            for word in _WORD.findall(text):
                probe.set_text(f"{lines[-1]} {word}" if lines else word)
                if lines and self._extent(probe).width <= width * self._figure.dpi:
                    lines[-1] = probe.get_text()
                else:
                    probe.set_text(word)
                    self._extent(probe)
                    lines.append(word)
        except ValueError:
            raise DomainError(
                f"the text {text[:200]!r} has mathematics that matplotlib cannot draw: use the part of LaTeX that its "
                "mathtext knows."
            ) from None
        finally:
            probe.remove()
        return "\n".join(lines)

    def _best_legend(self, handles: Sequence[Any]) -> Any | None:
        """The legend in as many columns as fit."""
        if not handles:
            return None
        room = self._width - 2 * _GAP
        labels = [self._fold(handle.get_label(), _LEGEND, room - 0.6) for handle in handles]
        for columns in range(len(handles), 0, -1):
            legend = self._figure.legend(
                handles, labels, loc="upper left", ncols=columns, borderaxespad=0, columnspacing=1.4, fontsize=_LEGEND
            )
            if self._extent(legend).width <= room * self._figure.dpi:
                break
            if columns > 1:
                legend.remove()
        return legend


#: The formats of `save` by the suffix of the file, each with the metadata that would make it differ from run to run.
FORMATS: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "mathtext.fontset": "dejavusans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markeredgewidth": 1.1,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.handlelength": 2.6,
    "legend.borderpad": 0.0,
    "savefig.dpi": 200,
    "svg.hashsalt": "glutheory",
}
#: Inches: the width of a panel alone in its row, and of one beside another.
_WIDE, _NARROW = 6.4, 5.2


def draw(charts: Chart | Sequence[Chart], *, width: float | None = None) -> Any:
    """The figure: a panel for each chart, one below the other, or in two columns where there are more than three.

    Args:
        charts: one or several.
        width: of a panel, in inches. Left out: what is usual for so many.

    Returns:
        A ``matplotlib.figure.Figure``, independent of pyplot.

    Raises:
        DomainError: no chart, or a label with mathematics (``$…$``) that matplotlib cannot read.
        MissingDependencyError: matplotlib is not installed.
    """
    charts = (charts,) if isinstance(charts, Chart) else tuple(charts)
    if not charts:
        raise DomainError("charts is empty: give at least one.")
    with _style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = 1 if len(charts) <= 3 else 2
        width = width or (_WIDE if columns == 1 else _NARROW)
        figure = Figure(figsize=(columns * width, _WIDE))
        FigureCanvasAgg(figure)
        panels = [Panel(figure, chart, width) for chart in charts]
        rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
        heights = [max(panel.height for panel in row) for row in rows]
        top = sum(heights)
        figure.set_size_inches(columns * width, top)
        margin = max(panel.left for panel in panels)
        for row, height in zip(rows, heights, strict=True):
            for column, panel in enumerate(row):
                panel.place(column * width, top, margin)
            top -= height
    return figure


def save(charts: Chart | Sequence[Chart], path: str | os.PathLike[str]) -> None:
    """Draw the charts and write the figure; the same charts give the same bytes.

    Args:
        charts: one or several, as for `draw`.
        path: the file; its suffix is ``.png``, ``.svg`` or ``.pdf``. It is replaced in one step or not at all.

    Raises:
        DomainError: another suffix, a folder that does not exist, or what `draw` raises.
        MissingDependencyError: matplotlib is not installed.
    """
    file = check(path)
    figure = draw(charts)
    charts = (charts,) if isinstance(charts, Chart) else tuple(charts)
    kind = file.suffix.lower()
    words = {"Title": charts[0].title, "Subject" if kind == ".pdf" else "Description": _alternative(charts)}
    with replacing(file) as beside, _style():
        figure.savefig(beside, format=kind[1:], metadata={**FORMATS[kind], **words})


def vector(figure: Any) -> str:
    """A figure of `draw` as the text of an SVG file; the same figure gives the same text."""
    text = io.StringIO()
    with _style():
        figure.savefig(text, format="svg", metadata=FORMATS[".svg"])
    return text.getvalue()


def check(path: str | os.PathLike[str]) -> Path:
    """The path, if a figure can be written there; to be asked before anything long is computed.

    Raises:
        DomainError: the suffix is not that of a known format, or the folder does not exist.
        MissingDependencyError: matplotlib is not installed.
    """
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise DomainError(f"the figure's file is {file.name!r}: let it end in {', '.join(FORMATS)}.")
    if not file.absolute().parent.is_dir():
        raise DomainError(f"the figure's file is {file.name!r} in a folder that does not exist: make the folder.")
    with _style():
        return file


@contextmanager
def _style() -> Iterator[None]:
    """Our style on matplotlib's own defaults, whatever the user's are; restored afterwards."""
    try:
        from matplotlib import style
    except ImportError:
        raise MissingDependencyError("figures need matplotlib: pip install 'glutheory[report]'.") from None
    with style.context(["default", _STYLE]):
        yield


def _alternative(charts: Sequence[Chart]) -> str:
    """The words for those who cannot see the figure."""
    return " ".join(f"{chart.title.rstrip('.')}. {chart.note}".strip() for chart in charts)
