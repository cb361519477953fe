"""The curves S, T, K and K̃ over the correlation ρ: the study, its text and its figure."""

from __future__ import annotations

from glutheory.studies.kernel.figure import charts
from glutheory.studies.kernel.study import KernelStudy, kernel_study
from glutheory.studies.kernel.text import text

__all__ = ["KernelStudy", "charts", "kernel_study", "text"]
