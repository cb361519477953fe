"""The claim `phase-diagram` (this project).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure` and `law`.
"""
