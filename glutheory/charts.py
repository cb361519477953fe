"""A figure as data: what is drawn, not how. Drawn by `glutheory.plotting`, stored with every outcome of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from glutheory.errors import DomainError

SCALES = ("linear", "log", "symlog")


class Role(StrEnum):
    """What a series stands for; the same role has the same colour in every figure."""

    PLAIN = "plain"
    GATED = "gated"
    THEORY = "theory"
    OTHER = "other"


@dataclass(frozen=True)
class Series:
    """One curve or cloud of points.

    Attributes:
        label: for the legend; plain text or ``$…$``.
        x, y: of equal length; NaN leaves a gap.
        role: decides the colour.
        low, high: ends of the intervals around y, or empty.
        line: joined by a line, else single markers.
        dashed: a second style for the same role.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    role: Role = Role.OTHER
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    line: bool = True
    dashed: bool = False

    def __post_init__(self) -> None:
        lengths = {len(self.x), len(self.y), len(self.low) or len(self.x), len(self.high) or len(self.x)}
        if len(lengths) != 1 or bool(self.low) != bool(self.high):
            raise DomainError(f"series {self.label!r} has columns of unequal length: give x, y, low, high alike.")


@dataclass(frozen=True)
class Map:
    """A value on a grid: `values[i][j]` at (x[j], y[i]); drawn in diverging colours around 0.

    Attributes:
        label: of the colour bar.
        x, y: increasing.
        values: NaN where there is none.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    values: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.y) or any(len(row) != len(self.x) for row in self.values):
            raise DomainError(f"map {self.label!r} has {len(self.values)} rows: give one of {len(self.x)} values per y.")


@dataclass(frozen=True)
class Chart:
    """One pair of axes.

    Attributes:
        title: one line: what is to be seen.
        x, y: the labels of the axes, with units or symbols (``$…$``).
        series: curves and points, drawn in this order, over the map.
        map: a value on a grid below them, or None.
        xscale, yscale: "linear", "log" or "symlog".
        note: one sentence under the figure, also the alternative text for those who cannot see it.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series] = ()
    map: Map | None = None
    xscale: str = "linear"
    yscale: str = "linear"
    note: str = ""

    def __post_init__(self) -> None:
        for name, scale in (("xscale", self.xscale), ("yscale", self.yscale)):
            if scale not in SCALES:
                raise DomainError(f"{name} is {scale!r}: use one of {', '.join(SCALES)}.")
        if not self.series and self.map is None:
            raise DomainError(f"chart {self.title!r} is empty: give it a series or a map.")
