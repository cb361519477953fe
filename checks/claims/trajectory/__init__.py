"""The claim `trajectory` (a figure of its own in the released code).

`statement` has `CLAIM` and `run`, which draws on `controls`, `curves`, `figure`, `measures`, `paths` and `theory`.
"""
