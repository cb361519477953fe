"""Charts of every kind, and pages of nothing but them."""

from __future__ import annotations

import math
from functools import cache

from glutheory.figures.chart import Chart, Map, Role, Series
from glutheory.report.figures import inline

NAN, INF = math.nan, math.inf
T = [k / 2 for k in range(-4, 5)]
NEAR = [1000 + t / 100 for t in T]
LINEAR = Chart(
    r"A < B & $\lambda_1(\tilde K)$",
    "$t$ (epochs)",
    r"$\lambda_{\min}/m$",
    (
        Series(r"$\tilde K$ </script>", T, NEAR, Role.GATED, low=[-INF] * 9, high=[1001] * 9, line=False),
        Series("theory", T, [1000, NAN, *[1000.01] * 7], Role.THEORY),
    ),
    note="One sentence.",
)
LOG = Chart(
    "Logarithmic",
    "n",
    "y",
    (
        Series("plain", [1, 10, 100, 1000], [1e-9, 1e-4, 0, 123.456789], Role.PLAIN, line=False),
        Series("hollow", [1, 2000], [3e-5, 2.5], Role.PLAIN, dashed=True),
    ),
    xscale="log",
    yscale="log",
)
SYMLOG = Chart("Signed", "t", "gap", (Series("sinh", T, [math.sinh(5 * t) for t in T], line=False),), yscale="symlog")
GRID = Map(r"$\log_2$ ratio", [1, 2, 4, 8], [10, 100], [[NAN, -1, 2, 0.1234567], [0, INF, 1, 3]])
MAP = Chart("A map", "$d$", "$n$", (Series("certified", [4], [100], Role.THEORY, line=False),), GRID, "log", "log")
CHARTS = {"linear": LINEAR, "log": LOG, "symlog": SYMLOG, "map": MAP}


@cache
def alone(name: str) -> str:
    return inline(CHARTS[name], name="x")
