"""The claim `signal` (this project).

`statement` has `CLAIM` and `run`, which draws on `scales`, `residuals`, `networks`, `figure` and `law`.
"""
