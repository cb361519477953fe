"""Loss curves in the kernel regime: expected loss, its asymptotics, and where two curves cross.

Works on finished kernel matrices and knows no network; what others may use is exported here.
"""

from __future__ import annotations

from glutheory.dynamics.asymptotics import Early, Late, early, late
from glutheory.dynamics.crossings import Crossing, Crossings, crossings
from glutheory.dynamics.loss import LossCurve, Modes, decompose, expected_loss

__all__ = [
    "Crossing",
    "Crossings",
    "Early",
    "Late",
    "LossCurve",
    "Modes",
    "crossings",
    "decompose",
    "early",
    "expected_loss",
    "late",
]
