"""The claim `prediction` (this project).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure`, and what is computed for them: `cells` measures
the networks of `modules`, `theory` predicts them.
"""
