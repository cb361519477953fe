"""Road 1: closed forms derived from the activation's definition by Price's theorem, and their certified evaluation."""

from __future__ import annotations

from glutheory.symbolic.derived import Derivation, derivation
from glutheory.symbolic.evaluation import evaluate

__all__ = ["Derivation", "derivation", "evaluate"]
