"""A condition number as a value: the figure with its interval, an honest lower bound, or infinity with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ConditionNumber:
    """λ_max/λ_min of a positive semidefinite matrix, as far as it is known.

    Attributes:
        value: the figure; only a lower bound of it where `is_bound`; inf for a matrix that is singular by structure.
        low: a lower bound.
        high: an upper bound; inf where λ_min is not told from 0.
        is_bound: whether λ_min is below its error, so that `value` is `low` and no more than a lower bound.
        reason: why the figure is infinite or a bound, else empty.
    """

    value: float
    low: float
    high: float
    is_bound: bool = False
    reason: str = ""

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        if self.is_bound:
            return f"≥ {_floor(self.value)}"
        if math.isinf(self.value):
            return f"inf ({self.reason})"
        if self.high - self.low < 1e-3 * self.value:
            return _figure(self.value, 4)
        return f"{_figure(self.value, 3)} (between {_figure(self.low, 3)} and {_figure(self.high, 3)})"


def _figure(value: float, digits: int) -> str:
    """The number with so many digits, 1.5e15 for 1.5e+15."""
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e")


def _floor(value: float) -> str:
    """Two digits, rounded down: a lower bound stays one."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return _figure(math.floor(value / step) * step, 2)
