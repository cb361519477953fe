"""The claim `steps` (§1, §4): steps to an error against the condition number.

`statement` has `CLAIM` and `run`, which draws on `cases`, `evidence`, `typical`, `polygons`, `descents` and `figure`.
"""
