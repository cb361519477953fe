"""The claim `decorrelation` (this project).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure`, `normalised_kernels`, `sphere_duals` and
`variance_ranges`.
"""
