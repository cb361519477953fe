"""The claim `mechanism` (this project).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `races`, `figure`, and what is computed for them.
"""
