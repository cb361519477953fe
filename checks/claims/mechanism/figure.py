"""The figures of the decomposition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from checks.claims.mechanism.cells import Cell, seen
from checks.claims.mechanism.kernels import Centre, logs
from checks.claims.mechanism.races import Race, Task
from checks.claims.mechanism.theory import predicted
from checks.settings import Settings
from glutheory.figures.chart import Chart, Role, Series

_TITLES = {"reglu": "ReGLU", "geglu": "GEGLU", "swiglu": "SwiGLU", "glu": "GLU", "gtu": "GTU"}
_DIMENSIONS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)


def charts(cells: Sequence[Cell], settings: Settings, task: Task, found: Mapping[str, Race]) -> tuple[Chart, ...]:
    """The two factors over d, and the steps of trained networks."""
    return (*(_factors(cells, settings, gate) for gate in ("reglu", "swiglu")), _share(), *_steps(task, found))


def _factors(cells: Sequence[Cell], settings: Settings, gate: str) -> Chart:
    chosen = [cell for cell in cells if cell.gate == gate and cell.n == round(cell.d**1.5)]
    parts = [logs(predicted(gate, "wide", round(d**1.5), d)) for d in _DIMENSIONS]
    measured = [seen(cell, Centre(), settings).logs("wide") for cell in chosen]
    series = []
    for label, name in (
        ("centring", "mean"),
        ("gating beyond centring", "shift"),
        ("gating, both centred", "centred_shift"),
    ):
        line = [math.exp(getattr(one, name)) for one in parts]
        points = [math.exp(getattr(one, name)) for one in measured]
        series.append(Series(f"{label}, predicted", list(map(float, _DIMENSIONS)), line, Role.THEORY))
        series.append(Series(label, [float(cell.d) for cell in chosen], points, line=False))
    return Chart(
        title=f"{_TITLES[gate]}: what centring gains, and what the gate gains beyond it",
        x="dimension $d$",
        y="factor of the condition number",
        series=series,
        xscale="log",
        yscale="log",
        note="Inputs on the sphere, n = d^1.5, wide limit. The gain of gating is the product of the first two.",
    )


def _share() -> Chart:
    series = []
    for gate in ("reglu", "geglu", "swiglu"):
        for setting, dashed in (("wide", False), ("block", True)):
            parts = [logs(predicted(gate, setting, round(d**1.5), d)) for d in _DIMENSIONS]
            share = [one.mean / one.gain for one in parts]
            label = _TITLES[gate] + (", residual block" if dashed else "")
            series.append(Series(label, list(map(float, _DIMENSIONS)), share, dashed=dashed))
    return Chart(
        title="The share of the mean in the gain of gating",
        x="dimension $d$",
        y=r"$\ln(\mathrm{cond} K/\mathrm{cond} K_c)\,/\,\ln(\mathrm{cond} K/\mathrm{cond}\tilde K)$",
        series=series,
        xscale="log",
        note="Predicted, inputs on the sphere, n = d^1.5. It tends to 1, like 1 - const/ln d.",
    )


def _steps(task: Task, found: Mapping[str, Race]) -> tuple[Chart, ...]:
    if not found:
        return ()
    series = []
    for target, dashed in (("linear", False), ("noise", True)):
        for kind, role in (("plain", Role.PLAIN), ("centred", Role.OTHER), ("gated", Role.GATED)):
            values = [race.steps[kind, target, "own"] for race in found.values()]
            x = [float(i) for i in range(len(values))]
            middle = [float(np.exp(np.mean(np.log(value)))) for value in values]
            low, high = ([float(f(value)) for value in values] for f in (np.min, np.max))
            series.append(Series(f"{kind}, {target}", x, middle, role, low, high, line=False, dashed=dashed))
    return (
        Chart(
            title=f"Steps to {task.goal:g} of the targets' variance, each at {task.fraction:g} of its own bound",
            x="gate",
            y="steps",
            series=series,
            yscale="log",
            note=f"Geometric means and ranges over {task.seeds} seeds; linear targets, and nothing but noise.",
            names=[(float(i), _TITLES[gate]) for i, gate in enumerate(found)],
        ),
    )
