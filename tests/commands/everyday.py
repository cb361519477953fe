"""A quick call of each everyday command, and all commands with their paths."""

from __future__ import annotations

SPECTRUM = ("spectrum", "relu", "reglu", "--n", "20", "--d", "4")
KERNEL = ("kernel", "relu", "--points", "3")
