"""The claim `degree-shift` (this project): `statement` has `CLAIM` and `run`, which draws on `figure`."""
