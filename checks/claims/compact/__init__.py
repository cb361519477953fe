"""The claim `compact` (abstract): `statement` has `CLAIM` and `run`, which draws on `measures`."""
