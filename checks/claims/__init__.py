"""The claims: each is one file, or one folder whose `statement` has `CLAIM` and `run`."""
