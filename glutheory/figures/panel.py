"""A panel of a figure: title, axes, legend and note, one below the other, each with the room that its text needs.

Needs matplotlib (the extra ``report``); called by `glutheory.figures.draw`, which arranges the panels in a figure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.figures.strokes import paint

#: Inches: the height of the axes; the space between parts, right of the axes and for a colour bar.
_TALL, _GAP, _RIGHT, _COLOUR_BAR = 3.1, 0.13, 0.2, 0.95
#: Points.
_TITLE, _LABEL, _LEGEND, _NOTE = 10.5, 9.5, 9.0, 8.5
_LEADING = 1.35
#: Points: the smallest marker in a legend, where there is one.
_MARK = 5.0
#: Words, each with the mathematics in it, and with what it is said to be equal to ("n = 300"), unbroken.
_WORD = re.compile(r"(?:\$[^$]*\$|\S)+(?: [=<>≤≥≈≪≫] (?:\$[^$]*\$|\S)+)*")


class Panel:
    """One chart with its texts.

    Attributes:
        height: in inches, of everything.
        left: the room in inches that the ticks and the label of the y axis take.
    """

    def __init__(self, figure: Any, chart: Chart, width: float) -> None:
        self._figure, self._width = figure, width
        self._axes = figure.add_axes((0, 0, 1, 1))
        # ticks are chosen for the size that the axes will have
        self._put(self._axes, 0, 0, width - 1, _TALL)
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
        for mark in legend.get_lines():
            mark.set_markersize(max(mark.get_markersize(), _MARK))
        return legend
