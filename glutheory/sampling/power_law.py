"""The power of the width that a few measured numbers follow, with an interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

#: Exponents that are tried; an interval that ends there has no end.
_STEEPEST, _FLATTEST = -6.0, 3.0

_Array = npt.NDArray[np.float64]


def power_law(
    widths: Sequence[int], values: Sequence[float], errors: Sequence[float], level: float
) -> tuple[float, tuple[float, float], float]:
    """The exponent s of values ≈ constant·widths^s, its interval at this level, and the p-value of the fit.

    The values have independent normal errors of these deviations; the interval is that of the likelihood ratio.
    """
    logs = np.log(np.asarray(widths, dtype=float))
    y, sigma = np.asarray(values, dtype=float), np.asarray(errors, dtype=float)

    def misfits(slopes: _Array) -> _Array:
        # the constant is fitted; the law is 1 at the middle of the widths, for the sake of the numbers
        law = np.exp(np.outer(slopes, logs - logs.mean())) / sigma
        out: _Array = np.sum((y / sigma) ** 2) - (law @ (y / sigma)) ** 2 / np.sum(law**2, axis=1)
        return out

    def misfit(slope: float) -> float:
        return float(misfits(np.array([slope]))[0])

    grid = np.linspace(_STEEPEST, _FLATTEST, 181)
    found = misfits(grid)
    best = int(np.argmin(found))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    slope = float(minimize_scalar(misfit, bounds=(low, high), method="bounded", options={"xatol": 1e-8}).x)
    least = misfit(slope)
    bound = least + float(chi2.isf(1 - level, 1))
    ends = []
    for side, end in (((grid < slope)[::-1], _STEEPEST), (grid > slope, _FLATTEST)):
        at, height = (grid[::-1], found[::-1]) if end == _STEEPEST else (grid, found)
        outside = at[side & (height > bound)]
        ends.append(float(brentq(lambda s: misfit(s) - bound, slope, outside[0])) if len(outside) else end)
    freedom = len(logs) - 2
    return slope, (ends[0], ends[1]), float(chi2.sf(least, freedom)) if freedom else 1.0
