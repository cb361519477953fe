"""The smallest sizes of the checks of Theorem 3.1."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from checks.catalog import modules
from checks.settings import PROFILES, Settings
from checks.tools.spectral_grid import Cell

pytest.importorskip("statsmodels", reason="the orders of spectra are fitted by statsmodels")

Array = npt.NDArray[np.float64]
QUICK, FULL = Settings(), Settings(PROFILES["full"])
#: Small data sets: Gaussian, normalised, of finite width. Predictions are fast on normalised inputs.
SMALL = (Cell(40, 6, (1, 2)), Cell(60, 12, (1, 2)), Cell(90, 9, (1,)))
SPHERE = tuple(Cell(size, dim, (1, 2, 3), sphere=True) for size in (120, 240, 480) for dim in (10, 20, 40))


def module(name: str) -> ModuleType:
    return modules()[name]


def relu(rho: Array) -> tuple[Array, Array]:
    """The functions s and s' as in the literature, naively."""
    angle = np.arccos(np.clip(rho, -1, 1))
    T = (math.pi - angle) / (2 * math.pi)
    return np.sin(angle) / (2 * math.pi) + rho * T, T
