"""The claim `finite-width-mean` (this project): `statement` has `CLAIM` and `run`, which draws on `brute`."""
