"""Figures from charts: one style for all, every panel as tall as its texts need, files that are the same every time.

Needs matplotlib, the extra ``report``; nothing global is touched and no window is opened.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glutheory.errors import DomainError, MissingDependencyError
from glutheory.figures.chart import Chart
from glutheory.figures.panel import Panel
from glutheory.ground.files import replacing

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
    "legend.handlelength": 3.0,
    "legend.borderpad": 0.0,
    "savefig.dpi": 200,
    "svg.hashsalt": "glutheory",
}
#: Inches: the width of a panel by the number of columns, from one on; in more columns as in the last.
_WIDTHS = (6.4, 5.2, 4.6)
#: Panels below each other: so many in one column, and in several.
_STACKED, _ROWS = 3, 4


def draw(charts: Chart | Sequence[Chart], *, width: float | None = None) -> Any:
    """The figure: a panel for each chart, one below the other, or in as many columns as leave at most four rows.

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

        columns = 1 if len(charts) <= _STACKED else max(2, math.ceil(len(charts) / _ROWS))
        width = width or _WIDTHS[min(columns, len(_WIDTHS)) - 1]
        figure = Figure(figsize=(columns * width, _WIDTHS[0]))
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
        raise MissingDependencyError.of("figures need", "matplotlib", "report") from None
    with style.context(["default", _STYLE]):
        yield


def _alternative(charts: Sequence[Chart]) -> str:
    """The words for those who cannot see the figure."""
    return " ".join(f"{chart.title.rstrip('.')}. {chart.note}".strip() for chart in charts)
