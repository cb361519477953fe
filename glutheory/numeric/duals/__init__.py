"""One description of each activation: its dual and the dual's derivatives, at the geometry of pairs, in float64.

`record` says what an evaluator is, `table` which activation has which. A family is one file. What an evaluator is given
are the radii of both sides and ρ with a separately carried sin θ, never the rows: whoever has those may ask, the data
or a layer below.
"""

from __future__ import annotations

from glutheory.numeric.duals.record import Dual, Partials, Values
from glutheory.numeric.duals.table import evaluator

__all__ = ["Dual", "Partials", "Values", "evaluator"]
