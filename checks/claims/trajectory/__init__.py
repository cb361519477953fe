"""The claim `trajectory` (a figure of its own in the released code).

`statement` has `CLAIM` and `run`, which draws on `close_inputs`, `controls`, `curves`, `equal_norms`, `figure`,
`measures`, `paths`, `sentences` and `theory`.
"""
