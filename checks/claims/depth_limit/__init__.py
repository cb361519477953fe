"""The claim `depth-limit` (this project).

`statement` has `CLAIM` and `run`, which draws on `compact`, `orbits`, `regression`, `figure`, and `theory` and `law`.
"""
