"""The claim `trajectory` (teaser figure).

`statement` has `CLAIM` and `run`, which draws on `figure`, `measures`, `paths` and `theory`.
"""
