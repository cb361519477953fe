"""The teaser's heatmaps, and what they are made of: the width of the networks, and the rows."""

from __future__ import annotations

import numpy as np

from checks.claims.diagonal.kernels import (
    GAUSSIAN,
    RELEASED,
    D,
    M,
    N,
    Plan,
    correlations,
    dominance,
    expected,
    ratios,
    sampled,
)
from checks.settings import Settings
from checks.tools.training_task import PAIRS, TITLES
from glutheory.figures.chart import Chart, Map, Role, Series

#: Data sets over which the figure of the width is averaged.
_SETS = 16
_ROLES = (Role.PLAIN, Role.GATED)


def charts(plan: Plan, settings: Settings) -> tuple[Chart, ...]:
    """Two heatmaps, the mean |correlation| against the width, and the rows."""
    return *(_heatmap(settings, name) for name in PAIRS[0]), _widths(plan, settings), _rows(settings)


def _heatmap(settings: Settings, name: str) -> Chart:
    cosines = correlations(sampled(settings, GAUSSIAN, name, _SETS)[0])
    mean = float(np.mean(np.abs(cosines[~np.eye(N, dtype=bool)])))
    index = list(range(1, N + 1))
    return Chart(
        title=f"{TITLES[name]}: correlations of the gradients of one network",
        x="input",
        y="input",
        map=Map(r"$K_{ij}/\sqrt{K_{ii}K_{jj}}$", index, index, cosines.tolist()),
        note=f"n = {N} Gaussian inputs, d = {D}, m = {M} (gated: matched in size). Off the diagonal |.| is {mean:.3f} "
        "in the mean.",
    )


def _widths(plan: Plan, settings: Settings) -> Chart:
    series = []
    for name, role in zip(PAIRS[0], _ROLES, strict=True):
        found, exact = [], []
        for width in plan.widths:
            found.append(dominance(sampled(settings, GAUSSIAN, name, _SETS, width)).correlation)
            kernels = expected(settings, GAUSSIAN, name, RELEASED, _SETS, width)
            exact.append(float(np.mean(dominance(kernels).correlation)))
        mean = [float(np.mean(value)) for value in found]
        limits = [float(value.min()) for value in found], [float(value.max()) for value in found]
        series.append(Series(f"{TITLES[name]}, measured", plan.widths, mean, role, *limits))
        label = f"{TITLES[name]}, expected kernel"
        series.append(Series(label, plan.widths, exact, Role.THEORY, dashed=role is Role.GATED))
    return Chart(
        title="What a network of finite width adds to the correlations",
        x="width m of the non-gated network",
        y="mean |correlation| of the gradients",
        series=series,
        xscale="log",
        yscale="log",
        note=f"Mean and range over {_SETS} Gaussian data sets, one network each. What ReGLU has beyond its expected "
        "kernel vanishes only where the width is far beyond d = 100; the expected kernels themselves hang on d/m.",
    )


def _rows(settings: Settings) -> Chart:
    index = list(range(1, N + 1))
    series = []
    for name, role in zip(PAIRS[0], _ROLES, strict=True):
        exact = np.sort(ratios(expected(settings, GAUSSIAN, name, RELEASED, _SETS)[0]))
        found = np.sort(ratios(sampled(settings, GAUSSIAN, name, _SETS)[0]))
        series.append(Series(f"{TITLES[name]}, measured", index, found.tolist(), role, line=False))
        label = f"{TITLES[name]}, expected kernel"
        series.append(Series(label, index, exact.tolist(), Role.THEORY, dashed=role is Role.GATED))
    series.append(Series("diagonally dominant below", (1, N), (1.0, 1.0), Role.OTHER, dashed=True, guide=True))
    return Chart(
        title="Rows: the sum off the diagonal over the diagonal entry",
        x="rows in order",
        y=r"$\sum_{j\neq i}|K_{ij}|\,/\,K_{ii}$",
        series=series,
        yscale="log",
        note="The same network as in the heatmaps. Gating lowers every row sum, but few rows are diagonally dominant.",
    )
