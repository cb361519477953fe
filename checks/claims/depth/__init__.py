"""The claim `depth` (ours): cond(K_L) and cond(K̃_L) against the number of blocks L.

`statement` has `CLAIM` and `run`, which draws on `certificate`, `evidence`, `figure`, `law`, `limits` and `plan`.
"""
