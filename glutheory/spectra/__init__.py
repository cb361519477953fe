"""Spectra of kernel matrices: computed with error bounds, certified, measured, and predicted.

`dense` and `certified` compute them, `shape` measures them; `equivalents` and `sphere` predict them for a network, all
others work on finished matrices. What others may use is exported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glutheory.faces import lazy
from glutheory.spectra.dense import (
    ConditionNumber,
    Spectrum,
    condition_number,
    spectrum,
    spectrum_and_condition,
)
from glutheory.spectra.shape import (
    bulk,
    effective_rank,
    log_spread,
    majorisation_gap,
    majorises,
    outliers,
    participation_ratio,
    spectral_entropy,
)

if TYPE_CHECKING:
    from glutheory.spectra.certified import certified_condition, certified_extremes
    from glutheory.spectra.equivalents import Constants, Equivalent, Stair, constants, equivalent, stairs
    from glutheory.spectra.harmonics import multiplicity
    from glutheory.spectra.levels import Levels
    from glutheory.spectra.marchenko_pastur import MarchenkoPastur
    from glutheory.spectra.sphere import Level, funk_hecke

__all__ = [
    "ConditionNumber",
    "Constants",
    "Equivalent",
    "Level",
    "Levels",
    "MarchenkoPastur",
    "Spectrum",
    "Stair",
    "bulk",
    "certified_condition",
    "certified_extremes",
    "condition_number",
    "constants",
    "effective_rank",
    "equivalent",
    "funk_hecke",
    "log_spread",
    "majorisation_gap",
    "majorises",
    "multiplicity",
    "outliers",
    "participation_ratio",
    "spectral_entropy",
    "spectrum",
    "spectrum_and_condition",
    "stairs",
]

#: What certifies and what predicts spectra brings SymPy and ball arithmetic, which a matrix of numbers does without.
__getattr__ = lazy(
    __name__,
    {
        "glutheory.spectra.certified": ("certified_condition", "certified_extremes"),
        "glutheory.spectra.equivalents": ("Constants", "Equivalent", "Stair", "constants", "equivalent", "stairs"),
        "glutheory.spectra.harmonics": ("multiplicity",),
        "glutheory.spectra.levels": ("Levels",),
        "glutheory.spectra.marchenko_pastur": ("MarchenkoPastur",),
        "glutheory.spectra.sphere": ("Level", "funk_hecke"),
    },
)
