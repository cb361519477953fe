"""Rows whose kernel matrices are singular or not, and records made of given eigenvalues."""

from __future__ import annotations

import numpy as np

from glutheory.commands.data import draw_rows
from glutheory.studies.spectrum.findings import Setting


def rows(kind: str) -> np.ndarray:
    """Rows whose kernel matrices are singular, or nearly."""
    X = draw_rows("gaussian", 12, 4, 0).X
    if kind == "duplicate":
        X[7] = X[3]
    elif kind == "zero row":
        X[5] = 0
    elif kind == "all zero":
        X[:] = 0
    elif kind == "line":
        X[:, 1:] = 0
    return X


SETTING = Setting("rows", 4, 2, "ntk", "standard", 4096)
