"""The phase diagram of gating: where in (n, d) it improves the kernel's condition number, and where it does not."""

from __future__ import annotations

from glutheory.studies.phase.boundary import certified_dimension, crossing, predicted, reach, sphere_limit
from glutheory.studies.phase.cells import Cell, State, Task, evaluate, kernels, own, points
from glutheory.studies.phase.figure import charts
from glutheory.studies.phase.maps import compute
from glutheory.studies.phase.study import Phase, Spot, phase_study
from glutheory.studies.phase.text import text

__all__ = [
    "Cell",
    "Phase",
    "Spot",
    "State",
    "Task",
    "certified_dimension",
    "charts",
    "compute",
    "crossing",
    "evaluate",
    "kernels",
    "own",
    "phase_study",
    "points",
    "predicted",
    "reach",
    "sphere_limit",
    "text",
]
