"""Deep networks: a stack's layers on tiles of the Gram matrix, with 1 − |ρ| carried along.

`profile` is what an activation does to a correlation, `panels` and `table` are how it is kept and looked up, `pairs`
what the layers do to pairs, `stream` are their rules for a tile, `pooled` takes sequences behind the mean over their
positions, and `plan` follows rows and tiles through a stack.
"""

from __future__ import annotations
