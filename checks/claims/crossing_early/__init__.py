"""The claim `crossing-early` (Cor. 4.2, first half).

`statement` has `CLAIM` and `run`, which draws on `start_balls`, `evidence` and `figure`.
"""
