"""Figures of the expected loss: trained networks and the two forms, errors against the width."""

from __future__ import annotations

import numpy as np

from checks.claims.expected_loss.loss_forms import CORRECT, LITERAL
from checks.claims.expected_loss.trained_losses import deviations, experiments, from_own_kernel, spread, steps_of
from checks.settings import Settings
from glutheory.figures.chart import Chart, Role, Series
from glutheory.networks import network


def _role(name: str) -> Role:
    return Role.GATED if network(name).gated else Role.PLAIN


def charts(names: tuple[str, ...], settings: Settings) -> tuple[Chart, ...]:
    """Trained losses against the two forms, and the error of single networks against the width."""
    series, errors = list[Series](), list[Series]()
    for name in names[:2]:
        given, found = experiments(name, settings)[-1]
        steps, role = steps_of(found), _role(name)
        mean, half = found.losses.mean(axis=0), 2 * spread(given, steps) / np.sqrt(len(found.losses))
        # a logarithmic axis has no place for intervals that reach 0
        bars = (steps, mean, np.maximum(mean - half, 0.1 * mean), mean + half)
        k, y, low, high = (values[::4].tolist() for values in bars)
        series.append(Series(f"{name}, trained", k, y, role, low, high, line=False))
        series.append(Series(f"{name}, covariance", steps.tolist(), CORRECT.mean(given, steps).tolist(), role))
        printed = LITERAL.mean(given, steps).tolist()
        series.append(Series(f"{name}, as printed", steps.tolist(), printed, role, dashed=True))
    for name in names:
        done, role = experiments(name, settings), _role(name)
        x = [float(given.width) for given, _ in done]
        expected = [deviations(found, CORRECT.single(given, found.outputs, steps_of(found))) for given, found in done]
        own = [from_own_kernel(given, found) for given, found in done]
        errors.append(Series(f"{name}, expected kernel", x, [float(np.median(v)) for v in expected], role))
        errors.append(Series(f"{name}, own initial kernel", x, [float(np.median(v)) for v in own], role, dashed=True))
    first = errors[0]
    guide = [first.y[0] * (first.x[0] / x) ** 0.5 for x in first.x]
    errors.append(Series("$m^{-1/2}$", first.x, guide, Role.THEORY, dashed=True))
    width = experiments(names[0], settings)[-1][0].width
    return (
        Chart(
            title=f"Trained networks of width {width} and the two forms of the expected loss",
            x="step k",
            y="training loss",
            series=series,
            yscale="log",
            note="The mean losses of trained networks (with two standard errors) lie on the curve with the covariance "
            "of the outputs; with K in its place, as printed, the curve starts too high by a factor of the order of "
            "the width.",
        ),
        Chart(
            title="How far single networks are from the kernel prediction",
            x="width m",
            y="largest error / initial loss (median)",
            series=errors,
            xscale="log",
            yscale="log",
            note="The error of the prediction with the expected kernel falls like one over the root of the width; with "
            "the network's own initial kernel it is far smaller and falls much faster: the kernel hardly moves.",
        ),
    )
