"""A point at which the commands evaluate."""

POINT = ("--a", "1", "--b", "1", "--c", "0.5")
