"""The claim `majorisation` (this project).

`statement` has `CLAIM` and `run`, which draws on `correlated_matrices`, `figure` and `hadamard_spectra`.
"""
