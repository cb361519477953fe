"""The phase diagram of gating: where in (n, d) it improves the kernel's condition number, and where it does not."""

from __future__ import annotations

from glutheory.phase.boundary import certified_dimension, crossing, predicted, reach, sphere_limit
from glutheory.phase.cells import Cell, State, Task, evaluate, kernels, own, points
from glutheory.phase.maps import compute

__all__ = [
    "Cell",
    "State",
    "Task",
    "certified_dimension",
    "compute",
    "crossing",
    "evaluate",
    "kernels",
    "own",
    "points",
    "predicted",
    "reach",
    "sphere_limit",
]
