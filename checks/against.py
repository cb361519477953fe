"""What a stored run measured at its sizes, beside what was claimed there and what the corrected statement says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from statistics import median

from checks.catalog import module
from checks.figure_tables import FigureTable
from checks.layout import cell
from checks.tools.orders import Order
from glutheory.claims import Outcome
from glutheory.figures.chart import Series
from glutheory.terminal import Terminal, shown

#: Claims whose first figure runs over n or d: the curves of K and of K̃ there, whose orders are `STATED`, `CORRECTED`.
_CURVES = {"condition": ("K", "gated"), "lambda-max": ("K, largest", "gated, largest")}
#: The size that is not on the axis stands in the figure's note.
_OTHER = re.compile(r"in (\d+) dimensions|n = (\d+)")


def against(outcome: Outcome, terminal: Terminal) -> FigureTable | None:
    """A row for each size: n, d, and for both kernels the median measured, the claimed order and the corrected one.

    Orders are computed when the page is shown; what was measured is read from the figure of the run.

    Args:
        outcome: of any claim, fresh or stored.
        terminal: where it is shown.

    Returns:
        The table; None for other claims, and where the figure is not as today.
    """
    if outcome.claim.id not in _CURVES or not outcome.charts:
        return None
    chart = outcome.charts[0]
    known = {series.label: series for series in chart.series}
    curves = [known[label] for label in _CURVES[outcome.claim.id] if label in known]
    other = _OTHER.search(chart.note)
    if len(curves) != 2 or other is None:
        return None
    fixed = int(other[1] or other[2])
    check = module(outcome.claim.id)
    orders: list[tuple[Order, Order]] = [(check.STATED[key], check.CORRECTED[key]) for key in ("K", "gated")]
    head = ["n", "d"]
    for stated, _ in orders:
        head += [shown(stated.words, terminal), "claimed", "corrected"]
    columns = [_medians(series) for series in curves]
    rows = []
    for x in sorted(set(curves[0].x)):
        n, d = (int(x), fixed) if "$n$" in chart.x else (fixed, int(x))
        values = [
            value
            for column, (stated, corrected) in zip(columns, orders, strict=True)
            for value in (column.get(x, math.nan), stated.at(n, d), corrected.at(n, d))
        ]
        rows.append([str(n), str(d), *map(cell, values)])
    claimed, corrected = (" and ".join(pair[k].law for pair in orders) for k in (0, 1))
    note = (
        f"Claimed: {claimed}, orders without a constant, so that only the growth counts. Corrected: {corrected}, "
        "for d ≪ n ≪ d²."
    )
    return FigureTable("Measured, claimed and corrected", (tuple(head), *map(tuple, rows)), shown(note, terminal))


def _medians(series: Series) -> Mapping[float, float]:
    """Of what was measured at each place."""
    found: dict[float, list[float]] = {}
    for x, y in zip(series.x, series.y, strict=True):
        if math.isfinite(y):
            found.setdefault(x, []).append(y)
    return {x: median(values) for x, values in found.items()}
