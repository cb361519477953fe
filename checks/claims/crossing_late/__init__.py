"""The claim `crossing-late` (Cor. 4.2, second half).

`statement` has `CLAIM` and `run`, which draws on `gaussian_balls`, `ties`, `singular`, `evidence` and `figure`.
"""
