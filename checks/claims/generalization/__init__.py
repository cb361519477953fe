"""The claim `generalization` (§5, Fig. 7).

`statement` has `CLAIM` and `run`, which draws on `controls`, `data`, `evidence`, `figure`, `measures`, `runs`,
`states`, `task` and `training`.
"""
