"""The spectra of kernels on data: the study, its text and its figure."""

from __future__ import annotations

from glutheory.studies.spectrum.figure import charts
from glutheory.studies.spectrum.study import SpectrumStudy, spectrum_study
from glutheory.studies.spectrum.text import text

__all__ = ["SpectrumStudy", "charts", "spectrum_study", "text"]
