"""A figure as data: what is drawn, not how. Drawn by `glutheory.figures.draw`, stored with every outcome of a check."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from glutheory.errors import DomainError

SCALES = ("linear", "log", "symlog")


class Role(StrEnum):
    """What a series stands for; the same role has the same colour in every figure.

    PLAIN and GATED are only for what belongs to one network, the non-gated or the gated one (its kernel, spectrum,
    condition number or loss), and not for a ratio of the two or for one of several sizes or settings.
    """

    PLAIN = "plain"
    GATED = "gated"
    THEORY = "theory"
    OTHER = "other"


def _floats(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(map(float, values))


@dataclass(frozen=True)
class Series:
    """One curve or cloud of points. Columns may be any sequences of numbers; they are kept as tuples of floats.

    Attributes:
        label: for the legend; plain text or ``$…$``; empty for no entry there.
        x, y: of equal length; NaN leaves a gap.
        role: decides the colour.
        low, high: ends of the intervals around y, or empty; an infinite end reaches to the edge of the axes.
        line: joined by a line, else single markers.
        dashed: a second style for the same role: a dashed line, or hollow markers.
        guide: a line for the eye (a bound, a threshold, what was claimed) that nothing was measured on: without marks.

    Raises:
        DomainError: the columns differ in length, an interval is upside down or the role is unknown.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    role: Role = Role.OTHER
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    line: bool = True
    dashed: bool = False
    guide: bool = False

    def __post_init__(self) -> None:
        if self.role not in tuple(Role):
            raise DomainError(f"role of {self.label!r} is {self.role!r}: use one of {', '.join(Role)}.")
        object.__setattr__(self, "role", Role(self.role))
        for name in ("x", "y", "low", "high"):
            object.__setattr__(self, name, _floats(getattr(self, name)))
        lengths = {len(self.x), len(self.y), len(self.low) or len(self.x), len(self.high) or len(self.x)}
        if len(lengths) != 1 or bool(self.low) != bool(self.high):
            raise DomainError(f"series {self.label!r} has columns of unequal length: give x, y, low, high alike.")
        for low, high in zip(self.low, self.high, strict=True):
            if low > high:
                raise DomainError(f"series {self.label!r} has the interval [{low}, {high}]: low must not exceed high.")


@dataclass(frozen=True)
class Map:
    """A value on a grid: `values[i][j]` at (x[j], y[i]); drawn in diverging colours around 0.

    Positive values take the colour of the gated network and negative ones that of the plain one: choose the sign so
    that the colour is that of the network which is ahead.

    Attributes:
        label: of the colour bar.
        x, y: finite and increasing.
        values: NaN where there is none.

    Raises:
        DomainError: the grid is empty or not increasing, or the values do not fit it.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    values: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            column = _floats(getattr(self, name))
            if not column or not all(a < b for a, b in pairwise((-math.inf, *column, math.inf))):
                raise DomainError(f"{name} of map {self.label!r} is {column[:4]} …: give finite, increasing numbers.")
            object.__setattr__(self, name, column)
        object.__setattr__(self, "values", tuple(map(_floats, self.values)))
        if len(self.values) != len(self.y) or any(len(row) != len(self.x) for row in self.values):
            raise DomainError(
                f"map {self.label!r} has {len(self.values)} rows: give one of {len(self.x)} values per y."
            )


@dataclass(frozen=True)
class Chart:
    """One pair of axes.

    Attributes:
        title: one line: what is to be seen.
        x, y: the labels of the axes, with units or symbols (``$…$``).
        series: curves and points, drawn in this order, over the map.
        map: a value on a grid below them, or None.
        xscale, yscale: "linear", "log" or "symlog"; what is not positive does not appear on a log axis, and the figure
            says so.
        note: one sentence under the figure, also the alternative text for those who cannot see it.
        names: categories along a linear x axis, each a place and its name; the axis has no other labels then.

    Raises:
        DomainError: an unknown scale, nothing to draw, a map whose grid does not fit a log axis, or names on a log axis
            or at places that do not increase.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series] = ()
    map: Map | None = None
    xscale: str = "linear"
    yscale: str = "linear"
    note: str = ""
    names: Sequence[tuple[float, str]] = ()

    def __post_init__(self) -> None:
        for name, scale in (("xscale", self.xscale), ("yscale", self.yscale)):
            if scale not in SCALES:
                raise DomainError(f"{name} is {scale!r}: use one of {', '.join(SCALES)}.")
        object.__setattr__(self, "series", tuple(self.series))
        if not self.series and self.map is None:
            raise DomainError(f"chart {self.title!r} is empty: give it a series or a map.")
        object.__setattr__(self, "names", tuple((float(place), str(name)) for place, name in self.names))
        places = [place for place, _ in self.names]
        if places and (self.xscale != "linear" or not all(a < b for a, b in pairwise((-math.inf, *places, math.inf)))):
            raise DomainError(f"names of chart {self.title!r} are at {places[:4]} …: give increasing places, linear x.")
        if self.map is not None:
            for name, scale, first in (("x", self.xscale, self.map.x[0]), ("y", self.yscale, self.map.y[0])):
                if scale == "log" and first <= 0:
                    raise DomainError(f"{name} of map {self.map.label!r} begins at {first}: a log axis needs it > 0.")

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The chart from the JSON form that `glutheory.claims.Outcome.as_json` gives it ("nan" and "inf" are words).

        Raises:
            DomainError: it is not of that form.
        """
        try:
            series = tuple(Series(**item) for item in row["series"])
            grid = None if row["map"] is None else Map(**row["map"])
            return cls(**{**row, "series": series, "map": grid})
        except DomainError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise DomainError(f"this is not a chart in JSON form ({error}): write it with as_json.") from None
