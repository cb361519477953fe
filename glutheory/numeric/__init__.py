"""Fast Gram matrices: hand-stabilised float64 evaluators, held against the derivations by the tests."""

from __future__ import annotations

from glutheory.numeric.accuracy import entry_error
from glutheory.numeric.by_depth import grams_by_depth
from glutheory.numeric.matrix import gram

__all__ = ["entry_error", "gram", "grams_by_depth"]
