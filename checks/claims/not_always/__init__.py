"""The claim `not-always` (this project).

`statement` has `CLAIM` and `run`, which draws on `certified_sets`, `figure`, `optimised_sets`, `pair_angles` and
`subset_search`.
"""
