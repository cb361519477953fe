"""The claim `angle` (§3): `statement` has `CLAIM` and `run`, which draws on `figure` and `separation`."""
