"""The claim `crossing` (Cor. 4.2).

`statement` has `CLAIM` and `run`, which draws on `balls`, `cases` and `figure`.
"""
