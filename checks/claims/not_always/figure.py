"""The figures of the claim: a pair against its angle, and how much gating can hurt against d/m."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from checks.claims.not_always.optimised_sets import circle
from checks.claims.not_always.pair_angles import harm
from checks.claims.not_always.subset_search import both, ratio
from glutheory.figures.chart import Chart, Role, Series
from glutheory.networks import GATES
from glutheory.numeric import gram

_RATIO = r"$\mathrm{cond}(\tilde K)\,/\,\mathrm{cond}(K)$"
#: (d, m) of the opposite inputs.
_SHAPES = (*((1, m) for m in (64, 32, 16, 8, 4, 2, 1)), (2, 1), (4, 1))


def _pairs(gate: str, turns: list[float]) -> list[float]:
    """The ratio for pairs of norm √2 at these angles in degrees, m = d = 2; NaN where a kernel is singular."""
    X = circle(np.radians(turns))
    cosines = []
    for name in (GATES[gate], gate):
        row = gram(name, X[:1], X, parametrization="standard", width=2, threads=1)[0]
        cosines.append(np.abs(row[1:]) / row[0])
    (plain, gated), one = cosines, 1 - 1e-12
    known = (plain < one) & (gated < one)
    found = (1 + gated) * (1 - plain) / ((1 - np.where(known, gated, 0.0)) * (1 + plain))
    return [float(value) for value in np.where(known, found, math.nan)]


def pair() -> Chart:
    """The ratio for a normalised pair against its angle."""
    turns = [float(turn) for turn in np.linspace(0.25, 180, 180)]
    series = [Series("no change", [0.0, 180.0], [1.0, 1.0], Role.THEORY, dashed=True)]
    for gate in ("reglu", "glu", "swiglu", "geglu", "gtu"):
        role = Role.GATED if gate == "reglu" else Role.OTHER
        series.append(Series(gate, turns, _pairs(gate, turns), role))
    intervals = [[f"{math.degrees(end):.1f}" for end in interval] for interval in harm(Fraction(1)).intervals]
    where = " and ".join(f"{low} to {high}" for low, high in intervals)
    return Chart(
        "Two normalised inputs: where gating worsens the condition number",
        "angle between the inputs (degrees)",
        _RATIO,
        series,
        note=(
            f"Above 1 gating hurts: ReGLU exactly at angles of {where} degrees (m = d), GLU, GEGLU and SwiGLU for "
            "nearly opposite inputs (the last two barely also near right angles), GTU for no pair."
        ),
    )


def extent() -> Chart:
    """How large the ratio gets on normalised inputs, against d/m."""
    grid = [float(x) for x in np.geomspace(1 / 64, 4, 60)]
    opposite = []
    for d, m in _SHAPES:
        X = math.sqrt(d) * np.eye(d)[:1] * np.array([[1.0], [-1.0]])
        opposite.append(ratio(*both("glu", X, m)) - 1)
    return Chart(
        "How much gating can hurt normalised inputs",
        "d/m",
        f"{_RATIO} $-\\ 1$",
        (
            Series("proved bound d/m", grid, grid, Role.THEORY),
            Series("ReGLU, close pairs", grid, [x / (1 + x) for x in grid], Role.GATED),
            Series("GLU, opposite inputs", [d / m for d, m in _SHAPES], opposite, Role.OTHER, line=False),
        ),
        xscale="log",
        yscale="log",
        note=(
            "The relative loss stays below the proved bound d/m and vanishes for wide networks. Close pairs of ReGLU "
            "approach (d/m)/(1 + d/m)."
        ),
    )
