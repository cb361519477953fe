"""Deep kernels on data, depth by depth: the study, its text and its figure."""

from __future__ import annotations

from glutheory.studies.depth.figure import charts
from glutheory.studies.depth.study import DepthStudy, depth_study
from glutheory.studies.depth.text import text

__all__ = ["DepthStudy", "charts", "depth_study", "text"]
