"""The claim `architectures` (Fig. 3).

`statement` has `CLAIM` and `run`, which draws on `cells`, `controls`, `corrected`, `data`, `evidence`, `figure`,
`grid`, `measures`, `plainly`, `task` and `training`.
"""
