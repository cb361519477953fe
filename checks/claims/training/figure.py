"""The training curves as figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from checks.claims.training.images import Found
from checks.claims.training.kernels import Prediction
from checks.claims.training.measures import Race
from checks.tools.training_task import PAIRS, TITLES, Task, Trained
from glutheory.figures.chart import Chart, Role, Series

_POINTS = 150


def charts(
    task: Task,
    runs: Mapping[tuple[str, float, bool], Trained],
    found: Mapping[tuple[tuple[str, str], float, bool], Race],
    kernels: Mapping[tuple[str, str], Prediction],
) -> tuple[Chart, ...]:
    """One per pair, and the gaps at both rates over training time."""
    return (*(_curves(task, pair, runs, kernels[pair]) for pair in PAIRS), _gaps(task, found), _targets(task, found))


def _thin(count: int) -> np.ndarray:
    """At most `_POINTS` indices, the first ones all."""
    return np.unique(np.round(np.geomspace(1, count, _POINTS)).astype(int) - 1)


def _curves(
    task: Task, pair: tuple[str, str], runs: Mapping[tuple[str, float, bool], Trained], kernel: Prediction
) -> Chart:
    keep = _thin(len(task.epoch))
    x, series = task.epoch[keep].tolist(), []
    rate = task.rates[0]
    for name, role, curve in zip(pair, (Role.PLAIN, Role.GATED), kernel.curves, strict=True):
        run = runs[name, rate, True]
        loss = run.loss[keep]
        middle = np.exp(np.mean(np.log(loss), axis=1))
        low, high = loss.min(axis=1), loss.max(axis=1)
        series.append(Series(TITLES[name], x, middle.tolist(), role, low.tolist(), high.tolist()))
        expected = np.mean(curve[keep], axis=1)
        series.append(Series(f"{TITLES[name]}, kernel at the start", x, expected.tolist(), Role.THEORY, dashed=True))
        held = np.exp(np.mean(np.log(run.held_out), axis=1))
        label = f"{TITLES[name]}, held-out"
        series.append(Series(label, run.held_epoch.tolist(), held.tolist(), role, line=False, dashed=True))
    names = " and ".join(TITLES[name] for name in pair)
    return Chart(
        title=f"{names} in training, rate {rate:g}",
        x="epoch",
        y="mean squared error",
        series=series,
        yscale="log",
        note=(
            f"Geometric means and ranges over {task.seeds} seeds: the gated training loss is higher first and lower at "
            "last; the kernels at the start (dashed) would cross much later, and the held-out losses do not cross."
        ),
    )


def _gaps(task: Task, found: Mapping[tuple[tuple[str, str], float, bool], Race]) -> Chart:
    series, keep = [], _thin(len(task.epoch))
    for pair in PAIRS:
        for rate in task.rates:
            gap = np.mean(found[pair, rate, True].gap, axis=1)[keep]
            x = rate * task.steps * task.epoch[keep]
            label = f"{TITLES[pair[1]]}, rate {rate:g}"
            series.append(Series(label, x.tolist(), gap.tolist(), dashed=rate == task.rates[1]))
    return Chart(
        title="The gap at two learning rates over training time",
        x="learning rate times steps",
        y=r"$\ln(L_{gated}/L_{plain})$",
        series=series,
        note=(
            "Means over seeds; above 0 the non-gated network is ahead. Over training time the curves of the two rates "
            "nearly agree where both are stable: a larger rate shortens the early advantage by bringing all forward."
        ),
    )


def _targets(task: Task, found: Mapping[tuple[tuple[str, str], float, bool], Race]) -> Chart:
    series, keep = [], _thin(len(task.epoch))
    for pair in PAIRS:
        for large in (True, False):
            gap = np.mean(found[pair, task.rates[0], large].gap, axis=1)[keep]
            label = f"{TITLES[pair[1]]}, targets of variance {'d' if large else '1'}"
            series.append(Series(label, task.epoch[keep].tolist(), gap.tolist(), dashed=not large))
    return Chart(
        title="The gap for large and for unit targets",
        x="epoch",
        y=r"$\ln(L_{gated}/L_{plain})$",
        series=series,
        note=(
            f"Means over seeds at rate {task.rates[0]:g}; above 0 the non-gated network is ahead. With targets of "
            "variance 1 (dashed) it stays ahead to the end."
        ),
    )


def on_pictures(found: Found) -> Chart:
    """The gap on images over the epochs, with the targets as they are and without their mean."""
    series, task = [], found.task
    for pair in PAIRS:
        for race, words, dashed in (
            (found.races[pair], "", False),
            (found.centred[pair], ", targets without their mean", True),
        ):
            x, gap = race.epoch[1:], race.gap[1:]  # the axis is logarithmic
            low, high = ([], []) if dashed else (list(gap.min(axis=1)), list(gap.max(axis=1)))
            label = f"{TITLES[pair[1]]}{words}"
            series.append(Series(label, list(x), list(gap.mean(axis=1)), Role.OTHER, low, high, dashed=dashed))
    return Chart(
        title="The gap on images",
        x="epoch",
        y=r"$\ln(L_{gated}/L_{plain})$",
        series=series,
        xscale="log",
        note=(
            f"{task.name}: means and ranges over {task.seeds} seeds; above 0 the non-gated network is ahead. Without "
            "the mean of the targets (dashed, up to the early look) it is not."
        ),
    )
