"""Theorems that sentences of checks rest on, each with its source, beside those of the proof scripts."""

from __future__ import annotations

from derivations.tools.theorems import Theorem

_RUDIN = "W. Rudin, Principles of Mathematical Analysis, 3rd ed."

MEAN_VALUE = Theorem("the sign of the derivative", f"{_RUDIN}, 5.11")
INTERMEDIATE = Theorem("intermediate value theorem", f"{_RUDIN}, 4.23")
LIMITS = Theorem("limits of sums, products and quotients", f"{_RUDIN}, 4.4")
CIRCLE = Theorem("sine and cosine on the circle", f"{_RUDIN}, 8.7")
SCHWARZ = Theorem("Cauchy and Schwarz' inequality", "W. Rudin, Real and Complex Analysis, 3rd ed., 4.2")
