"""The figures of ratios with their intervals: of gates in every block, of effects in every two-way table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from checks.claims.generalization.effects import EFFECTS, Table, contrasts
from checks.claims.generalization.runs import Block, Name
from checks.claims.generalization.titles import GATES, material, places, title
from checks.tools.signs import Interval
from glutheory.figures.chart import Chart, Role, Series

Array = npt.NDArray[np.float64]
_EFFECTS = {"optimiser": "AdamW over SGD", "gating": "gated over plain", "interaction": "interaction"}
AXIS = "networks, data and optimiser"


def ratios(
    heading: str,
    y: str,
    blocks: Mapping[Name, Block],
    values: Mapping[Name, Array],
    lines: tuple[str, float, float],
    note: str,
) -> Chart:
    """A ratio for each block and gate.

    Args:
        heading: the title.
        y: what the ratio is.
        blocks: in the order in which they are drawn.
        values: ln of the ratio for every pair.
        lines: a level below and one above, with their name.
        note: what else is to be said.
    """
    series = [
        _intervals(GATES[gate], index, [values[name][dict(block.gates)[gate]] for name, block in blocks.items()])
        for index, gate in enumerate(GATES)
    ]
    return Chart(heading, AXIS, y, (*series, across(*lines, len(blocks))), note=note, names=places(map(title, blocks)))


def two_way(response: str, by_optimiser: Mapping[str, Table]) -> Chart:
    """The effects on one response, tables side by side."""
    found = [contrasts(table.responses[response]) for table in by_optimiser.values()]
    series = [
        _intervals(_EFFECTS[effect], index, [each[effect] for each in found]) for index, effect in enumerate(EFFECTS)
    ]
    return Chart(
        f"Optimiser against gating: {response} at equal training loss",
        "networks and data",
        f"factor of the {response}",
        (*series, across("no effect", 1.0, 1.0, len(found))),
        yscale="log",
        note="Geometric means over draws with 95 % intervals. The interaction is the factor of gating with AdamW over "
        "that with SGD. Nothing is drawn where a gap is not positive.",
        names=places(map(material, by_optimiser)),
    )


def _intervals(label: str, index: int, logs: Sequence[Array]) -> Series:
    """One of three series: the geometric mean at every place."""
    found = {place: Interval.of(np.exp(rows)) for place, rows in enumerate(logs, 1)}
    rows = [(place + 0.2 * (index - 1), at.value, at.low, at.high) for place, at in found.items() if at is not None]
    x, middle, low, high = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Series(label, x, middle, Role.OTHER, low, high, line=False)


def across(label: str, low: float, high: float, count: int) -> Series:
    """Two level lines across all places, or one."""
    left, right = 0.5, count + 0.5
    return Series(label, (left, right, right, left, right), (low, low, np.nan, high, high), Role.THEORY, dashed=True)
