"""The claim `training` (Figs. 1, 6).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure`, `kernels` and `measures`.
"""
