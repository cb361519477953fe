"""The claim `depth-centred` (ours): at every depth, what of the gain of gating is the removal of the mean.

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure`, `four`, `law` and `limits`.
"""
