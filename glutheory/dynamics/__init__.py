"""Loss curves in the kernel regime: expected loss, its asymptotics, steps to an error, and where two curves cross.

Works on finished kernel matrices and knows no network; what others may use is exported here.
"""

from __future__ import annotations

from glutheory.dynamics.asymptotics import Early, Late, early, late
from glutheory.dynamics.crossings import Crossing, Crossings, crossings
from glutheory.dynamics.effective import Effective, effective_steps
from glutheory.dynamics.loss import LossCurve, Modes, decompose, expected_loss
from glutheory.dynamics.steps import Steps, steps_to
from glutheory.dynamics.worst import step_bound, worst_steps

__all__ = [
    "Crossing",
    "Crossings",
    "Early",
    "Effective",
    "Late",
    "LossCurve",
    "Modes",
    "Steps",
    "crossings",
    "decompose",
    "early",
    "effective_steps",
    "expected_loss",
    "late",
    "step_bound",
    "steps_to",
    "worst_steps",
]
