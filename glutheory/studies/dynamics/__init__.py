"""How fast a pair of networks learns: the study, its text and its figure."""

from __future__ import annotations

from glutheory.studies.dynamics.figure import charts
from glutheory.studies.dynamics.study import Dynamics, dynamics_study
from glutheory.studies.dynamics.text import text

__all__ = ["Dynamics", "charts", "dynamics_study", "text"]
