"""The claim `diagonal` (§3 and the teaser's heatmaps).

`statement` has `CLAIM` and `run`, which draws on `angles`, `controls`, `evidence`, `figure`, `kernels` and `theory`.
"""
