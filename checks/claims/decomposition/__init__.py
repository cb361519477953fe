"""The claim `decomposition` (App. B): `statement` has `CLAIM` and `run`, which draws on `linear_errors`."""
