"""The figures: the plane of scales, orbits, residual branches, and what width does."""

from __future__ import annotations

import math

import numpy as np

from checks.claims.signal.law import LAW
from checks.claims.signal.networks import DEPTHS, PAIR, logarithms, task
from checks.claims.signal.residuals import BLOCKS, growth
from checks.claims.signal.scales import PLANE, SIDES, critical, plane
from checks.settings import Settings
from glutheory.figures.chart import Chart, Map, Role, Series

_TITLES = {"reglu": "ReGLU", "swiglu": "SwiGLU", "glu": "GLU", "relu": "ReLU"}
#: What is shown of ln q.
_MOST = 12.0


def charts(settings: Settings) -> tuple[Chart, ...]:
    """All of them."""
    return (*map(_plane, PLANE), _critical(), _branches(), _widths(settings))


def _plane(net: str) -> Chart:
    shown = [[_shown(seen) for seen in row] for row in plane(net)]
    ticks = [round(math.log2(side), 1) for side in SIDES]
    return Chart(
        title=f"{_TITLES[net]} without norms: where the variance goes",
        x=r"$\log_2\sigma_w$ (gate)",
        y=r"$\log_2\sigma_p$ (value)",
        map=Map(r"$\ln q_4$", ticks, ticks, shown),
        note=f"q_0 = 1, four blocks, cut off at {_MOST:g}. Collapse below the critical curve, divergence above it.",
    )


def _shown(seen: tuple[float, ...]) -> float:
    """The logarithm of q after four blocks; of an orbit that has left before, the end of the scale."""
    last = math.log(seen[min(4, len(seen) - 1)])
    return max(-_MOST, min(_MOST, last)) if len(seen) > 4 else math.copysign(_MOST, last)


def _critical() -> Chart:
    sides = np.geomspace(SIDES[0], SIDES[-1], 33)
    roles = (Role.GATED, Role.PLAIN, Role.OTHER)
    series = [
        Series(_TITLES[net], list(sides), [critical(net, float(side)) for side in sides], role)
        for net, role in zip(PLANE, roles, strict=True)
    ]
    note = (
        "On the curve q_0 = 1 is kept, and repels: there is no edge of chaos, nearby inputs part on both sides of it."
    )
    return Chart("The critical scales", r"$\sigma_w$", r"$\sigma_p$", series, xscale="log", yscale="log", note=note)


def _branches() -> Chart:
    shares = np.linspace(0.05, 1.2, 24)
    series = []
    for blocks, role in zip(BLOCKS[:2], (Role.OTHER, Role.GATED), strict=True):
        found = [min(growth("reglu", blocks, 2 * share, 1.0), 1e3) for share in shares]
        series.append(Series(f"ReGLU, {blocks} blocks", list(shares), found, role, line=False))
    below = shares[shares < 1]
    series.append(Series("ReGLU, limit", list(below), [LAW.residual(float(x)) for x in below], Role.THEORY))
    series.append(Series("ReLU", list(shares), [growth("relu", BLOCKS[0], 2 * x, 1.0) for x in shares], Role.PLAIN))
    note = "Residual branches of scale s, s² = c/L, without norms. Cut off at 1000."
    return Chart("Which scale a branch needs", r"$c\kappa q_0$", r"$q_L/q_0$", series, yscale="log", note=note)


def _widths(settings: Settings) -> Chart:
    series = []
    width = task(settings).width
    depths = list(map(float, DEPTHS))
    for net, role, each in zip(PAIR, (Role.GATED, Role.PLAIN), (19.0, 7.0), strict=True):
        found = [float(np.var(logarithms(net, blocks, settings))) for blocks in DEPTHS]
        grown = [(4**L - 1) / 3 if net == PAIR[0] else L for L in DEPTHS]
        first = [4**L if net == PAIR[0] else 1 for L in DEPTHS]
        line = [(2 * a + each * b) / width for a, b in zip(first, grown, strict=True)]
        series.append(Series(_TITLES[net], depths, found, role, line=False))
        series.append(Series(f"{_TITLES[net]}, to first order in 1/m", depths, line, role))
    note = f"Networks of width {width}, drawn. Gated: times 4 with every block; plain: a sum."
    return Chart("Fluctuations at finite width", "blocks", r"variance of $\ln q_L$", series, yscale="log", note=note)
