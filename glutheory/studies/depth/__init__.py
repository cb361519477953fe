"""Deep kernels on data, depth by depth: the study, its text and its figure."""

from __future__ import annotations

from glutheory.numeric.deep.fixed import FixedPoint, fixed_points
from glutheory.studies.depth.figure import charts
from glutheory.studies.depth.study import DepthStudy, depth_study
from glutheory.studies.depth.text import text

__all__ = ["DepthStudy", "FixedPoint", "charts", "depth_study", "fixed_points", "text"]
