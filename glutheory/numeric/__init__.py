"""Fast Gram matrices: hand-stabilised float64 evaluators, held against the derivations by the tests."""

from __future__ import annotations

from glutheory.numeric.matrix import gram, grams_by_depth

__all__ = ["gram", "grams_by_depth"]
